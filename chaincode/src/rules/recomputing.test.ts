import { expect } from 'chai';
import { Story } from '../contracts/example-story.fixture.ts';
import type { Accumulator } from '../model/accumulators.ts';
import type { ClaimRecord, ClaimResponseRecord, FeeSchedule } from '../model/claims.ts';
import { exampleIds } from '../model/example-claim.fixture.ts';
import { EXAMPLE_PLAN_NAME } from '../model/example-plan.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import type { PlanRecord } from '../model/plans.ts';
import type { Anchored } from '../model/values.ts';
import { CLAIM_SIGNALS } from './claim-signals.ts';
import { CLAIM_EDITS } from './claims.ts';
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

  /** What lies with the payer, as its gateway shows it. */
  function payersBasis(story: Story): Basis {
    const basis = basisOf(story);
    const { plan, usage } = story.benefits();
    const { tables } = story.tables();
    const entry = usage[0]?.text;
    return {
      ...basis,
      plan: (plan?.versions ?? []).map(({ text }) => JSON.parse(text) as PlanRecord),
      usage: entry === undefined ? [] : [JSON.parse(entry) as Accumulator],
      tables: {
        loaded: tables && { ...JSON.parse(tables.text ?? ''), generation: tables.generation, crosswalk: undefined },
      },
    };
  }
  const ofPlan = async (story: Story): Promise<void> => {
    story.example.coverage['class'] = [{ type: { coding: [{ code: 'plan' }] }, value: EXAMPLE_PLAN_NAME }];
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    await story.ledger.submit('RegisterPlan', story.plan());
  };

  it('goes by the plan and what its member had used; without them it says that it took the amounts as found', async () => {
    const story = await decided(ofPlan);
    const basis = payersBasis(story);
    expect(basis.response.taken).to.have.length(1);
    const again = recompute(basis);
    expect(again.differences).to.deep.equal([]);
    expect(again.taken).to.not.include('the amounts by the plan');
    const [entry] = basis.usage!;
    const more = { ...entry!, totals: { ...entry!.totals, deductible: entry!.totals.deductible + 1_000 } };
    const differing = ['ClaimResponse.item', 'ClaimResponse.total'];
    expect(recompute({ ...basis, usage: [more] }).differences).to.include.members(differing);
    story.insurancePlan['plan'][0].generalCost[0].cost.value = 1;
    const other = [{ ...basis.plan![0]!, resource: story.insurancePlan }] as Basis['plan'];
    expect(recompute({ ...basis, plan: other }).differences).to.include.members(differing);
    for (const lacking of [{ usage: undefined }, { plan: undefined }, { plan: [] }, { usage: [] }]) {
      const { differences, taken } = recompute({ ...basis, ...lacking });
      expect(differences, JSON.stringify(lacking)).to.deep.equal([]);
      expect(taken).to.include('the amounts by the plan');
    }
  });

  it('goes by the tables and the limits of signals; without them these are taken as found', async () => {
    const tables = { signals: { 'claimed-late': { limit: 0, weight: 7 } } };
    const story = await decided((one) => one.ledger.submit('LoadClaimTables', one.loading({ tables })));
    const basis = payersBasis(story);
    const recorded = basis.response.edits.filter(({ outcome }) => outcome === 'signal');
    expect(recorded.map(({ edit }) => edit)).to.include('claimed-late');
    expect(recompute(basis).differences).to.deep.equal([]);
    const { loaded } = basis.tables!;
    const changed = { ...loaded!, signals: { 'claimed-late': { limit: 0, weight: 8 } } };
    expect(recompute({ ...basis, tables: { loaded: changed as never } }).differences).to.deep.equal([
      'signal claimed-late',
    ]);
    expect(recompute({ ...basis, tables: undefined }).differences).to.deep.equal([]);
    const silent = basis.response.edits.filter(({ edit }) => edit !== 'claimed-late');
    expect(recompute({ ...basis, response: { ...basis.response, edits: silent } }).differences).to.deep.equal([
      'signal claimed-late',
    ]);
  });

  it('says of each edit and each signal whether it was computed or taken as found', async () => {
    const basis = payersBasis(await decided());
    const names = [...CLAIM_EDITS, ...CLAIM_SIGNALS].map(({ name }) => name);
    for (const one of [basis, { ...basis, tables: undefined }]) {
      const { edits, taken } = recompute(one);
      expect([...edits, ...taken]).to.have.members(names);
    }
  });
});
