/**
 * How accesses, consents and claims stand, put together from the private values of their steps: the newest step that is
 * held counts, in whatever order the values arrive. Of an access that was granted, the consents it rests on are rows of
 * their own, so that the end of a consent finds its accesses and nobody else's.
 */
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  ACCESS_STEPS,
  type AccessState,
  accessStateSchema,
  CLAIM_STEPS,
  claimStateSchema,
} from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { type Kysely, sql } from 'kysely';
import type { AccessConsentsTable, IndexTables, PrivateValuesTable, StatesTable, VersionsTable } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { type Inserts, Lookup, pieces } from './inserts.ts';
import { objectIn } from './json.ts';
import type { KeyRows } from './rows.ts';

type Writing = Kysely<IndexTables>;
type Value = Pick<PrivateValuesTable, 'sequence' | 'collection' | 'key' | 'value' | 'transaction_id' | 'block'>;
type ConsentVersion = Pick<
  VersionsTable,
  'sequence' | 'collection' | 'key' | 'id' | 'version' | 'last_updated' | 'transaction_id' | 'block'
>;

/** What a step is the state of. */
interface Subject {
  kind: 'access' | 'claim' | 'consent';
  id: string;
}

const nameOf = ({ kind, id }: { kind: string; id: string }): string => `${kind}/${id}`;

/** What a key says something of; undefined for a key that is no step of anything. */
function subjectOf(key: string): Subject | undefined {
  const { kind, segments } = parsePrivateKey(key);
  const [id] = segments;
  if (id === undefined) return undefined;
  if (kind === 'access') return { kind, id };
  if (kind === 'claim-state') return { kind: 'claim', id };
  return ['consent', 'revoked', 'withdrawn'].includes(kind) ? { kind: 'consent', id } : undefined;
}

const stepsTo = (last: number): number[] => Array.from({ length: last }, (_, step) => step + 1);
const ACCESS = stepsTo(Math.max(...Object.values(ACCESS_STEPS)));
const CLAIM = stepsTo(Math.max(...Object.values(CLAIM_STEPS)));

/** The keys of the steps of an access or a claim. */
const stepKeys = ({ kind, id }: Subject): string[] =>
  kind === 'access'
    ? ACCESS.map((step) => privateKeys.access(id, step))
    : CLAIM.map((step) => privateKeys.claimState(id, step));

