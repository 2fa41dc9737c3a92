/**
 * What a provider's people did for a claim, without the patient: kept with the payer, so that what many claims say together can be
 * seen. One small value for each claim, written once: claims that come in together do not collide.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import type { Bill, BillItem } from './bill.ts';
import { classOf, isStay, objectsOf, performersOf, targetOf } from './claim-evidence.ts';
import { type Billed, billedItems, practitionersOf } from './claim-practitioners.ts';
import type { Reference, Resource } from './fhir.ts';
import { instantOf } from './periods.ts';
import { idSchema, licenceNumberSchema, line, minorUnitsSchema, saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

/** Minutes since 1970-01-01T00:00Z. */
const minute = z.int().min(-1_000_000_000).max(1_000_000_000);

const entrySchema = z.strictObject({
  /** Licence number. */
  practitioner: licenceNumberSchema,
  /** `Type/id` of what was done; of several lines for one visit it is the same. */
  record: line(160),
  /** Equal where no time is known, at noon of the day. */
  from: minute,
  until: minute,
  /** Where it was; absent where nobody says, and for what was done at a distance. */
  place: line(160).optional(),
  /** It was in person, wherever that was; absent for what was done at a distance and for what is no visit, and in older ones. */
  present: z.literal(true).optional(),
  /** As it is billed, in capitals. */
  codes: z.array(line(64)).max(10),
  billed: minorUnitsSchema,
});
export type ActivityEntry = z.infer<typeof entrySchema>;

/** `activity/<claim id>` */
export const activitySchema = z.strictObject({
  schema: schemaVersion,
  claimId: idSchema,
  provider: nameSchema,
  salt: saltSchema,
  entries: z.array(entrySchema).max(500),
});
export type Activity = z.infer<typeof activitySchema>;

const MOST = 500;
const MINUTE_MS = 60_000;

const VIRTUAL = 'VR';

type Evidence = Billed['evidence'];
type Period = Record<'start' | 'end', unknown>;

const minuteOf = (text: unknown): number | undefined => {
  const time = typeof text === 'string' && text.includes('T') ? instantOf(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.floor(time / MINUTE_MS);
};

/** When somebody was at work in a visit; of anything else no time is counted, which passed in a visit already. */
function timeOf(record: Resource, participant: Record<string, unknown>, { first }: BillItem): [number, number] {
  const noon = Date.parse(`${first}T12:00:00Z`) / MINUTE_MS;
  const { start, end } = (participant['period'] ?? record['period'] ?? {}) as Period;
  const [from, until] = [minuteOf(start), minuteOf(end)];
  const isVisit = record.resourceType === 'Encounter' && !isStay(record);
  if (!isVisit || from === undefined || until === undefined || until < from) return [noon, noon];
  // The day of a visit is never more than one: what lasts longer is no visit.
  return [from, Math.min(until, from + 24 * 60)];
}

function placeOf(record: Resource): string | undefined {
  if (record.resourceType !== 'Encounter' || classOf(record) === VIRTUAL) return undefined;
  const [first] = objectsOf(record['location']);
  return targetOf(first?.['location'])?.slice(0, 160);
}

/** Whether a record is of a visit for which both were in one place. */
function isPresent(record: Resource): boolean {
  const visitClass = classOf(record);
  const isVisit = record.resourceType === 'Encounter' && !isStay(record);
  return isVisit && visitClass !== undefined && visitClass !== VIRTUAL;
}

/** Who took part in a record, with what it says of them. */
const participantsOf = (record: Resource): Record<string, unknown>[] =>
  record.resourceType === 'Encounter'
    ? objectsOf(record['participant'])
    : performersOf(record).map((individual) => ({ individual }));

function entriesOf(item: BillItem, service: string, evidence: Evidence): ActivityEntry[] {
  const record = evidence.get(service)?.resource;
  if (record === undefined) return [];
  const place = placeOf(record);
  const there = { ...(place === undefined ? {} : { place }), ...(isPresent(record) ? { present: true as const } : {}) };
  return participantsOf(record).flatMap((participant): ActivityEntry[] => {
    const named = { ...item, services: [], careTeam: [participant['individual'] as Reference] };
    const isNamed = typeof participant['individual'] === 'object' && participant['individual'] !== null;
    const [number] = isNamed ? practitionersOf(named, { bill: NO_BILL, evidence }).map((one) => one.number) : [];
    if (number === undefined) return [];
    const [from, until] = timeOf(record, participant, item);
    return [
      {
        ...{ practitioner: number, record: service, from, until, ...there },
        codes: item.codes.map(({ code }) => code.toUpperCase().slice(0, 64)),
        billed: item.billed,
      },
    ];
  });
}

/** Who answers for a line follows from its evidence alone. */
const NO_BILL = { items: [] } as unknown as Bill;

/** What was done for a claim's lines, by those whom their records name. */
export const entriesOfBill = ({ bill, evidence }: Billed): ActivityEntry[] =>
  billedItems(bill)
    .flatMap((item) => item.services.flatMap((service) => entriesOf(item, service, evidence)))
    .slice(0, MOST);
