/**
 * A FHIR R4 InsurancePlan read as the terms that a member's claims are decided by, and what lies under the keys of plans. A term that
 * is not computed is refused rather than left out in silence. docs/plans.md says how each is written.
 */
import { z } from 'zod';
import { expressionOf } from './bill.ts';
import { sha256Hex } from './canonical.ts';
import { datedShape } from './claims.ts';
import { type Days, daysOfPeriod, FHIR_DATE_TIME } from './days.ts';
import { LedgerError } from './errors.ts';
import { type Decimal, decimalOf, exponentOf, parseMoney } from './money.ts';
import { organisationNameOf } from './organisations.ts';
import { fhirIdSchema, saltSchema, versionSchema } from './texts.ts';
import { anchoredSchema, schemaVersion } from './values.ts';

const OURS = 'https://telemed-ledger.example/fhir/StructureDefinition';
const SERVICE = `${OURS}/plan-service`;
const EXCLUDED = `${OURS}/plan-excluded`;
const PREAUTHORIZATION = `${OURS}/plan-preauthorization`;
/** The providers that a plan is shown to. */
export const PLAN_PROVIDER = `${OURS}/plan-provider`;

const MAX_CATEGORIES = 200;
const MAX_SERVICES = 5_000;

const dateTime = z.string().regex(FHIR_DATE_TIME);
const concept = z.looseObject({
  coding: z
    .array(z.looseObject({ system: z.string().optional(), code: z.string().min(1).max(128) }))
    .min(1)
    .max(10),
});
const extension = z.array(
  z.looseObject({
    url: z.string(),
    valueBoolean: z.boolean().optional(),
    valueCoding: z.looseObject({ system: z.string().optional(), code: z.string().min(1).max(128) }).optional(),
  }),
);
const quantity = z.looseObject({
  value: z.unknown(),
  unit: z.string().optional(),
  code: z.string().optional(),
  system: z.string().optional(),
});
const benefitSchema = z.looseObject({
  type: concept,
  extension: extension.max(MAX_SERVICES).optional(),
  limit: z
    .array(z.looseObject({ value: quantity, code: concept }))
    .max(10)
    .optional(),
});
const costSchema = z.looseObject({ type: concept, applicability: concept.optional(), value: quantity });
const network = z
  .array(z.looseObject({ identifier: z.looseObject({}).optional(), reference: z.string().optional() }))
  .max(1_000)
  .optional();

const planSchema = z.looseObject({
  resourceType: z.literal('InsurancePlan'),
  id: fhirIdSchema,
  status: z.enum(['active', 'draft', 'retired', 'unknown']),
  identifier: z
    .array(z.looseObject({ value: z.string().min(1).max(256).optional() }))
    .max(20)
    .optional(),
  period: z.looseObject({ start: dateTime.optional(), end: dateTime.optional() }).optional(),
  network,
  coverage: z
    .array(z.looseObject({ benefit: z.array(benefitSchema).max(MAX_CATEGORIES) }))
    .max(MAX_CATEGORIES)
    .optional(),
  plan: z
    .array(
      z.looseObject({
        generalCost: z
          .array(z.looseObject({ type: concept, groupSize: z.int().optional(), cost: z.unknown() }))
          .max(20)
          .optional(),
        specificCost: z
          .array(
            z.looseObject({
              category: concept,
              benefit: z
                .array(z.looseObject({ cost: z.array(costSchema).max(20).optional() }))
                .max(20)
                .optional(),
            }),
          )
          .max(MAX_CATEGORIES)
          .optional(),
      }),
    )
    .max(1, 'a plan of several has an InsurancePlan for each')
    .optional(),
});
type Parsed = z.infer<typeof planSchema>;

/** What a service costs the patient, amounts in minor units. */
export interface Costs {
  /** Once for each category and day of a claim. */
  copay: number;
  /** Per cent of what is left after copay and deductible. */
  coinsurance: Decimal | undefined;
  /** Whether the deductible is taken first. */
  hasDeductible: boolean;
}

/** The terms of the services of one kind. */
export interface Category {
  name: string;
  /** Names as prices have them, `system|CODE` or `CODE`; none: what is in no other category. */
  services: ReadonlySet<string>;
  isExcluded: boolean;
  needsAuthorization: boolean;
  /** Days from the beginning of the coverage on which nothing is paid. */
  waitingDays: number;
  /** Of one plan year. */
  maxUnits: number | undefined;
  /** Minor units that the payer pays in one plan year. */
  maxAmount: number | undefined;
  inNetwork: Costs | undefined;
  outOfNetwork: Costs | undefined;
}

/** What is paid out of pocket before and at most, in minor units; undefined where the plan does not say. */
export interface Limits {
  deductible?: number;
  outOfPocketMaximum?: number;
}

/** The terms of a version of a plan, amounts in minor units of its currency. */
export interface PlanTerms {
  id: string;
  version: number;
  currency: string | undefined;
  /** Of one person and plan year. */
  person: Limits;
  /** Of a family and plan year; undefined where the plan has none. */
  family: Limits | undefined;
  /** Names of providers; undefined: all are in it. */
  network: ReadonlySet<string> | undefined;
  categories: readonly Category[];
}

