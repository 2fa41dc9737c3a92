/**
 * `Patient/<id>/$everything` (hl7.org/fhir/R4/patient-operation-everything.html): all of a patient's records that the caller may
 * read, in pages, what matters most first. Every type is searched as a search by the caller is, and written down as one. With
 * each page goes what its records refer to and is about no patient (who treated, where, with what), so that they lead there.
 */

import { companionTypes } from '@telemed-ledger/chaincode/model/companions.ts';
import type { Answer } from './answers.ts';
import { type Issue, outcomeOf, refuse } from './outcomes.ts';
import type { Scope, Search, SearchPage, StoredResource } from './repository.ts';
import { matchOf, outcomeEntries, sealed, unsealed } from './search.ts';
import { parametersOf } from './search-parameters.ts';
import { type Parameters, parseSearch, safeName } from './search-query.ts';
import { isWithinCare, spanAsked } from './spans.ts';
import { supportedType, supportedTypes } from './types.ts';
import { unlessForbidden } from './unless-forbidden.ts';

const FIRST = [
  'Patient',
  'AllergyIntolerance',
  'Condition',
  'MedicationStatement',
  'MedicationRequest',
  'Immunization',
];
const ofPatients = supportedTypes
  .map(({ name }) => name)
  .filter((name) => name === 'Patient' || parametersOf(name).some(({ column }) => column === 'patient'));
/** The types that have a patient, in the order in which they are answered. */
export const PATIENT_TYPES: readonly string[] = [...FIRST, ...ofPatients.filter((name) => !FIRST.includes(name))];
/** Her log is no part of her record, and grows with each page that is read: who wants it names its type, or searches it. */
export const RECORD_TYPES: readonly string[] = PATIENT_TYPES.filter((name) => name !== 'AuditEvent');

const DEFAULT_COUNT = 100;
const MAX_COUNT = 500;
const KNOWN = new Set(['_count', '_since', '_type', 'start', 'end', '_page', '_format', '_pretty']);

/** Where a page begins, and what is asked for. */
interface Place {
  patient: string;
  types: string[];
  /** Of what records refer to; all where it is left out. */
  beside?: string[];
  /** Nothing else is asked for. */
  alone?: true;
  count: number;
  since?: string;
  /** Of the time of care. */
  care?: { start?: string; end?: string };
  /** Of the first of the types. */
  after?: string;
}

/** @throws {Refusal} 404 for a patient whom the caller does not see, 400 for a parameter that is not kept */
export async function everything(scope: Scope, id: string, parameters: Parameters, lenient: boolean): Promise<Answer> {
  const { baseUrl } = scope;
  await patientOf(scope, id);
  const url = `${baseUrl}/Patient/${id}/$everything`;
  const place = placeIn(id, parameters, lenient);
  const { entries, next } = await pageFrom(place, scope);
  const query = new URLSearchParams(
    parameters.filter(([name]) => name !== '_page').map(([name, value]): [string, string] => [name, value]),
  );
  const self = query.size === 0 ? url : `${url}?${query}`;
  const link = [
    { relation: 'self', url: self },
    ...(next === undefined ? [] : [{ relation: 'next', url: `${url}?_page=${sealed(next)}` }]),
  ];
  const entry = entries.length === 0 ? {} : { entry: entries };
  return { status: 200, resource: { resourceType: 'Bundle', type: 'searchset', link, ...entry } };
}

/** A Patient as the caller may see it; whose it is otherwise is answered alike. @throws {Refusal} 404 */
export async function patientOf({ repository, caller }: Scope, id: string): Promise<StoredResource> {
  const isId = /^[A-Za-z0-9.-]{1,64}$/.test(id);
  const found = isId ? await repository.read(caller, 'Patient', id) : undefined;
  return found ?? refuse(404, 'not-found', 'This server has no such resource.');
}

/** @throws {Refusal} 400 for a parameter that would be ignored: it could have asked for less */
export function demandKnown(parameters: Parameters, known: ReadonlySet<string>, lenient: boolean): void {
  const other = parameters.find(([name]) => !known.has(name))?.[0];
  if (other !== undefined && !lenient)
    refuse(400, 'not-supported', 'This operation has no such parameter here.', safeName(other));
}

