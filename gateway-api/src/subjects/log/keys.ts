/** What became of a patient's own keys: each that was put in, and by whose code, and each end. The custodian and her provider have it. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { thumbprintOf } from '@telemed-ledger/chaincode/model/jws.ts';
import { ORGANISATION_SYSTEM, referenceTo } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { PatientKey } from '@telemed-ledger/chaincode/model/patient-keys.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { Refusal } from '../../fhir/outcomes.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import { Failure } from '../../http/failures.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { type CodeShown, codesAt } from '../patient-keys/codes.ts';
import { enteredOf, patientAt } from '../patient-keys/ring.ts';
import { patientEntity } from './balp.ts';
import type { Source } from './timeline.ts';

export interface KeysOptions {
  index: ReadModel;
  consortium: Consortium;
  /** Name of the custodian. */
  custodian: string;
}

/** Behind it stand the id of the Patient, the place of the key among hers, and what became of it; or of a code the same. */
export const KEY = 'key.';
const CODE = 'code.';
const REST = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'Restful Operation',
};
const KEY_ACTS = 'https://telemed-ledger.example/fhir/CodeSystem/key-act';
const STARTED = { enrolled: 'enrol-key', recovered: 'recover-key', rotated: 'rotate-key' } as const;
const ENDED = { revoked: 'end-key', cancelled: 'cancel-key', rotated: undefined } as const;

interface KeyAct {
  at: string;
  id: string;
  code: string;
  /** Of the acts on a key. */
  key?: PatientKey;
  /** Who did it, where it was not the patient. */
  by?: object;
  patient: string;
  provider: string;
}

/** Of these patients, newest first. */
export function keysOf(patients: readonly string[], options: KeysOptions): Source {
  return async function* (behind) {
    const found = await Promise.all(patients.map((patient) => actsOf(patient, options)));
    const acts = found.flat().sort((one, other) => (placeOf(one) < placeOf(other) ? 1 : -1));
    for (const act of acts)
      if (behind === undefined || placeOf(act) < (behind as string))
        yield { at: act.at, position: placeOf(act), read: async () => keyEvent(act, options) };
  };
}

const placeOf = ({ at, id }: KeyAct): string => `${at} ${id}`;

/** @param id as an event has it, without its beginning */
export async function keyEventNamed(id: string, options: KeysOptions): Promise<StoredResource | undefined> {
  const acts = id.startsWith(CODE) ? await codeActs(options) : await actsOf(id.split('.')[0] ?? '', options);
  const act = acts.find((one) => one.id === `${KEY}${id}`);
  return act && keyEvent(act, options);
}

async function actsOf(patient: string, options: KeysOptions): Promise<KeyAct[]> {
  const found = await ringOf(patient, options);
  if (found === undefined) return [];
  const { ring, provider } = found;
  const codes = await codesAt(options.index, provider, { patient });
  const acts = ring.flatMap((key, place) => {
    const act = (code: string, time: string): KeyAct => {
      return { at: time, id: `${KEY}${patient}.${place}.${code}`, code, key, patient, provider };
    };
    const end = key.ended && ENDED[key.ended];
    return [act(STARTED[key.how], key.addedAt), ...(end === undefined ? [] : [act(end, key.until ?? key.addedAt)])];
  });
  return [...acts, ...codes.flatMap(codeActsOf)];
}

/** Of all providers whose codes are here. */
async function codeActs({ index, consortium }: KeysOptions): Promise<KeyAct[]> {
  const providers = organisationsOfKind(consortium, 'provider');
  const codes = await Promise.all(providers.map(({ name }) => codesAt(index, name)));
  return codes.flat().flatMap(codeActsOf);
}

/** That a code was handed out, also where nobody has used it: who has it could put in a key. */
function codeActsOf({ id, patient, provider, issuedBy, issuedAt, status, endedAt, cancelledBy }: CodeShown): KeyAct[] {
  const act = (code: string, at: string, by: object): KeyAct => ({
    ...{ at, id: `${KEY}${CODE}${id}.${code}`, code, patient, provider, by },
  });
  const { role, user } = issuedBy;
  const person = user === undefined ? organisation(provider) : { reference: referenceTo(provider, user) };
  const herself = { who: { reference: `Patient/${patient}` }, role: roleOf('patient') };
  const ends = status === 'cancelled' && endedAt !== undefined;
  return [
    act('issue-code', issuedAt, { who: person, role: roleOf(role) }),
    ...(ends
      ? [act('cancel-code', endedAt, cancelledBy === 'patient' ? herself : { who: organisation(provider) })]
      : []),
  ];
}

const roleOf = (code: string) => [
  { coding: [{ system: 'https://telemed-ledger.example/fhir/CodeSystem/role', code }] },
];

/** What cannot be read, or has not arrived, keeps nobody from the rest of the log: the answer counts what is on its way. */
async function ringOf(patient: string, { index, consortium }: KeysOptions) {
  try {
    const at = await patientAt(index, consortium, patient);
    return { provider: at.provider, ring: (await enteredOf(index, at)).ring };
  } catch (error) {
    if ((error instanceof Refusal || error instanceof Failure) && !(error instanceof DatabaseLost)) return undefined;
    throw error;
  }
}

const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });

/** An act on a key or a code as an event. */
export function keyEvent(
  { at, id, code, key, by, patient, provider }: KeyAct,
  { custodian }: Pick<KeysOptions, 'custodian'>,
): StoredResource {
  const isByCode = /^(?:enrol|recover)-key$|-code$/.test(code);
  const resource: Resource = {
    resourceType: 'AuditEvent',
    id,
    meta: { versionId: '1', lastUpdated: at },
    type: REST,
    subtype: [
      { system: 'http://hl7.org/fhir/restful-interaction', code: 'operation' },
      { system: KEY_ACTS, code },
    ],
    ...{ action: 'E', recorded: at, outcome: '0' },
    agent: [
      { ...(by ?? { who: { reference: `Patient/${patient}` }, role: roleOf('patient') }), requestor: true },
      ...(isByCode ? [{ who: organisation(provider), requestor: false }] : []),
    ],
    source: { observer: organisation(custodian) },
    entity: [
      patientEntity(patient),
      {
        what: { display: key === undefined ? 'a code for a key of the patient’s own' : 'a key of the patient’s own' },
        ...(key === undefined
          ? {}
          : {
              detail: [
                { type: 'key', valueString: thumbprintOf(key) },
                { type: 'in-force-from', valueString: key.from },
              ],
            }),
      },
    ],
  };
  return { resource, version: 1, lastUpdated: at, author: custodian, transactionId: '', patient } as StoredResource;
}
