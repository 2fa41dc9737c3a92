/**
 * The custodian's duties: has every access request decided as soon as it is seen, and purges delivered copies when
 * their consent is revoked or amended or their time is over. The decision itself is the chaincode's.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  type AccessRequest,
  type AccessState,
  accessStateSchema,
  MAX_DELIVERED,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownState, ownStates, paged } from '../../duties/found.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { consentsOf, hasEnded } from '../../index/write/states.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';

/** Organisations stand in states by MSP id or by name. */
const nameOf = (consortium: Consortium, organisation: string): string =>
  organisationByMsp(consortium, organisation)?.name ?? organisation;

export const decideAccess: Duty<AccessState> = {
  name: 'decide access',
  kind: 'custodian',
  on: [events.AccessRequested],
  idOf: (state) => state.id,
  find: (services) => ownStates(services, 'access', accessStateSchema, ['requested']),
  async perform(state, { consortium, index, ledger }) {
    const holder = nameOf(consortium, state.holder);
    const inbox = collections.inbox(nameOf(consortium, state.requestor));
    const asked = await index.privateValue(inbox, privateKeys.request(state.id));
    if (asked === undefined) throw new LedgerError('NOT_FOUND', 'the request has not been delivered to this peer');
    const request = JSON.parse(asked.value) as AccessRequest;
    const care = collections.care(holder);
    const patient = await index.patientByIdentifier(care, request.patient);
    const records =
      patient === undefined ? [] : await index.recordsOfPatient(care, patient.id, request.types, MAX_DELIVERED);
    await ledger.submit(
      'DecideAccess',
      { id: state.id, holder },
      { request: asked.value, salt: newSalt(), ...(patient === undefined ? {} : { patient }), records },
      AS_SYSTEM,
    );
  },
};

/** Whether the copies of an access must go: its time is over, or a consent it rests on was revoked or amended. */
async function isOver(state: AccessState, index: ReadModel): Promise<boolean> {
  if (state.status !== 'granted') return false;
  if (state.expiresAt !== undefined && state.expiresAt <= new Date().toISOString()) return true;
  for (const { id, version } of consentsOf(state)) {
    if (hasEnded(version, await index.state('consent', id))) return true;
  }
  return false;
}

/** The index names what may be over; the states themselves decide. */
async function* overAccesses(services: Services): AsyncGenerator<AccessState> {
  const { index } = services;
  const now = new Date().toISOString();
  const expired = paged((page) => index.accesses.expired(now, page));
  const orphaned = paged((page) => index.accesses.orphaned(page));
  for (const candidates of [expired, orphaned]) {
    for await (const { id } of candidates) {
      const state = await ownState(services, 'access', accessStateSchema, id);
      if (state !== undefined && (await isOver(state, index))) yield state;
    }
  }
}

export const purgeCopies: Duty<AccessState> = {
  name: 'purge copies',
  kind: 'custodian',
  on: [events.ConsentRevoked, events.ConsentAmended, events.AccessDecided],
  idOf: (state) => state.id,
  find: overAccesses,
  async perform(state, { consortium, index, ledger }) {
    const records = await index.copiesOf(state.id);
    const holder = nameOf(consortium, state.holder);
    await ledger.submit('PurgeCopies', { id: state.id, holder }, { records }, AS_SYSTEM);
  },
};
