/**
 * Erasures as AuditEvents (hl7.org/fhir/R4/auditevent.html), made from what holder and custodian have of them: who had which
 * record of which type erased, and when. Never what it held.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { type Consortium, custodianOf, organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ErasuresTable } from '../../index/schema.ts';

/** ISO 21089's event for what is gone for good (hl7.org/fhir/R4/valueset-audit-event-type.html). */
const DESTROY = {
  system: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle',
  code: 'destroy',
  display: 'Destroy/Delete Record Lifecycle Event',
};
/** hl7.org/fhir/R4/valueset-object-lifecycle-events.html, DICOM's */
const LIFECYCLE = {
  pending: { code: '14', display: 'Logical deletion' },
  purged: { code: '15', display: 'Permanent erasure / Physical destruction' },
};
const VERSIONS = { pending: 1, purged: 2 };

const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });

/** When it was last known to go on. */
const updatedAt = ({ status, marked_at, purged_at }: ErasuresTable): string =>
  status === 'purged' ? (purged_at ?? marked_at) : marked_at;

/** An erasure as it is read by its id. */
export function eventOf(erasure: ErasuresTable, consortium: Consortium): StoredResource {
  const version = VERSIONS[erasure.status];
  const lastUpdated = updatedAt(erasure);
  const author = organisationByMsp(consortium, erasure.author)?.name ?? erasure.author;
  const resource = auditEvent(erasure, consortium, { version, lastUpdated, author });
  return { resource, version, lastUpdated, author, transactionId: erasure.transaction_id };
}

function auditEvent(
  { id, type, record, patient, status, marked_at: recorded, collection, asked_by: askedBy }: ErasuresTable,
  consortium: Consortium,
  { version, lastUpdated, author }: { version: number; lastUpdated: string; author: string },
): Resource {
  const custodian = custodianOf(consortium).name;
  const holder = organisation(collection.slice('care_'.length));
  const asked = askedBy === 'patient' && patient !== null ? { reference: `Patient/${patient}` } : organisation(author);
  const others = [organisation(custodian), holder].filter(({ display }) => askedBy === 'patient' || display !== author);
  const lifecycle = { system: 'http://terminology.hl7.org/CodeSystem/dicom-audit-lifecycle', ...LIFECYCLE[status] };
  return {
    resourceType: 'AuditEvent',
    id,
    meta: { versionId: String(version), lastUpdated },
    type: DESTROY,
    subtype: [{ system: 'https://telemed-ledger.example/fhir/CodeSystem/erasure-status', code: status }],
    action: 'D',
    recorded,
    outcome: '0',
    ...(status === 'pending' ? { outcomeDesc: 'purge-pending' } : {}),
    agent: [{ who: asked, requestor: true }, ...others.map((who) => ({ who, requestor: false }))],
    source: { observer: organisation(custodian) },
    entity: [
      ...(patient === null ? [] : [{ what: { reference: `Patient/${patient}` } }]),
      { what: { reference: `${type}/${record}` }, lifecycle },
    ],
  };
}
