/**
 * Public states as rows: the newest of each key, with what they are found by. Of an access that was granted, the consents
 * it rests on are rows of their own, so that the end of a consent finds its accesses and nobody else's.
 */
import { type AccessState, accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Kysely } from 'kysely';
import type { ParsedTransaction } from '../../ledger/block.ts';
import type { AccessConsentsTable, IndexTables, StatesTable } from '../schema.ts';
import { fits, isText, LONGEST } from '../storable.ts';
import { type Inserts, pieces } from './inserts.ts';

type Writing = Kysely<IndexTables>;

/** More public keys than one block can write. */
const KEYS_PER_BLOCK = 1_000_000;

/** `kind/id` of a public key. */
function stateKey(key: string): { kind: string; id: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { kind: key, id: '' } : { kind: key.slice(0, slash), id: key.slice(slash + 1) };
}

export const isStorableKey = (key: string): boolean => {
  const { kind, id } = stateKey(key);
  return fits(kind, LONGEST.type) && fits(id, LONGEST.key);
};

export interface StateWrite {
  key: string;
  value: string;
  transaction: ParsedTransaction;
  block: number;
  /** Which of the block's keys it is. */
  position: number;
}

/** Undefined for what is no JSON object: any two organisations can write under a key that nobody has used. */
export function stateRow(write: StateWrite, member: Organisation): StatesTable | undefined {
  const { key, value, transaction, block, position } = write;
  const state = objectIn(value);
  if (state === undefined) return undefined;
  const { status, requestedAt, decidedAt, expiresAt } = state;
  const { kind, id } = stateKey(key);
  const own = Object.values(state).some((one) => one === member.name || one === member.mspId);
  return {
    kind,
    id,
    sequence: block * KEYS_PER_BLOCK + position,
    own: own ? 1 : 0,
    status: shortText(status) ?? '',
    last_updated: shortText(decidedAt) ?? shortText(requestedAt) ?? null,
    ends_at: own && kind === 'access' && status === 'granted' ? (shortText(expiresAt) ?? null) : null,
    value,
    transaction_id: transaction.transactionId,
    block,
    time: transaction.time,
  };
}

const shortText = (value: unknown): string | undefined =>
  typeof value === 'string' && fits(value, LONGEST.status) ? value : undefined;

/** The object of a JSON text; undefined for anything else. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  if (!isText(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the states of a block; undefined removes one. */
export async function writeStates(
  db: Writing,
  states: ReadonlyMap<string, StatesTable | undefined>,
  inserts: Inserts,
): Promise<void> {
  const removed: { kind: string; id: string }[] = [];
  for (const [key, row] of states) if (row === undefined) removed.push(stateKey(key));
  for (const { kind, id } of removed) {
    await db.deleteFrom('states').where('kind', '=', kind).where('id', '=', id).execute();
  }
  const present = [...states.values()].filter((row) => row !== undefined);
  await inserts.states.into(db, present);
  await writeRests(db, present, removed, inserts);
}

/** Which consents the granted accesses of this organisation rest on, and which of them have ended since. */
async function writeRests(
  db: Writing,
  present: readonly StatesTable[],
  removed: readonly { kind: string; id: string }[],
  inserts: Inserts,
): Promise<void> {
  const accesses = present.filter(({ kind }) => kind === 'access');
  const gone = removed.filter(({ kind }) => kind === 'access');
  for (const ids of pieces([...accesses, ...gone].map(({ id }) => id))) {
    await db.deleteFrom('access_consents').where('access', 'in', ids).execute();
  }
  const rests = accesses.filter(({ own, status }) => own === 1 && status === 'granted').flatMap(restsOf);
  const consents = present.filter(({ kind }) => kind === 'consent');
  const known = new Map(consents.map((row) => [row.id, row]));
  for (const ids of pieces([...new Set(rests.map(({ consent }) => consent))].filter((id) => !known.has(id)))) {
    const rows = await db
      .selectFrom('states')
      .selectAll()
      .where('kind', '=', 'consent')
      .where('id', 'in', ids)
      .execute();
    for (const row of rows) known.set(row.id, row);
  }
  await inserts.accessConsents.into(
    db,
    rests.map((rest) => ({ ...rest, ended: hasEnded(rest.version, known.get(rest.consent)) ? 1 : 0 })),
  );
  for (const row of consents) {
    const resting = await db.selectFrom('access_consents').selectAll().where('consent', '=', row.id).execute();
    const ended = resting.filter(({ version }) => hasEnded(version, row)).map(({ access }) => access);
    for (const ids of pieces(ended)) {
      await db
        .updateTable('access_consents')
        .set({ ended: 1 })
        .where('consent', '=', row.id)
        .where('access', 'in', ids)
        .execute();
    }
  }
}

/** Whether a version of a consent is not in force any more; one that is not known may yet be. */
export function hasEnded(version: number, consent: Pick<StatesTable, 'value'> | undefined): boolean {
  const state = consent && objectIn(consent.value);
  return state !== undefined && (state['status'] === 'revoked' || state['version'] !== version);
}

/** The consents that an access rests on, each once. */
export const consentsOf = ({ consent, furtherConsents = [] }: AccessState): { id: string; version: number }[] => [
  ...new Map([consent, ...furtherConsents].flatMap((one) => (one === undefined ? [] : [[one.id, one]]))).values(),
];

function restsOf({ id, value }: StatesTable): Omit<AccessConsentsTable, 'ended'>[] {
  const { data: state } = accessStateSchema.safeParse(objectIn(value));
  return state === undefined
    ? []
    : consentsOf(state).map(({ id: consent, version }) => ({ access: id, consent, version }));
}