/** One for one database: it keeps its statements. */
export class States {
  readonly #inserts: Inserts;
  readonly #seals: Seals;
  readonly #member: Organisation;
  readonly #values = new Lookup<Value>(
    (hashes) => sql`select sequence, collection, key, value, transaction_id, block from private_values
      where key_hash in ${hashes}`,
  );
  readonly #consents = new Lookup<ConsentVersion>(
    (ids) => sql`select sequence, collection, key, id, version, last_updated, transaction_id, block from versions
      where id in ${ids} and type = 'Consent'`,
  );
  readonly #times = new Lookup<{ transaction_id: string; time: string }>(
    (ids) => sql`select transaction_id, time from transactions where transaction_id in ${ids}`,
  );

  constructor(inserts: Inserts, seals: Seals, member: Organisation) {
    this.#inserts = inserts;
    this.#seals = seals;
    this.#member = member;
  }

  /** Makes anew what these keys say something of, once they are written. @param gone keys whose values were removed */
  async settle(db: Writing, keys: readonly KeyRows[], gone: readonly string[]): Promise<void> {
    const written = keys.flatMap(({ privateValue, versions }) => privateValue?.key ?? versions[0]?.row.key ?? []);
    const subjects = new Map<string, Subject>();
    for (const key of [...written, ...gone]) {
      const subject = subjectOf(key);
      if (subject !== undefined) subjects.set(nameOf(subject), subject);
    }
    if (subjects.size === 0) return;
    const all = [...subjects.values()];
    const consents = all.filter(({ kind }) => kind === 'consent').map(({ id }) => id);
    const stepped = await this.#steps(
      db,
      all.filter(({ kind }) => kind !== 'consent'),
    );
    const rows = await this.#timed(db, [...stepped, ...(await this.#consentStates(db, consents))]);
    await this.#replace(db, all, rows);
    await this.#rest(db, all, rows);
    await this.#end(db, consents);
  }

  /** The states of accesses and claims, by their newest steps. */
  async #steps(db: Writing, subjects: readonly Subject[]): Promise<Untimed[]> {
    const values = await this.#values.of(db, subjects.flatMap(stepKeys).map(sha256Hex));
    const bySubject = Map.groupBy(values, ({ key }) => nameOf(subjectOf(key)!));
    return subjects.flatMap((subject) => stateOf(subject, bySubject.get(nameOf(subject)) ?? [], this.#member) ?? []);
  }

  async #consentStates(db: Writing, ids: readonly string[]): Promise<Untimed[]> {
    if (ids.length === 0) return [];
    const all = (await this.#consents.of(db, ids)).filter(({ key }) => key.startsWith('consent/'));
    const versions = Map.groupBy(all, ({ id }) => id);
    const newest = new Map([...versions].map(([id, rows]) => [id, newestOf(rows)]));
    const marks = await this.#marks(
      db,
      [...newest].map(([id, { version }]) => ({ id, version })),
    );
    return [...newest].map(([id, row]) => consentState(row, versions.get(id)!, marks));
  }

  /** What marks that these versions, or the consents altogether, are in force no more; by key. */
  async #marks(db: Writing, versions: readonly { id: string; version: number }[]): Promise<Map<string, Value>> {
    const keys = versions.flatMap(({ id, version }) => [privateKeys.revoked(id), privateKeys.withdrawn(id, version)]);
    const found = await this.#values.of(db, [...new Set(keys)].map(sha256Hex));
    return new Map(found.filter(({ collection }) => collection === collections.marks).map((row) => [row.key, row]));
  }

  /** With the time of the transaction that each rests on. */
  async #timed(db: Writing, rows: readonly Untimed[]): Promise<StatesTable[]> {
    const found = await this.#times.of(db, [...new Set(rows.map((row) => row.transaction_id))]);
    const times = new Map(found.map(({ transaction_id: id, time }) => [id, time]));
    return rows.map((row) => ({ ...row, time: times.get(row.transaction_id) ?? '' }));
  }

  async #replace(db: Writing, subjects: readonly Subject[], rows: readonly StatesTable[]): Promise<void> {
    const present = new Set(rows.map(nameOf));
    for (const { kind, id } of subjects.filter((subject) => !present.has(nameOf(subject)))) {
      await db.deleteFrom('states').where('kind', '=', kind).where('id', '=', id).execute();
    }
    await this.#inserts.states.into(db, rows);
  }

  /** Which consents the granted accesses of this organisation rest on, and which of them have ended. */
  async #rest(db: Writing, subjects: readonly Subject[], rows: readonly StatesTable[]): Promise<void> {
    const accesses = subjects.filter(({ kind }) => kind === 'access').map(({ id }) => id);
    for (const ids of pieces(accesses)) {
      await db.deleteFrom('access_consents').where('access', 'in', ids).execute();
    }
    const granted = rows.filter(({ kind, own, status }) => kind === 'access' && own === 1 && status === 'granted');
    const rests = granted.flatMap(restsOf);
    const ended = await this.#endedOf(db, rests);
    await this.#inserts.accessConsents.into(
      db,
      rests.map((rest) => ({ ...rest, ended: ended(rest) ? 1 : 0 })),
    );
  }

  /** Marks anew what rests on versions of these consents. What fails its check is not sealed anew. */
  async #end(db: Writing, consents: readonly string[]): Promise<void> {
    for (const ids of pieces(consents)) {
      const resting = await db.selectFrom('access_consents').selectAll().where('consent', 'in', ids).execute();
      const ended = await this.#endedOf(db, resting);
      for (const { seal, ...row } of resting) {
        const due = { ...row, ended: ended(row) ? 1 : 0 };
        if (due.ended === row.ended) continue;
        const isIntact = this.#seals.isOn('access_consents', { ...row, seal });
        await db
          .updateTable('access_consents')
          .set({ ended: due.ended, seal: isIntact ? this.#seals.of('access_consents', due) : seal })
          .where('access', '=', row.access)
          .where('consent', '=', row.consent)
          .execute();
      }
    }
  }

  /** Says of versions of consents whether they are in force no more; one that is not known may yet be. */
  async #endedOf(db: Writing, rests: readonly Rest[]): Promise<(rest: Rest) => boolean> {
    if (rests.length === 0) return () => false;
    const versions = rests.map(({ consent: id, version }) => ({ id, version }));
    const marks = await this.#marks(db, versions);
    const known = await this.#consents.of(db, [...new Set(versions.map(({ id }) => id))]);
    const newest = new Map<string, number>();
    for (const { id, version, key } of known)
      if (key.startsWith('consent/')) newest.set(id, Math.max(version, newest.get(id) ?? 0));
    return ({ consent, version }) =>
      marks.has(privateKeys.revoked(consent)) ||
      marks.has(privateKeys.withdrawn(consent, version)) ||
      (newest.get(consent) ?? version) !== version;
  }
}

type Untimed = Omit<StatesTable, 'time'>;
type Rest = Omit<AccessConsentsTable, 'ended'>;

