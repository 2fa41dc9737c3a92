/** The amounts of an explanation of benefit, by what they are: what was billed, what the plan allows, what it pays, what is left to pay. */
import type { ExplanationOfBenefit, Money } from '@medplum/fhirtypes';

export const TOTALS = ['billed', 'allowed', 'paid', 'owed'] as const;
export type Total = (typeof TOTALS)[number];

/** By code of HL7's adjudication categories and CARIN's. */
const CODES: Readonly<Record<string, Total>> = {
  ...{ submitted: 'billed', eligible: 'allowed', benefit: 'paid', paidtoprovider: 'paid', paidtopatient: 'paid' },
};
/** Of the member; some say it in several parts. */
const OWED = ['memberliability'];
/** Parts of what a member owes, where no total of it is said. */
const PARTS = ['copay', 'deductible', 'coinsurance', 'noncovered'];

const codeOf = (one: { category: { coding?: { code?: string }[] } }): string => one.category.coding?.[0]?.code ?? '';

type Stated = Pick<ExplanationOfBenefit, 'total'>;

/** Added up in cents. */
function sumOf(amounts: readonly (Money | undefined)[]): Money | undefined {
  const [first] = amounts;
  if (first === undefined) return undefined;
  const cents = amounts.reduce((sum, amount) => sum + Math.round(Number(amount?.value ?? 0) * 100), 0);
  return { ...first, value: cents / 100 };
}

/**
 * Amounts that are stated of a claim or a line. What a member owes may be said in several parts, each with its reason, beside a sum of them
 * under another name; the parts count. Of the others the last said counts.
 */
export function totalsOf({ total = [] }: Stated): Partial<Record<Total, Money>> {
  const found: Partial<Record<Total, Money>> = {};
  for (const one of total) {
    const name = CODES[codeOf(one)];
    if (name !== undefined && one.amount !== undefined) found[name] = one.amount;
  }
  const amountsOf = (codes: readonly string[]) =>
    total.filter((one) => codes.includes(codeOf(one))).map(({ amount }) => amount);
  const owed = sumOf(amountsOf(OWED)) ?? sumOf(amountsOf(PARTS));
  return owed === undefined ? found : { ...found, owed };
}

type Adjudicated = { adjudication?: { category: { coding?: { code?: string }[] }; amount?: Money }[] } | undefined;

/** Those of one line, which are stated in its adjudication. */
export const totalsIn = (line: Adjudicated): ReturnType<typeof totalsOf> =>
  totalsOf({ total: (line?.adjudication ?? []) as NonNullable<Stated['total']> });
