/**
 * Consultations at a distance: an Encounter of class VR that is planned, waits, is under way and is finished, each recorded when it
 * happens, or afterwards as one that was held. Either way it rests on licences and on what its patient agreed to.
 */
import { z } from 'zod';
import { type Code, SCOPES } from './consent-codes.ts';
import { isConsultation } from './consultations.ts';
import { patientIdOf, type Reference, type Resource } from './fhir.ts';
import { contains, spanOfPeriod } from './periods.ts';
import { relative } from './record-facts.ts';
import { licenceShownSchema } from './registers.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { fhirIdSchema, userSchema } from './texts.ts';
import { consentVersionSchema, type jurisdictionSchema } from './values.ts';

/** Statuses of one that is not over (hl7.org/fhir/R4/valueset-encounter-status.html). */
const LIVE = ['planned', 'arrived', 'triaged', 'in-progress', 'onleave'];
const BEGUN = ['in-progress', 'onleave'];

const statusOf = ({ status }: Resource): string => String(status);
export const isLive = (visit: Resource | undefined): visit is Resource =>
  visit !== undefined && isConsultation(visit) && LIVE.includes(statusOf(visit));
export const isUnderWay = (visit: Resource | undefined): visit is Resource =>
  isLive(visit) && BEGUN.includes(statusOf(visit));
/** Statuses of one that took place or may have, and is recorded afterwards. */
const HELD = ['finished', 'unknown'];
/** One that is over, or of which nobody knows, as opposed to one that never was. */
export const isHeld = (visit: Resource | undefined): visit is Resource =>
  visit !== undefined && isConsultation(visit) && HELD.includes(statusOf(visit));

/** What a visit shows to be recorded by. */
export const visitShownSchema = z.strictObject({
  /** Id of the Encounter, which the transaction records. */
  id: fhirIdSchema,
  previous: recordEvidenceSchema.optional(),
  /** The Patient whom it is with. */
  patient: recordEvidenceSchema.optional(),
  /** Of its practitioners, `Practitioner/<id>`, the licences that name them. */
  licences: z
    .array(z.strictObject({ practitioner: userSchema, licence: licenceShownSchema }))
    .max(50)
    .optional(),
  /** The consent to telehealth that is on file. */
  consent: consentVersionSchema.optional(),
});
export type VisitShown = z.infer<typeof visitShownSchema>;

const objectsIn = <T extends object>(value: unknown): T[] =>
  [value ?? []].flat().filter((one) => typeof one === 'object' && one !== null) as T[];

/** Who takes part beside the patient: `Practitioner/<id>`, `RelatedPerson/<id>`, or whatever else stands there. */
export const participantsOf = ({ participant }: Resource): string[] =>
  objectsIn<{ individual?: Reference }>(participant).map(({ individual }) => relative(individual?.reference ?? ''));

/** The same without those who are hers, each once. */
export const staffOf = (visit: Resource): string[] =>
  [...new Set(participantsOf(visit).filter((reference) => !reference.startsWith('RelatedPerson/')))].sort();

/** When it began, as it says it; undefined where it does not. */
export function startOf({ period }: Resource): string | undefined {
  const start = (period as { start?: unknown } | undefined)?.start;
  return typeof start === 'string' ? start : undefined;
}

type Jurisdiction = z.infer<typeof jurisdictionSchema>;

interface Address {
  use?: string;
  country?: string;
  state?: string;
  period?: object;
}

/**
 * Where a Patient is at a time, by her addresses: one for the time being before the others. Undefined where none says a country by its
 * code of ISO 3166.
 * @param now ISO 8601 UTC
 */
export function jurisdictionOf(patient: Resource, now: string): Jurisdiction | undefined {
  const isThen = ({ use, period }: Address): boolean => {
    const span = period === undefined ? undefined : spanOfPeriod(period);
    return use !== 'old' && use !== 'billing' && (span === undefined || contains(span, Date.parse(now)));
  };
  const then = objectsIn<Address>(patient['address']).filter(isThen);
  const { country = '', state = '' } = then.find(({ use }) => use === 'temp') ?? then[0] ?? {};
  if (!/^[A-Z]{2}$/.test(country)) return undefined;
  return /^[A-Z0-9]{1,3}$/.test(state) ? `${country}-${state}` : country;
}

/** Our own: a consent of scope `treatment` that its patient is seen at a distance. */
export const CONSENT_CATEGORIES = 'https://telemed-ledger.example/fhir/CodeSystem/consent-category';
export const TELEHEALTH = 'telehealth';

const codingsIn = (concepts: unknown): Code[] =>
  objectsIn<{ coding?: Code[] }>(concepts).flatMap(({ coding = [] }) => coding);

/** Whether a consent agrees that this patient is seen at a distance at that time, by its own words. @param now ISO 8601 UTC */
export function isTelehealthConsent(consent: Resource, patient: string, now: string): boolean {
  const { scope, category, status, provision } = consent;
  const { type = 'permit', period } = (provision ?? {}) as { type?: unknown; period?: unknown };
  const span = period === undefined ? undefined : spanOfPeriod(period);
  return (
    consent.resourceType === 'Consent' &&
    status === 'active' &&
    patientIdOf(consent) === patient &&
    codingsIn(scope).some(({ system, code }) => system === SCOPES && code === 'treatment') &&
    codingsIn(category).some(({ system, code }) => system === CONSENT_CATEGORIES && code === TELEHEALTH) &&
    type === 'permit' &&
    (period === undefined || (span !== undefined && contains(span, Date.parse(now))))
  );
}

const timesOf = ({ period }: Resource) => (period ?? {}) as { start?: unknown; end?: unknown };

/** A visit that begins or ends now, and does not say when, with the time. @param before its version before, where there is one */
export function timed<T extends Readonly<Record<string, unknown>>>(
  visit: T,
  before: Resource | undefined,
  now: string,
): T {
  const resource = visit as unknown as Resource;
  if (resource.resourceType !== 'Encounter' || !isConsultation(resource)) return visit;
  const { start, end } = timesOf(resource);
  const known = before === undefined ? undefined : timesOf(before).start;
  if (isUnderWay(resource) && start === undefined)
    return { ...visit, period: { start: isUnderWay(before) ? known : now } };
  if (statusOf(resource) !== 'finished' || !isUnderWay(before) || end !== undefined) return visit;
  return { ...visit, period: { start: start ?? known, end: now } };
}
