/** What a patient had restricted, and what she had lifted again, as events of her log, with who did it where that is known. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { RestrictedRecord } from '../../index/read/restrictions.ts';
import { dataEntity, patientEntity } from './balp.ts';
import type { Actor } from './consents.ts';
import type { Happening, Source } from './timeline.ts';

export interface RestrictionsOptions {
  index: Pick<ReadModel, 'restrictions'>;
  /** Name of the custodian. */
  custodian: string;
  /** Who did it at this gateway, where that is known: `record/number`. */
  actorOf(act: string): Promise<Actor | undefined>;
}

/** Behind it stand the id of the record and the number of the mark. */
export const RESTRICTION = 'restriction.';

const TYPE = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'Restful Operation',
};
const RESTFUL = 'http://hl7.org/fhir/restful-interaction';
const STEPS = 'https://telemed-ledger.example/fhir/CodeSystem/restriction-step';
const ROLES = 'https://telemed-ledger.example/fhir/CodeSystem/role';

/** Of these patients, newest first. */
export function restrictionsOf(patients: readonly string[], options: RestrictionsOptions): Source {
  return async function* (behind) {
    const found = await options.index.restrictions.about({ patients });
    const all = found.map((one): Happening => {
      return { at: one.at, position: placeOf(one), read: () => restrictionEvent(one, options) };
    });
    all.sort((one, other) => (String(one.position) < String(other.position) ? 1 : -1));
    for (const one of all) if (behind === undefined || String(one.position) < String(behind)) yield one;
  };
}

const placeOf = ({ at, record, n }: RestrictedRecord): string => `${at} ${record}.${n}`;

/** By what stands behind RESTRICTION. */
export async function foundRestriction(
  named: string,
  options: RestrictionsOptions,
): Promise<StoredResource | undefined> {
  const end = named.lastIndexOf('.');
  const [record, n] = [named.slice(0, end), Number(named.slice(end + 1))];
  const found = (await options.index.restrictions.about({ record })).find((one) => one.n === n);
  return found && restrictionEvent(found, options);
}

async function restrictionEvent(
  { type, record, provider, patient, n, at, transactionId }: RestrictedRecord,
  { custodian, actorOf }: RestrictionsOptions,
): Promise<StoredResource> {
  const { role = 'patient', fhir_user: user = null } = (await actorOf(`${record}/${n}`)) ?? {};
  const reference = role === 'patient' ? `Patient/${patient}` : (user ?? undefined);
  const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });
  const resource: Resource = {
    resourceType: 'AuditEvent',
    id: `${RESTRICTION}${record}.${n}`,
    meta: { versionId: '1', lastUpdated: at },
    type: TYPE,
    subtype: [
      { system: RESTFUL, code: 'operation' },
      { system: STEPS, code: n % 2 === 1 ? 'restrict' : 'lift-restriction' },
    ],
    ...{ action: 'E', recorded: at, outcome: '0' },
    agent: [
      {
        role: [{ coding: [{ system: ROLES, code: role }] }],
        who: reference === undefined ? organisation(custodian) : { reference },
        requestor: true,
      },
      { who: organisation(provider), requestor: false },
    ],
    source: { observer: organisation(custodian) },
    entity: [patientEntity(patient), { what: { reference: `${type}/${record}` }, type: dataEntity }],
  };
  return { resource, version: 1, lastUpdated: at, author: custodian, transactionId, patient };
}
