/** Accesses as the custodian's read model holds them, for tests and benches that need many or strange ones. */
import { randomBytes, randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { AccessState, ConsentState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { FixtureTransaction } from '../../ledger/block.fixture.ts';

export interface AccessFixture extends Partial<AccessState> {
  /** Identifier value of the patient; the system is `urn:example:mrn`. */
  mrn?: string;
}

export const SYSTEM = 'urn:example:mrn';

export function accessState({ mrn: _mrn, ...fields }: AccessFixture = {}): AccessState {
  return {
    id: randomUUID(),
    requestor: 'clinic',
    holder: 'hospital',
    custodian: 'patients',
    purpose: 'TREAT',
    status: 'requested',
    requestedAt: '2026-03-01T10:00:00.000Z',
    ...fields,
  };
}

export const stateWrite = (kind: string, state: { id: string } & Record<string, unknown>) => ({
  key: `${kind}/${state.id}`,
  value: canonicalJson(state),
});

/** The text of a request, as it is anchored. */
export const requestText = (id: string, mrn: string): string =>
  canonicalJson({
    ...{ id, salt: randomBytes(32).toString('hex') },
    ...{ patient: { system: SYSTEM, value: mrn }, types: [], purpose: 'TREAT' },
  });

/** A transaction that requests an access; `mrn` undefined leaves its request out. */
export function requested(state: AccessState, mrn?: string): FixtureTransaction {
  const request = { collection: collections.inbox(state.requestor), key: privateKeys.request(state.id) };
  return {
    publicWrites: [stateWrite('access', state)],
    privateWrites: mrn === undefined ? [] : [{ ...request, value: requestText(state.id, mrn) }],
  };
}

export const consentState = (fields: Partial<ConsentState> = {}): ConsentState => ({
  id: randomUUID(),
  custodian: 'patients',
  provider: 'hospital',
  status: 'active',
  version: 1,
  grantedAt: '2026-03-01T10:00:00.000Z',
  updatedAt: '2026-03-01T10:00:00.000Z',
  ...fields,
});
