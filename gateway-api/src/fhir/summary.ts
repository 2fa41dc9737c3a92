/**
 * `Patient/<id>/$summary`: a document after HL7's International Patient Summary (hl7.org/fhir/uv/ips/OperationDefinition-summary),
 * made of what the caller may read. Each section says how many of its records are left out for its length.
 */
import { randomUUID } from 'node:crypto';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Answer } from './answers.ts';
import { demandKnown, patientOf } from './everything.ts';
import type { Scope, StoredResource } from './repository.ts';
import type { Parameters } from './search-query.ts';
import { lineOf, SECTIONS, type Section } from './summary-sections.ts';

const LOINC = 'http://loinc.org';
/** Of each section, the newest. */
const MOST = 50;
/** Records of a type that are looked through. */
const PAGE = 500;
const PAGES = 10;
const KNOWN = new Set(['_format', '_pretty']);

interface Filled extends Section {
  shown: Resource[];
  leftOut: number;
}

/** @throws {Refusal} 404 for a patient whom the caller does not see. @throws {LedgerError} FORBIDDEN for a type he may not read */
export async function summary(scope: Scope, id: string, parameters: Parameters, lenient: boolean): Promise<Answer> {
  demandKnown(parameters, KNOWN, lenient);
  const patient = await patientOf(scope, id);
  const records = new Map<string, Resource[]>();
  for (const type of new Set(SECTIONS.flatMap(({ types }) => types)))
    records.set(type, await recordsOf(type, id, scope));
  const filled = SECTIONS.map((section) => filledWith(section, records));
  return { status: 200, resource: documentOf(patient, filled.filter(isThere), scope) };
}

const isThere = ({ isRequired, shown }: Filled): boolean => isRequired === true || shown.length > 0;

/** All of a type, the newest first. */
async function recordsOf(type: string, patient: string, { repository, caller }: Scope): Promise<Resource[]> {
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
  const newest = found.sort((one, other) => (one.lastUpdated < other.lastUpdated ? 1 : -1));
  return newest.map(({ resource }) => resource);
}

function filledWith(section: Section, records: ReadonlyMap<string, Resource[]>): Filled {
  const all = section.types.flatMap((type) => records.get(type) ?? []).filter((one) => section.holds(one));
  return { ...section, shown: all.slice(0, MOST), leftOut: Math.max(0, all.length - MOST) };
}

function documentOf(patient: Resource, filled: readonly Filled[], { baseUrl, organisation }: Scope): object {
  const now = new Date().toISOString();
  const author = `urn:uuid:${randomUUID()}`;
  const placeOf = ({ resourceType, id }: Resource): string => `${baseUrl}/${resourceType}/${id}`;
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
  const records = new Map(filled.flatMap(({ shown }) => shown.map((one) => [placeOf(one), one])));
  const entry = [
    { fullUrl: `urn:uuid:${composition.id}`, resource: composition },
    { fullUrl: placeOf(patient), resource: patient },
    { fullUrl: author, resource: by },
    ...[...records].map(([fullUrl, resource]) => ({ fullUrl, resource })),
  ];
  const identifier = { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${randomUUID()}` };
  return { resourceType: 'Bundle', type: 'document', identifier, timestamp: now, entry };
}

const NONE = { system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'unavailable' };

function sectionOf({ title, code, shown, leftOut }: Filled, placeOf: (resource: Resource) => string): object {
  const lines = shown.map(lineOf);
  if (shown.length === 0) lines.push('Nothing is recorded here.');
  if (leftOut > 0) lines.push(`${leftOut} older ones are left out.`);
  return {
    title,
    code: { coding: [{ system: LOINC, code }] },
    text: {
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml"><ul>${lines.map(item).join('')}</ul></div>`,
    },
    ...(shown.length === 0
      ? { emptyReason: { coding: [NONE] } }
      : { entry: shown.map((one) => ({ reference: placeOf(one) })) }),
  };
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const item = (text: string): string => `<li>${text.replace(/[&<>"]/g, (one) => ESCAPES[one]!)}</li>`;
