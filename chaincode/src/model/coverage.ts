/**
 * A FHIR R4 Coverage read as the terms a claim is decided by: whom it covers, when, and what the patient pays.
 * A way of sharing costs that the ledger does not compute is refused rather than left out in silence.
 */
import { z } from 'zod';
import { expressionOf } from './bill.ts';
import { objectsOf } from './claim-evidence.ts';
import { type Days, daysOfPeriod, FHIR_DATE_TIME } from './days.ts';
import { LedgerError } from './errors.ts';
import { type Amount, type Decimal, decimalOf, parseMoney } from './money.ts';

const COST_TYPES = 'http://terminology.hl7.org/CodeSystem/coverage-copay-type';
const dateTime = z.string().regex(FHIR_DATE_TIME);

const isPercentage = (value: unknown): boolean => {
  const { digits, scale } = decimalOf(value) ?? { digits: -1n, scale: 0 };
  return digits >= 0n && digits <= 100n * 10n ** BigInt(scale);
};

const costSchema = z.looseObject({
  type: z.looseObject({
    coding: z.array(z.looseObject({ system: z.string().optional(), code: z.string().optional() })).min(1),
  }),
  valueMoney: z.unknown().optional(),
  valueQuantity: z.looseObject({ value: z.custom(isPercentage) }).optional(),
  exception: z.undefined('exceptions are not supported').optional(),
});

const coverageSchema = z.looseObject({
  resourceType: z.literal('Coverage'),
  id: z.string(),
  status: z.enum(['active', 'cancelled', 'draft', 'entered-in-error']),
  subscriberId: z.string().min(1).optional(),
  beneficiary: z.looseObject({
    reference: z.string().optional(),
    identifier: z.looseObject({ system: z.string().optional(), value: z.string().min(1) }).optional(),
  }),
  period: z.looseObject({ start: dateTime.optional(), end: dateTime.optional() }).optional(),
  order: z.int().min(1).max(100).optional(),
  payor: z.array(z.looseObject({})).min(1),
  class: z.unknown().optional(),
  costToBeneficiary: z.array(costSchema).max(10).optional(),
});

export interface Cover {
  id: string;
  status: string;
  beneficiary: {
    reference?: string | undefined;
    identifier?: { system?: string | undefined; value: string } | undefined;
  };
  subscriberId: string | undefined;
  /** Which of several insurances it is: who comes second pays on what the first decided. */
  order?: number | undefined;
  days: Days;
  /** By what it names the plan whose terms count, where there is one of that name: its classes of type `plan`. */
  plans: readonly string[];
  /** Once per claim. */
  copay: Amount | undefined;
  /** Per cent of what is allowed after the copay. */
  coinsurance: Decimal | undefined;
}

const invalid = (reason: string, expression: string): LedgerError => new LedgerError('INVALID', reason, expression);

/** Values of the classes of type `plan` (http://terminology.hl7.org/CodeSystem/coverage-class). */
const plansOf = (classes: unknown): string[] =>
  objectsOf(classes)
    .filter(({ type }) =>
      objectsOf((type as { coding?: unknown } | undefined)?.coding).some(({ code }) => code === 'plan'),
    )
    .flatMap(({ value }) => (typeof value === 'string' ? [value] : []))
    .slice(0, 10);

function costCode(cost: z.infer<typeof costSchema>): string | undefined {
  return cost.type.coding.find((coding) => coding.system === COST_TYPES)?.code;
}

function readCosts(costs: z.infer<typeof costSchema>[]): Pick<Cover, 'copay' | 'coinsurance'> {
  const found: Pick<Cover, 'copay' | 'coinsurance'> = { copay: undefined, coinsurance: undefined };
  costs.forEach((cost, index) => {
    const at = `Coverage.costToBeneficiary[${index}]`;
    const code = costCode(cost);
    if (code === 'copay' && found.copay === undefined) {
      found.copay = parseMoney(cost.valueMoney, `${at}.valueMoney`);
    } else if (code === 'copaypct' && found.coinsurance === undefined) {
      found.coinsurance = cost.valueQuantity && decimalOf(cost.valueQuantity.value);
      if (found.coinsurance === undefined) throw invalid('needs a percentage', `${at}.valueQuantity`);
    } else {
      throw invalid('only one copay and one copaypct are supported', `${at}.type`);
    }
  });
  return found;
}

/**
 * Reads a Coverage (hl7.org/fhir/R4/coverage.html).
 * @throws LedgerError INVALID with the element at fault.
 */
export function readCover(resource: unknown): Cover {
  const parsed = coverageSchema.safeParse(resource);
  if (!parsed.success) {
    throw invalid('missing, malformed or not supported', expressionOf('Coverage', parsed.error.issues[0]?.path ?? []));
  }
  const { id, status, beneficiary, subscriberId, order, period, costToBeneficiary } = parsed.data;
  const plans = plansOf(parsed.data.class);
  const insured = { id, status, beneficiary, subscriberId, ...(order === undefined ? {} : { order }) };
  return { ...insured, plans, days: daysOfPeriod(period), ...readCosts(costToBeneficiary ?? []) };
}
