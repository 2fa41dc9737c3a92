/** What the rules of a consent, and a request that asks for some records alone, ask of a record: what it is, when, by whom, about what. */
import type { Code } from './consent-codes.ts';
import type { Resource } from './fhir.ts';
import { type Span, spanOf, spanOfPeriod } from './periods.ts';

export interface RecordFacts {
  /** `Type/id` */
  reference: string;
  type: string;
  /** The profiles that it claims. */
  profiles: string[];
  /** Codings of the kind of document. */
  classes: Code[];
  /** Media types of what is attached to it, in lower case. */
  media: string[];
  /** Every coding that is found in it. */
  codes: Code[];
  /** Its security labels, those of its parts among them. */
  labels: Code[];
  /** When the fact held or happened; undefined where the record does not say. */
  span: Span | undefined;
  /** References of those who authored it. */
  authors: string[];
  /** Everything that the record refers to. */
  refersTo: string[];
  /** Records, among those considered with it, that refer to it. */
  referredBy: string[];
  /** The records considered with it: of others it is not known to what they refer. */
  considered: ReadonlySet<string>;
}

const CLASS_ELEMENTS = ['type', 'category', 'class'];
/** Elements of some types that label them beside meta.security: DocumentReference, Composition. */
const LABEL_ELEMENTS = ['securityLabel', 'confidentiality'];
const TIME_ELEMENTS = [
  'start',
  'createdDateTime',
  'createdPeriod',
  'identifiedDateTime',
  'identifiedPeriod',
  'timingDateTime',
  'timingPeriod',
  'collectedDateTime',
  'collectedPeriod',
  'dateWritten',
  'sent',
  'effectiveDateTime',
  'effectivePeriod',
  'effectiveInstant',
  'onsetDateTime',
  'onsetPeriod',
  'performedDateTime',
  'performedPeriod',
  'occurrenceDateTime',
  'occurrencePeriod',
  'billablePeriod',
  'period',
  'started',
  'authoredOn',
  'date',
  'created',
  'whenHandedOver',
  'issued',
  'recorded',
  'recordedDate',
  'dateTime',
  'received',
  'receivedTime',
  'startDate',
  'recordedOn',
];
const AUTHOR_ELEMENTS = [
  'author',
  'performer',
  'recorder',
  'asserter',
  'requester',
  'provider',
  'agent',
  'participant',
  'assessor',
  'careManager',
  'expressedBy',
  'operator',
  'orderer',
  'prescriber',
  'sender',
  'source',
];

const objectsIn = (value: unknown): Record<string, unknown>[] =>
  [value].flat().filter((item) => typeof item === 'object' && item !== null) as Record<string, unknown>[];

/** The codings of Codings and CodeableConcepts. */
const codingsIn = (value: unknown): Code[] =>
  objectsIn(value).flatMap((object) => ('coding' in object ? objectsIn(object['coding']) : [object]));

/** Whatever in a value has a code, however deep: a consent's code covers each instance that it is found in. */
function codingsAnywhereIn(value: unknown): Code[] {
  if (Array.isArray(value)) return value.flatMap(codingsAnywhereIn);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'code' in value && typeof value.code === 'string' ? [value as Code] : [];
  return [...own, ...Object.values(value).flatMap(codingsAnywhereIn)];
}

/** Every `reference` anywhere in a value, relative and without a version. */
export function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'reference' && typeof member === 'string' ? [relative(member)] : referencesIn(member),
  );
}

/** The text of every member of a name, anywhere in a value. */
function textsIn(value: unknown, wanted: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => textsIn(one, wanted));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === wanted && typeof member === 'string' ? [member] : textsIn(member, wanted),
  );
}

/** What a resource and those contained in it are labelled with; a level may be stated as a code alone. */
function labelsIn(resource: Record<string, unknown>): Code[] {
  const { security } = (resource['meta'] ?? {}) as { security?: unknown };
  const own = LABEL_ELEMENTS.map((element) => resource[element]);
  const coded = own.flatMap((label) => (typeof label === 'string' ? [{ code: label }] : codingsIn(label)));
  return [...codingsIn(security), ...coded, ...objectsIn(resource['contained']).flatMap(labelsIn)];
}

/** A reference without its version. */
export const relative = (reference: string): string => reference.replace(/\/_history\/[^/]+$/, '');

function spanIn(resource: Resource): Span | undefined {
  // When a specimen was taken stands in how.
  const stated = { ...(resource['collection'] as object | undefined), ...resource } as Resource;
  for (const element of TIME_ELEMENTS) {
    const value = stated[element];
    const span = typeof value === 'string' ? spanOf(value) : spanOfPeriod(value);
    if (span !== undefined) return span;
  }
  return undefined;
}

/**
 * The facts of records that are considered together.
 * @param context further records, which are only asked to what they refer
 */
export function recordFacts(resources: readonly Resource[], context: readonly Resource[] = []): RecordFacts[] {
  const facts = [...resources, ...context].map(factsOf);
  const byReference = new Map(facts.map((fact) => [fact.reference, fact]));
  for (const { reference, refersTo } of facts)
    for (const target of refersTo) byReference.get(target)?.referredBy.push(reference);
  const considered = new Set(byReference.keys());
  return facts.slice(0, resources.length).map((fact) => ({ ...fact, considered }));
}

function factsOf(resource: Resource): RecordFacts {
  const { meta, ...content } = resource;
  const { profile = [] } = (meta ?? {}) as { profile?: string[] };
  return {
    reference: `${resource.resourceType}/${resource.id}`,
    type: resource.resourceType,
    profiles: profile,
    classes: CLASS_ELEMENTS.flatMap((element) => codingsIn(resource[element])),
    media: textsIn(content, 'contentType').map((type) => type.toLowerCase()),
    codes: codingsAnywhereIn(content),
    labels: labelsIn(resource),
    span: spanIn(resource),
    authors: AUTHOR_ELEMENTS.flatMap((element) => referencesIn(resource[element])),
    refersTo: referencesIn(resource),
    referredBy: [],
    considered: new Set(),
  };
}
