/** The amounts of an explanation of benefit, by what they are: what was billed, what the plan allows, what it pays, what is left to pay. */
import type { ExplanationOfBenefit, Money } from '@medplum/fhirtypes';

export const TOTALS = ['billed', 'allowed', 'paid', 'owed'] as const;
export type Total = (typeof TOTALS)[number];

/** By code of HL7's adjudication categories and CARIN's. */
const CODES: Readonly<Record<string, Total>> = {
  ...{ submitted: 'billed', eligible: 'allowed', benefit: 'paid', paidtoprovider: 'paid', paidtopatient: 'paid' },
  ...{ memberliability: 'owed', paidbypatient: 'owed' },
};
/** Parts of what a member owes, where no total of it is said. */
const PARTS = ['copay', 'deductible', 'coinsurance', 'noncovered'];

const codeOf = (one: { category: { coding?: { code?: string }[] } }): string => one.category.coding?.[0]?.code ?? '';

/** Amounts that the explanation states; each once, the last said being the one that counts. */
export function totalsOf({ total = [] }: Pick<ExplanationOfBenefit, 'total'>): Partial<Record<Total, Money>> {
  const found: Partial<Record<Total, Money>> = {};
  for (const one of total) {
    const name = CODES[codeOf(one)];
    if (name !== undefined && one.amount !== undefined) found[name] = one.amount;
  }
  if (found.owed === undefined) {
    const parts = total.filter((one) => PARTS.includes(codeOf(one)));
    const [first] = parts;
    const value = parts.reduce((sum, one) => sum + Math.round(Number(one.amount.value ?? 0) * 100), 0) / 100;
    if (first?.amount !== undefined) found.owed = { ...first.amount, value };
  }
  return found;
}
