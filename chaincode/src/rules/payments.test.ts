import { expect } from 'chai';
import fc from 'fast-check';
import type { Changeable } from '../model/example-claim.fixture.ts';
import { MAX_UNITS, parseMoney, toMoney } from '../model/money.ts';
import { payableOf } from '../model/payment-details.ts';
import {
  instructionOf,
  isBalanced,
  isPlausibleDay,
  noticeFor,
  noticeOf,
  paysWhatIsOwed,
  remittanceOf,
  reportedPaymentOf,
  sumOf,
} from './payments.ts';

const transfer = { bank: 'bank', reference: 'TRF-1', day: '2026-02-14' };
const now = '2026-02-13T08:00:00.000Z';

/** A payment of amounts in minor units, each of another claim, in turns of two providers. */
function paid(amounts: readonly number[], currency = 'USD') {
  const owed = amounts.map((units, index) => ({ units, currency, response: `r${index}` }));
  const due = owed.map((one, index) => ({
    ...{ claimId: `c${index}`, provider: index % 2 === 0 ? 'hospital' : 'clinic', owed: one },
  }));
  const payment = instructionOf({ paymentId: 'p', payer: 'payer', payee: 'hospital', due, now });
  const settled = reportedPaymentOf(payment, { status: 'settled', ...transfer });
  const notice = noticeOf('n', payment, 'payer', transfer, now);
  const made: Record<'payment' | 'settled' | 'notice', Changeable> = structuredClone({ payment, settled, notice });
  return { ...made, owed: new Map(owed.map((one, index) => [`c${index}`, { ...one }])) };
}

const unitsOf = (resource: Changeable, at: string): number => parseMoney(resource[at], at).units;

describe('payments', () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 99_999_999 }), { minLength: 1, maxLength: 40 });
  const currencies = fc.constantFrom('USD', 'JPY', 'KWD');

  it('are for what claims are owed, to the minor unit, from the instruction to the remittances', () => {
    fc.assert(
      fc.property(amounts, currencies, (all, currency) => {
        const { payment, settled, notice, owed } = paid(all, currency);
        const sum = all.reduce((one, other) => one + other, 0);
        for (const one of [payment, settled]) {
          expect(isBalanced(one)).to.equal(true);
          expect(unitsOf(one, 'paymentAmount')).to.equal(sum);
        }
        expect(unitsOf(notice, 'amount')).to.equal(sum);
        expect(paysWhatIsOwed(settled, notice, owed)).to.equal(true);
      }),
    );
  });

  it('are told to each provider in part, and the parts add up', () => {
    fc.assert(
      fc.property(amounts, currencies, (all, currency) => {
        const { settled, notice } = paid(all, currency);
        const providers = all.length === 1 ? ['hospital'] : ['hospital', 'clinic'];
        const told = providers.map((provider) => remittanceOf(settled, provider, now) as Changeable);
        for (const one of told) expect(isBalanced(one)).to.equal(true);
        const parts = told.map((one) => unitsOf(one, 'paymentAmount'));
        expect(parts.reduce((one, other) => one + other, 0)).to.equal(unitsOf(settled, 'paymentAmount'));
        const notices = told.map((one, index) => noticeFor(notice, settled, one, providers[index]!) as Changeable);
        expect(notices.map((one) => unitsOf(one, 'amount'))).to.deep.equal(parts);
        expect(new Set(told.map(({ id }) => id)).size).to.equal(told.length);
      }),
    );
  });

  it('say what a ClaimResponse does', () => {
    const response = {
      resourceType: 'ClaimResponse',
      id: 'r',
      payment: { amount: toMoney({ units: 5, currency: 'USD' }) },
    };
    expect(payableOf(response)).to.deep.equal({ units: 5, currency: 'USD' });
  });

  it('come to no sum that is of two currencies or too large', () => {
    const cent = { units: 1, currency: 'USD' };
    expect(sumOf([cent, { units: 1, currency: 'EUR' }])).to.equal(undefined);
    expect(sumOf([cent, { units: MAX_UNITS, currency: 'USD' }])).to.equal(undefined);
  });

  const AMISS: [string, (made: ReturnType<typeof paid>) => void][] = [
    ['the details do not add up', ({ settled }) => (settled['detail'][0].amount.value = 1)],
    ['a detail is in another currency', ({ settled }) => (settled['detail'][0].amount.currency = 'EUR')],
    ['another amount was noticed', ({ notice }) => (notice['amount'].value = 1)],
    ['another amount was promised', ({ owed }) => (owed.get('c0')!.units = 1)],
    ['another currency was promised', ({ owed }) => (owed.get('c0')!.currency = 'EUR')],
    ['a claim is not among the details', ({ owed }) => owed.set('c9', owed.get('c0')!)],
  ];
  for (const [title, change] of AMISS) {
    it(`do not pay what is owed where ${title}`, () => {
      const made = paid([11_745, 200]);
      change(made);
      expect(paysWhatIsOwed(made.settled, made.notice, made.owed)).to.equal(false);
    });
  }

  it('are not made for a response that pays nothing', () => {
    expect(() => payableOf({ resourceType: 'ClaimResponse', id: 'r' })).to.throw('INVALID at <ClaimResponse.payment');
  });

  it('happen between the instruction and today, give or take a day', () => {
    const plausible = (day: string): boolean => isPlausibleDay(day, now, '2026-02-20T23:00:00.000Z');
    expect(['2026-02-11', '2026-02-12', '2026-02-20', '2026-02-21', '2026-02-22'].map(plausible)).to.deep.equal([
      ...[false, true, true, true, false],
    ]);
  });
});
