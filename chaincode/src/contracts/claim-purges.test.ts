/** The evidence of a claim ends when it is final and its appeal period is over, at every member; the claim itself stands as it did. */
import { expect } from 'chai';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { isFinal } from '../model/claim-ends.ts';
import { CLAIM_STATUSES } from '../model/claim-steps.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import { codeOf, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const { claim: ID, otherClaim: SECOND } = exampleIds;
/** Decided on 2026-02-12, or later, and 180 days. */
const LAST = '2026-08-11';
const AFTER = '2026-09-30';
/** What of the records is on no bill. */
const OF_RECORDS = ['"birthDate"', '"resourceType":"Encounter"', '"resourceType":"Patient"'];

describe('The evidence of a claim', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
  });

  function purge(day: string, id = ID): Request<'PurgeEvidence'> & { private: object } {
    const { claim, state, coverage, response } = story.held(id);
    const { rules } = story.decidedBy(id);
    const { fingerprintKey } = story.terms();
    return {
      ...{ from: 'payer', role: 'system', input: { id, provider: 'hospital' }, time: `${day}T12:00:00.000Z` },
      private: {
        ...{ claim, state, coverage, fingerprintKey },
        ...(response === '' ? {} : { response }),
        ...(rules === undefined ? {} : { rules }),
      },
    } as never;
  }
  const purged = (day: string, id = ID) => story.ledger.submit('PurgeEvidence', purge(day, id));
  const remains = (collection = PAYER): ClaimRecord =>
    story.ledger.read(collection, privateKeys.claimRemains(ID)) as ClaimRecord;
  const billed = (): string =>
    [...story.ledger.private]
      .filter(([name]) => name.startsWith('billing_'))
      .flatMap(String)
      .join('\n');

  async function denied(): Promise<void> {
    await story.submitClaim();
    story.example.coverage['period'].end = '2026-01-31';
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    await story.adjudicate();
    expect(story.status().status).to.equal('denied');
  }
  /** As it stands when it is paid. */
  function remit(status = 'remitted'): void {
    const state = story.status();
    const text = canonicalJson({ ...state, status });
    for (const collection of [PAYER, PROVIDER])
      story.ledger.private.set(`${collection} ${privateKeys.claimState(ID, state.step)}`, text);
  }

  it('is purged at all that hold it the day after its appeal period, and not on its last', async () => {
    await denied();
    const before = JSON.parse(story.standing(ID).claim) as ClaimRecord;
    for (const text of OF_RECORDS) expect(billed()).to.include(text.replaceAll('"', '\\"'));
    expect(await codeOf(purged(LAST))).to.equal('CONFLICT id');
    const { writes } = await purged('2026-08-12');
    const key = privateKeys.claim(ID);
    expect(writes.purged).to.have.members([`${PAYER} ${key}`, `${PROVIDER} ${key}`]);
    for (const text of OF_RECORDS) expect(billed()).to.not.include(text.replaceAll('"', '\\"'));
    const { identities: _, ...kept } = before;
    const purgedNow = { at: '2026-08-12T12:00:00.000Z', held: [] };
    expect(remains()).to.deep.equal({ ...kept, evidence: [], purged: purgedNow });
    expect(remains(PROVIDER)).to.deep.equal(remains());
    expect(await codeOf(purged('2026-08-13'))).to.equal('CONFLICT id');
    const late = { ...story.reopening('appeal'), time: '2026-08-13T08:00:00.000Z' };
    expect(await codeOf(story.ledger.submit('ReopenClaim', late))).to.equal('CONFLICT id');
  });

  it('is kept for as long as the payer has settled, which it cannot hide', async () => {
    await denied();
    const terms = [{ from: '2026-01-01', currency: 'USD', evidenceDays: 30 }];
    const settled = { terms, salt: exampleSalt('9'), known: 0 };
    const unseen = purge(AFTER);
    await story.ledger.submit('SetClaimRules', { from: 'payer', role: 'system', input: {}, private: settled });
    expect(await codeOf(story.ledger.submit('PurgeEvidence', unseen))).to.equal('CONFLICT rules');
    expect(await codeOf(purged('2026-09-10'))).to.equal('CONFLICT id');
    await purged('2026-09-11');
    expect(remains().evidence).to.deep.equal([]);
  });

  it('stays in each state that is not final, and goes in each that is', async () => {
    await story.submitClaim();
    await story.adjudicate();
    const before = new Map(story.ledger.private);
    const went: string[] = [];
    for (const status of CLAIM_STATUSES) {
      remit(status);
      const code = await codeOf(purged(AFTER)).catch(() => undefined);
      if (code === undefined) went.push(status);
      else expect(code, status).to.equal('CONFLICT id');
      story.ledger.private.clear();
      for (const [name, text] of before) story.ledger.private.set(name, text);
    }
    expect(went).to.deep.equal(CLAIM_STATUSES.filter(isFinal));
    expect(went).to.have.members([
      ...['denied', 'patient-responsibility', 'satisfied', 'remitted', 'cancelled', 'voided', 'replaced'],
    ]);
  });

  for (const [title, isListed] of [
    ['by a list', true],
    ['each for itself, by what is kept of the evidence', false],
  ] as const)
    it(`is what tells the services: the claim holds them ${title} without it, and frees them when it is voided`, async () => {
      if (!isListed) story.withoutLists();
      await story.submitClaim();
      await story.adjudicate();
      remit();
      await purged(AFTER);
      expect(remains().purged!.held.length > 0).to.equal(!isListed);
      const again = async (): Promise<string> => {
        story.example.claim['id'] = SECOND;
        await story.submitClaim();
        story.example.claim['id'] = ID;
        return story.status(SECOND).status;
      };
      const snapshot = new Map(story.ledger.private);
      expect(await again()).to.equal('denied');
      story.ledger.private.clear();
      for (const [name, text] of snapshot) story.ledger.private.set(name, text);
      await story.ledger.submit('WithdrawClaim', story.withdrawal('void'));
      expect(story.status().status).to.equal('voided');
      expect(await again()).to.equal('submitted');
    });

  it('goes at once with a claim that is taken back', async () => {
    await story.submitClaim();
    await story.ledger.submit('WithdrawClaim', story.withdrawal('cancel'));
    await purged('2026-02-20');
    expect(remains().evidence).to.deep.equal([]);
  });

  it('is purged by its payer’s system alone, of its own claim, of what stands there', async () => {
    await denied();
    const asked = purge(AFTER);
    for (const [other, code] of [
      [{ from: 'payer-two' }, 'NOT_FOUND state'],
      [{ from: 'hospital' }, 'FORBIDDEN'],
      [{ from: 'patients' }, 'FORBIDDEN'],
      [{ role: 'adjudicator' }, 'FORBIDDEN'],
      [{ input: { id: ID, provider: 'clinic' } }, 'INVALID provider'],
      [{ input: { id: SECOND, provider: 'hospital' } }, 'INVALID state'],
      [{ private: { ...asked.private, claim: '{}' } }, 'INVALID claim'],
      [{ private: { ...asked.private, response: '{}' } }, 'INVALID response'],
    ] as const) {
      const before = story.snapshot();
      const came = await codeOf(story.ledger.submit('PurgeEvidence', { ...asked, ...other } as never));
      expect(came?.startsWith(code), `${JSON.stringify(other).slice(0, 60)}: ${came}`).to.equal(true);
      expect(story.snapshot()).to.equal(before);
    }
  });
});
