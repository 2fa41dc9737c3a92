/**
 * What one provider bills is not paid to another one too, and two coverages of a patient pay it in their order. On either network.
 */
import { randomInt } from 'node:crypto';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { type Answer, billingOf, totalOf } from './billing.fixture.ts';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { claimsIn, onPayment, type Payment, type PaymentBundle, paymentsIn } from './payable-claims.fixture.ts';

describe('One service, billed twice', function () {
  this.timeout(90_000);
  let billing: ReturnType<typeof billingOf>;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    billing = billingOf((await consortium()).parties);
  });

  /** Has the bank pay a claim, and waits until the hospital is told. */
  async function paid(reference: string): Promise<void> {
    const { parties } = await consortium();
    const today = new Date().toISOString().slice(0, 10);
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${today}&_count=1000`;
    const [bank, hospital] = [parties.of('bank', 'settlement'), parties.of('hospital', 'system')];
    const paymentAt = async (party: Party, outcome: string) => {
      const isOf = (one: Payment) => one.outcome === outcome && claimsIn([one]).includes(reference);
      const find = (page: PaymentBundle) => paymentsIn(page).find(isOf);
      const page = await party.find<PaymentBundle>({ path }, 'the payment', (body) => find(body) !== undefined);
      return find(page)!;
    };
    const { id } = await paymentAt(bank, 'queued');
    await bank.write(onPayment(id, 'settle', { reference: `TRF-${id}`, paidOn: today }));
    await paymentAt(hospital, 'complete');
  }

  it('by hospital and clinic is paid to one of them, under whatever code, and another visit to the other', async () => {
    const { provider, covered, adjudicate } = billing;
    const [hospital, clinic] = [await provider('hospital'), await provider('clinic')];
    const insurances = [{ coverage: await covered(10) }];
    const first = await hospital.bill(await hospital.visit('09:00', '09:40'), insurances);
    const same = await clinic.bill(await clinic.visit('09:00', '09:40'), insurances, 'G2012');
    const other = await clinic.bill(await clinic.visit('15:00', '15:20'), insurances);
    const decided = [await adjudicate(first), await adjudicate(same)].map(({ disposition }) => disposition);
    expect(decided.sort()).to.deep.equal(['approved', 'denied']);
    expect((await adjudicate(other)).disposition).to.equal('approved');
  });

  it('for a second Patient who is alike is looked at by a person, who says why it is denied', async () => {
    const { parties } = await consortium();
    const telephone = String(randomInt(2_000_000_000, 9_999_999_999));
    const contact = (value: string) => ({ telecom: [{ system: 'phone', value }] });
    const [one, other] = [billingOf(parties, contact(telephone)), billingOf(parties, contact(`+1 ${telephone}`))];
    const [hospital, clinic] = [await one.provider('hospital'), await other.provider('clinic')];
    const first = await hospital.bill(await hospital.visit('13:00', '13:30'), [{ coverage: await one.covered(0) }]);
    expect((await one.adjudicate(first)).disposition).to.equal('approved');
    const second = await clinic.bill(await clinic.visit('13:10', '13:40'), [{ coverage: await other.covered(0) }]);
    expect((await other.adjudicate(second)).disposition).to.include('pended');
    const payer = parties.of('payer', 'adjudicator', 'Practitioner/a-person');
    const path = `/fhir/R4/${second.request.reference}`;
    const findings = await payer.ask({ path: `${path}/$findings` });
    expect(JSON.stringify(findings)).to.include('patient-alike').and.to.include('birth-date-and-contact');
    const parameter = [
      { name: 'decision', valueCode: 'deny' },
      { name: 'reason', valueString: 'one visit of one person' },
    ];
    const body = { resourceType: 'Parameters', parameter };
    const { body: denied } = await payer.write<Answer>({ method: 'POST', path: `${path}/$adjudicate`, body });
    expect(denied.disposition).to.include('denied');
  });

  it('on two coverages is paid in their order, by both together in full and no more', async () => {
    const { provider, covered, adjudicate } = billing;
    const hospital = await provider('hospital');
    const [first, second] = [await covered(20, 1), await covered(0, 2)];
    const visit = await hospital.visit('11:00', '11:30');
    const alone = await hospital.bill(visit, [{ coverage: second }]);
    expect(alone.disposition).to.include('coordination');
    const decided = await adjudicate(await hospital.bill(visit, [{ coverage: first }]));
    expect(totalOf(decided, 'benefit')).to.equal(64);
    await hospital.party.find({ path: `/fhir/R4/ClaimResponse/${decided.id}` }, 'the decision at the hospital');
    const building = [{ coverage: first, claimResponse: decided.id }, { coverage: second }];
    const taken = await hospital.bill(visit, building);
    expect(taken.outcome, taken.disposition).to.equal('queued');
    const rest = await adjudicate(taken);
    expect([totalOf(rest, 'priorpayerpaid'), totalOf(rest, 'benefit')]).to.deep.equal([64, 16]);
    const again = await hospital.bill(visit, building);
    expect(again.disposition).to.include('duplicate');
    const { request } = decided;
    const replacing = {
      ...{ net: 100, related: [{ claim: request, relationship: { coding: [{ code: 'prior' }] } }] },
      extension: [{ url: 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency', valueCode: '7' }],
    };
    const replace = (insurances: Parameters<typeof hospital.bill>[1]) =>
      hospital.bill(visit, insurances, '99213', replacing);
    const refused = await replace([{ coverage: first }]).catch((error: Error) => error.message);
    expect(refused).to.include('422').and.to.include(`name ClaimResponse/${rest.id}`).and.to.include('Claim.insurance');
    await paid(request.reference);
    const named = await adjudicate(await replace([{ coverage: first }, { coverage: second, claimResponse: rest.id }]));
    expect([totalOf(named, 'priorpayerpaid'), totalOf(named, 'benefit')]).to.deep.equal([16, 64]);
  });
});