const invalid = (reason: string, expression: string): LedgerError => new LedgerError('INVALID', reason, expression);
const codeOf = ({ coding }: z.infer<typeof concept>): string => coding[0]!.code;

/** Reads amounts, which are all of one currency. */
class Amounts {
  currency: string | undefined;

  units(money: unknown, at: string): number {
    const { units, currency } = parseMoney(money, at);
    this.currency ??= currency;
    if (currency !== this.currency) throw invalid('a plan has one currency', at);
    return units;
  }

  /** Of a Quantity, whose code or unit is the currency. */
  ofQuantity({ value, code, unit }: z.infer<typeof quantity>, at: string): number {
    return this.units({ value, currency: code ?? unit }, at);
  }
}

function percentOf({ value }: z.infer<typeof quantity>, at: string): Decimal {
  const percent = decimalOf(value);
  if (percent === undefined || percent.digits < 0n || percent.digits > 100n * 10n ** BigInt(percent.scale))
    throw invalid('needs a percentage', at);
  return percent;
}

function countOf({ value }: z.infer<typeof quantity>, at: string): number {
  const { digits, scale } = decimalOf(value) ?? { digits: -1n, scale: 0 };
  const count = digits / 10n ** BigInt(scale);
  if (count * 10n ** BigInt(scale) !== digits || count < 0n || count > 1_000_000n)
    throw invalid('needs a whole number', at);
  return Number(count);
}

const isMoney = ({ code, unit }: z.infer<typeof quantity>): boolean => exponentOf(code ?? unit ?? '') !== undefined;

const NETWORKS: Readonly<Record<string, readonly ('inNetwork' | 'outOfNetwork')[]>> = {
  'in-network': ['inNetwork'],
  'out-of-network': ['outOfNetwork'],
};

/** A code, or `system|code`, as terms and prices are kept by it: systems in small letters, codes in capitals. */
export function serviceNameOf(name: string): string {
  const at = name.lastIndexOf('|');
  return `${name.slice(0, at + 1).toLowerCase()}${name.slice(at + 1).toUpperCase()}`;
}

type Benefit = z.infer<typeof benefitSchema>;

function readBenefit(benefit: Benefit, amounts: Amounts, at: string): Category {
  const extensions = benefit.extension ?? [];
  const is = (url: string): boolean => extensions.some((one) => one.url === url && one.valueBoolean === true);
  const services = extensions.flatMap(({ url, valueCoding }) => (url === SERVICE ? (valueCoding ?? []) : []));
  const category: Category = {
    ...{ name: codeOf(benefit.type), waitingDays: 0, maxUnits: undefined, maxAmount: undefined },
    ...{ isExcluded: is(EXCLUDED), needsAuthorization: is(PREAUTHORIZATION) },
    services: new Set(
      services.map(({ system, code }) => serviceNameOf(system === undefined ? code : `${system}|${code}`)),
    ),
    ...{ inNetwork: undefined, outOfNetwork: undefined },
  };
  for (const [index, { value, code }] of (benefit.limit ?? []).entries()) {
    const where = `${at}.limit[${index}]`;
    const kind = codeOf(code);
    if (kind === 'waiting-period') category.waitingDays = countOf(value, `${where}.value`);
    else if (kind !== 'annual') throw invalid('only annual limits and waiting periods are supported', `${where}.code`);
    else if (isMoney(value)) category.maxAmount = amounts.ofQuantity(value, `${where}.value`);
    else category.maxUnits = countOf(value, `${where}.value`);
  }
  return category;
}

function readCategories({ coverage = [] }: Parsed, amounts: Amounts): Map<string, Category> {
  const found = new Map<string, Category>();
  const others: string[] = [];
  coverage.forEach(({ benefit }, index) => {
    benefit.forEach((one, place) => {
      const at = `InsurancePlan.coverage[${index}].benefit[${place}]`;
      const category = readBenefit(one, amounts, at);
      if (found.has(category.name)) throw invalid('two benefits have one type', `${at}.type`);
      if (category.services.size === 0) others.push(category.name);
      if (others.length > 1) throw invalid(`only one benefit is without services (${SERVICE})`, at);
      found.set(category.name, category);
    });
  });
  return found;
}

const noCosts = (): Costs => ({ copay: 0, coinsurance: undefined, hasDeductible: true });

function addCost(costs: Costs, { type, value }: z.infer<typeof costSchema>, amounts: Amounts, at: string): Costs {
  const kind = codeOf(type);
  if (kind === 'copay') return { ...costs, copay: amounts.ofQuantity(value, `${at}.value`) };
  if (kind === 'coinsurance') return { ...costs, coinsurance: percentOf(value, `${at}.value`) };
  if (kind !== 'deductible') throw invalid('only copay, coinsurance and deductible are supported', `${at}.type`);
  if (amounts.ofQuantity(value, `${at}.value`) !== 0) throw invalid('a service has no other deductible than none', at);
  return { ...costs, hasDeductible: false };
}

