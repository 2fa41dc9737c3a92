/** What a patient said: grants, amendments and revocations of her consents and delegations, and who did it in her place. */
import { isDelegation } from '@telemed-ledger/chaincode/model/delegations.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { giverOf } from '../patient-keys/standing.ts';
import { BALP, consentEntity, patientEntity } from './balp.ts';
import type { Happening, Source } from './timeline.ts';

export interface ConsentsOptions {
  index: Pick<ReadModel, 'search' | 'versions'>;
  /** Name of the custodian. */
  custodian: string;
  /** Who did it at this gateway, where that is known: `id/version`. */
  actorOf(act: string): Promise<Actor | undefined>;
}

export interface Actor {
  role: string;
  fhir_user: string | null;
  subject: string;
}

/** Consents of one patient that are listed. */
const MOST = 1_000;
const REST = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'Restful Operation',
};
const CONSENT_ACTS = 'https://telemed-ledger.example/fhir/CodeSystem/consent-act';

type Act = 'grant' | 'amend' | 'revoke';

/** Behind it stand the id of the Consent and the number of the version. */
export const CONSENT = 'consent.';

/** Of these patients. */
export function consentsOf(patients: readonly string[], options: ConsentsOptions): Source {
  return async function* (behind) {
    const { matches } = await options.index.search({ type: 'Consent', patients: [...patients], count: MOST });
    const all: Happening[] = [];
    for (const { resource } of matches) {
      const { versions } = await options.index.versions('Consent', resource.id);
      for (const version of versions)
        all.push({
          at: version.lastUpdated,
          position: [version.lastUpdated, `${resource.id}.${version.version}`],
          read: () => consentEvent(version, options),
        });
    }
    const key = ({ position }: Happening) => (position as string[]).join(' ');
    all.sort((one, other) => (key(one) < key(other) ? 1 : -1));
    const from = behind === undefined ? undefined : (behind as string[]).join(' ');
    for (const one of all) if (from === undefined || key(one) < from) yield one;
  };
}

/** A version of a consent as the act that made it. */
export async function consentEvent(found: StoredResource, options: ConsentsOptions): Promise<StoredResource> {
  const { resource, version, lastUpdated, patient = '' } = found;
  const act: Act = resource['status'] === 'inactive' ? 'revoke' : version === 1 ? 'grant' : 'amend';
  const named = `${resource.id}/${version}`;
  const actor = await options.actorOf(named);
  const rest = {
    grant: ['create', 'C', 'PatientCreate'],
    amend: ['update', 'U', 'PatientUpdate'],
    revoke: ['update', 'U', 'PatientUpdate'],
  } as const;
  const [code, action, profile] = rest[act];
  const event: Resource = {
    resourceType: 'AuditEvent',
    id: `${CONSENT}${resource.id}.${version}`,
    meta: { versionId: '1', lastUpdated, profile: [`${BALP}.${profile}`] },
    type: REST,
    subtype: [
      { system: 'http://hl7.org/fhir/restful-interaction', code },
      { system: CONSENT_ACTS, code: isDelegation(resource) ? `${act}-delegation` : act },
    ],
    ...{ action, recorded: lastUpdated, outcome: '0' },
    agent: agentsOf(patient, actor, options.custodian),
    source: { observer: organisation(options.custodian) },
    entity: [patientEntity(patient), ...dataOf(resource, version, act === 'revoke' ? [] : givenBy(resource, options))],
  };
  return { ...found, resource: event, version: 1, lastUpdated, patient };
}

const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });
const DICOM = 'http://dicom.nema.org/resources/ontology/DCM';

function agentsOf(patient: string, actor: Actor | undefined, custodian: string): object[] {
  const { role = 'patient', fhir_user: user = null } = actor ?? {};
  const reference = role === 'patient' ? `Patient/${patient}` : (user ?? undefined);
  const network = { address: `${ORGANISATION_SYSTEM}/${custodian}`, type: '5' };
  const end = (code: string) => ({
    ...{ type: { coding: [{ system: DICOM, code }] }, who: organisation(custodian), requestor: false, network },
  });
  return [
    {
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
      role: [{ coding: [{ system: 'https://telemed-ledger.example/fhir/CodeSystem/role', code: role }] }],
      who: reference === undefined ? organisation(custodian) : { reference },
      requestor: true,
    },
    end('110153'),
    end('110152'),
  ];
}

/** Whose word it is: signed with a key of the patient's or of a caretaker's, else the custodian's, in trust. */
function givenBy(consent: Resource, { custodian }: Pick<ConsentsOptions, 'custodian'>): object[] {
  const { thumbprint } = giverOf(consent);
  return [
    thumbprint === undefined
      ? { type: 'in-trust', valueString: custodian }
      : { type: 'signed-with', valueString: thumbprint },
  ];
}

const dataOf = ({ id }: Resource, version: number, detail: object[]): object[] => [
  {
    what: { reference: `Consent/${id}` },
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '2', display: 'System Object' },
    role: { system: 'http://terminology.hl7.org/CodeSystem/object-role', code: '4', display: 'Domain Resource' },
    ...(detail.length === 0 ? {} : { detail }),
  },
  consentEntity(`${id}/${version}`),
];
