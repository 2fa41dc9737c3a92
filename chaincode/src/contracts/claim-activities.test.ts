import { expect } from 'chai';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { exampleIds, exampleNumber, exampleSalt } from '../model/example-claim.fixture.ts';
import { codeOf, expectNoContent, PAYER, Story, wideConsortium } from './example-story.fixture.ts';

interface Edit {
  edit: string;
  outcome: string;
  weight?: number;
  facts?: object;
}

describe('what was done for claims', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    story.example.claim['item'].pop();
    delete story.example.claim['total'];
    // Each visit of the story takes forty minutes.
    const tables = { signals: { 'hours-in-day': { limit: 60, weight: 100 } } };
    await story.ledger.submit('LoadClaimTables', story.loading({ tables }));
  });

  const activity = `activity/${exampleIds.claim}`;
  /** Another visit of the practitioner's on that day, for which another provider was paid. */
  const elsewhere = (provider = 'clinic'): string => {
    const entry = { practitioner: exampleNumber, record: 'Encounter/x', from: 29_511_840, until: 29_511_870 };
    const value = {
      ...{ schema: 1, claimId: exampleIds.other, provider, salt: exampleSalt('5') },
      entries: [{ ...entry, codes: ['99213'], billed: 8_000 }],
    };
    const text = canonicalJson(value);
    story.ledger.private.set(`${PAYER} activity/${exampleIds.other}`, text);
    return text;
  };
  const adjudicate = (activities: string[], more: object = {}) => {
    const request = story.adjudication();
    return story.ledger.submit('AdjudicateClaim', {
      ...request,
      input: { ...request.input, ...more },
      private: { ...request.private, activities } as never,
    });
  };
  const signals = (): Edit[] => {
    const { edits } = story.ledger.read(PAYER, `response/${exampleIds.claim}`) as { edits: Edit[] };
    return edits.filter(({ outcome }) => outcome === 'signal');
  };

  it('lies with the payer alone, names no patient, and comes with the claim in one transaction', async () => {
    const { writes } = await story.submitClaim();
    const written = Object.keys(writes.private).filter((name) => name.includes(' activity/'));
    expect(written).to.deep.equal([`${PAYER} ${activity}`]);
    const { entries, salt } = story.ledger.read(PAYER, activity) as { entries: object[]; salt: string };
    expect(salt).to.equal(sha256Hex(`activity/${exampleSalt('c')}`));
    expect(entries).to.deep.equal([
      {
        ...{ practitioner: exampleNumber, record: `Encounter/${exampleIds.encounter}`, codes: ['185317003'] },
        ...{ from: 29_511_840, until: 29_511_880, billed: 12_000 },
      },
    ]);
    expectNoContent(canonicalJson(writes.public));
  });

  it('is not kept of a claim that is denied at once', async () => {
    story.example.claim['item'][0].servicedDate = '2026-02-01';
    const { writes } = await story.submitClaim();
    expect(story.status()).to.include({ status: 'denied' });
    expect(Object.keys(writes.private).some((name) => name.includes(' activity/'))).to.equal(false);
  });

  it('has a claim wait that is too much with others, and says by how much; nothing is denied', async () => {
    await story.submitClaim();
    await adjudicate([elsewhere('hospital')]);
    expect(story.status()).to.include({ status: 'pended' });
    expect(signals()).to.deep.equal([
      {
        ...{ edit: 'hours-in-day', version: '1', outcome: 'signal', weight: 100 },
        facts: { practitioner: exampleNumber, day: '2026-02-10', minutes: 70, visits: 2, claims: 2, limit: 60 },
      },
    ]);
  });

  it('has a claim decided that is not too much', async () => {
    await story.submitClaim();
    await adjudicate([]);
    expect(story.status()).to.include({ status: 'approved' });
    expect(signals()).to.deep.equal([]);
  });

  it('is shown of other providers to the custodian, and never to the provider', async () => {
    await story.submitClaim();
    const text = elsewhere();
    expect(await codeOf(adjudicate([text]))).to.equal('INVALID activities[0]');
    const request = story.adjudication();
    const shown = {
      ...request,
      input: { ...request.input, beyond: true as const },
      private: { ...request.private, activities: [text] } as never,
    };
    await story.ledger.submit('AdjudicateClaim', { ...shown, endorsers: ['payer', 'patients'] });
    expect(story.status()).to.include({ status: 'pended' });
  });

  it('cannot be invented, nor counted twice', async () => {
    await story.submitClaim();
    const text = elsewhere('hospital');
    expect(await codeOf(adjudicate([text.replace('29511870', '29511970')]))).to.equal('INVALID activities[0]');
    expect(await codeOf(adjudicate([text.replace(exampleIds.other, exampleIds.otherClaim)]))).to.equal(
      'NOT_FOUND activities[0]',
    );
    expect(await codeOf(adjudicate([text, text]))).to.equal('INVALID activities');
    const own = story.text(PAYER, activity);
    await adjudicate([own]);
    expect(story.status()).to.include({ status: 'approved' });
  });
});
