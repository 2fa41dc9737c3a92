/** Claims that share a transaction: each as it would be alone, and one that is refused is named by its place. */
import { expect } from 'chai';
import type { Outcome, Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { exampleSalt } from '../model/example-claim.fixture.ts';
import type { TransactionName } from '../model/transactions.ts';
import { recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { codeOf, exampleUuid, Story, wideConsortium } from './example-story.fixture.ts';

const LINE = { productOrService: { coding: [{ code: '185317003' }] }, net: { value: 1, currency: 'USD' } };
const day = { servicedDate: '2026-02-10' };

type Shown = Request<'SubmitClaim'> & { private: { claim: { id: string } } };

describe('Claims in one transaction', () => {
  let story: Story;
  /** For visits of one patient's on one day, with what others hold in it. */
  let submissions: Shown[];

  beforeEach(async () => {
    story = new Story(wideConsortium);
    story.screens = false;
    await story.prepare();
    await story.submitClaim();
    const services = [...story.ledger.private].flatMap(([name, text]) =>
      name.startsWith('billing_payer service-list/') ? [text] : [],
    );
    submissions = [];
    for (const number of [13, 15]) {
      await story.another(number, { ...LINE, ...day });
      const submission = structuredClone(story.submission());
      submissions.push({ ...submission, private: { ...submission.private, services } } as never);
    }
  });

  const several = (all: readonly Shown[]): Request<'SubmitClaims'> => ({
    ...{ from: 'hospital', role: 'system', input: { payer: 'payer' } },
    private: { claims: all.map((one) => one.private) as never },
  });

  it('of one patient’s day rest on one another: the second is named, so that it goes by itself', async () => {
    expect(await codeOf(story.ledger.submit('SubmitClaims', several(submissions)))).to.equal(
      'CONFLICT private.claims[1]',
    );
    expect(story.status(submissions[0]!.private.claim.id)).to.equal(null);
  });

  it('are refused by the place of the first that is', async () => {
    const wrong = structuredClone(submissions);
    wrong[1]!.private = { ...wrong[1]!.private, coverage: '{}' } as never;
    expect(await codeOf(story.ledger.submit('SubmitClaims', several(wrong.slice(1))))).to.equal(
      'INVALID private.claims[0].coverage.schema',
    );
    const twice = [submissions[0]!, submissions[0]!];
    expect(await codeOf(story.ledger.submit('SubmitClaims', several(twice)))).to.equal('INVALID private.claims[1].id');
  });
});

/** Three claims of three persons at one provider, and what becomes of them one by one or together. */
describe('Claims of several persons in one transaction', () => {
  const NUMBERS = [1, 2, 3];

  /** Persons with a Patient, a coverage and a visit of their own on one ledger. */
  async function persons(): Promise<Story[]> {
    const first = new Story(wideConsortium);
    first.screens = false;
    await first.prepare();
    await first.submitClaim();
    const { practitioner } = first.example;
    const others: Story[] = [];
    for (const number of NUMBERS) {
      const other = new Story(wideConsortium, first);
      const renamed = JSON.stringify(other.example)
        .replaceAll('-8000-', `-a00${number}-`)
        .replaceAll(practitioner.id.replace('-8000-', `-a00${number}-`), practitioner.id)
        .replaceAll('MRN-4711', `MRN-${number}`)
        .replaceAll('M-88-2001', `M-${number}`);
      Object.assign(other.example, JSON.parse(renamed));
      other.example.patient['name'] = [{ family: `F${number}`, given: ['G'] }];
      const mine = other.records().filter(({ resourceType }) => resourceType !== 'Practitioner');
      const drafts = mine.map((resource) => recordDraft(resource, 1, { salt: exampleSalt('a') }));
      const sheet = sheetOf(drafts, exampleUuid(5_000 + number), exampleSalt('9'));
      await other.ledger.submit('RecordVersions', recording([sheet]));
      await other.ledger.submit('RegisterCoverage', other.coverage());
      others.push(other);
    }
    return others;
  }

  const writesOf = (outcomes: readonly Outcome<TransactionName>[]): string =>
    canonicalJson(Object.fromEntries(outcomes.flatMap(({ writes }) => Object.entries(writes.private)).sort()));

  it('write what each writes by itself: submitted, screened and decided', async () => {
    const [alone, together] = [await persons(), await persons()];
    const idsOf = (stories: readonly Story[]) => stories.map(({ example }) => String(example.claim['id']));
    const payloadOf = ({ writes: { event } }: Outcome<TransactionName>) => event?.payload;
    const each = async (act: (one: Story) => Promise<Outcome<TransactionName>>) => {
      const outcomes: Outcome<TransactionName>[] = [];
      for (const one of alone) outcomes.push(await act(one));
      return outcomes;
    };
    const ids = JSON.stringify({ ids: idsOf(together) });

    const submitted = await each((one) => one.submitClaim());
    const ledger = together[0]!.ledger;
    const submissions = together.map((one) => one.submission().private) as never;
    const as = { from: 'hospital', role: 'system', input: { payer: 'payer' } } as const;
    const inOne = await ledger.submit('SubmitClaims', { ...as, private: { claims: submissions } });
    expect(writesOf([inOne])).to.equal(writesOf(submitted));
    expect(payloadOf(inOne)).to.equal(ids);

    const screened = await each((one) => one.screenClaim(one.example.claim['id']));
    const toScreen = together.map((one) => {
      const { input, private: shown } = one.screeningOf(one.example.claim['id']);
      return { ...input, ...shown };
    }) as never;
    const from = { from: 'payer', role: 'system' } as const;
    const screenedInOne = await ledger.submit('ScreenClaims', { ...from, input: {}, private: { claims: toScreen } });
    expect(writesOf([screenedInOne])).to.equal(writesOf(screened));
    expect(payloadOf(screenedInOne)).to.equal(ids);

    const decisionOf = (one: Story) => one.adjudication(one.example.claim['id']);
    const { time } = decisionOf(together[0]!);
    const decided = await each((one) => one.ledger.submit('AdjudicateClaim', { ...decisionOf(one), from: 'payer' }));
    const toDecide = together.map((one) => {
      const { input, private: shown } = decisionOf(one);
      return { id: input.id, ...shown };
    }) as never;
    const input = { provider: 'hospital' };
    const decidedInOne = await ledger.submit('AdjudicateClaims', {
      ...{ from: 'payer', role: 'adjudicator', input, private: { claims: toDecide } },
      ...(time === undefined ? {} : { time }),
    });
    expect(writesOf([decidedInOne])).to.equal(writesOf(decided));
    expect(payloadOf(decidedInOne)).to.equal(ids);
    for (const one of together) expect(one.status(one.example.claim['id']).status).to.equal('approved');
  });
});
