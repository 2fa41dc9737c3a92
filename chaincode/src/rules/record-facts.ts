/** What a consent's rules ask of a record: what it is, when, by whom, about what, and how confidential. */
import type { Resource } from '../model/fhir.ts';
import { type Span, spanOf, spanOfPeriod } from './periods.ts';

export interface Coding {
  system?: string | undefined;
  code?: string | undefined;
}

export interface RecordFacts {
  /** `Type/id` */
  reference: string;
  /** Its resource type and the profiles that it claims. */
  kinds: string[];
  /** Codings of the kind of document. */
  classes: Coding[];
  /** Every coding that is found in it. */
  codes: Coding[];
  /** meta.security */
  labels: Coding[];
  /** When the fact held or happened; undefined where the record does not say. */
  span: Span | undefined;
  /** References of those who authored it. */
  authors: string[];
  /** Everything that the record refers to. */
  refersTo: string[];
  /** Records, among those considered with it, that refer to it. */
  referredBy: string[];
}

const CLASS_ELEMENTS = ['type', 'category', 'class'];
const TIME_ELEMENTS = [
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
];

const objectsIn = (value: unknown): Record<string, unknown>[] =>
  [value].flat().filter((item) => typeof item === 'object' && item !== null) as Record<string, unknown>[];

/** The codings of Codings and CodeableConcepts. */
const codingsIn = (value: unknown): Coding[] =>
  objectsIn(value).flatMap((object) => ('coding' in object ? objectsIn(object['coding']) : [object]));

/** Whatever in a value has a code, however deep: a consent's code covers each instance that it is found in. */
function codingsAnywhereIn(value: unknown): Coding[] {
  if (Array.isArray(value)) return value.flatMap(codingsAnywhereIn);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'code' in value && typeof value.code === 'string' ? [value as Coding] : [];
  return [...own, ...Object.values(value).flatMap(codingsAnywhereIn)];
}

/** Every `reference` anywhere in a value, relative and without a version. */
function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'reference' && typeof member === 'string' ? [relative(member)] : referencesIn(member),
  );
}

/** A reference without its version. */
export const relative = (reference: string): string => reference.replace(/\/_history\/[^/]+$/, '');

function spanIn(resource: Resource): Span | undefined {
  for (const element of TIME_ELEMENTS) {
    const value = resource[element];
    const span = typeof value === 'string' ? spanOf(value) : spanOfPeriod(value);
    if (span !== undefined) return span;
  }
  return undefined;
}

/** The facts of records that are considered together. */
export function recordFacts(resources: readonly Resource[]): RecordFacts[] {
  const facts = resources.map((resource): RecordFacts => {
    const { meta, ...content } = resource;
    const { security, profile } = (meta ?? {}) as { security?: unknown; profile?: string[] };
    return {
      reference: `${resource.resourceType}/${resource.id}`,
      kinds: [resource.resourceType, ...(profile ?? [])],
      classes: CLASS_ELEMENTS.flatMap((element) => codingsIn(resource[element])),
      codes: codingsAnywhereIn(content),
      labels: codingsIn(security),
      span: spanIn(resource),
      authors: AUTHOR_ELEMENTS.flatMap((element) => referencesIn(resource[element])),
      refersTo: referencesIn(resource),
      referredBy: [],
    };
  });
  const byReference = new Map(facts.map((fact) => [fact.reference, fact]));
  for (const { reference, refersTo } of facts)
    for (const target of refersTo) byReference.get(target)?.referredBy.push(reference);
  return facts;
}
