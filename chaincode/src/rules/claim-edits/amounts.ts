/** Edits about the sums: one currency everywhere, and arithmetic that holds to the minor unit. */
import { billedInAll } from '../../model/bill.ts';
import type { ClaimEdit } from '../claim-facts.ts';

/** Claim, copay and fee schedule are in one currency. */
export const oneCurrency: ClaimEdit = {
  name: 'currency',
  version: '1',
  after: [],
  judge: ({ bill, cover, feeSchedule }) => {
    const others = [cover.copay?.currency, feeSchedule?.currency].filter((currency) => currency !== undefined);
    const all = [...new Set([...bill.currencies, ...others])];
    return all.length === 1 ? [] : [{ currencies: all.join(' ') }];
  },
};

/** quantity × unitPrice × factor = net for every item, and Σ net = total. */
export const arithmetic: ClaimEdit = {
  name: 'arithmetic',
  version: '2',
  after: ['currency'],
  judge: ({ bill }) => {
    const wrong = bill.items
      .filter(({ computed, billed }) => computed !== undefined && computed !== billed)
      .map(({ sequence, computed, billed }) => ({ item: sequence, net: billed, computed: computed ?? null }));
    const sum = billedInAll(bill);
    return bill.total === undefined || bill.total === sum ? wrong : [...wrong, { total: bill.total, sum }];
  },
};
