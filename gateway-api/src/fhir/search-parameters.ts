/**
 * The search parameters of this server, one row each (hl7.org/fhir/R4/searchparameter-registry.html). Everything reads this
 * table: what a query may say, what the read model extracts and how it is asked, what the CapabilityStatement states. A new
 * row is the whole change; a gateway that finds its read model extracted by other rows fills it again from block 0.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { schemaOf } from './validation/schema.ts';

export interface SearchParameter {
  name: string;
  /** hl7.org/fhir/R4/search.html#ptypes */
  type: 'token' | 'reference' | 'date' | 'string';
  /** Canonical URL of R4's SearchParameter where one definition fits every type. */
  definition?: string;
  documentation?: string;
  /** The resource types that have it: all, those with an element, or these. */
  types: 'every' | { element: string } | readonly string[];
  /**
   * Where the read model keeps it: a column of `versions`, or rows of `search_values`, which are extracted by `path`. The
   * columns are filled for reasons of their own; `patient` is the patient compartment (patientIdOf). `event`, `recorded`: of
   * AuditEvents, which are made when they are read, and looked at then.
   */
  column: 'id' | 'last_updated' | 'patient' | 'search_values' | 'event' | 'recorded';
  /** Elements by their JSON names from the resource on, `performer.actor` for instance; arrays are entered. */
  path?: string;
  /** Of a reference: the type of what it refers to. */
  target?: string;
  /** Few resources share a value, so a query begins with it instead of walking through all of the type. */
  isRare?: true;
}

const WITH_SUBJECT = [
  'CarePlan',
  'CareTeam',
  'Condition',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'ImagingStudy',
  'MedicationAdministration',
  'MedicationDispense',
  'MedicationRequest',
  'MedicationStatement',
  'Observation',
  'Procedure',
  'QuestionnaireResponse',
];
const WITH_PATIENT = [
  ...WITH_SUBJECT,
  'AllergyIntolerance',
  'AuditEvent',
  'Claim',
  'ClaimResponse',
  'Consent',
  'Coverage',
  'Device',
  'ExplanationOfBenefit',
  'Immunization',
  'Provenance',
  'RelatedPerson',
  'SupplyDelivery',
];

const R4 = 'http://hl7.org/fhir/SearchParameter';

export const SEARCH_PARAMETERS: readonly SearchParameter[] = [
  { name: '_id', type: 'token', types: 'every', column: 'id', definition: `${R4}/Resource-id` },
  {
    name: '_lastUpdated',
    type: 'date',
    types: 'every',
    column: 'last_updated',
    definition: `${R4}/Resource-lastUpdated`,
  },
  {
    name: 'identifier',
    type: 'token',
    types: { element: 'identifier' },
    column: 'search_values',
    path: 'identifier',
    isRare: true,
    documentation: 'system|value, |value or value',
  },
  {
    name: 'patient',
    type: 'reference',
    types: WITH_PATIENT,
    column: 'patient',
    target: 'Patient',
    documentation: 'Patient/id or id',
  },
  {
    name: 'subject',
    type: 'reference',
    types: WITH_SUBJECT,
    column: 'patient',
    target: 'Patient',
    documentation: 'Patient/id or id',
  },
  {
    name: 'name',
    type: 'string',
    types: ['Organization', 'Patient', 'Practitioner'],
    column: 'search_values',
    path: 'name',
    isRare: true,
    documentation: 'any part of the name, from its beginning',
  },
  {
    ...{ name: 'actor', type: 'reference', types: ['Consent'], column: 'search_values' },
    ...{ path: 'provision.actor.reference', isRare: true, definition: `${R4}/Consent-actor`, target: 'RelatedPerson' },
  },
  {
    ...{ name: 'coverage', type: 'reference', types: ['Claim', 'ClaimResponse'], column: 'search_values' },
    ...{ path: 'insurance.coverage', target: 'Coverage', isRare: true, documentation: 'Coverage/id or id' },
  },
  {
    ...{ name: 'request', type: 'reference', types: ['ClaimResponse'], column: 'search_values', path: 'request' },
    ...{ target: 'Claim', isRare: true, definition: `${R4}/ClaimResponse-request` },
  },
  {
    ...{ name: 'focus', type: 'reference', types: ['Task'], column: 'search_values', path: 'focus' },
    ...{ target: 'Claim', isRare: true, definition: `${R4}/Task-focus` },
  },
  {
    ...{ name: 'claim', type: 'reference', types: ['ExplanationOfBenefit'], column: 'search_values', path: 'claim' },
    ...{ target: 'Claim', isRare: true, definition: `${R4}/ExplanationOfBenefit-claim` },
  },
  {
    ...{ name: 'use', type: 'token', types: ['Claim', 'ClaimResponse'], column: 'search_values', path: 'use' },
    definition: `${R4}/Claim-use`,
  },
  {
    ...{ name: 'outcome', type: 'token', types: ['ClaimResponse'], column: 'search_values', path: 'outcome' },
    definition: `${R4}/ClaimResponse-outcome`,
  },
  {
    ...{ name: 'priority', type: 'token', types: ['Claim'], column: 'search_values', path: 'priority' },
    definition: `${R4}/Claim-priority`,
  },
  {
    ...{ name: 'subscriber-id', type: 'token', types: ['Coverage'], column: 'search_values', path: 'subscriberId' },
    ...{ isRare: true, documentation: 'the number that the payer knows the subscriber by' },
  },
  {
    ...{ name: 'beneficiary-identifier', type: 'token', types: ['Coverage'], column: 'search_values' },
    ...{
      path: 'beneficiary.identifier',
      isRare: true,
      documentation: 'system|value of Coverage.beneficiary.identifier',
    },
  },
  ...(['practitioner', 'organization'] as const).map(
    (name): SearchParameter => ({
      ...{ name, type: 'reference', types: ['PractitionerRole'], column: 'search_values', path: name },
      target: name === 'practitioner' ? 'Practitioner' : 'Organization',
      isRare: true,
    }),
  ),
];

