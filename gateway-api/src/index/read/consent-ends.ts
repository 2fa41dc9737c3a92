/**
 * A consent that is in force no more, as it is shown. Ending one writes no new content: its state (write/states.ts) says so.
 */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ConsentState } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { StatesTable } from '../schema.ts';

export interface ConsentEnd {
  /** ISO 8601 UTC. */
  at: string;
  transactionId: string;
  /** A revocation is final and shown as a version; a withdrawn version makes room for the next one. */
  isVersion: boolean;
}

/** There is no state that knows of the version: it may have ended. */
export const UNKNOWN = 'unknown';

/** The keys of the marks that end a version, with whether the end is shown as one more. */
export const marksOf = (id: string, version: number): [key: string, isVersion: boolean][] => [
  [privateKeys.revoked(id), true],
  [privateKeys.withdrawn(id, version), false],
];

/** How a version of a consent ended; undefined where it is in force, or not the newest. */
export function endOf(
  version: number,
  state: Pick<StatesTable, 'status' | 'value' | 'transaction_id'> | undefined,
): ConsentEnd | typeof UNKNOWN | undefined {
  if (state === undefined) return UNKNOWN;
  const { version: newest, updatedAt: at } = JSON.parse(state.value) as Pick<ConsentState, 'version' | 'updatedAt'>;
  if (newest < version) return UNKNOWN;
  if (newest > version || state.status === 'active') return undefined;
  return { at, transactionId: state.transaction_id, isVersion: state.status === 'revoked' };
}

/** The newest version that was written, as the consent stands since it ended. */
export const shownAt = (newest: StoredResource, end: ConsentEnd): StoredResource =>
  end.isVersion ? revokedOf(newest, end) : inactive(newest, newest.version, end);

/** A revoked consent as one more version than the newest that was written. */
export const revokedOf = (newest: StoredResource, end: ConsentEnd): StoredResource =>
  inactive(newest, newest.version + 1, end);

function inactive(newest: StoredResource, version: number, { at, transactionId }: ConsentEnd): StoredResource {
  const meta = { ...(newest.resource['meta'] as object), versionId: String(version), lastUpdated: at };
  const resource = { ...newest.resource, status: 'inactive', meta };
  return { ...newest, resource, version, lastUpdated: at, transactionId };
}
