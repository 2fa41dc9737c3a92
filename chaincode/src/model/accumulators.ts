/**
 * What a member has used of a plan in a plan year: the deductible that is met, what was paid out of pocket, and what is used of limits;
 * and what is used of an authorization. A series of entries, each written once by the adjudication of a claim on the one before; what is given back is a series of its own, which
 * the next entry takes into account. So nothing is lost and no counter is written twice.
 */
import { z } from 'zod';
import { currencySchema, daySchema, hashSchema, idSchema, line, saltSchema, table, versionSchema } from './texts.ts';
import { hintSchema } from './transaction.ts';
import { schemaVersion } from './values.ts';

/** Minor units of many claims. */
const sumSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Units and amounts of one kind of service. */
const usedSchema = z.strictObject({ units: z.int().min(0).max(999_999_999), amount: sumSchema });
const sumsShape = {
  deductible: sumSchema,
  outOfPocket: sumSchema,
  /** By the name of the plan's category; those without use are absent. */
  used: table(line(128), usedSchema, 200),
};
export const sumsSchema = z.strictObject(sumsShape);
/** Minor units, and units of services. */
export type Sums = z.infer<typeof sumsSchema>;

/** In place of a plan year: what is used of an authorization, which is an account of its own and has no years. */
export const AUTHORIZED = 'authorized';
const yearSchema = z.union([daySchema, z.literal(AUTHORIZED)]);

/**
 * Of what use is counted: a plan year of the coverage at hand, by its first day, the same of its family (families.ts), or an
 * authorization, by the id of the request.
 */
export const accountShape = { year: yearSchema, authorization: idSchema.optional(), family: idSchema.optional() };
export interface Account {
  year: string;
  authorization?: string | undefined;
  family?: string | undefined;
}
/** Accounts of one claim: plan years, of its member and of the family, and authorizations now and by its decision before. */
export const MAX_ACCOUNTS = 60;

/** What an account is called among those of one claim. */
export const accountName = ({ year, authorization, family }: Account): string =>
  authorization ?? (family === undefined ? year : `${family}/${year}`);

/** Under whose id an account lies: that of an authorization, of a family, or of the coverage. */
export const holderOf = ({ authorization, family }: Account, coverage: string): string =>
  authorization ?? family ?? coverage;

/** The account alone, of what says more of it. */
export const accountOf = ({ year, authorization, family }: Account): Account => ({
  year,
  ...(authorization === undefined ? {} : { authorization }),
  ...(family === undefined ? {} : { family }),
});

/** `accumulator/<coverage or family>/<first day of the plan year>/<n>`, n from 1 on, or `accumulator/<authorization>/authorized/<n>` */
export const accumulatorSchema = z.strictObject({
  schema: schemaVersion,
  /** Id of the coverage, of the family, or of the authorization. */
  coverage: idSchema,
  year: yearSchema,
  salt: saltSchema,
  /** That of the claim by which it was written, salted. */
  claim: hashSchema,
  currency: currencySchema,
  /** With everything that the claim took, and everything given back that is taken into account. */
  totals: sumsSchema,
  /** How many of what was given back are. */
  returned: hintSchema,
});
export type Accumulator = z.infer<typeof accumulatorSchema>;

/** `accumulator-return/…/<k>`, as the entries: what a claim took, and gives back. */
export const returnSchema = z.strictObject({
  schema: schemaVersion,
  coverage: idSchema,
  year: yearSchema,
  salt: saltSchema,
  sums: sumsSchema,
});
export type Return = z.infer<typeof returnSchema>;

/** Of the response to a claim: what it took of a plan year, or of an authorization, by which entry. */
export const takenSchema = z.strictObject({
  ...accountShape,
  entry: versionSchema,
  sums: sumsSchema,
});
export type Taken = z.infer<typeof takenSchema>;

export const nothingUsed = (): Sums => ({ deductible: 0, outOfPocket: 0, used: {} });

export const usedBy = ({ used }: Sums, name: string) =>
  Object.hasOwn(used, name) ? used[name]! : { units: 0, amount: 0 };

function combined(a: Sums, b: Sums, by: (a: number, b: number) => number): Sums {
  const names = [...new Set([...Object.keys(a.used), ...Object.keys(b.used)])].sort();
  const used = names.flatMap((name) => {
    const [one, other] = [usedBy(a, name), usedBy(b, name)];
    const sum = { units: by(one.units, other.units), amount: by(one.amount, other.amount) };
    return sum.units === 0 && sum.amount === 0 ? [] : [[name, sum] as const];
  });
  return {
    deductible: by(a.deductible, b.deductible),
    outOfPocket: by(a.outOfPocket, b.outOfPocket),
    used: Object.fromEntries(used),
  };
}

export const plus = (a: Sums, b: Sums): Sums => combined(a, b, (one, other) => one + other);
/** Never below nothing. */
export const minus = (a: Sums, b: Sums): Sums => combined(a, b, (one, other) => Math.max(0, one - other));
export const isNothing = ({ deductible, outOfPocket, used }: Sums): boolean =>
  deductible === 0 && outOfPocket === 0 && Object.keys(used).length === 0;

/** The first day of the plan year that a day is in: the calendar's. */
export const planYearOf = (day: string): string => `${day.slice(0, 4)}-01-01`;
