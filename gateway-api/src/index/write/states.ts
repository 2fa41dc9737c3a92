/**
 * Writes how accesses, consents, claims and reviews stand (steps.ts), made anew from all their values whenever one comes or goes. Of
 * an access that was granted, the consents it rests on are rows of their own, so that the end of a consent finds its
 * accesses and nobody else's.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import { type Kysely, sql } from 'kysely';
import type { IndexTables, StatesTable, TransactionsTable } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { type Inserts, Lookup, pieces } from './inserts.ts';
import { STANDING } from './resources.ts';
import { reviewState } from './review-states.ts';
import type { KeyRows } from './rows.ts';
import { isAnchored } from './sheets.ts';
import {
  type ConsentVersion,
  consentState,
  goesOnFrom,
  laterKeys,
  laterOf,
  nameOf,
  newestOf,
  type Rest,
  restsOf,
  type Subject,
  stateOf,
  stepKeys,
  subjectOf,
  type Untimed,
  type Value,
} from './steps.ts';

type Writing = Kysely<IndexTables>;

export interface StatesOptions {
  inserts: Inserts;
  seals: Seals;
  member: Organisation;
  consortium: Consortium;
}

const columns = sql.join(STANDING.map((column) => sql.ref(column)));

/** One for one database: it keeps its statements. */
export class States {
  readonly #options: StatesOptions;
  readonly #values = new Lookup<Value>((hashes) => sql`select * from private_values where key_hash in ${hashes}`);
  readonly #consents = new Lookup<ConsentVersion>(
    (ids) => sql`select ${columns} from versions where id in ${ids} and type = 'Consent'`,
  );
  readonly #transactions = new Lookup<IndexTables['transactions']>(
    (ids) => sql`select * from transactions where transaction_id in ${ids}`,
  );

  constructor(options: StatesOptions) {
    this.#options = options;
  }

  /** Makes anew what these keys say something of, once they are written. @param gone keys whose values were removed */
  async settle(db: Writing, keys: readonly KeyRows[], gone: readonly string[]): Promise<void> {
    const written = keys.flatMap(({ privateValue, versions }) => privateValue?.key ?? versions[0]?.row.key ?? []);
    const subjects = new Map<string, Subject>();
    const before = keys.flatMap(({ privateValue }) => (privateValue && goesOnFrom(privateValue)) ?? []);
    for (const subject of [...[...written, ...gone].map(subjectOf), ...before])
      if (subject !== undefined) subjects.set(nameOf(subject), subject);
    if (subjects.size === 0) return;
    const all = [...subjects.values()];
    const consents = all.filter(({ kind }) => kind === 'consent').map(({ id }) => id);
    const rest = all.filter(({ kind }) => kind !== 'consent');
    const found = [await this.#steps(db, rest), await this.#consentStates(db, consents)];
    const rows = await this.#timed(
      db,
      found.flatMap(({ rows }) => rows),
    );
    await this.#replace(db, all, rows);
    for (const subject of found.flatMap(({ unsure }) => unsure)) await this.#leaveUnsealed(db, subject);
    await this.#rest(db, all, rows);
    await this.#end(db, consents);
  }

  /** The states of accesses, claims and reviews, by their newest steps. */
  async #steps(db: Writing, subjects: readonly Subject[]): Promise<Found> {
    const accesses = subjects.filter(({ kind }) => kind === 'access').map(({ id }) => id);
    const keys = new Set([...subjects.flatMap(stepKeys), ...accesses.flatMap(laterKeys)]);
    const values = await this.#values.of(db, [...keys].map(sha256Hex));
    const { intact: signed, changed } = await this.#transactionsOf(db, values);
    const { member, consortium } = this.#options;
    const view = { member, consortium, signerOf: (id: string) => signed.get(id)?.creator };
    const isIntact = (row: Value): boolean => this.#isIntact(row) && !changed.has(row.transaction_id);
    const bySubject = Map.groupBy(values.filter(isIntact), ({ key }) => nameOf(subjectOf(key)!));
    return {
      rows: subjects.flatMap((subject) => {
        const own = bySubject.get(nameOf(subject)) ?? [];
        if (subject.kind === 'review') return reviewState(subject.id, own, view) ?? [];
        const later =
          subject.kind === 'access' ? laterOf(subject.id).flatMap((id) => bySubject.get(`access/${id}`) ?? []) : [];
        return stateOf(subject, own, view, later) ?? [];
      }),
      unsure: values.filter((row) => !isIntact(row)).map(({ key }) => subjectOf(key)!),
    };
  }

  async #consentStates(db: Writing, ids: readonly string[]): Promise<Found> {
    const all = await this.#versionsOf(db, ids);
    const versions = Map.groupBy(
      all.filter((row) => this.#options.seals.isOn('versions', row as IndexTables['versions'])),
      ({ id }) => id,
    );
    const newest = new Map([...versions].map(([id, rows]) => [id, newestOf(rows)]));
    const marks = await this.#marks(
      db,
      [...newest].map(([id, { version }]) => ({ id, version })),
    );
    const changed = [
      ...all.filter((row) => !(versions.get(row.id) ?? []).includes(row)).map(({ id }) => id),
      ...[...marks.values()].filter((row) => !this.#isIntact(row)).map(({ key }) => subjectOf(key)!.id),
    ];
    return {
      rows: [...newest].map(([id, row]) => consentState(row, versions.get(id)!, marks)),
      unsure: changed.map((id) => ({ kind: 'consent', id })),
    };
  }

  /** The versions of consents that are held. */
  async #versionsOf(db: Writing, ids: readonly string[]): Promise<ConsentVersion[]> {
    return (await this.#consents.of(db, ids)).filter(({ key }) => key.startsWith('consent/'));
  }

  /** What marks that these versions, or the consents altogether, are in force no more; by key. */
  async #marks(db: Writing, versions: readonly { id: string; version: number }[]): Promise<Map<string, Value>> {
    const keys = versions.flatMap(({ id, version }) => [privateKeys.revoked(id), privateKeys.withdrawn(id, version)]);
    const found = await this.#values.of(db, [...new Set(keys)].map(sha256Hex));
    return new Map(found.filter(({ collection }) => collection === collections.marks).map((row) => [row.key, row]));
  }

  #isIntact(row: Value): boolean {
    return this.#options.seals.isOn('private_values', row) && isAnchored(row);
  }

  async #transactionsOf(db: Writing, rows: readonly { transaction_id: string }[]): Promise<Transactions> {
    const found = await this.#transactions.of(db, [...new Set(rows.map((row) => row.transaction_id))]);
    const { seals } = this.#options;
    const [intact, changed] = [new Map<string, TransactionsTable>(), new Set<string>()];
    for (const row of found) {
      if (seals.isOn('transactions', row)) intact.set(row.transaction_id, row);
      else changed.add(row.transaction_id);
    }
    return { intact, changed };
  }

  /** With the time of the transaction that each rests on. */
  async #timed(db: Writing, rows: readonly Untimed[]): Promise<StatesTable[]> {
    const { intact } = await this.#transactionsOf(db, rows);
    return rows.map((row) => ({ ...row, time: intact.get(row.transaction_id)?.time ?? '' }));
  }

  async #replace(db: Writing, subjects: readonly Subject[], rows: readonly StatesTable[]): Promise<void> {
    const present = new Set(rows.map(nameOf));
    for (const { kind, id } of subjects.filter((subject) => !present.has(nameOf(subject)))) {
      await db.deleteFrom('states').where('kind', '=', kind).where('id', '=', id).execute();
    }
    await this.#options.inserts.states.into(db, rows);
  }

  /** What rests on a row that was changed behind the gateway's back is not shown: that stays visible. */
  async #leaveUnsealed(db: Writing, { kind, id }: Subject): Promise<void> {
    await db.updateTable('states').set({ seal: '' }).where('kind', '=', kind).where('id', '=', id).execute();
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
    await this.#options.inserts.accessConsents.into(
      db,
      rests.map((rest) => ({ ...rest, ended: ended(rest) ? 1 : 0 })),
    );
  }

  /** Marks anew what rests on versions of these consents. What fails its check is not sealed anew. */
  async #end(db: Writing, consents: readonly string[]): Promise<void> {
    const { seals } = this.#options;
    for (const ids of pieces(consents)) {
      const resting = await db.selectFrom('access_consents').selectAll().where('consent', 'in', ids).execute();
      const ended = await this.#endedOf(db, resting);
      for (const { seal, ...row } of resting) {
        const due = { ...row, ended: ended(row) ? 1 : 0 };
        if (due.ended === row.ended) continue;
        const isIntact = seals.isOn('access_consents', { ...row, seal });
        await db
          .updateTable('access_consents')
          .set({ ended: due.ended, seal: isIntact ? seals.of('access_consents', due) : seal })
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
    const newest = new Map<string, number>();
    for (const { id, version } of await this.#versionsOf(db, [...new Set(versions.map(({ id }) => id))]))
      newest.set(id, Math.max(version, newest.get(id) ?? 0));
    return ({ consent, version }) =>
      marks.has(privateKeys.revoked(consent)) ||
      marks.has(privateKeys.withdrawn(consent, version)) ||
      (newest.get(consent) ?? version) !== version;
  }
}

interface Found {
  rows: Untimed[];
  /** Of what not all rows are as this gateway wrote them. */
  unsure: Subject[];
}

interface Transactions {
  intact: ReadonlyMap<string, TransactionsTable>;
  /** Ids of those that are not as this gateway wrote them. */
  changed: ReadonlySet<string>;
}
