/**
 * Claims are paid as payer and provider have agreed, many by one transfer, each once: by files of the bank's, with money that comes
 * back and another try, and with the same reconciliation on all three sides. On either network.
 */
import { randomUUID } from 'node:crypto';
import { referenceOf } from '@telemed-ledger/gateway-api/subjects/payments/iso20022/pain001.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Sending } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { notification } from '../../gateway-api/src/subjects/payments/iso20022/examples.fixture.ts';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import {
  type PaymentBundle as Bundle,
  claimsIn,
  instructing,
  onPayment as operation,
  PayableClaims,
  type Payment,
  paymentsIn,
} from './payable-claims.fixture.ts';

const IBANS = { payer: 'DE89370400440532013000', hospital: 'GB82WEST12345698765432' };
const CLAIMS = 8;

interface Taken {
  counts: Record<string, number>;
  entries: { outcome: string; words?: string; payment?: string }[];
}
interface Reconciled {
  rows: Record<string, unknown>[];
  digests: Record<string, string>;
  differences: object[];
}

describe('Claims of a provider', function () {
  this.timeout(120_000);
  let payable: PayableClaims;
  let hospital: Party;
  let payer: Party;
  let bank: Party;
  let claims: string[];
  const accounts: Record<string, string> = {};
  const today = new Date().toISOString().slice(0, 10);

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 90_000);
    payable = await PayableClaims.open((await consortium()).parties);
    ({ hospital, payer, bank } = payable);
  });

  // What other scenarios pay, they pay at once.
  after(() => payable.pay('each'));

  const file = (text: string): Sending => ({
    ...{ method: 'POST', path: '/payments/files', body: text, headers: { 'content-type': 'application/xml' } },
  });
  /** A payment as an organisation holds it, once it is as it should be. */
  async function held(party: Party, claim: string, isIt: (payment: Payment) => boolean): Promise<Payment> {
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${today}&_count=1000`;
    const of = (bundle: Bundle) => paymentsIn(bundle).filter((one) => claimsIn([one]).includes(claim) && isIt(one));
    const found = await party.find<Bundle>(
      { path },
      `the payment at the ${party.organisation}`,
      (body) => of(body).length > 0,
    );
    return of(found)[0]!;
  }

  it('are paid by accounts whose numbers their bank alone is shown, once it has confirmed them', async () => {
    for (const [name, party] of [
      ['payer', payer],
      ['hospital', hospital],
    ] as const) {
      const account = { iban: IBANS[name], name };
      const body = { bank: 'bank', currency: 'USD', account, ...(name === 'hospital' ? { payer: 'payer' } : {}) };
      const wrong = { ...body, account: { ...account, iban: `${IBANS[name].slice(0, -1)}9` } };
      const refused = await party.send({ method: 'POST', path: '/bank-accounts', body: wrong });
      expect(refused.status).to.equal(422);
      expect(JSON.stringify(refused.body)).to.not.include(wrong.account.iban);
      const { id } = (await party.write({ method: 'POST', path: '/bank-accounts', body })).body;
      accounts[name] = id;
      const path = `/bank-accounts/${id}`;
      const shown = await bank.find<{ account?: { iban?: string } }>({ path }, 'the account at the bank');
      expect(shown.account?.iban).to.equal(IBANS[name]);
      for (const other of [payer, hospital]) {
        const answer = await other.send({ path });
        expect(JSON.stringify(answer.body)).to.not.include(IBANS[name]);
      }
      await bank.write({ method: 'PUT', path, body: { status: 'confirmed' } });
      await party.find<{ status: string }>({ path }, 'the confirmation', ({ status }) => status === 'confirmed');
    }
    const confirmed = ({ status }: { status: string }) => status === 'confirmed';
    await payer.find({ path: `/bank-accounts/${accounts['hospital']}` }, 'the confirmation', confirmed);
    const body = {
      bank: 'bank',
      runs: 'together',
      payerAccount: accounts['payer'],
      payeeAccount: accounts['hospital'],
    };
    const swapped = { ...body, payerAccount: accounts['hospital'], payeeAccount: accounts['payer'] };
    expect((await payer.send({ method: 'PUT', path: '/payment-terms/hospital', body: swapped })).status).to.equal(422);
    await payer.write({ method: 'PUT', path: '/payment-terms/hospital', body });
    const terms = await hospital.find<{ payee: string }>({ path: '/payment-terms/hospital' }, 'the terms');
    expect(terms).to.include({ payee: 'hospital', runs: 'together' });
  });

  it('are instructed together, each once, however often and by how many that is asked for at once', async () => {
    claims = await Promise.all(Array.from({ length: CLAIMS }, () => payable.approved()));
    const runs = await Promise.all(
      [1, 2, 3].map(() => payer.ask<Bundle>(instructing({ provider: 'hospital', claim: claims.slice(3) }))),
    );
    const payments = runs.flatMap(paymentsIn);
    expect(claimsIn(payments).sort()).to.deep.equal(claims.slice(3).sort());
    for (const { detail, paymentAmount } of payments)
      expect(detail.reduce((sum, { amount }) => sum + amount.value * 100, 0)).to.be.closeTo(
        paymentAmount.value * 100,
        1e-6,
      );
    expect(
      paymentsIn(await payer.ask<Bundle>(instructing({ provider: 'hospital', claim: claims.slice(3) }))),
    ).to.deep.equal([]);
    const unknown = await payer.send(instructing({ amount: '1' }));
    expect(unknown.status).to.equal(422);
  });

  it('go out as pain.001, by token from the payer and by number from the bank', async () => {
    const { id } = await held(bank, claims[3]!, ({ outcome }) => outcome === 'queued');
    for (const party of [payer, bank]) {
      const { body } = await party.send({ path: `/payments/${id}/pain.001` });
      const text = String(body);
      expect(text).to.include('pain.001.001.09').and.include(referenceOf(id));
      for (const iban of Object.values(IBANS)) expect(text.includes(iban)).to.equal(party === bank);
    }
    expect((await hospital.send({ path: `/payments/${id}/pain.001` })).status).to.equal(404);
  });

  it('are settled by the bank’s camt.054, of that amount, once; what it does not know is listed', async () => {
    const payment = await held(bank, claims[3]!, ({ outcome }) => outcome === 'queued');
    const example = {
      reference: referenceOf(payment.id),
      amount: payment.paymentAmount.value.toFixed(2),
      account: IBANS.payer,
    };
    const own = (text: string): string =>
      text.replaceAll('TRF-2026-0042', `TRF-${payment.id}`).replaceAll('2026-02-14', today);
    const taken = async (change: object, party = bank): Promise<string> => {
      const { entries } = await party.ask<Taken>(file(own(notification({ ...example, ...change }))));
      return `${entries[0]?.outcome}${entries[0]?.words === undefined ? '' : `: ${entries[0].words}`}`;
    };
    expect(await taken({ amount: '1.00' })).to.equal('differs: it is of another amount');
    expect(await taken({ currency: 'EUR' })).to.equal('differs: it is in another currency');
    expect(await taken({ account: IBANS.hospital })).to.equal('differs: it is of another account');
    expect(await taken({ reference: referenceOf(randomUUID()) })).to.equal('unknown: there is no such payment here');
    expect(await taken({}, payer)).to.equal('missing: the bank has not recorded it');
    expect(await taken({})).to.equal('recorded');
    expect(await taken({})).to.equal('known');
    const told = await held(hospital, claims[3]!, ({ outcome }) => outcome === 'complete');
    expect(claimsIn([told]).sort()).to.deep.equal(claimsIn([payment]).sort());
    expect(told.paymentAmount).to.deep.equal(payment.paymentAmount);
    expect(await taken({}, payer)).to.equal('known');
  });

  it('whose money comes back are paid by one more payment, and by no late word of the first', async () => {
    const [first] = paymentsIn(await payer.ask<Bundle>(instructing({ claim: claims[0]! })));
    await held(bank, claims[0]!, ({ id }) => id === first!.id);
    const transfer = (reference: string) => ({ reference, paidOn: today });
    await bank.write(operation(first!.id, 'settle', transfer(`TRF-${first!.id}`)));
    await held(hospital, claims[0]!, ({ outcome }) => outcome === 'complete');
    const noReason = await bank.send(operation(first!.id, 'return'));
    expect([noReason.status, JSON.stringify(noReason.body)].join()).to.match(/^422,.*reason/);
    expect((await payer.send(operation(first!.id, 'retry'))).status).to.equal(409);
    await bank.write(operation(first!.id, 'return', { reason: 'AC04' }));
    const told = await held(hospital, claims[0]!, ({ outcome }) => outcome === 'error');
    expect(told.disposition).to.equal('returned: AC04');
    const late = await bank.send(operation(first!.id, 'settle', transfer(`TRF-late-${first!.id}`)));
    expect(late.status).to.equal(409);
    const tries = await Promise.all([1, 2, 3, 4].map(() => payer.send(operation(first!.id, 'retry'))));
    expect(tries.map(({ status }) => status).sort()).to.deep.equal([200, 409, 409, 409]);
    const second = await held(bank, claims[0]!, ({ outcome }) => outcome === 'queued');
    expect(second.id).to.not.equal(first!.id);
    await bank.write(operation(second.id, 'settle', transfer(`TRF-${second.id}`)));
    await held(
      hospital,
      claims[0]!,
      ({ outcome, identifier }) => outcome === 'complete' && JSON.stringify(identifier).includes(second.id),
    );
    expect((await payer.send(operation(first!.id, 'retry'))).status).to.equal(409);
  });

  it('whose money comes back before their provider has heard of the transfer are told as both, and reconciled', async () => {
    const claim = await payable.approved();
    const [{ id }] = paymentsIn(await payer.ask<Bundle>(instructing({ claim }))) as [Payment];
    await held(bank, claim, (one) => one.id === id);
    await bank.write(operation(id, 'settle', { reference: `TRF-${id}`, paidOn: today }));
    await bank.write(operation(id, 'return', { reason: 'AC04' }));
    await held(hospital, claim, ({ outcome }) => outcome === 'error');
    const { rows } = await hospital.ask<Reconciled>({ path: `/reconciliation?date=${today}` });
    const paid = (body: Reconciled['rows'], status: string) =>
      body.find((row) => row['status'] === status)?.['payments'];
    const { rows: paidOut } = await bank.ask<Reconciled>({ path: `/reconciliation?date=${today}` });
    for (const status of ['settled', 'returned']) expect(paid(rows, status), status).to.equal(paid(paidOut, status));
  });

  it('have one of several transfers under one reference', async () => {
    const payments: Payment[] = [];
    for (const claim of claims.slice(1, 3))
      payments.push(...paymentsIn(await payer.ask<Bundle>(instructing({ claim }))));
    for (const { id, detail } of payments) await held(bank, detail[0]!.request.reference, (one) => one.id === id);
    const settle = ({ id }: Payment, reference: string) =>
      bank.send(operation(id, 'settle', { reference, paidOn: today }));
    const reference = randomUUID();
    const first = await Promise.all([...payments, ...payments].map((payment) => settle(payment, reference)));
    expect(first.map(({ status }) => status).sort()).to.deep.equal([200, 409, 409, 409]);
    const left = await Promise.all(payments.map((payment) => settle(payment, `${reference}-2`)));
    expect(left.map(({ status }) => status).sort()).to.deep.equal([200, 409]);
    for (const claim of claims.slice(1, 3)) await held(hospital, claim, ({ outcome }) => outcome === 'complete');
  });

  it('are reconciled alike by payer, bank and provider', async () => {
    const path = `/reconciliation?date=${today}`;
    const isDone = ({ differences }: Reconciled) => differences.length === 0;
    const sides = { payer, bank, hospital };
    const found: Record<string, Reconciled> = {};
    // What one side has heard of last may be on its way to the others.
    const areEqual = (): boolean =>
      found['payer']!.digests['hospital'] === found['hospital']!.digests['payer'] &&
      found['payer']!.digests['bank'] === found['bank']!.digests['payer'];
    for (const until = Date.now() + 30_000; ; ) {
      for (const [name, party] of Object.entries(sides))
        found[name] = await party.find<Reconciled>({ path }, 'a reconciliation without differences', isDone);
      if (areEqual() || Date.now() > until) break;
    }
    for (const [one, other] of [
      ['payer', 'bank'],
      ['payer', 'hospital'],
      ['bank', 'hospital'],
    ] as const) {
      expect(found[one]!.digests[other], `${one} and ${other}`)
        .to.equal(found[other]!.digests[one])
        .and.match(/^[0-9a-f]{64}$/);
      const theirs = { organisation: other, rows: found[other]!.rows };
      expect(await sides[one].ask({ method: 'POST', path, body: theirs })).to.deep.equal({ differences: [] });
    }
    const changed = structuredClone(found['bank']!);
    (changed.rows[0] as { units: number }).units += 1;
    const compared = { method: 'POST' as const, path, body: { organisation: 'bank', rows: changed.rows } };
    expect((await payer.ask<{ differences: object[] }>(compared)).differences).to.have.length(1);
    const statuses = found['hospital']!.rows.map(({ status }) => status);
    expect(statuses).to.include.members(['settled', 'returned']);
    const csv = await payer.send({ path, headers: { accept: 'text/csv' } });
    expect(String(csv.body)).to.match(/^payer,bank,provider,currency,status,payments,claims,amount,direction\r\n/);
  });

  it('are missed by nobody who watches what waits', async () => {
    const [claim] = [await payable.approved()];
    const metrics = async (party: Party): Promise<string> => String((await party.send({ path: '/metrics' })).body);
    const watched = (await consortium()).parties.of('payer', 'system');
    expect(await metrics(watched)).to.match(/gateway_oldest_unpaid_seconds\{[^}]*\} [0-9.e+-]+/);
    const { unpaid } = (
      await payer.ask<{ open: { unpaid: { status: string }[] } }>({ path: `/reconciliation?date=${today}` })
    ).open;
    expect(unpaid.map(({ status }) => status)).to.include('approved');
    await payer.ask(instructing({ claim: claim! }));
  });
});
