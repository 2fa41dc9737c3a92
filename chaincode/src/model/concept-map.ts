/**
 * A FHIR R4 ConceptMap (hl7.org/fhir/R4/conceptmap.html) read as a crosswalk: from the codes that records have to the codes that
 * they may be billed by. What would change its meaning and is not computed here is refused.
 */
import { z } from 'zod';
import { expressionOf } from './bill.ts';
import type { CrosswalkRow } from './claim-tables.ts';
import { type Days, FHIR_DATE_TIME, firstDay, lastDay } from './days.ts';
import { LedgerError } from './errors.ts';

/** hl7.org/fhir/R4/extension-resource-effectiveperiod.html, of the map, of a group or of one target. */
const EFFECTIVE = 'http://hl7.org/fhir/StructureDefinition/resource-effectivePeriod';
/** hl7.org/fhir/R4/valueset-concept-map-equivalence.html: that there is none. */
const NO_MATCH = ['unmatched', 'disjoint'];
const MAX_ROWS = 20_000;

const dateTime = z.string().regex(FHIR_DATE_TIME);
const extensions = z
  .array(
    z.looseObject({
      url: z.string(),
      valuePeriod: z.looseObject({ start: dateTime.optional(), end: dateTime.optional() }).optional(),
    }),
  )
  .optional();
const unsupported = z.undefined('is not supported').optional();
const target = z.looseObject({
  extension: extensions,
  code: z.string().optional(),
  equivalence: z.string(),
  dependsOn: unsupported,
  product: unsupported,
});
const group = z.looseObject({
  extension: extensions,
  source: z.string(),
  target: z.string(),
  element: z.array(z.looseObject({ code: z.string().optional(), target: z.array(target).optional() })).min(1),
  unmapped: unsupported,
});
const conceptMapSchema = z.looseObject({
  resourceType: z.literal('ConceptMap'),
  status: z.enum(['draft', 'active', 'retired', 'unknown']),
  extension: extensions,
  group: z.array(group).optional(),
});

/** X12's reasons of decisions on authorizations, as Da Vinci PAS has them: a map to these says nothing of what is billed. */
export const REVIEW_REASONS = 'https://codesystem.x12.org/external/886';
export const isOfReasons = ({ billed }: Pick<CrosswalkRow, 'billed'>): boolean =>
  billed.startsWith(`${REVIEW_REASONS}|`.toUpperCase());

/** The days that an element's effective period holds. */
function daysIn(all: z.infer<typeof extensions>): Days {
  const { start, end } = all?.find(({ url }) => url === EFFECTIVE)?.valuePeriod ?? {};
  return {
    ...(start === undefined ? {} : { first: firstDay(start) }),
    ...(end === undefined ? {} : { last: lastDay(end) }),
  };
}

/** The days that are in both. */
function both(one: Days, other: Days): Days {
  const first = [one.first, other.first]
    .filter((day) => day !== undefined)
    .sort()
    .at(-1);
  const last = [one.last, other.last].filter((day) => day !== undefined).sort()[0];
  return { ...(first === undefined ? {} : { first }), ...(last === undefined ? {} : { last }) };
}

const rowOf = (record: string, billed: string, { first, last }: Days): CrosswalkRow => ({
  ...{ record: record.toUpperCase(), billed: billed.toUpperCase() },
  ...(first === undefined ? {} : { from: first }),
  ...(last === undefined ? {} : { until: last }),
});

/**
 * The rows of a map; none of one that is not active.
 * @throws LedgerError INVALID with the element at fault
 */
export function readConceptMap(resource: unknown): CrosswalkRow[] {
  const parsed = conceptMapSchema.safeParse(resource);
  if (!parsed.success) {
    const at = expressionOf('ConceptMap', parsed.error.issues[0]?.path ?? []);
    throw new LedgerError('INVALID', 'missing, malformed or not supported', at);
  }
  const map = parsed.data;
  if (map.status !== 'active') return [];
  const rows = (map.group ?? []).flatMap((one) => {
    const days = both(daysIn(map.extension), daysIn(one.extension));
    return one.element.flatMap(({ code, target: targets = [] }) =>
      targets
        .filter(({ equivalence }) => !NO_MATCH.includes(equivalence))
        .flatMap(({ code: billed, extension }) =>
          code === undefined || billed === undefined
            ? []
            : [rowOf(`${one.source}|${code}`, `${one.target}|${billed}`, both(days, daysIn(extension)))],
        ),
    );
  });
  if (rows.length > MAX_ROWS) throw new LedgerError('INVALID', `has more than ${MAX_ROWS} rows`, 'ConceptMap.group');
  return rows;
}