const OF_EVENTS = { types: ['AuditEvent'], column: 'event' } as const;
/** hl7.org/fhir/R4/auditevent.html#search */
const EVENT_PARAMETERS: readonly SearchParameter[] = [
  { ...OF_EVENTS, name: 'action', type: 'token', path: 'action' },
  {
    ...OF_EVENTS,
    name: 'agent',
    type: 'reference',
    path: 'agent.who',
    documentation: 'Type/id, or an identifier as a token',
  },
  { ...OF_EVENTS, name: 'agent-name', type: 'string', path: 'agent.name' },
  { ...OF_EVENTS, name: 'agent-role', type: 'token', path: 'agent.role' },
  { types: ['AuditEvent'], column: 'recorded', name: 'date', type: 'date' },
  {
    ...OF_EVENTS,
    name: 'entity',
    type: 'reference',
    path: 'entity.what',
    documentation: 'Type/id, or an identifier as a token',
  },
  { ...OF_EVENTS, name: 'entity-role', type: 'token', path: 'entity.role' },
  { ...OF_EVENTS, name: 'entity-type', type: 'token', path: 'entity.type' },
  { ...OF_EVENTS, name: 'outcome', type: 'token', path: 'outcome' },
  { ...OF_EVENTS, name: 'subtype', type: 'token', path: 'subtype' },
  { ...OF_EVENTS, name: 'type', type: 'token', path: 'type' },
];

function isOf({ types }: SearchParameter, type: string): boolean {
  if (types === 'every') return true;
  return 'element' in types ? schemaOf(type)?.elements.has(types.element) === true : types.includes(type);
}

/** The parameters of a resource type. */
export const parametersOf = (type: string): SearchParameter[] =>
  [...SEARCH_PARAMETERS, ...EVENT_PARAMETERS].filter((parameter) => isOf(parameter, type));

/** What a resource is found by, `system` empty where there is none; a reference is a value `Type/id`. */
export interface SearchValue {
  parameter: string;
  system: string;
  value: string;
}

/** The values of a resource that `search_values` keeps, each once. */
export function searchValuesOf(resource: Resource): SearchValue[] {
  const found = new Map<string, SearchValue>();
  for (const { name, type, path, column } of parametersOf(resource.resourceType)) {
    if (column !== 'search_values' || path === undefined) continue;
    for (const element of elementsAt(resource, path.split('.'))) {
      for (const { system, value } of (EXTRACTED[type] ?? tokensIn)(element)) {
        found.set(JSON.stringify([name, system, value]), { parameter: name, system, value });
      }
    }
  }
  return [...found.values()];
}

