import { expect } from 'chai';
import fc from 'fast-check';
import type { Changeable } from '../model/example-claim.fixture.ts';
import { MAX_UNITS, toMoney } from '../model/money.ts';
import {
  instructionOf,
  isBalanced,
  isPlausibleDay,
  noticeOf,
  payableOf,
  paysResponse,
  remittanceOf,
  settledPaymentOf,
} from './payments.ts';

const transfer = { bank: 'bank', reference: 'TRF-1', paidOn: '2026-02-14' };
const now = '2026-02-13T08:00:00.000Z';

function paid(units: number, currency = 'USD'): Record<'response' | 'payment' | 'settled' | 'notice', Changeable> {
  const response = { resourceType: 'ClaimResponse', id: 'r', payment: { amount: toMoney({ units, currency }) } };
  const payment = instructionOf({ paymentId: 'p', claimId: 'c', response, provider: 'hospital', payer: 'payer', now });
  const settled = settledPaymentOf(payment, transfer);
  const notice = noticeOf('n', payment, 'payer', transfer, now);
  return structuredClone({ response, payment, settled, notice });
}

describe('payments', () => {
  it('are for what the response says, to the minor unit, from the instruction to the remittance', () => {
    const units = fc.integer({ min: 1, max: MAX_UNITS });
    fc.assert(
      fc.property(units, fc.constantFrom('USD', 'JPY', 'KWD'), (amount, currency) => {
        const { response, payment, settled, notice } = paid(amount, currency);
        expect(payableOf(response)).to.deep.equal({ units: amount, currency });
        for (const one of [payment, settled, remittanceOf('q', settled, now)]) {
          expect(one['paymentAmount']).to.deep.equal(response['payment'].amount);
          expect(isBalanced(one)).to.equal(true);
        }
        expect(paysResponse(settled, notice, response)).to.equal(true);
      }),
    );
  });

  const AMISS: [string, (made: ReturnType<typeof paid>) => void][] = [
    ['the bank has not paid', ({ settled }) => (settled['outcome'] = 'queued')],
    ['the details do not add up', ({ settled }) => (settled['detail'][0].amount.value = 1)],
    ['a detail is in another currency', ({ settled }) => (settled['detail'][0].amount.currency = 'EUR')],
    ['another amount was noticed', ({ notice }) => (notice['amount'].value = 1)],
    ['another amount was promised', ({ response }) => (response['payment'].amount.value = 1)],
    ['another currency was promised', ({ response }) => (response['payment'].amount.currency = 'EUR')],
  ];
  for (const [title, change] of AMISS) {
    it(`do not pay a response where ${title}`, () => {
      const made = paid(11745);
      change(made);
      expect(paysResponse(made.settled, made.notice, made.response)).to.equal(false);
    });
  }

  it('are not made for a response that pays nothing', () => {
    expect(() => payableOf({ resourceType: 'ClaimResponse', id: 'r' })).to.throw('INVALID at <ClaimResponse.payment');
  });

  it('happen between the instruction and today, give or take a day', () => {
    const { payment } = paid(1);
    const plausible = (paidOn: string): boolean => isPlausibleDay(paidOn, payment, '2026-02-20T23:00:00.000Z');
    expect(['2026-02-11', '2026-02-12', '2026-02-20', '2026-02-21', '2026-02-22'].map(plausible)).to.deep.equal([
      ...[false, true, true, true, false],
    ]);
  });
});
