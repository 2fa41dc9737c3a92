/** What a provider owes back it pays back once, and owes again where that payment ended without money. */
import { expect } from 'chai';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { Debt } from '../model/claims.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import { ENDED_PAYMENTS, type PaymentReport } from '../model/payments.ts';
import { BANK, codeOf, exampleUuid, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const { claim: CLAIM, otherClaim: LATER } = exampleIds;
const BACK = exampleUuid(501);
const AGAIN = exampleUuid(502);
const OWED = 11_745;

describe('What a provider owes back', () => {
  let story: Story;
  /** The claim is paid and then voided: all of it is owed back. */
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    await story.submitClaim();
    await story.adjudicate();
    for (const step of ['instruct', 'settle', 'remit'] as const) await story[step]();
    await story.ledger.submit('WithdrawClaim', story.withdrawal('void'));
  });

  const debts = (): string[] => story.series(`debt/${CLAIM}`);
  const newest = (): string => debts().at(-1)!;
  const left = (): number => (JSON.parse(newest()) as Debt).left.units;
  const paying = (
    units: number,
    id = BACK,
    shown: readonly string[] = [newest()],
  ): Request<'RepayDebts'> & { private: Record<string, unknown> } => ({
    ...{ from: 'hospital', role: 'system', input: { id, payer: 'payer', bank: 'bank' } },
    private: { salt: exampleSalt('4'), units, currency: 'USD', debts: [...shown] },
    time: '2026-02-21T08:00:00.000Z',
  });
  const pay = (...of: Parameters<typeof paying>) => story.ledger.submit('RepayDebts', paying(...of));
  const reporting = (status: PaymentReport, step = 1, id = BACK): Request<'ReportPayment'> => {
    const { private: said } = status === 'settled' ? story.settlement() : story.report(status);
    const shown = { ...said, ...story.payment(step, id), day: '2026-02-22', salt: exampleSalt('2') };
    const reference = status === 'settled' ? { reference: `TRF-BACK-${id.slice(-3)}` } : {};
    return {
      ...{ from: 'bank', role: 'settlement', input: { id, payer: 'payer' }, time: '2026-02-22T08:00:00.000Z' },
      private: { ...shown, ...reference } as never,
    };
  };
  const report = (...of: Parameters<typeof reporting>) => story.ledger.submit('ReportPayment', reporting(...of));
  const opening = (step: number, id = BACK): Request<'ReopenDebts'> & { private: Record<string, unknown> } => ({
    ...{ from: 'payer', role: 'system', input: { id, provider: 'hospital' }, time: '2026-02-23T08:00:00.000Z' },
    private: { salt: exampleSalt('3'), ...story.payment(step, id), debts: [newest()] },
  });
  const open = (...of: Parameters<typeof opening>) => story.ledger.submit('ReopenDebts', opening(...of));
  async function refused(code: string, action: () => Promise<unknown>): Promise<void> {
    const before = story.snapshot();
    expect(await codeOf(action())).to.equal(code);
    expect(story.snapshot()).to.equal(before);
  }

  it('falls by exactly what it pays back, and is told payer, bank and provider alike', async () => {
    const { writes } = await pay(10_000);
    expect(writes.event).to.deep.equal({ name: 'PaymentInstructed', payload: canonicalJson({ id: BACK }) });
    expect(JSON.parse(newest())).to.deep.include({
      ...{ number: 2, repaidBy: BACK, left: { units: OWED - 10_000, currency: 'USD' } },
    });
    const keys = [privateKeys.order(BACK, 1), privateKeys.reconciliation(BACK, 1)];
    for (const key of keys)
      expect(new Set([PAYER, BANK, PROVIDER].map((collection) => story.text(collection, key))).size).to.equal(1);
    expect(JSON.parse(story.text(BANK, keys[0]!))).to.deep.include({
      ...{ payer: 'payer', payee: 'payer', debtor: 'hospital', status: 'instructed', units: 10_000, claims: 1 },
    });
    const { resource } = JSON.parse(story.text(BANK, keys[1]!)) as { resource: Changeable };
    expect(resource['paymentIssuer'].identifier.value).to.equal('hospital');
    expect(resource['detail']).to.have.length(1);
    expect(resource['detail'][0]).to.deep.include({ request: { reference: `Claim/${CLAIM}` } });
    expect(resource['detail'][0].payee.identifier.value).to.equal('payer');
    await report('accepted');
    await report('settled', 2);
    expect(JSON.parse(story.text(PROVIDER, privateKeys.notice(BACK))).resource.amount.value).to.equal(100);
    expect(left()).to.equal(OWED - 10_000);
    await refused('CONFLICT id', () => open(3));
  });

  it('is paid back once, and what is on its way back is taken from no claim', async () => {
    const twice = [paying(OWED), paying(OWED, AGAIN)] as const;
    const part = paying(1, AGAIN);
    await story.ledger.submit('RepayDebts', twice[0]);
    for (const request of [...twice, part])
      await refused('CONFLICT debts[0]', () => story.ledger.submit('RepayDebts', request));
    await refused('INVALID debts[0]', () => pay(1, AGAIN));
    story.billProcedure();
    await story.submitClaim();
    await story.ledger.submit('AdjudicateClaim', story.adjudication(LATER));
    const offset = (debt: string): Request<'OffsetClaim'> => ({
      ...{ from: 'payer', role: 'system', input: { id: LATER, provider: 'hospital' } },
      private: {
        ...{ reconciliationId: exampleIds.reconciliation, salt: exampleSalt('5'), debts: [debt] },
        state: story.standing(LATER).state,
      },
      time: '2026-02-21T09:00:00.000Z',
    });
    for (const [code, debt] of [
      ['CONFLICT debts[0]', debts()[0]!],
      ['INVALID debts[0]', newest()],
    ] as const)
      await refused(code, () => story.ledger.submit('OffsetClaim', offset(debt)));
  });

  for (const status of ENDED_PAYMENTS) {
    it(`is owed again, once, where that payment is ${status}`, async () => {
      await pay(10_000);
      await refused('CONFLICT id', () => open(1));
      if (status === 'returned') await report('settled');
      const step = status === 'returned' ? 2 : 1;
      await report(status, step);
      expect(left()).to.equal(OWED - 10_000);
      const twice = opening(step + 1);
      const { writes } = await open(step + 1);
      expect(writes.event).to.deep.equal({ name: 'DebtsReopened', payload: canonicalJson({ id: BACK }) });
      expect(JSON.parse(newest())).to.deep.include({ number: 3, reopenedBy: BACK }).and.not.have.property('repaidBy');
      expect(left()).to.equal(OWED);
      await refused('CONFLICT id', () => story.ledger.submit('ReopenDebts', twice));
      await refused('CONFLICT id', () => open(step + 1));
      await refused('CONFLICT id', () => report('settled', step + 1));
      await pay(OWED, AGAIN);
      expect(left()).to.equal(0);
    });
  }

  it('is owed again beside what was taken of it meanwhile', async () => {
    await pay(10_000);
    await pay(1_000, AGAIN);
    await report('rejected');
    await open(2);
    expect(left()).to.equal(OWED - 1_000);
  });

  it('is paid by the terms of payment the other way round, where its own account is of them', async () => {
    const account = (id: number) => ({ id: exampleUuid(id), step: 1 });
    const plant = (payee: string): string => {
      const terms = canonicalJson({
        ...{ schema: 1, payer: 'payer', provider: 'hospital', bank: 'bank', payee, runs: 'each' },
        ...{ payerAccount: account(601), payeeAccount: account(602), from: '2026-02-12T08:00:00.000Z' },
        salt: exampleSalt('6'),
      });
      story.ledger.private.set(
        `${PAYER} ${privateKeys.paymentTerms({ payer: 'payer', provider: 'hospital' }, 1)}`,
        terms,
      );
      return terms;
    };
    const by = (text: string, units: number, id: string) => {
      const request = paying(units, id);
      request.private['terms'] = { generation: 1, text };
      return story.ledger.submit('RepayDebts', request);
    };
    await by(plant('hospital'), 1_000, BACK);
    expect(JSON.parse(story.payment(1, BACK).order)).to.deep.include({
      payerAccount: exampleUuid(602),
      payeeAccount: exampleUuid(601),
    });
    await by(plant('clinic'), 1_000, AGAIN);
    expect(JSON.parse(story.payment(1, AGAIN).order)).to.not.have.any.keys('payerAccount', 'payeeAccount');
    const other = plant('hospital').replace('each', 'together');
    await refused('INVALID paymentTerms', () => by(other, 1, exampleUuid(503)));
  });

  const WRONG: [string, (request: ReturnType<typeof paying>) => void, string][] = [
    ['more than is owed', ({ private: shown }) => (shown['units'] = OWED + 1), 'INVALID units'],
    ['nothing', ({ private: shown }) => (shown['units'] = 0), 'INVALID private.units'],
    ['in another currency', ({ private: shown }) => (shown['currency'] = 'EUR'), 'INVALID debts[0]'],
    ['another’s debt', (request) => (request.from = 'clinic'), 'INVALID debts[0]'],
    ['to another payer', ({ input }) => (input.payer = 'payer-two'), 'NOT_FOUND debts[0]'],
    ['by no bank', ({ input }) => (input.bank = 'clinic'), 'NOT_FOUND bank'],
    ['to no payer', ({ input }) => (input.payer = 'bank'), 'NOT_FOUND payer'],
    [
      'a debt of its own making',
      (request) => (request.private['debts'] = [newest().replace('11745', '745')]),
      'INVALID debts[0]',
    ],
    ['one debt twice', (request) => (request.private['debts'] = [newest(), newest()]), 'INVALID debts'],
    ['as the payer', (request) => (request.from = 'payer'), 'FORBIDDEN undefined'],
    ['as a practitioner', (request) => (request.role = 'practitioner'), 'FORBIDDEN undefined'],
  ];
  for (const [title, change, code] of WRONG)
    it(`is not paid back: ${title}`, async () => {
      const request = paying(1_000);
      change(request);
      await refused(code, () => story.ledger.submit('RepayDebts', request));
    });

  it('is not opened again by another payment, another debt, or for another provider', async () => {
    await pay(10_000);
    await report('failed');
    const others: [string, (request: ReturnType<typeof opening>) => void][] = [
      ['INVALID provider', ({ input }) => (input.provider = 'clinic')],
      ['INVALID debts', ({ private: shown }) => (shown['debts'] as string[]).push(newest())],
      ['CONFLICT debts[0]', ({ private: shown }) => (shown['debts'] = [debts()[0]!])],
      ['NOT_FOUND order', ({ input }) => (input.id = AGAIN)],
      ['NOT_FOUND order', (request) => (request.from = 'payer-two')],
      ['FORBIDDEN undefined', (request) => (request.from = 'hospital')],
    ];
    for (const [code, change] of others) {
      const request = opening(2);
      change(request);
      await refused(code, () => story.ledger.submit('ReopenDebts', request));
    }
    await refused('INVALID id', () =>
      story.ledger.submit('RemitPayment', {
        ...opening(2),
        private: { salt: exampleSalt('3'), ...story.payment(2, BACK), states: [story.standing(CLAIM).state] },
      }),
    );
  });

  it('writes the same bytes when a step runs twice on the same state', async () => {
    const request = paying(10_000);
    const before = new Map(story.ledger.private);
    const first = await story.ledger.submit('RepayDebts', request);
    story.ledger.private.clear();
    for (const [key, text] of before) story.ledger.private.set(key, text);
    expect(canonicalJson(await story.ledger.submit('RepayDebts', request))).to.equal(canonicalJson(first));
  });
});
