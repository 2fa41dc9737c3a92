/**
 * Public states as rows: the newest of each key, with what they are found by. Of an access that was granted, the consents
 * it rests on are rows of their own, so that the end of a consent finds its accesses and nobody else's.
 */
import { type AccessState, accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { type Kysely, sql } from 'kysely';
import type { ParsedTransaction } from '../../ledger/block.ts';
import type { AccessConsentsTable, IndexTables, StatesTable } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { fits, isText, LONGEST } from '../storable.ts';
import { type Inserts, Lookup, pieces } from './inserts.ts';

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

/** One for one database: it keeps its statements. */
export class States {
  readonly #inserts: Inserts;
  readonly #seals: Seals;
  readonly #standing = new Lookup<IndexTables['states']>((ids) => sql`select * from states where id in ${ids}`);

  constructor(inserts: Inserts, seals: Seals) {
    this.#inserts = inserts;
    this.#seals = seals;
  }

  /** Writes the states of a block; undefined removes one. */
  async write(db: Writing, states: ReadonlyMap<string, StatesTable | undefined>): Promise<void> {
    const removed: { kind: string; id: string }[] = [];
    for (const [key, row] of states) if (row === undefined) removed.push(stateKey(key));
    for (const { kind, id } of removed) {
      await db.deleteFrom('states').where('kind', '=', kind).where('id', '=', id).execute();
    }
    const present = await this.#placed(
      db,
      [...states.values()].filter((row) => row !== undefined),
    );
    await this.#inserts.states.into(db, present);
    await this.#writeRests(db, present, removed);
  }

  /** A key keeps the place at which it came. A row that fails its check does not hand its place on: verify finds it. */
  async #placed(db: Writing, rows: readonly StatesTable[]): Promise<StatesTable[]> {
    const standing = await this.#standing.of(db, [...new Set(rows.map(({ id }) => id))]);
    const intact = standing.filter((row) => this.#seals.isOn('states', row));
    const places = new Map(intact.map(({ kind, id, sequence }) => [`${kind}/${id}`, sequence]));
    return rows.map((row) => ({ ...row, sequence: places.get(`${row.kind}/${row.id}`) ?? row.sequence }));
  }

  /** Which consents the granted accesses of this organisation rest on, and which of them have ended since. */
  async #writeRests(
    db: Writing,
    present: readonly StatesTable[],
    removed: readonly { kind: string; id: string }[],
  ): Promise<void> {
    const accesses = present.filter(({ kind }) => kind === 'access');
    const gone = removed.filter(({ kind }) => kind === 'access');
    for (const ids of pieces([...accesses, ...gone].map(({ id }) => id))) {
      await db.deleteFrom('access_consents').where('access', 'in', ids).execute();
    }
    const rests = accesses.filter(({ own, status }) => own === 1 && status === 'granted').flatMap(restsOf);
    const consents = present.filter(({ kind }) => kind === 'consent');
    const known = new Map(consents.map((row) => [row.id, row]));
    const unknown = [...new Set(rests.map(({ consent }) => consent))].filter((id) => !known.has(id));
    for (const row of await this.#standing.of(db, unknown)) if (row.kind === 'consent') known.set(row.id, row);
    await this.#inserts.accessConsents.into(
      db,
      rests.map((rest) => ({ ...rest, ended: hasEnded(rest.version, known.get(rest.consent)) ? 1 : 0 })),
    );
    for (const row of consents) await this.#end(db, row);
  }

  /** Marks what rests on versions of a consent that are not in force any more. What fails its check is not sealed anew. */
  async #end(db: Writing, consent: StatesTable): Promise<void> {
    const resting = await db.selectFrom('access_consents').selectAll().where('consent', '=', consent.id).execute();
    for (const row of resting) {
      if (row.ended === 1 || !hasEnded(row.version, consent)) continue;
      const ended = { ...row, ended: 1 };
      const seal = this.#seals.isOn('access_consents', row) ? this.#seals.of('access_consents', ended) : row.seal;
      await db
        .updateTable('access_consents')
        .set({ ended: 1, seal })
        .where('access', '=', row.access)
        .where('consent', '=', row.consent)
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
