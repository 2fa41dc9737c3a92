/**
 * The search parameters of this server, one row each (hl7.org/fhir/R4/searchparameter-registry.html). Everything reads this
 * table: what a query may say, what the read model extracts and how it is asked, what the CapabilityStatement states. A new
 * row is the whole change; a gateway that finds its read model extracted by other rows fills it again from block 0.
 */
import { readFileSync } from 'node:fs';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { ParameterRow, ParameterRows } from './search/definitions/rows.ts';
import { elementsAt, pathOf } from './search/paths.ts';
import { comparable, type Text } from './search/terms.ts';
import { schemaOf } from './validation/schema.ts';

export interface SearchParameter {
  name: string;
  /** hl7.org/fhir/R4/search.html#ptypes */
  type: ParameterRow['t'];
  /** Canonical URL of R4's SearchParameter where one definition fits every type. */
  definition?: string;
  documentation?: string;
  /** The resource types that have it: all, those with an element, or these. */
  types: 'every' | { element: string } | readonly string[];
  /**
   * Where the read model keeps it: a column of `versions`, or rows of `search_values` and `search_ranges`, which are extracted
   * by `paths`. The columns are filled for reasons of their own; `patient` is the patient compartment (patientIdOf). `event`,
   * `recorded`: of AuditEvents, which are made when they are read, and looked at then.
   */
  column: 'id' | 'last_updated' | 'patient' | 'search_values' | 'event' | 'recorded';
  /** See search/paths.ts; of a composite its bases. */
  paths?: readonly string[];
  /** Of an AuditEvent: elements by their JSON names. */
  path?: string;
  /** Of a reference: the types of what it refers to; any where it is left out. */
  targets?: readonly string[];
  /** Of a composite: what is compared in each of its bases. */
  components?: readonly { type: ParameterRow['t']; paths: readonly string[] }[];
  /** The parameters that together are extracted by the same paths: this one is asked by theirs, and not kept. */
  under?: readonly string[];
  /** Few resources share a value, so a query begins with it instead of walking through all of the type. */
  isRare?: true;
}

const definitions = JSON.parse(
  readFileSync(new URL('search/definitions/parameters.json', import.meta.url), 'utf8'),
) as ParameterRows;

/** The types that R4 defines this parameter of, where it may lead to a Patient. */
const typesWith = (name: string): string[] =>
  Object.keys(definitions).filter((type) =>
    definitions[type]!.some(({ n, t, r = ['Patient'] }) => n === name && t === 'reference' && r.includes('Patient')),
  );

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
    name: 'patient',
    type: 'reference',
    types: typesWith('patient'),
    column: 'patient',
    targets: ['Patient'],
    documentation: 'Patient/id or id',
  },
  {
    name: 'subject',
    type: 'reference',
    types: typesWith('subject'),
    column: 'patient',
    targets: ['Patient'],
    documentation: 'Patient/id or id',
  },
  {
    ...{ name: 'identifier', type: 'token', types: { element: 'identifier' }, column: 'search_values' },
    ...{ paths: ['identifier:Identifier'], isRare: true, documentation: 'system|value, |value, system| or value' },
  },
  {
    ...{ name: 'coverage', type: 'reference', types: ['Claim', 'ClaimResponse'], column: 'search_values' },
    ...{ paths: ['insurance.coverage:Reference'], targets: ['Coverage'], isRare: true },
    documentation: 'Coverage/id or id',
  },
  {
    ...{ name: 'beneficiary-identifier', type: 'token', types: ['Coverage'], column: 'search_values' },
    ...{ paths: ['beneficiary.identifier:Identifier'], isRare: true },
    documentation: 'system|value of Coverage.beneficiary.identifier',
  },
  {
    ...{ name: 'subscriber-id', type: 'token', types: ['Coverage'], column: 'search_values' },
    ...{ paths: ['subscriberId:string'], isRare: true },
    documentation: 'the number that the payer knows the subscriber by',
  },
  {
    ...{ name: 'lot', type: 'string', types: ['MedicationDispense', 'Medication'], column: 'search_values' },
    ...{ paths: ['contained[resourceType=Medication].batch.lotNumber:string', 'batch.lotNumber:string'], isRare: true },
    documentation: 'the lot of what is handed out, where the dispense contains its Medication; of a Medication its own',
  },
  {
    ...{ name: 'product', type: 'token', types: ['MedicationDispense'], column: 'search_values' },
    ...{
      paths: ['contained[resourceType=Medication].code:CodeableConcept', 'medicationCodeableConcept:CodeableConcept'],
    },
    documentation: 'system|code of what is handed out, also where the dispense contains its Medication',
  },
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

/** Types of which one refers to few others of them: what refers to a hospital or a physician is too much to begin with. */
const COMMON_TARGETS = new Set(['Location', 'Organization', 'Practitioner', 'PractitionerRole', 'HealthcareService']);
const isRareReference = ({ t, r = [] }: ParameterRow): boolean =>
  t === 'reference' && !r.some((target) => COMMON_TARGETS.has(target)) && r.length > 0;
const isRareRow = (row: ParameterRow): boolean =>
  row.n === 'identifier' || isRareReference(row) || (row.t === 'string' && /name|family|given/.test(row.n));

const fromRow = (row: ParameterRow, type: string): SearchParameter => ({
  ...{ name: row.n, type: row.t, types: [type], column: 'search_values', paths: row.p },
  definition: `${R4}/${row.d}`,
  ...(row.r === undefined ? {} : { targets: row.r }),
  ...(row.c === undefined ? {} : { components: row.c.map(({ t, p }) => ({ type: t, paths: p })) }),
  ...(isRareRow(row) ? { isRare: true } : {}),
});

