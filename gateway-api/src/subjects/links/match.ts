/**
 * `Patient/$match` (hl7.org/fhir/R4/patient-operation-match.html): deterministic, among the Patients that the caller sees anyway. So
 * it tells a member nothing of another's patients; at the custodian a patient finds her own records, those that are linked too.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { identitiesIn, isOnePerson } from '@telemed-ledger/chaincode/model/links.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import type { Answer } from '../../fhir/answers.ts';
import type { OperationRequest } from '../../fhir/operations.ts';
import type { Search } from '../../fhir/repository.ts';
import { comparable } from '../../fhir/search/terms.ts';
import { evenly, PERSON_STEP_MS } from '../even-time.ts';
import { Records } from '../records/records.ts';
import type { Services, SubjectOperation } from '../services.ts';

const GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade';
/** Candidates of one criterion. */
const MOST = 100;
const DEFAULT_COUNT = 20;
const MOST_COUNT = 100;

const SCORES = { certain: 1, probable: 0.8, possible: 0.5 } as const;
type Grade = keyof typeof SCORES;

interface Asked {
  resource: Resource;
  onlyCertainMatches: boolean;
  count: number;
}

interface Parameter {
  name?: string;
  resource?: Resource;
  valueBoolean?: boolean;
  valueInteger?: number;
}

const at = (name: string): string => `Parameters.parameter.where(name='${name}')`;
const invalid = (reason: string, place: string): never => {
  throw new LedgerError('INVALID', reason, place);
};

/** @throws {LedgerError} INVALID for what is not understood */
function askedIn(body: Resource | undefined): Asked {
  if (body?.resourceType === 'Patient') return { resource: body, onlyCertainMatches: false, count: DEFAULT_COUNT };
  if (body?.resourceType !== 'Parameters') return invalid('must be Parameters with a Patient', 'Parameters');
  const parameters = (body['parameter'] ?? []) as Parameter[];
  const known = ['resource', 'onlyCertainMatches', 'count'];
  const all = new Map<string, Parameter>();
  for (const [index, parameter] of parameters.entries()) {
    const place = `Parameters.parameter[${index}]`;
    const name = parameter.name ?? '';
    if (!known.includes(name)) invalid('is none of resource, onlyCertainMatches, count', `${place}.name`);
    if (all.has(name)) invalid('is given twice', place);
    all.set(name, parameter);
  }
  const resource = all.get('resource')?.resource;
  if (resource?.resourceType !== 'Patient') return invalid('must be a Patient', `${at('resource')}.resource`);
  const onlyCertainMatches = all.has('onlyCertainMatches') ? all.get('onlyCertainMatches')?.valueBoolean : false;
  if (typeof onlyCertainMatches !== 'boolean') return invalid('must be a boolean', at('onlyCertainMatches'));
  const count = all.has('count') ? all.get('count')?.valueInteger : DEFAULT_COUNT;
  if (count === undefined || !Number.isInteger(Number(count)) || Number(count) < 1)
    return invalid('must be a whole number from 1', at('count'));
  return { resource, onlyCertainMatches, count: Math.min(Number(count), MOST_COUNT) };
}

/** By each identifier, and by each family name: one search each, whatever they find. */
function searchesFor(patient: Resource): Search[] {
  const { identifier, name } = patient as { identifier?: Coded | Coded[]; name?: Named | Named[] };
  const byIdentifier = [identifier ?? []].flat().flatMap(({ system, value }) => {
    if (typeof value !== 'string') return [];
    return [{ parameter: 'identifier', anyOf: [{ ...(typeof system === 'string' ? { system } : {}), value }] }];
  });
  const byName = [name ?? []].flat().flatMap(({ family }) => {
    const value = typeof family === 'string' ? comparable(family) : '';
    return value === '' ? [] : [{ parameter: 'name', anyOf: [{ value }] }];
  });
  return [...byIdentifier, ...byName].map((value) => ({ type: 'Patient', values: [value], count: MOST }));
}

interface Coded {
  system?: unknown;
  value?: unknown;
}
interface Named {
  family?: unknown;
  given?: unknown;
}

