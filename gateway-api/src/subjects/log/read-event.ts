/**
 * A read as an AuditEvent by IHE's Basic Audit Log Patterns (profiles.ihe.net/ITI/BALP): PatientRead and PatientQuery, and what is
 * neither in their form. The query is what is known of it, a type and the patient: the words of a search are not kept.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { LogRow } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import { ORGANISATION_SYSTEM, referenceTo } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import { BALP, consentEntity, DCM, dataEntity, patientEntity, RESOURCE_TYPES } from './balp.ts';

/** Of what a read of something delivered was under. */
export interface Terms {
  purpose?: string;
  /** `id/version` */
  consent?: string;
  until?: string;
}

export interface ReadToldOf {
  organisation: string;
  read: LogRow;
  terms: Terms;
  /** Of who read, where it is known. */
  name?: string | undefined;
}

const REST = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'Restful Operation',
};
const RESTFUL = 'http://hl7.org/fhir/restful-interaction';
const OWN = 'https://telemed-ledger.example/fhir/CodeSystem/read-interaction';

/** HL7's interaction of ours, and whether it is a query. */
const INTERACTIONS: Readonly<Record<string, { code: string; isQuery: boolean; isPattern: boolean }>> = {
  read: { code: 'read', isQuery: false, isPattern: true },
  vread: { code: 'vread', isQuery: false, isPattern: true },
  history: { code: 'history-instance', isQuery: false, isPattern: false },
  search: { code: 'search-type', isQuery: true, isPattern: true },
};
/** Everything else that shows something: an operation (hl7.org/fhir/R4/valueset-type-restful-interaction.html). */
const OPERATION = { code: 'operation', isQuery: true, isPattern: false };

/** An id that is one event's, at whichever gateway it is read. */
const readEventId = (organisation: string, sequence: number): string => `read.${organisation}.${sequence}`;

export function placeOfRead(id: string): { organisation: string; sequence: number } | undefined {
  const [, organisation, sequence] = /^read\.([a-z0-9-]{1,40})\.(\d{1,12})$/.exec(id) ?? [];
  return organisation === undefined ? undefined : { organisation, sequence: Number(sequence) };
}

export function readEvent({ organisation, read, terms, name }: ReadToldOf): StoredResource {
  const { sequence, at, outcome, interaction, patient, access } = read;
  const { code, isQuery, isPattern } = INTERACTIONS[interaction] ?? OPERATION;
  const isShown = outcome === 'shown';
  const ids = JSON.parse(read.records) as string[];
  const profile = isPattern && isShown && patient !== null && (isQuery || ids.length === 1);
  const resource: Resource = {
    resourceType: 'AuditEvent',
    id: readEventId(organisation, sequence),
    meta: {
      ...{ versionId: '1', lastUpdated: at },
      ...(profile ? { profile: [`${BALP}.${isQuery ? 'PatientQuery' : 'PatientRead'}`] } : {}),
    },
    type: REST,
    subtype: [
      { system: RESTFUL, code },
      { system: OWN, code: interaction },
    ],
    action: isQuery ? 'E' : 'R',
    recorded: at,
    outcome: isShown ? '0' : '4',
    ...(isShown ? {} : { outcomeDesc: 'refused' }),
    ...(terms.purpose === undefined ? {} : { purposeOfEvent: [purposeOf(terms.purpose)] }),
    agent: agentsOf({ organisation, read, name, terms }, isQuery),
    source: { observer: whoOf(organisation) },
    entity: entitiesOf({ organisation, read, terms }, ids, isQuery),
  };
  const about = patient === null ? {} : { patient };
  return {
    ...{ resource, version: 1, lastUpdated: at, author: organisation, transactionId: '', ...about },
    ...(access === null ? {} : { access }),
  };
}

const purposeOf = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code }],
});
const whoOf = (organisation: string) => ({
  identifier: { system: ORGANISATION_SYSTEM, value: organisation },
  display: organisation,
});
const networkOf = (organisation: string) => ({ address: `${ORGANISATION_SYSTEM}/${organisation}`, type: '5' });

/** Who asked: the person where there is one, and both ends of the line, which are the organisation's. */
function agentsOf({ organisation, read, name }: ReadToldOf, isQuery: boolean): object[] {
  const { role, subject, fhir_user: user } = read;
  const [client, server] = isQuery ? (['110153', '110152'] as const) : (['110152', '110153'] as const);
  const end = (code: '110152' | '110153') => ({
    ...{ type: { coding: [DCM[code]] }, who: whoOf(organisation), requestor: false },
    network: networkOf(organisation),
  });
  return [
    {
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
      role: [{ coding: [{ system: 'https://telemed-ledger.example/fhir/CodeSystem/role', code: role }] }],
      who: personOf(organisation, user, subject),
      ...(name === undefined ? {} : { name }),
      requestor: true,
    },
    end(client),
    end(server),
  ];
}

/** A relative reference would mean somebody of whoever reads it. */
function personOf(organisation: string, user: string | null, subject: string): object {
  if (user === null)
    return { identifier: { system: `${ORGANISATION_SYSTEM}/${organisation}/clients`, value: subject } };
  if (user.startsWith('Patient/')) return { reference: user };
  return { reference: referenceTo(organisation, user) };
}

/** The custodian links for who has no key of her own. */
const isInTrust = ({ interaction, role }: LogRow): boolean => interaction === 'link' && role === 'system';

function entitiesOf(
  { organisation, read, terms }: Omit<ReadToldOf, 'name'>,
  ids: readonly string[],
  isQuery: boolean,
): object[] {
  const { patient, type } = read;
  const isResource = type !== 'Read' && type !== 'AccessRequest' && type !== 'Review';
  const described = isResource ? type : 'Basic';
  const query = Buffer.from(`${type}?patient=${patient ?? ''}`).toString('base64');
  const main = isQuery
    ? { type: dataEntity, role: { ...OBJECT_ROLE, code: '24', display: 'Query' }, query }
    : {
        type: dataEntity,
        role: { ...OBJECT_ROLE, code: '4', display: 'Domain Resource' },
        what: { reference: `${type}/${ids[0]}` },
      };
  return [
    ...(patient === null ? [] : [patientEntity(patient)]),
    main,
    {
      type: { system: RESOURCE_TYPES, code: described },
      name: 'records',
      detail: [
        { type: 'type', valueString: type },
        { type: 'count', valueString: String(ids.length) },
        ...ids.slice(0, MOST_NAMED).map((id) => ({ type: 'record', valueString: `${type}/${id}` })),
        ...(isInTrust(read) ? [{ type: 'in-trust', valueString: organisation }] : []),
        ...(terms.until === undefined ? [] : [{ type: 'until', valueString: terms.until }]),
      ],
    },
    ...(terms.consent === undefined ? [] : [consentEntity(terms.consent)]),
  ];
}

const OBJECT_ROLE = { system: 'http://terminology.hl7.org/CodeSystem/object-role' };
/** Records that an event names; all are in GET /reads. */
const MOST_NAMED = 100;
