/**
 * Everything is killed in the middle of a payment run, of its settlement, and of what is paid back: nothing is lost, nothing is paid
 * twice, and the same run and the same reports, sent again, go on where they were.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Parties, type Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import {
  claimsIn,
  instructing,
  onPayment,
  PayableClaims,
  type Payment,
  type PaymentBundle,
  paymentsIn,
} from '../scenarios/payable-claims.fixture.ts';
import { ConsortiumProcess } from './process.fixture.ts';

const CLAIMS = 18;
/** Of one run each, so that the kill meets some before, some under way and some after. */
const RUNS = 6;
/** That are paid back. */
const DEBTS = 6;

describe('When everything is killed in a payment run (on Linux only)', function () {
  this.timeout(240_000);
  let directory: string;
  let consortium: ConsortiumProcess;
  let parties: Parties;
  const today = new Date().toISOString().slice(0, 10);

  before(async function () {
    if (process.platform !== 'linux') return this.skip();
    directory = mkdtempSync(join(tmpdir(), 'telemed-payments-'));
    await start();
  });

  after(async () => {
    parties?.close();
    await consortium?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    consortium = await ConsortiumProcess.start(join(directory, 'data'));
    parties = new Parties({ dataDir: join(directory, 'data'), urls: consortium.urls });
  }

  /** Sends all at once, kills everything when some are answered, and starts again; whatever came of them. */
  async function killedAmid(sends: readonly (() => Promise<unknown>)[]): Promise<void> {
    let answered = 0;
    let some = (): void => undefined;
    const enough = new Promise<void>((resolve) => {
      some = resolve;
    });
    const sent = sends.map((send) =>
      send().then(
        () => {
          answered += 1;
          if (answered >= 2) some();
        },
        () => undefined,
      ),
    );
    await Promise.race([enough, Promise.all(sent)]);
    parties.close();
    await consortium.killAll();
    await Promise.all(sent);
    await start();
  }

  const held = async (organisation: string, role: 'settlement' | 'system'): Promise<Payment[]> => {
    const path = `/fhir/R4/PaymentReconciliation?_count=1000`;
    return paymentsIn(await parties.of(organisation, role).ask<PaymentBundle>({ path }));
  };

  it('each claim is in one payment, settled once and told once', async () => {
    const payable = await PayableClaims.open(parties);
    await payable.pay('together');
    // Of one patient they are taken one after the other.
    const claims: string[] = [];
    while (claims.length < CLAIMS)
      claims.push(...(await Promise.all(Array.from({ length: 6 }, () => payable.approved()))));
    const portions = Array.from({ length: RUNS }, (_, run) => claims.filter((_claim, index) => index % RUNS === run));
    const payer = () => parties.of('payer', 'adjudicator');
    await killedAmid([
      ...portions.map((claim) => () => payer().ask(instructing({ claim }))),
      () => payer().ask(instructing()),
    ]);
    await payer().ask(instructing());
    await payer().find<PaymentBundle>(
      { path: '/fhir/R4/PaymentReconciliation?_count=1000' },
      'all claims in payments',
      (bundle) => claimsIn(paymentsIn(bundle)).length >= CLAIMS,
    );
    const payments = await held('bank', 'settlement');
    expect(claimsIn(payments).sort(), 'each in one payment').to.deep.equal([...claims].sort());

    const settle = ({ id }: Payment) =>
      parties.of('bank', 'settlement').send(onPayment(id, 'settle', { reference: `TRF-${id}`, paidOn: today }));
    await killedAmid(payments.map((payment) => () => settle(payment)));
    const again = await Promise.all(payments.map(settle));
    for (const { status } of again) expect(status).to.be.oneOf([200, 409]);
    const isTold = (bundle: PaymentBundle) => claimsIn(paymentsIn(bundle)).length >= CLAIMS;
    const hospital = parties.of('hospital', 'system');
    await hospital.find<PaymentBundle>(
      { path: '/fhir/R4/PaymentReconciliation?_count=1000' },
      'the remittances',
      isTold,
    );
    const told = await held('hospital', 'system');
    expect(told.map(({ outcome }) => outcome)).to.deep.equal(told.map(() => 'complete'));
    expect(claimsIn(told).sort(), 'each told once').to.deep.equal([...claims].sort());
    const notices = await parties.of('bank', 'settlement').ask<{ total: number }>({
      path: '/fhir/R4/PaymentNotice?_summary=count',
    });
    expect(notices.total, 'one notice for each payment').to.equal(payments.length);
  });

  it('each debt is paid back once, and owed again once where its money comes back', async () => {
    const payable = await PayableClaims.open(parties);
    const bank = () => parties.of('bank', 'settlement');
    const hospital = () => parties.of('hospital', 'system');
    const all = { path: '/fhir/R4/PaymentReconciliation?_count=1000' };
    const settle = ({ id }: Payment) => bank().send(onPayment(id, 'settle', { reference: `TRF-${id}`, paidOn: today }));
    const claims: string[] = [];
    while (claims.length < DEBTS) claims.push(await payable.approved());
    await parties.of('payer', 'adjudicator').ask(instructing());
    const queued = (page: PaymentBundle) => paymentsIn(page).filter(({ outcome }) => outcome === 'queued');
    const isPaidFor = (page: PaymentBundle) => claims.every((one) => claimsIn(queued(page)).includes(one));
    for (const payment of queued(await bank().find<PaymentBundle>(all, 'the payments', isPaidFor)))
      expect((await settle(payment)).status).to.equal(200);
    const isTold = (page: PaymentBundle) => claims.every((one) => claimsIn(paymentsIn(page)).includes(one));
    await hospital().find<PaymentBundle>(all, 'the remittances', isTold);
    for (const reference of claims) await payable.void(reference);
    const before = new Set((await held('bank', 'settlement')).map(({ id }) => id));

    interface Debts {
      debts: { claimId: string; left: { units: number } }[];
    }
    const debtsAt = (party: Party, isIt: (left: number[]) => boolean): Promise<Debts> =>
      party.find<Debts>({ path: '/debts?all=true' }, 'the debts', ({ debts }) => {
        const own = debts.filter(({ claimId }) => claims.some((one) => one.endsWith(claimId)));
        return own.length === DEBTS && isIt(own.map(({ left }) => left.units));
      });
    const back = (claim?: string): Promise<unknown> => {
      const parameter = claim === undefined ? [] : [{ name: 'claim', valueString: claim }];
      const body = { resourceType: 'Parameters', ...(claim === undefined ? {} : { parameter }) };
      return hospital().send({ method: 'POST', path: '/fhir/R4/PaymentReconciliation/$pay-back', body });
    };
    const backs = async (): Promise<Payment[]> =>
      (await held('bank', 'settlement')).filter(({ id }) => !before.has(id));
    const sumOf = (payments: readonly Payment[]): number =>
      payments.reduce((sum, { paymentAmount }) => sum + Math.round(100 * paymentAmount.value), 0);

    const { debts } = await debtsAt(hospital(), (left) => left.every((units) => units > 0));
    const owed = debts
      .filter(({ claimId }) => claims.some((one) => one.endsWith(claimId)))
      .reduce((sum, { left }) => sum + left.units, 0);
    await killedAmid([...claims.map((claim) => () => back(claim)), () => back()]);
    await back();
    for (const party of ['hospital', 'payer'] as const)
      await debtsAt(parties.of(party, 'system'), (left) => left.every((units) => units === 0));
    const once = await backs();
    expect(claimsIn(once).sort(), 'each in one payment').to.deep.equal([...claims].sort());
    expect(sumOf(once)).to.equal(owed);

    for (const payment of once) expect((await settle(payment)).status).to.equal(200);
    const giveBack = ({ id }: Payment) => bank().send(onPayment(id, 'return', { reason: 'AC04' }));
    await killedAmid(once.map((payment) => () => giveBack(payment)));
    for (const { status } of await Promise.all(once.map(giveBack))) expect(status).to.be.oneOf([200, 409]);
    for (const party of ['hospital', 'payer'] as const) {
      const again = await debtsAt(parties.of(party, 'system'), (left) => left.every((units) => units > 0));
      const left = again.debts.filter(({ claimId }) => claims.some((one) => one.endsWith(claimId)));
      expect(
        left.reduce((sum, { left: { units } }) => sum + units, 0),
        `owed again at the ${party}’s`,
      ).to.equal(owed);
    }
    await back();
    await debtsAt(hospital(), (left) => left.every((units) => units === 0));
    const later = (await backs()).filter(({ id }) => once.every((one) => one.id !== id));
    expect(sumOf(later), 'paid back by another payment').to.equal(owed);
  });
});
