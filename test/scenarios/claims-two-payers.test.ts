/**
 * One visit is billed to two payers, who screen and adjudicate it at the same time: together they pay no more than what is allowed of it.
 * On either network.
 */
import { expect } from 'chai';
import { type Answer, billingOf, totalOf } from './billing.fixture.ts';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const PAYERS = ['payer', 'payer-two'] as const;
/** Of a visit. */
const ALLOWED = 80;
const ROUNDS = 5;

describe('One visit, billed to two payers', function () {
  this.timeout(120_000);
  let billing: ReturnType<typeof billingOf>;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    billing = billingOf((await consortium('two payers', 0, 'payer-two')).parties);
  });

  const at = (hour: number, minute: number): string =>
    [hour, minute].map((one) => String(one).padStart(2, '0')).join(':');
  const benefitsOf = (decisions: readonly Answer[]): number =>
    decisions.reduce((sum, decision) => sum + (totalOf(decision, 'benefit') ?? 0), 0);

  it('is paid by one of them, whoever comes first, when both adjudicate at once', async () => {
    const { provider, covered, adjudicate } = billing;
    const hospital = await provider('hospital');
    const coverages = await Promise.all(PAYERS.map((by) => covered(0, undefined, by)));
    for (let round = 0; round < ROUNDS; round += 1) {
      const visit = await hospital.visit(at(8 + round, 0), at(8 + round, 20));
      const claims = await Promise.all(coverages.map((coverage) => hospital.bill(visit, [{ coverage }])));
      const decisions = await Promise.all(claims.map((claim, index) => adjudicate(claim, PAYERS[index])));
      const dispositions = decisions.map(({ disposition }) => disposition).sort();
      expect(dispositions, `round ${round}`).to.deep.equal(['approved', 'denied']);
      expect(benefitsOf(decisions)).to.equal(ALLOWED);
    }
  });

  it('is paid in order by both, and no more in all when the second decides twice at once', async () => {
    const { provider, covered, adjudicate } = billing;
    const hospital = await provider('hospital');
    const [first, second] = await Promise.all([covered(20, 1, PAYERS[0]), covered(0, 2, PAYERS[1])]);
    const visit = await hospital.visit('15:00', '15:20');
    const decided = await adjudicate(await hospital.bill(visit, [{ coverage: first! }]), PAYERS[0]);
    await hospital.party.find({ path: `/fhir/R4/ClaimResponse/${decided.id}` }, 'the decision at the hospital');
    const building = [{ coverage: first!, claimResponse: decided.id }, { coverage: second! }];
    const taken = await Promise.all([1, 2].map(() => hospital.bill(visit, building)));
    const queued = taken.filter(({ outcome }) => outcome === 'queued');
    const rest = await Promise.all(queued.map((claim) => adjudicate(claim, PAYERS[1])));
    expect(benefitsOf(rest)).to.equal(16);
    expect(benefitsOf([decided, ...rest])).to.equal(ALLOWED);
  });
});
