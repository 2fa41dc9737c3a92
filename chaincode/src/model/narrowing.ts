/**
 * What of a patient's records a request asks for: by type, code, time, encounter, or one by one. The custodian's gateway chooses
 * by it and every endorser checks by it, so that a delivery holds nothing that was not asked for.
 */
import { z } from 'zod';
import type { Resource } from './fhir.ts';
import { overlaps, spanOf, spanOfPeriod } from './periods.ts';
import { type RecordFacts, recordFacts } from './record-facts.ts';
import { fhirIdSchema, LONGEST_LINE, line, resourceTypeSchema, uri } from './texts.ts';

/** hl7.org/fhir/R4/datatypes.html#dateTime */
const dateTimeSchema = z
  .string()
  .max(40)
  .regex(/^\d{4}(?:-\d{2}(?:-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?)?)?$/)
  .refine((text) => isDay(text.slice(0, 10)) && spanOf(text) !== undefined, 'is no date');
/** A day beyond the end of its month would be read as one of the next. */
const isDay = (text: string): boolean => new Date(spanOf(text)?.start ?? 0).toISOString().startsWith(text);

/** A Period with a start, an end or both (hl7.org/fhir/R4/datatypes.html#Period). */
const periodSchema = z
  .strictObject({ start: dateTimeSchema.optional(), end: dateTimeSchema.optional() })
  .refine(({ start, end }) => start !== undefined || end !== undefined, 'has neither start nor end')
  .refine((period) => {
    const span = spanOfPeriod(period);
    return span === undefined || span.start < span.end;
  }, 'ends before it starts');

/** The beginning of `Type/id`, and the whole of it. */
const recordReferenceSchema = z
  .string()
  .max(129)
  .regex(/^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}$/);

/** All that are given hold together; of one of them any member. A list that is given names something. */
export const narrowingShape = {
  /** Records in which one of these codes is found; without a system in whichever. */
  codes: z
    .array(z.strictObject({ system: uri.optional(), code: line(LONGEST_LINE) }))
    .min(1)
    .max(50)
    .optional(),
  /** Records whose time and this one overlap. One that says no time does not. */
  period: periodSchema.optional(),
  /** Ids of Encounters: they, and the records that refer to them. */
  encounters: z.array(fhirIdSchema).min(1).max(50).optional(),
  /** `Type/id` of records. */
  records: z.array(recordReferenceSchema).min(1).max(100).optional(),
};
const narrowingSchema = z.strictObject({ types: z.array(resourceTypeSchema).max(50), ...narrowingShape });
/** Without types: of all. */
export type Narrowing = z.infer<typeof narrowingSchema>;

type Criterion = (facts: RecordFacts, asked: Narrowing) => boolean;

const CRITERIA: readonly Criterion[] = [
  ({ type }, { types }) => types.length === 0 || types.includes(type),
  ({ codes: found }, { codes }) =>
    codes === undefined ||
    codes.some(({ system, code }) =>
      found.some((one) => one.code === code && (system === undefined || one.system === system)),
    ),
  ({ span }, { period }) => {
    const wanted = spanOfPeriod(period);
    return wanted === undefined || (span !== undefined && overlaps(span, wanted));
  },
  ({ reference, refersTo }, { encounters }) =>
    encounters === undefined ||
    encounters.some((id) => reference === `Encounter/${id}` || refersTo.includes(`Encounter/${id}`)),
  ({ reference }, { records }) => records === undefined || records.includes(reference),
];

/** Whether a record is one of those asked for. */
export function isAskedFor(resource: Resource, asked: Narrowing): boolean {
  const [facts] = recordFacts([resource]);
  return CRITERIA.every((holds) => holds(facts!, asked));
}
