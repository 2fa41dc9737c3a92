/**
 * `Patient/<id>/$summary`: a document after HL7's International Patient Summary (hl7.org/fhir/uv/ips/OperationDefinition-summary),
 * made of what the caller may read. Each section says how many of its records are left out for its length. What the records in it
 * refer to is in it too: her other records, and what is about no patient.
 */
import { randomUUID } from 'node:crypto';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { referencesIn } from '@telemed-ledger/chaincode/model/record-facts.ts';
import type { Answer } from './answers.ts';
import { cutEntry, demandKnown, PATIENT_TYPES, patientOf } from './everything.ts';
import { statementOf, type Taken, takenBy } from './medications.ts';
import type { ReferredTo, Scope, StoredResource } from './repository.ts';
import type { Parameters } from './search-query.ts';
import { lineOf, SECTIONS, type Section } from './summary-sections.ts';

const LOINC = 'http://loinc.org';
/** Of each section, the newest. */
const MOST = 50;
/** Records of a type that are looked through. */
const PAGE = 500;
const PAGES = 10;
/** Of her other records that those of the sections refer to. */
const MOST_OWN = 500;
/** Who may read of her is no part of a summary, nor who did. */
const REFERRED_TYPES = PATIENT_TYPES.filter((type) => !['Patient', 'AuditEvent', 'Consent'].includes(type));
const KNOWN = new Set(['_format', '_pretty']);

interface Filled extends Section {
  shown: StoredResource[];
  /** What is made for the summary in place of records. */
  made?: Resource[];
  leftOut: number;
}

/** @throws {Refusal} 404 for a patient whom the caller does not see. @throws {LedgerError} FORBIDDEN for a type he may not read */
export async function summary(scope: Scope, id: string, parameters: Parameters, lenient: boolean): Promise<Answer> {
  demandKnown(parameters, KNOWN, lenient);
  const patient = await patientOf(scope, id);
  const records = new Map<string, StoredResource[]>();
  for (const type of new Set(SECTIONS.flatMap(({ types }) => types)))
    records.set(type, await recordsOf(type, id, scope));
  const taken = await takenBy(scope, patient.resource, ['MedicationStatement', 'MedicationRequest']);
  const filled = SECTIONS.map((section) =>
    section.isReconciled ? reconciledIn(section, taken, `${scope.baseUrl}/`, id) : filledWith(section, records),
  );
  const shown = filled.filter(isThere);
  const inSections = new Set([...shown.flatMap((section) => section.shown), ...taken.sources.slice(0, MOST_OWN)]);
  const own = await ownReferredTo([patient, ...inSections], id, scope);
  const beside = await scope.repository.referredTo(scope.caller, [patient, ...inSections, ...own]);
  const besides = { own: [...taken.sources.slice(0, MOST_OWN), ...own], beside };
  return { status: 200, resource: documentOf(patient.resource, shown, besides, scope) };
}

/** What goes with the records of the sections. */
interface Besides {
  own: StoredResource[];
  beside: ReferredTo;
}

/** Her other records that these refer to, and so on. */
async function ownReferredTo(from: StoredResource[], patient: string, scope: Scope): Promise<StoredResource[]> {
  const seen = new Set(from.map(({ resource }) => `${resource.resourceType}/${resource.id}`));
  const found: StoredResource[] = [];
  for (let next = from; next.length > 0 && found.length < MOST_OWN; ) {
    const references = new Set(next.flatMap(({ resource }) => referencesIn(resource)));
    const fresh = [...references].filter((reference) => !seen.has(reference));
    for (const reference of fresh) seen.add(reference);
    next = [];
    for (const [type, all] of Map.groupBy(fresh, (reference) => reference.split('/')[0]!)) {
      if (!REFERRED_TYPES.includes(type)) continue;
      const ids = all.map((reference) => reference.slice(type.length + 1)).slice(0, PAGE);
      const { matches } = await scope.repository.search(scope.caller, { type, ids, patients: [patient], count: PAGE });
      next.push(...matches);
    }
    found.push(...next);
  }
  return found.slice(0, MOST_OWN);
}

const isThere = ({ isRequired, shown }: Filled): boolean => isRequired === true || shown.length > 0;

