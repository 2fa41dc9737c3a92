import { expect } from 'chai';
import { Story } from '../contracts/example-story.fixture.ts';
import type { ClaimRecord, ClaimResponseRecord, FeeSchedule } from '../model/claims.ts';
import { exampleIds } from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import type { Anchored } from '../model/values.ts';
import { type Basis, recompute } from './recomputing.ts';

const PAYER = 'billing_payer';
const { claim: id } = exampleIds;

describe('A decision that is computed again', () => {
  function basisOf(story: Story, step = 2): Basis {
    const read = <T>(key: string): T => story.ledger.read(PAYER, key) as T;
    const response = read<ClaimResponseRecord>(privateKeys.response(id, step));
    const { version } = response.coverage;
    const schedule = story.ledger.private.has(`${PAYER} fee-schedule/payer/hospital/1`)
      ? read<FeeSchedule>('fee-schedule/payer/hospital/1')
      : undefined;
    return {
      ...{ response, claim: read<ClaimRecord>(privateKeys.claim(id)), priceOn: () => schedule },
      coverage: read<Anchored>(privateKeys.coverage(response.coverage.id, version)).resource,
      provider: { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' },
    };
  }

  const decided = async (prepare: (story: Story) => Promise<unknown> = async () => undefined): Promise<Story> => {
    const story = await new Story().prepare();
    await prepare(story);
    await story.submitClaim();
    await story.adjudicate();
    return story;
  };

  it('is equal: approved, by a fee schedule, denied by an edit, or reduced and denied by a person', async () => {
    expect(recompute(basisOf(await decided()))).to.deep.include({ differences: [], isByPerson: false });
    const prices = await decided((story) =>
      story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '166888009': 1300 })),
    );
    expect(recompute(basisOf(prices)).differences).to.deep.equal([]);
    const story = await new Story().prepare();
    await story.submitClaim();
    story.example.coverage['period'].end = '2026-01-31';
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    await story.adjudicate();
    expect(recompute(basisOf(story)).differences).to.deep.equal([]);
    const reductions = [{ sequence: 2, units: 700 }];
    for (const decision of [
      { outcome: 'approve', reason: 'x', reductions },
      { outcome: 'deny', reason: 'x' },
    ] as const) {
      const by = await new Story().prepare();
      await by.submitClaim();
      await by.ledger.submit('AdjudicateClaim', by.decision('Practitioner/a', decision));
      expect(recompute(basisOf(by))).to.deep.include({ differences: [], isByPerson: true });
    }
  });

  it('differs where an amount, an edit, a price or the coverage is another', async () => {
    const story = await decided((one) => one.ledger.submit('LoadFeeSchedule', one.feeSchedule({ '166888009': 1300 })));
    const basis = basisOf(story);
    const changed = JSON.parse(JSON.stringify(basis.response)) as ClaimResponseRecord;
    (changed.resource['total'] as { amount: { value: number } }[])[0]!.amount.value += 1;
    expect(recompute({ ...basis, response: changed }).differences).to.deep.equal(['ClaimResponse.total']);
    const edits = basis.response.edits.map((one) => (one.edit === 'arithmetic' ? { ...one, version: '0' } : one));
    expect(recompute({ ...basis, response: { ...basis.response, edits } }).differences).to.deep.equal([
      'edit arithmetic',
    ]);
    expect(recompute({ ...basis, priceOn: () => undefined }).differences).to.include.members(['ClaimResponse.item']);
    const coverage = { ...basis.coverage, costToBeneficiary: [] };
    expect(recompute({ ...basis, coverage }).differences).to.include.members([
      'ClaimResponse.item',
      'ClaimResponse.total',
    ]);
  });
});