/** Whether an AuditEvent has any of these values; a reference is found by its end as well. */
export function hasEventValue(
  event: Resource,
  {
    parameter,
    anyOf,
    isPrefix,
  }: { parameter: string; anyOf: readonly { system?: string; value: string }[]; isPrefix?: true },
): boolean {
  const known = EVENT_PARAMETERS.find(({ name }) => name === parameter);
  if (known?.path === undefined) return false;
  const elements = elementsAt(event, known.path.split('.'));
  const found = elements.flatMap((element) => (known.type === 'string' ? stringsIn(element) : eventTokensIn(element)));
  return anyOf.some((wanted) => found.some((one) => isMatch(wanted, one, isPrefix === true)));
}

function isMatch(wanted: { system?: string; value: string }, { system, value }: Token, isPrefix: boolean): boolean {
  if (isPrefix) return value.startsWith(wanted.value);
  const isValue = value === wanted.value || (wanted.value.includes('/') && value.endsWith(`/${wanted.value}`));
  return isValue && (wanted.system === undefined || wanted.system === system);
}

/** Of a reference what it says, without a version, and the identifier in it. */
function eventTokensIn(element: unknown): Token[] {
  const { reference, identifier } = (element ?? {}) as { reference?: unknown; identifier?: unknown };
  if (typeof reference === 'string') return [{ system: '', value: reference.replace(/\/_history\/.*$/, '') }];
  return identifier === undefined ? tokensIn(element) : tokensIn(identifier);
}

/** How long a string is kept and compared. */
const LONGEST_STRING = 100;
/** hl7.org/fhir/R4/search.html#string: without regard to case, accents and the amount of white space. */
export const comparable = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim().replace(/\s+/g, ' ').slice(0, LONGEST_STRING);

/** Identifies what the read model extracts: with another text, its search values are not those that searches look for. */
export const extraction = (): string =>
  JSON.stringify(
    SEARCH_PARAMETERS.filter(({ column }) => column === 'search_values').map(({ name, type, types, path }) => [
      ...[name, type, types, path],
    ]),
  );

function elementsAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => elementsAt(one, path));
  const [name, ...rest] = path;
  if (name === undefined) return value === undefined || value === null ? [] : [value];
  if (typeof value !== 'object' || value === null) return [];
  return elementsAt((value as Record<string, unknown>)[name], rest);
}

type Token = Pick<SearchValue, 'system' | 'value'>;

/** hl7.org/fhir/R4/search.html#token: what of an element a token search compares. */
function tokensIn(element: unknown): Token[] {
  if (typeof element === 'string' || typeof element === 'boolean') return [{ system: '', value: String(element) }];
  if (typeof element !== 'object' || element === null) return [];
  const { coding, system, code, value } = element as Record<string, unknown>;
  if (Array.isArray(coding)) return coding.flatMap(tokensIn);
  const text = typeof code === 'string' ? code : value;
  return typeof text === 'string' ? [{ system: typeof system === 'string' ? system : '', value: text }] : [];
}

/** Parts of a HumanName, or a name that is a string (hl7.org/fhir/R4/datatypes.html#HumanName). */
function stringsIn(element: unknown): Token[] {
  if (typeof element === 'string')
    return [{ system: '', value: comparable(element) }].filter(({ value }) => value !== '');
  if (typeof element !== 'object' || element === null) return [];
  const { text, family, given, prefix, suffix } = element as Record<string, unknown>;
  return [text, family, given, prefix, suffix]
    .flat()
    .flatMap((part) => (typeof part === 'string' ? stringsIn(part) : []));
}

/** `Type/id` of what is on this server; versions are no part of it. */
function referencesIn(element: unknown): Token[] {
  const reference = (element as { reference?: unknown } | null)?.reference;
  const [, value] = /^([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/.*)?$/.exec(String(reference)) ?? [];
  return value === undefined ? [] : [{ system: '', value }];
}

/** What is kept of an element, by the type of its parameter. */
const EXTRACTED: Partial<Record<SearchParameter['type'], (element: unknown) => Token[]>> = {
  reference: referencesIn,
  string: stringsIn,
};