function placeIn(patient: string, parameters: Parameters, lenient: boolean): Place {
  demandKnown(parameters, KNOWN, lenient);
  const given = new Map(parameters);
  const page = given.get('_page');
  if (page !== undefined) return pageOf(page, patient);
  const count = given.get('_count') ?? String(DEFAULT_COUNT);
  if (!/^[1-9][0-9]{0,8}$/.test(count)) refuse(400, 'value', 'Expected a whole number from 1.', '_count');
  const wanted = parameters.filter(([name]) => name === '_type').flatMap(([, value]) => value.split(','));
  for (const type of wanted)
    if (!PATIENT_TYPES.includes(type) && !companionTypes.includes(type))
      refuse(400, 'value', 'Expected types of resources that have a patient, or that their records refer to.', '_type');
  const types = wanted.length === 0 ? [...RECORD_TYPES] : PATIENT_TYPES.filter((type) => wanted.includes(type));
  const beside = wanted.filter((type) => companionTypes.includes(type));
  const since = given.get('_since');
  // Refuses what is no date.
  if (since !== undefined) sinceIn(since);
  const care = spanAsked(parameters) && {
    ...(given.has('start') ? { start: given.get('start')! } : {}),
    ...(given.has('end') ? { end: given.get('end')! } : {}),
  };
  const common = {
    ...{ patient, count: Math.min(Number(count), MAX_COUNT) },
    ...(since === undefined ? {} : { since }),
    ...(care === undefined ? {} : { care }),
  };
  if (wanted.length === 0) return { ...common, types };
  // What is referred to is found by what refers to it.
  return types.length > 0 ? { ...common, types, beside } : { ...common, types: [...RECORD_TYPES], beside, alone: true };
}

/** As a search of any type reads it. */
function sinceIn(since: string): NonNullable<Search['lastUpdated']> {
  const { search } = parseSearch(supportedType('Patient')!, [['_lastUpdated', `ge${since}`]], '', false);
  return search.lastUpdated ?? [];
}

function pageOf(token: string, patient: string): Place {
  const place = unsealed(token) as Partial<Place> | undefined;
  // A page of one patient's is none of another's.
  if (place?.patient === patient && place.types !== undefined) return place as Place;
  return refuse(400, 'value', 'This page is not known (any more): ask again.', '_page');
}

interface Gathered {
  entries: object[];
  next?: Place;
}

/** Records of a page, what is said of them, and where the next begins. */
interface Walked {
  matches: StoredResource[];
  outcomes: object[];
  next?: Place;
}

async function pageFrom(place: Place, scope: Scope): Promise<Gathered> {
  const { matches, outcomes, next } = await walked(place, scope);
  const { found, isCut } = await scope.repository.referredTo(scope.caller, matches);
  const { beside = companionTypes, alone } = place;
  const shown = found.filter(({ resource }) => beside.includes(resource.resourceType));
  const entries = [
    ...(alone ? [] : matches.map((match) => matchOf(match, scope.baseUrl))),
    ...shown.map((one) => ({ ...matchOf(one, scope.baseUrl), search: { mode: alone ? 'match' : 'include' } })),
    ...outcomes,
    ...(isCut ? [cutEntry()] : []),
  ];
  return { entries, ...(next === undefined ? {} : { next }) };
}

async function walked(place: Place, scope: Scope): Promise<Walked> {
  const { patient, count, since, care } = place;
  const types = await scope.repository.typesOf(scope.caller, patient, place.types);
  const asked = care && spanAsked(Object.entries(care));
  const common = since === undefined ? {} : { lastUpdated: sinceIn(since) };
  const matches: StoredResource[] = [];
  const outcomes: object[] = [];
  const hidden: string[] = [];
  const pageOf = (next?: Place): Walked => ({
    ...{ matches, outcomes: [...outcomes, ...hiddenEntry(hidden)] },
    ...(next === undefined ? {} : { next }),
  });
  // A position is one among the first of the types alone.
  const { after: first, ...same } = place;
  let after = first;
  for (const [index, type] of types.entries()) {
    const rest: Place = { ...same, types: types.slice(index) };
    const room = count - matches.length;
    if (room <= 0) return pageOf(rest);
    const whose = type === 'Patient' ? { ids: [patient] } : { patients: [patient] };
    const page = await searched({ type, ...whose, ...common, count: room, ...at(after) }, scope);
    after = undefined;
    if (page === undefined) {
      hidden.push(type);
      continue;
    }
    matches.push(...page.matches.filter((match) => asked === undefined || isWithinCare(match, asked)));
    outcomes.push(...outcomeEntries(page));
    if (page.next !== undefined) return pageOf({ ...rest, after: page.next });
  }
  return pageOf();
}

const at = (after: string | undefined): { after?: string } => (after === undefined ? {} : { after });

/** A page of a type; undefined where the caller may not read that type. */
const searched = (search: Search, { repository, caller }: Scope): Promise<SearchPage | undefined> =>
  unlessForbidden(() => repository.search(caller, search));

function hiddenEntry(types: readonly string[]): object[] {
  if (types.length === 0) return [];
  const diagnostics = `Not shown to this caller: ${types.join(', ')}.`;
  const issue: Issue = { severity: 'information', code: 'suppressed', diagnostics };
  return [{ resource: outcomeOf([issue]), search: { mode: 'outcome' } }];
}

/** For a Bundle whose records refer to more than goes with them. */
export function cutEntry(): { resource: object; search: { mode: 'outcome' } } {
  const diagnostics = 'The records here refer to more than goes with them: read what is missing by its reference.';
  const issue: Issue = { severity: 'warning', code: 'incomplete', diagnostics };
  return { resource: outcomeOf([issue]), search: { mode: 'outcome' } };
}
