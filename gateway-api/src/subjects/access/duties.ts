/**
 * The custodian's duties: has every access request decided as soon as it is seen, and purges delivered copies when
 * their consent is revoked or amended or their time is over. The decision itself is the chaincode's.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  type AccessRequest,
  type AccessState,
  type ConsentState,
  MAX_DELIVERED,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Duty } from '../../duties/worker.ts';
import { IntegrityFailure } from '../../http/failures.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { newSalt } from '../../ledger/sender.ts';

export interface DutyOptions {
  consortium: Consortium;
  index: ReadModel;
  ledger: LedgerClient;
}

const AS_SYSTEM = { as: { role: 'system' } } as const;

/** Organisations stand in states by MSP id or by name. */
const nameOf = (consortium: Consortium, organisation: string): string =>
  organisationByMsp(consortium, organisation)?.name ?? organisation;

export function decideAccess({ consortium, index, ledger }: DutyOptions): Duty<AccessState> {
  return {
    name: 'decide access',
    idOf: (state) => state.id,
    find: async () => (await index.states('access', 'requested')).map((row) => JSON.parse(row.value) as AccessState),
    perform: async (state) => {
      const holder = nameOf(consortium, state.holder);
      const inbox = collections.inbox(nameOf(consortium, state.requestor));
      const asked = await index.privateValue(inbox, privateKeys.request(state.id));
      if (asked === undefined) throw new LedgerError('NOT_FOUND', 'the request has not been delivered to this peer');
      if (sha256Hex(asked.value) !== asked.anchor) throw new IntegrityFailure(`${inbox} ${asked.key}`);
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
}

export function purgeCopies({ consortium, index, ledger }: DutyOptions): Duty<AccessState> {
  const over = async (state: AccessState): Promise<boolean> => {
    if (state.expiresAt !== undefined && state.expiresAt <= new Date().toISOString()) return true;
    for (const { id, version } of [state.consent, ...(state.furtherConsents ?? [])].filter(
      (one) => one !== undefined,
    )) {
      const row = await index.state('consent', id);
      const consent = row === undefined ? undefined : (JSON.parse(row.value) as ConsentState);
      if (consent !== undefined && (consent.status === 'revoked' || consent.version !== version)) return true;
    }
    return false;
  };
  return {
    name: 'purge copies',
    idOf: (state) => state.id,
    find: async () => {
      const granted = (await index.states('access', 'granted')).map((row) => JSON.parse(row.value) as AccessState);
      const due = await Promise.all(granted.map(over));
      return granted.filter((_, position) => due[position]);
    },
    perform: async (state) => {
      const records = await index.copiesOf(state.id);
      const holder = nameOf(consortium, state.holder);
      await ledger.submit('PurgeCopies', { id: state.id, holder }, { records }, AS_SYSTEM);
    },
  };
}