/** How well a Patient matches; undefined where it does not. */
function gradeOf(asked: Resource, found: Resource): Grade | undefined {
  const shares = (kind: string): boolean => {
    const known = new Set(identitiesIn(asked).flatMap((one) => (one.kind === kind ? [JSON.stringify(one)] : [])));
    return identitiesIn(found).some((one) => known.has(JSON.stringify(one)));
  };
  if (shares('identifier')) return isOnePerson(asked, found) ? 'certain' : 'possible';
  if (shares('person')) return 'probable';
  const values = [asked['identifier'] ?? []].flat().flatMap(({ system, value }: Coded) => (system ? [] : [value]));
  const bears = [found['identifier'] ?? []].flat().some(({ value }: Coded) => values.includes(value));
  const isNamed = bears || namesOf(asked).some((one) => namesOf(found).includes(one));
  const differs = ['birthDate', 'gender'].some(
    (element) => asked[element] !== undefined && found[element] !== undefined && asked[element] !== found[element],
  );
  return isNamed && !differs ? 'possible' : undefined;
}

/** Family and first given name together. */
const namesOf = (patient: Resource): string[] =>
  ([patient['name'] ?? []].flat() as Named[]).flatMap(({ family, given }) => {
    const [first] = [given ?? []].flat();
    return typeof family === 'string' && typeof first === 'string'
      ? [`${comparable(family)}|${comparable(first)}`]
      : [];
  });

async function matched(request: OperationRequest, services: Services): Promise<Answer> {
  const asked = askedIn(request.body);
  const searches = searchesFor(asked.resource);
  if (searches.length === 0) invalid('needs an identifier, or a family name', `${at('resource')}.resource`);
  return evenly(PERSON_STEP_MS, () => answered(asked, searches, request, services));
}

async function answered(
  { resource, onlyCertainMatches, count }: Asked,
  searches: readonly Search[],
  { caller, baseUrl }: OperationRequest,
  services: Services,
): Promise<Answer> {
  const found = await candidates(searches, caller, services);
  const graded = [...found.values()].flatMap((patient) => {
    const grade = gradeOf(resource, patient);
    return grade === undefined ? [] : [{ patient, grade }];
  });
  graded.sort((one, other) => SCORES[other.grade] - SCORES[one.grade] || (one.patient.id < other.patient.id ? -1 : 1));
  const certain = graded.filter(({ grade }) => grade === 'certain');
  const isSure = certain.length === 1 || (await areLinked(certain, services));
  const shown = onlyCertainMatches ? (isSure ? certain : []) : graded;
  const entry = shown.slice(0, count).map(({ patient, grade }) => ({
    fullUrl: `${baseUrl}/Patient/${patient.id}`,
    resource: patient,
    search: { extension: [{ url: GRADE, valueCode: grade }], mode: 'match', score: SCORES[grade] },
  }));
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: entry.length };
  return { status: 200, resource: entry.length === 0 ? bundle : { ...bundle, entry } };
}

/** What the caller sees of what may match. */
async function candidates(searches: readonly Search[], caller: Caller, services: Services) {
  const records = new Records(services, {});
  const found = new Map<string, Resource>();
  for (const search of searches)
    for (const { resource } of (await records.found(caller, search)).matches) found.set(resource.id, resource);
  return found;
}

/** Whether several are one person's, as links say: otherwise it is not certain which one is meant. */
async function areLinked(certain: readonly { patient: Resource }[], { index }: Services): Promise<boolean> {
  const [first, ...others] = certain;
  if (first === undefined) return false;
  const linked = await index.links.of(first.patient.id);
  return others.every(({ patient }) => linked.includes(patient.id));
}

const KINDS: readonly Kind[] = ['provider', 'custodian'];

export const matchPatient: readonly SubjectOperation[] = KINDS.map((kind) => ({
  ...{ kind, name: 'match', type: 'Patient', level: 'type', isQuestion: true },
  // Its answers are searches by the caller.
  scope: { type: 'Patient', acts: ['s'] },
  summary:
    'Finds Patients among those that the caller sees, by identifier or by name, birth date and gender, with a grade each.',
  definition: 'http://hl7.org/fhir/OperationDefinition/Patient-match',
  handle: matched,
}));
