/**
 * `Patient/<id>/$medications`: what she takes, as a List of MedicationStatements that are made for it (R4 has no operation for it;
 * hl7.org/fhir/R4/lifecycle.html#current names such a list `$current-medications`). It is made of what the caller may read.
 */
import { type Resource, shareIdentifier } from '@telemed-ledger/chaincode/model/fhir.ts';
import { tablesOn } from '@telemed-ledger/chaincode/model/medication-checks.ts';
import type { Answer } from './answers.ts';
import { demandKnown, patientOf } from './everything.ts';
import { medicationsIn, reconcile, type Therapy } from './medication-list.ts';
import type { Scope, Search, StoredResource } from './repository.ts';
import type { Parameters } from './search-query.ts';
import { unlessForbidden } from './unless-forbidden.ts';

const TYPES = ['MedicationRequest', 'MedicationStatement', 'MedicationAdministration'];
const PAGE = 500;
const PAGES = 10;
const MOST_PATIENTS = 20;
const KNOWN = new Set(['_format', '_pretty']);
/** What was due, taken and missed since a moment; see docs/medication.md. */
const ADHERENCE = 'https://telemed-ledger.example/fhir/StructureDefinition/medication-adherence';

/** @throws {Refusal} 404 for a patient whom the caller does not see */
export async function medications(scope: Scope, id: string, parameters: Parameters, lenient: boolean): Promise<Answer> {
  demandKnown(parameters, KNOWN, lenient);
  const { resource: patient } = await patientOf(scope, id);
  const { therapies, unread } = await takenBy(scope, patient);
  const contained = therapies.map((one, index) => statementOf(one, `m${index + 1}`, `Patient/${id}`));
  const entry = contained.map((one) => ({ item: { reference: `#${one.id}` } }));
  return { status: 200, resource: { ...listOf(`Patient/${id}`, unread), ...filled(contained, entry) } };
}

const NONE = { system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'unavailable' };
const filled = (contained: object[], entry: object[]): object =>
  contained.length === 0 ? { emptyReason: { coding: [NONE] } } : { contained, entry };

const listOf = (subject: string, unread: readonly string[]): object => ({
  ...{ resourceType: 'List', status: 'current', mode: 'snapshot', title: 'Medication' },
  code: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/list-example-use-codes', code: 'medications' }] },
  ...{ subject: { reference: subject }, date: new Date().toISOString() },
  ...(unread.length === 0 ? {} : { note: [{ text: `Not shown to you: ${unread.join(', ')}.` }] }),
});

/** What a person takes, by all of her records that the caller sees. */
export interface Taken {
  therapies: Therapy[];
  /** The records that say so. */
  sources: StoredResource[];
  /** Types that the caller may not see. */
  unread: string[];
}

/** @param demanded types without which it is refused. @throws {LedgerError} FORBIDDEN for one of these */
export async function takenBy(scope: Scope, patient: Resource, demanded: readonly string[] = []): Promise<Taken> {
  const patients = await personOf(scope, patient);
  const read = (type: string) => () => allOf(scope, { type, patients });
  const found = await Promise.all(
    TYPES.map((type) => (demanded.includes(type) ? read(type)() : unlessForbidden(read(type)))),
  );
  const stored = found.flatMap((some) => some ?? []);
  const records = stored.map(({ resource }) => resource);
  const ids = medicationsIn(records);
  const named = ids.length === 0 ? [] : await unlessForbidden(() => allOf(scope, { type: 'Medication', ids }));
  const now = Date.now();
  const tables = tablesOn(new Date(now).toISOString().slice(0, 10));
  const therapies = reconcile(records, { tables, now, medications: (named ?? []).map(({ resource }) => resource) });
  const said = new Set(therapies.flatMap((one) => one.sources));
  return {
    therapies,
    sources: stored.filter(({ resource }) => said.has(resource)),
    unread: TYPES.filter((_, index) => found[index] === undefined),
  };
}

/** Ids of the Patients of one person: those that are linked, and at an organisation those that show an identifier of this one. */
async function personOf({ repository, caller }: Scope, patient: Resource): Promise<string[]> {
  const own = [patient.id, ...(caller.linked ?? [])];
  const identifiers = [patient['identifier'] ?? []].flat() as { system?: string; value?: string }[];
  const anyOf = identifiers.flatMap(({ system, value }) => (system && value ? [{ system, value }] : []));
  if (caller.role === 'patient' || caller.role === 'caretaker' || anyOf.length === 0) return own;
  const search: Search = { type: 'Patient', values: [{ parameter: 'identifier', anyOf }], count: MOST_PATIENTS };
  const found = await unlessForbidden(() => repository.search(caller, { ...search, isUncounted: true }));
  const same = (found?.matches ?? []).filter(({ resource }) => shareIdentifier(resource, patient));
  return [...new Set([...own, ...same.map(({ resource }) => resource.id)])];
}

async function allOf(scope: Scope, search: Omit<Search, 'count'>): Promise<StoredResource[]> {
  const found: StoredResource[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const asked = { ...search, count: PAGE, isUncounted: true, ...(after === undefined ? {} : { after }) };
    const { matches, next } = await scope.repository.search(scope.caller, asked);
    found.push(...matches);
    after = next;
    if (after === undefined) break;
  }
  return found;
}

/** A therapy as a MedicationStatement. @param subject reference to the Patient @param base what references to records begin with */
export function statementOf(therapy: Therapy, id: string, subject: string, base = ''): Resource {
  const { sources, status, medicine, ingredients, adherence } = therapy;
  const concept = (medicine ?? {}) as { text?: string };
  const text = concept.text ?? ingredients;
  const [newest] = sources;
  const dosage = newest?.['dosageInstruction'] ?? newest?.['dosage'];
  const named = medicine === undefined ? { medicationReference: newest?.['medicationReference'] } : undefined;
  return {
    ...{ resourceType: 'MedicationStatement', id, status, subject: { reference: subject } },
    ...(named ?? { medicationCodeableConcept: { ...concept, ...(text === undefined ? {} : { text }) } }),
    derivedFrom: sources.map((one) => ({ reference: `${base}${one.resourceType}/${one.id}` })),
    ...(dosage === undefined ? {} : { dosage }),
    extension: [adherenceAs(adherence)],
  };
}

function adherenceAs({ since, due, taken, missed }: Therapy['adherence']): object {
  const counts = Object.entries({ due, taken, missed }).flatMap(([url, count]) =>
    count === undefined ? [] : [{ url, valueUnsignedInt: count }],
  );
  return { url: ADHERENCE, extension: [{ url: 'since', valueDateTime: new Date(since).toISOString() }, ...counts] };
}