function isOf({ types }: SearchParameter, type: string): boolean {
  if (types === 'every') return true;
  return 'element' in types ? schemaOf(type)?.elements.has(types.element) === true : types.includes(type);
}

/** `combo-code` is what `code` and `component-code` are together. Of two that are the same the first by name is kept. */
function underOthers(parameter: SearchParameter, all: readonly SearchParameter[]): Pick<SearchParameter, 'under'> {
  const { name, type, paths = [], column } = parameter;
  if (type === 'composite' || column !== 'search_values') return {};
  const isPart = (other: SearchParameter): boolean => {
    if (other.name === name || other.type !== type || other.column !== column) return false;
    const own = other.paths ?? [];
    const isSame = own.length === paths.length;
    return own.every((path) => paths.includes(path)) && (!isSame || other.name < name);
  };
  const parts = all.filter(isPart);
  const whole = parts.find((other) => other.paths?.length === paths.length);
  if (whole !== undefined) return { under: [whole.name] };
  const covered = new Set(parts.flatMap((part) => part.paths ?? []));
  return paths.length > 0 && paths.every((path) => covered.has(path)) ? { under: parts.map((part) => part.name) } : {};
}

/** The column has the patient; what else the parameter may lead to, R4's definition says. */
function withPaths(parameter: SearchParameter, rows: readonly ParameterRow[]): SearchParameter {
  const row = rows.find(({ n }) => parameter.column === 'patient' && n === parameter.name);
  if (row === undefined) return parameter;
  const { definition, paths, targets = ['Patient'] } = fromRow(row, '');
  return { ...parameter, definition: definition!, paths: paths!, targets };
}

const known = new Map<string, { size: number; parameters: readonly SearchParameter[] }>();

/** The parameters of a resource type: those of this server, of AuditEvents, and R4's where neither has one of that name. */
export function parametersOf(type: string): readonly SearchParameter[] {
  const found = known.get(type);
  // Tests add rows to the table.
  if (found?.size === SEARCH_PARAMETERS.length) return found.parameters;
  const all = type === 'AuditEvent' ? [] : (definitions[type] ?? []);
  const own = [...SEARCH_PARAMETERS, ...EVENT_PARAMETERS]
    .filter((parameter) => isOf(parameter, type))
    .map((parameter) => withPaths(parameter, all));
  const isOwn = ({ n }: ParameterRow): boolean => own.some(({ name }) => name === n);
  const rows = all.filter((row) => !isOwn(row));
  const made = [...own, ...rows.map((row) => fromRow(row, type))];
  const parameters = made.map((one) => ({ ...one, ...underOthers(one, made) }));
  known.set(type, { size: SEARCH_PARAMETERS.length, parameters });
  return parameters;
}

export const parameterOf = (type: string, name: string): SearchParameter | undefined =>
  parametersOf(type).find((parameter) => parameter.name === name);

/** The names under which the values of a parameter are kept; a suffix of it (`code:text`, `code$1`) goes with each. */
export function keptUnder(type: string, name: string): readonly string[] {
  const [, parameter = '', suffix = ''] = /^([^:$]*)([:$].*)?$/.exec(name) ?? [];
  const under = parameterOf(type, parameter)?.under;
  return under === undefined ? [name] : under.flatMap((one) => keptUnder(type, `${one}${suffix}`));
}

/** The types that a reference parameter may lead to, of those that there are. */
export const targetsOf = ({ targets }: SearchParameter, all: readonly string[]): readonly string[] =>
  targets === undefined ? all : targets.filter((target) => all.includes(target));

/** Whether an AuditEvent has any of these values; a reference is found by its end as well. */
export function hasEventValue(
  event: Resource,
  { parameter, anyOf, isPrefix }: { parameter: string; anyOf: readonly Wanted[]; isPrefix?: true },
): boolean {
  const known = EVENT_PARAMETERS.find(({ name }) => name === parameter);
  if (known?.path === undefined) return false;
  const elements = elementsAt(event, pathOf(`${known.path}:`).steps);
  const found = elements.flatMap((element) => (known.type === 'string' ? stringsIn(element) : eventTokensIn(element)));
  return anyOf.some((wanted) => found.some((one) => isMatch(wanted, one, isPrefix === true)));
}

interface Wanted {
  system?: string;
  value?: string;
}

function isMatch(wanted: Wanted, { system, value }: Token, isPrefix: boolean): boolean {
  const { value: text } = wanted;
  if (isPrefix) return value.startsWith(text ?? '');
  const isValue = text === undefined || value === text || (text.includes('/') && value.endsWith(`/${text}`));
  return isValue && (wanted.system === undefined || wanted.system === system);
}

/** Of a reference what it says, without a version, and the identifier in it. */
function eventTokensIn(element: unknown): Token[] {
  const { reference, identifier } = (element ?? {}) as { reference?: unknown; identifier?: unknown };
  if (typeof reference === 'string') return [{ system: '', value: reference.replace(/\/_history\/.*$/, '') }];
  return identifier === undefined ? tokensIn(element) : tokensIn(identifier);
}

/** Which R4 definitions, and how terms are taken from elements (search/terms.ts): counted on by hand. */
const EXTRACTION = sha256Hex(`4 ${JSON.stringify(definitions)}`);

/** Identifies what the read model extracts: with another text, its search values are not those that searches look for. */
export const extraction = (): string =>
  JSON.stringify([
    EXTRACTION,
    ...SEARCH_PARAMETERS.filter(({ column }) => column === 'search_values').map(({ name, type, types, paths }) => [
      ...[name, type, types, paths],
    ]),
  ]);

type Token = Text;

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