/** Enters what the services of each category cost. */
function readCosts({ plan = [] }: Parsed, categories: Map<string, Category>, amounts: Amounts): void {
  (plan[0]?.specificCost ?? []).forEach(({ category, benefit = [] }, index) => {
    const at = `InsurancePlan.plan[0].specificCost[${index}]`;
    const found = categories.get(codeOf(category));
    if (found === undefined) throw invalid('no benefit of InsurancePlan.coverage has this type', `${at}.category`);
    benefit.forEach(({ cost = [] }, place) => {
      cost.forEach((one, under) => {
        const where = `${at}.benefit[${place}].cost[${under}]`;
        const networks = one.applicability === undefined ? NETWORKS_ALL : NETWORKS[codeOf(one.applicability)];
        if (networks === undefined) throw invalid('is in-network or out-of-network', `${where}.applicability`);
        for (const name of networks) found[name] = addCost(found[name] ?? noCosts(), one, amounts, where);
      });
    });
  });
}
const NETWORKS_ALL = ['inNetwork', 'outOfNetwork'] as const;

const GENERAL: Readonly<Record<string, keyof Limits>> = {
  deductible: 'deductible',
  'out-of-pocket-maximum': 'outOfPocketMaximum',
};

/** What is of one person has no group size, or that of one; what is of more is of the family, however many these are. */
function readGeneralCosts({ plan = [] }: Parsed, amounts: Amounts): Pick<PlanTerms, 'person' | 'family'> {
  const person: Limits = {};
  const family: Limits = {};
  (plan[0]?.generalCost ?? []).forEach(({ type, groupSize = 1, cost }, index) => {
    const at = `InsurancePlan.plan[0].generalCost[${index}]`;
    const kind = codeOf(type);
    if (kind === 'premium') return;
    if (groupSize < 1) throw invalid('is of one person or more', `${at}.groupSize`);
    const name = GENERAL[kind];
    if (name === undefined)
      throw invalid('only premium, deductible and out-of-pocket-maximum are supported', `${at}.type`);
    const units = amounts.units(cost, `${at}.cost`);
    if (groupSize === 1) person[name] = units;
    else if (family[name] !== undefined) throw invalid('families of all sizes have one', `${at}.groupSize`);
    else family[name] = units;
  });
  return { person, family: Object.keys(family).length === 0 ? undefined : family };
}

function parsePlan(resource: unknown): Parsed {
  const parsed = planSchema.safeParse(resource);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid('missing, malformed or not supported', expressionOf('InsurancePlan', issue?.path ?? []));
}

/**
 * Reads an InsurancePlan (hl7.org/fhir/R4/insuranceplan.html).
 * @throws LedgerError INVALID with the element at fault.
 */
export function readPlan(resource: unknown, version: number): PlanTerms {
  const parsed = parsePlan(resource);
  const amounts = new Amounts();
  const categories = readCategories(parsed, amounts);
  readCosts(parsed, categories, amounts);
  const general = readGeneralCosts(parsed, amounts);
  const names = parsed.network?.map((one, index) => {
    const name = organisationNameOf(one as Parameters<typeof organisationNameOf>[0]);
    if (name === undefined) throw invalid('names no member of the consortium', `InsurancePlan.network[${index}]`);
    return name;
  });
  const network = names === undefined || names.length === 0 ? undefined : new Set(names);
  return {
    ...{ id: parsed.id, version, currency: amounts.currency, ...general, network },
    categories: [...categories.values()],
  };
}

/** The days of service on which a version counts; undefined where it counts on none: it is no active one. */
export function daysOfPlan(resource: unknown): Days | undefined {
  const { status, period } = parsePlan(resource);
  return status === 'active' ? daysOfPeriod(period) : undefined;
}

/** By what a Coverage can name a plan: its id, and the values of its identifiers. */
export function namesOfPlan(resource: unknown): string[] {
  const { id, identifier = [] } = parsePlan(resource);
  return [...new Set([id, ...identifier.flatMap(({ value }) => value ?? [])])];
}

/** Versions of a plan that are in force on some day. */
export const MAX_PLAN_VERSIONS = 500;

/** `plan/<id>/<version>`: the resource, and which version of it counts on which days of service, this one included, oldest first. */
export const planRecordSchema = anchoredSchema.extend({
  versions: z.array(z.strictObject({ version: versionSchema, ...datedShape })).max(MAX_PLAN_VERSIONS),
});
export type PlanRecord = z.infer<typeof planRecordSchema>;

/** `plan-name/<payer>/<hash>`: the plan that a payer's coverages mean by a name. */
export const planNameSchema = z.strictObject({ schema: schemaVersion, plan: fhirIdSchema, salt: saltSchema });
type PlanName = z.infer<typeof planNameSchema>;

/** It follows from the plan's id, so that whoever is shown the plan can tell. */
export const planNameOf = (plan: string): PlanName => ({ schema: 1, plan, salt: sha256Hex(`plan-name/${plan}`) });
