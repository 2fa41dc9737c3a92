/** Consultations at a distance: Encounters of class VR (hl7.org/fhir/R4/v3/ActEncounterCode), and what none of them can say of its time. */
import type { Resource } from './fhir.ts';
import { instantOf } from './periods.ts';

/** The reasons against one, and what each means. */
export const CONSULTATION_REFUSALS = {
  'ends-before-it-starts': 'a consultation ends after it starts',
  'longer-than-a-day': 'no consultation lasts longer than a day',
} as const;
type ConsultationRefusal = keyof typeof CONSULTATION_REFUSALS;

const LONGEST_MS = 86_400_000;

/** Whether a resource is an Encounter of class VR. */
export const isConsultation = ({ resourceType, class: held }: Resource): boolean =>
  resourceType === 'Encounter' && (held as { code?: unknown } | undefined)?.code === 'VR';

/** Why an Encounter is no consultation; undefined for one that may be, and for anything else. */
export function consultationRefusal(resource: Resource): ConsultationRefusal | undefined {
  if (!isConsultation(resource)) return undefined;
  const { start, end } = (resource['period'] ?? {}) as { start?: unknown; end?: unknown };
  const [from, until] = [start, end].map((text) => (typeof text === 'string' ? instantOf(text) : Number.NaN));
  const length = until! - from!;
  if (length < 0) return 'ends-before-it-starts';
  return length > LONGEST_MS ? 'longer-than-a-day' : undefined;
}
