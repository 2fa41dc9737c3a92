/** Edits about the sums: one currency everywhere, and arithmetic that holds to the minor unit. */
import { type BillItem, type BillPart, billedInAll, billedInParts, isInParts } from '../../model/bill.ts';
import type { ClaimEdit, DenialFacts } from '../claim-facts.ts';

/** Claim, copay and fee schedule are in one currency. */
export const oneCurrency: ClaimEdit = {
  name: 'currency',
  version: '1',
  after: [],
  judge: ({ bill, cover, tariffs, plan }) => {
    const priced = [...tariffs.all.map(({ currency }) => currency), ...(plan?.currencies ?? [])];
    const others = [plan === undefined ? cover.copay?.currency : undefined, ...priced].filter(
      (currency) => currency !== undefined,
    );
    const all = [...new Set([...bill.currencies, ...others])];
    return all.length === 1 ? [] : [{ currencies: all.join(' ') }];
  },
};

const isWrong = ({ computed, billed }: BillPart): boolean => computed !== undefined && computed !== billed;

/** Of what lies in an item: amounts that do not hold, each denying itself alone. */
const wrongIn = (part: BillPart, place: DenialFacts, names: readonly string[]): DenialFacts[] =>
  part.parts.flatMap((inner) => {
    const at = { ...place, [names[0]!]: inner.sequence };
    if (isWrong(inner)) return [{ ...at, net: inner.billed, computed: inner.computed ?? null }];
    if (!isSum(inner)) return [{ ...at, net: inner.billed, sum: billedInParts(inner) }];
    return wrongIn(inner, at, names.slice(1));
  });

const isSum = (part: BillPart): boolean => !isInParts(part) || part.billed === billedInParts(part);

function wrongOf(item: BillItem): DenialFacts[] {
  const { sequence, computed, billed } = item;
  if (isWrong(item)) return [{ item: sequence, net: billed, computed: computed ?? null }];
  if (!isSum(item)) return [{ item: sequence, net: billed, sum: billedInParts(item) }];
  return wrongIn(item, { item: sequence }, ['detail', 'subDetail']);
}

/** quantity × unitPrice × factor = net for everything billed, Σ details = net of what they lie in, and Σ net = total. */
export const arithmetic: ClaimEdit = {
  name: 'arithmetic',
  version: '3',
  after: ['currency'],
  judge: ({ bill }) => {
    const wrong = bill.items.flatMap(wrongOf);
    const sum = billedInAll(bill);
    return bill.total === undefined || bill.total === sum ? wrong : [...wrong, { total: bill.total, sum }];
  },
};