const newestOf = (rows: readonly ConsentVersion[]): ConsentVersion =>
  rows.reduce((one, other) => (other.version > one.version ? other : one));

/** The state that the newest step says; undefined where no value is one. */
function stateOf(subject: Subject, values: readonly Value[], member: Organisation): Untimed | undefined {
  const steps = values.flatMap((row) => stepIn(subject, row) ?? []);
  const [newest] = steps.sort((a, b) => b.step - a.step || a.row.sequence - b.row.sequence);
  if (newest === undefined) return undefined;
  const { state, row } = newest;
  const { status } = state;
  const own = Object.values(state).some((one) => one === member.name || one === member.mspId) ? 1 : 0;
  const { requestedAt, decidedAt } = state as Partial<AccessState>;
  return {
    ...subject,
    sequence: Math.min(...steps.map((step) => step.row.sequence)),
    own,
    status,
    last_updated: decidedAt ?? requestedAt ?? null,
    ends_at: own === 1 && subject.kind === 'access' ? dueAt(state as AccessState, steps, member) : null,
    value: row.value,
    transaction_id: row.transaction_id,
    block: row.block,
  };
}

/**
 * When something is to be done about an access: the copies of a granted one go when it ends; of a purge, its custodian has
 * to tell the holder.
 */
function dueAt(
  { status, expiresAt, purgedAt, custodian, holder }: AccessState,
  steps: readonly { step: number; row: Value }[],
  member: Organisation,
): string | null {
  if (status === 'granted') return expiresAt ?? null;
  if (status !== 'purged' || custodian !== member.name) return null;
  const care = collections.care(holder);
  const isTold = steps.some(({ step, row }) => step === ACCESS_STEPS.purged && row.collection === care);
  return isTold ? null : (purgedAt ?? null);
}

/** A value as the step that its key names, where it lies with those whom it concerns. */
function stepIn({ kind, id }: Subject, row: Value) {
  const step = Number(row.key.split('/')[2]);
  const value = objectIn(row.value);
  if (kind === 'access') {
    const { data: state } = accessStateSchema.safeParse(value);
    if (state?.id !== id || ACCESS_STEPS[state.status] !== step) return undefined;
    const { requestor, holder } = state;
    const places = [collections.inbox(requestor), collections.care(holder)];
    return places.includes(row.collection) ? { step, state, row } : undefined;
  }
  const { data: state } = claimStateSchema.safeParse(value);
  if (state?.id !== id || state.step !== step) return undefined;
  const { provider, payer, bank } = state;
  const places = [provider, payer, ...(bank === undefined ? [] : [bank])].map(collections.billing);
  return places.includes(row.collection) ? { step, state, row } : undefined;
}

/** A consent as its newest version and the marks say. */
function consentState(
  newest: ConsentVersion,
  versions: readonly ConsentVersion[],
  marks: ReadonlyMap<string, Value>,
): Untimed {
  const { id, version, collection } = newest;
  const revoked = marks.get(privateKeys.revoked(id));
  const mark = revoked ?? marks.get(privateKeys.withdrawn(id, version));
  const status = mark === undefined ? 'active' : revoked === undefined ? 'withdrawn' : 'revoked';
  const at = mark === undefined ? newest.last_updated : markedAt(mark);
  const provider = collection.slice(collections.care('').length);
  return {
    ...{ kind: 'consent', id, own: 1, status, last_updated: null, ends_at: null },
    sequence: Math.min(...versions.map(({ sequence }) => sequence)),
    value: canonicalJson({ id, provider, status, version, updatedAt: at }),
    transaction_id: (mark ?? newest).transaction_id,
    block: (mark ?? newest).block,
  };
}

const markedAt = ({ value }: Value): string => String(objectIn(value)?.['at'] ?? '');

/** The consents that an access rests on, each once. */
export const consentsOf = ({
  consent,
  furtherConsents = [],
}: Pick<AccessState, 'consent' | 'furtherConsents'>): { id: string; version: number }[] => [
  ...new Map([consent, ...furtherConsents].flatMap((one) => (one === undefined ? [] : [[one.id, one]]))).values(),
];

function restsOf({ id, value }: StatesTable): Rest[] {
  const { data: state } = accessStateSchema.safeParse(objectIn(value));
  return state === undefined
    ? []
    : consentsOf(state).map(({ id: consent, version }) => ({ access: id, consent, version }));
}

/** Whether a version of a consent is not in force any more; one that is not known may yet be. */
export function hasEnded(version: number, consent: Pick<StatesTable, 'value'> | undefined): boolean {
  const state = consent && objectIn(consent.value);
  return state !== undefined && (state['status'] !== 'active' || state['version'] !== version);
}