/** What she takes, each medicine once, whoever recorded it. */
function reconciledIn(section: Section, { therapies }: Taken, base: string, patient: string): Filled {
  const made = therapies.slice(0, MOST).map((one) => statementOf(one, randomUUID(), `${base}Patient/${patient}`, base));
  return { ...section, shown: [], made, leftOut: Math.max(0, therapies.length - MOST) };
}

/** All of a type, the newest first. */
async function recordsOf(type: string, patient: string, { repository, caller }: Scope): Promise<StoredResource[]> {
  const found: StoredResource[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const { matches, next } = await repository.search(caller, {
      ...{ type, patients: [patient], count: PAGE },
      ...(after === undefined ? {} : { after }),
    });
    found.push(...matches);
    after = next;
    if (after === undefined) break;
  }
  return found.sort((one, other) => (one.lastUpdated < other.lastUpdated ? 1 : -1));
}

function filledWith(section: Section, records: ReadonlyMap<string, StoredResource[]>): Filled {
  const all = section.types
    .flatMap((type) => records.get(type) ?? [])
    .filter(({ resource }) => section.holds(resource));
  return { ...section, shown: all.slice(0, MOST), leftOut: Math.max(0, all.length - MOST) };
}

function documentOf(
  patient: Resource,
  filled: readonly Filled[],
  { own, beside: { found, isCut } }: Besides,
  { baseUrl, organisation }: Scope,
): object {
  const now = new Date().toISOString();
  const author = `urn:uuid:${randomUUID()}`;
  const made = new Set(filled.flatMap((one) => one.made ?? []));
  const placeOf = (resource: Resource): string =>
    made.has(resource) ? `urn:uuid:${resource.id}` : `${baseUrl}/${resource.resourceType}/${resource.id}`;
  const composition = {
    ...{ resourceType: 'Composition', id: randomUUID(), status: 'final' },
    type: { coding: [{ system: LOINC, code: '60591-5', display: 'Patient summary Document' }] },
    ...{ subject: { reference: placeOf(patient) }, date: now, author: [{ reference: author }] },
    title: 'Patient summary',
    section: filled.map((one) => sectionOf(one, placeOf)),
  };
  const by = {
    ...{ resourceType: 'Organization', id: author.slice('urn:uuid:'.length), name: organisation.name },
    identifier: [{ system: ORGANISATION_SYSTEM, value: organisation.name }],
  };
  const all = [...filled.flatMap(({ shown }) => shown), ...own, ...found];
  const records = new Map(all.map(({ resource }) => [placeOf(resource), resource]));
  const entry = [
    { fullUrl: `urn:uuid:${composition.id}`, resource: composition },
    { fullUrl: placeOf(patient), resource: patient },
    { fullUrl: author, resource: by },
    ...[...made].map((resource) => ({ fullUrl: placeOf(resource), resource })),
    ...[...records].map(([fullUrl, resource]) => ({ fullUrl, resource })),
    ...(isCut ? [{ fullUrl: `urn:uuid:${randomUUID()}`, resource: cutEntry().resource }] : []),
  ];
  const identifier = { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${randomUUID()}` };
  return { resourceType: 'Bundle', type: 'document', identifier, timestamp: now, entry };
}

const NONE = { system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'unavailable' };

function sectionOf({ title, code, shown, made, leftOut }: Filled, placeOf: (resource: Resource) => string): object {
  const entries = made ?? shown.map(({ resource }) => resource);
  const lines = entries.map(lineOf);
  if (entries.length === 0) lines.push('Nothing is recorded here.');
  if (leftOut > 0) lines.push(`${leftOut} older ones are left out.`);
  return {
    title,
    code: { coding: [{ system: LOINC, code }] },
    text: {
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml"><ul>${lines.map(item).join('')}</ul></div>`,
    },
    ...(entries.length === 0
      ? { emptyReason: { coding: [NONE] } }
      : { entry: entries.map((resource) => ({ reference: placeOf(resource) })) }),
  };
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const item = (text: string): string => `<li>${text.replace(/[&<>"]/g, (one) => ESCAPES[one]!)}</li>`;
