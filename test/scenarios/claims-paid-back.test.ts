/**
 * A provider pays back what it owes: once, however often it is asked for, by a payment that its bank reports on as on any other; what
 * comes back is owed again. Payer, bank and provider reconcile it alike. On either network.
 */
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Sending } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import {
  claimsIn,
  onPayment,
  PayableClaims,
  type Payment,
  type PaymentBundle,
  paymentsIn,
} from './payable-claims.fixture.ts';

interface Debts {
  debts: { claimId: string; number: number; left: { units: number }; repaidBy?: string; reopenedBy?: string }[];
}
interface Row {
  direction?: string;
  status: string;
  units: number;
}
interface Reconciled {
  rows: Row[];
  digests: Record<string, string>;
  differences: object[];
}

describe('What a provider owes back', function () {
  this.timeout(120_000);
  let hospital: Party;
  let payer: Party;
  let bank: Party;
  let paid: string[];
  const today = new Date().toISOString().slice(0, 10);

  async function payment(party: Party, claim: string, isIt: (one: Payment) => boolean): Promise<Payment> {
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${today}&_count=1000`;
    const of = (bundle: PaymentBundle) =>
      paymentsIn(bundle).filter((one) => claimsIn([one]).includes(claim) && isIt(one));
    const found = await party.find<PaymentBundle>({ path }, 'the payment', (body) => of(body).length > 0);
    return of(found)[0]!;
  }
  const settle = (id: string) => bank.write(onPayment(id, 'settle', { reference: `TRF-${id}`, paidOn: today }));
  async function paidClaim(payable: PayableClaims): Promise<string> {
    const reference = await payable.approved();
    const { id } = await payment(bank, reference, ({ outcome }) => outcome === 'queued');
    await settle(id);
    await payment(hospital, reference, ({ outcome }) => outcome === 'complete');
    return reference;
  }

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 90_000);
    const payable = await PayableClaims.open((await consortium()).parties);
    ({ hospital, payer, bank } = payable);
    await payable.pay('each');
    // Both are paid first: what is owed back is taken from what is paid later.
    paid = [await paidClaim(payable), await paidClaim(payable)];
    for (const reference of paid) await payable.void(reference);
    for (const party of [hospital, payer])
      await party.find<Debts>({ path: '/debts' }, 'the debts', (body) => paid.every((one) => debtIn(body, one)));
  });

  /** The payments by which it is paid back, in their order. */
  const paying: string[] = [];
  const debtIn = ({ debts }: Debts, claim: string) => debts.find(({ claimId }) => claim.endsWith(claimId));
  const owed = (party: Party, claim: string, isIt: (debt: Debts['debts'][number]) => boolean): Promise<Debts> =>
    party.find<Debts>({ path: '/debts?all=true' }, 'the debt', (body) => {
      const debt = debtIn(body, claim);
      return debt !== undefined && isIt(debt);
    });
  const payingBack = (claim: string, ...more: object[]): Sending => ({
    ...{ method: 'POST', path: '/fhir/R4/PaymentReconciliation/$pay-back' },
    body: { resourceType: 'Parameters', parameter: [{ name: 'claim', valueString: claim }, ...more] },
  });
  const amount = (value: number, currency = 'USD') => ({ name: 'amount', valueMoney: { value, currency } });

  it('is refused where it is more, nothing, of nobody’s debt, or not the provider’s to pay', async () => {
    const refused = async (party: Party, sending: Sending): Promise<string> => {
      const { status, body } = await party.send(sending);
      return `${status} ${JSON.stringify((body as { issue?: object[] }).issue?.[0] ?? {})}`;
    };
    for (const value of [54.01, 0])
      expect(await refused(hospital, payingBack(paid[0]!, amount(value)))).to.match(/^422 .*amount/);
    expect(await refused(hospital, payingBack(paid[0]!, amount(1, 'EUR')))).to.match(/^409 /);
    expect(await refused(hospital, payingBack(paid[0]!, { name: 'to', valueString: 'payer' }))).to.match(/^422 /);
    const other = (await consortium()).parties.of('clinic', 'system');
    expect(await refused(other, payingBack(paid[0]!))).to.match(/^409 /);
    expect(await refused(payer, payingBack(paid[0]!))).to.match(/^40[34] /);
  });

  it('is paid back once by twenty who ask at once, by exactly that', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => hospital.send(payingBack(paid[0]!))));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).to.have.length(1);
    expect(statuses.filter((status) => ![200, 409, 503].includes(status))).to.deep.equal([]);
    const back = answers.find(({ status }) => status === 200)!.body as Payment;
    expect(back.paymentAmount.value).to.equal(54);
    paying.push(back.id);
    expect(claimsIn([back])).to.deep.equal([paid[0]]);
    for (const party of [hospital, payer])
      await owed(party, paid[0]!, ({ left, repaidBy }) => left.units === 0 && repaidBy === back.id);
    for (const party of [bank, hospital]) {
      const file = await party.find<string>({ path: `/payments/${back.id}/pain.001` }, 'the payment');
      expect(file).to.include('<Nm>hospital</Nm>').and.include('54.00');
    }
    await payment(bank, paid[0]!, ({ id }) => id === back.id);
    await bank.write(onPayment(back.id, 'accept'));
    await settle(back.id);
    await payment(hospital, paid[0]!, ({ id, outcome }) => id === back.id && outcome === 'complete');
    expect((await bank.send(onPayment(back.id, 'fail', { reason: 'AC04' }))).status).to.equal(409);
    expect((await hospital.send(payingBack(paid[0]!))).status).to.equal(409);
  });

  it('is owed again once its money has come back, and then paid back by another payment', async () => {
    const { body: first } = await hospital.write<Payment>(payingBack(paid[1]!, amount(50)));
    await payment(bank, paid[1]!, ({ id }) => id === first.id);
    await settle(first.id);
    await bank.write(onPayment(first.id, 'return', { reason: 'AC04' }));
    for (const party of [payer, hospital])
      await owed(party, paid[1]!, ({ left, reopenedBy }) => left.units === 5_400 && reopenedBy === first.id);
    const { body: second } = await hospital.write<Payment>(payingBack(paid[1]!));
    expect(second.paymentAmount.value).to.equal(54);
    paying.push(first.id, second.id);
    await payment(bank, paid[1]!, ({ id }) => id === second.id);
    await settle(second.id);
    await payment(hospital, paid[1]!, ({ id, outcome }) => id === second.id && outcome === 'complete');
    await owed(payer, paid[1]!, ({ left }) => left.units === 0);
  });

  it('is told of in the 835 of the day, that it was paid back and that it came back, alike at both', async () => {
    const told = async (party: Party): Promise<string[]> => {
      const { body } = await party.send({ path: `/x12/835?date=${today}`, headers: { accept: 'application/json' } });
      const { x12, refused } = body as { x12: string; refused: object[] };
      expect(refused).to.deep.equal([]);
      return x12.split('~').filter((segment) => segment.trim().startsWith('PLB*'));
    };
    const [id0, id1] = paid.map((reference) => reference.replace('Claim/', ''));
    const all = (await told(hospital)).join('*').match(/(?:WO|72|CS):[^*]*\*-?[\d.]+/g) ?? [];
    // Others' payments come back on this day too.
    const backs = all
      .filter((one) => paying.some((id) => one.startsWith(`72:${id}`) || one.startsWith(`CS:${id}`)))
      .map((one) => one.replace(/:.*\*/, '*'));
    expect(backs.sort()).to.deep.equal(['72*-50', '72*-54', '72*-54', 'CS*50']);
    const recovered = all.filter((one) => one.startsWith(`WO:${id0}`) || one.startsWith(`WO:${id1}`));
    const sum = recovered.reduce((cents, one) => cents + Math.round(100 * Number(one.split('*')[1])), 0);
    expect(sum, 'owed, and recovered').to.equal(0);
    expect(await told(payer)).to.deep.equal(await told(hospital));
  });

  it('is reconciled alike by payer, bank and provider, apart from what the payer pays', async () => {
    const path = `/reconciliation?date=${today}`;
    const backs = ({ rows }: Reconciled) => rows.filter(({ direction }) => direction === 'back');
    const sides = { payer, bank, hospital };
    const found: Record<string, Reconciled> = {};
    for (const [name, party] of Object.entries(sides))
      found[name] = await party.find<Reconciled>(
        { path },
        'a day with all that was paid back',
        (body) => body.differences.length === 0 && backs(body).length === 2,
      );
    for (const name of Object.keys(sides)) {
      const sums = Object.fromEntries(backs(found[name]!).map(({ status, units }) => [status, units]));
      // 54 and 54 that stay, and 50 that were transferred and came back.
      expect(sums, name).to.deep.equal({ settled: 15_800, returned: 5_000 });
    }
    for (const [one, other] of [
      ['payer', 'bank'],
      ['payer', 'hospital'],
      ['bank', 'hospital'],
    ] as const) {
      const body = { organisation: other, rows: found[other]!.rows };
      expect(await sides[one].ask({ method: 'POST', path, body })).to.deep.equal({ differences: [] });
    }
  });
});
