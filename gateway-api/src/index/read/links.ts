/**
 * Which Patients are one person's, as links on the ledger say: in memory, read on in the order of the ledger. A link counts where
 * its Patient lies in the same provider's collection, and two where both providers' peers found the same that identifies her.
 */
import { isSamePerson, linkSchema, type PatientLink } from '@telemed-ledger/chaincode/model/links.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import { inStretches } from '../../http/pauses.ts';
import type { IndexTables } from '../schema.ts';
import type { Checks } from './checks.ts';
import { NEWEST } from './matching.ts';

const STRETCH = 1_000;
const CARE = collections.care('');

/** One Patient as its newest link says. */
export interface LinkedPatient {
  link: PatientLink;
  generation: number;
  /** care_<Provider> */
  collection: string;
}

export class LinkedPatients {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;
  readonly #lacks: () => number;
  #seen = 0;
  #lacked = 0;
  /** By collection and Patient. */
  #links = new Map<string, LinkedPatient>();
  readonly #persons = new Map<string, Set<string>>();
  #reading: Promise<void> | undefined;

  /** @param lacks how many values have not arrived: they stand earlier in the order than what is there already */
  constructor(db: Kysely<IndexTables>, checks: Checks, lacks: () => number) {
    this.#db = db;
    this.#checks = checks;
    this.#lacks = lacks;
  }

  /** Ids of the other Patients of the same person, in the order of their names; none where nothing links her. */
  async of(patient: string): Promise<string[]> {
    const own = await this.linkOf(patient);
    if (own === undefined || own.link.status !== 'linked') return [];
    const names = [...(this.#persons.get(own.link.person) ?? [])];
    const candidates = names.flatMap((name) => this.#links.get(name) ?? []).filter((one) => one !== own);
    const found: LinkedPatient[] = [];
    for (let open = [own]; open.length > 0; ) {
      open = candidates.filter((one) => !found.includes(one) && open.some(({ link }) => isSamePerson(link, one.link)));
      found.push(...open);
    }
    const ids = found.map(({ link }) => link.patient);
    const homes = await this.#homes(ids);
    return found
      .filter(({ link, collection }) => homes.get(link.patient) === collection)
      .map(({ link }) => link.patient)
      .sort();
  }

  /** The newest link of a Patient, where its provider has said one; undefined where there is none. */
  async linkOf(patient: string): Promise<LinkedPatient | undefined> {
    await this.#readOn();
    const home = (await this.#homes([patient])).get(patient);
    return home === undefined ? undefined : this.#links.get(nameOf(home, patient));
  }

  /** One at a time: what two read on at once would be read twice. */
  async #readOn(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const lacked = this.#lacks();
    if (lacked !== this.#lacked) {
      this.#seen = 0;
      this.#links = new Map();
      this.#persons.clear();
    }
    for (;;) {
      const rows = await this.#db
        .selectFrom('private_values')
        .selectAll()
        .where('kind', '=', 'link')
        .where('sequence', '>', this.#seen)
        .orderBy('sequence')
        .limit(STRETCH)
        .execute();
      await inStretches(rows, (row) => this.#take(row));
      this.#seen = rows.at(-1)?.sequence ?? this.#seen;
      if (rows.length < STRETCH) break;
    }
    this.#lacked = lacked;
  }

  #take(row: IndexTables['private_values']): void {
    const { key, value, collection } = this.#checks.anchored('private_values', row);
    const [, patient = '', number = ''] = key.split('/');
    const { data: link } = linkSchema.safeParse(JSON.parse(value));
    if (link === undefined || link.patient !== patient || !collection.startsWith(CARE)) return;
    const generation = Number(number);
    const name = nameOf(collection, patient);
    const before = this.#links.get(name);
    if (before !== undefined && before.generation >= generation) return;
    if (before !== undefined) this.#persons.get(before.link.person)?.delete(name);
    this.#links.set(name, { link, generation, collection });
    const person = this.#persons.get(link.person) ?? new Set();
    this.#persons.set(link.person, person.add(name));
  }

  /** The collections in which these Patients lie. */
  async #homes(ids: readonly string[]): Promise<Map<string, string>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#db
      .selectFrom('versions')
      .select(['id', 'collection'])
      .where('type', '=', 'Patient')
      .where('id', 'in', [...ids])
      .where('source', 'is', null)
      .where('current', '=', NEWEST)
      .where('erased', '=', 0)
      .execute();
    return new Map(rows.map(({ id, collection }) => [id, collection]));
  }
}

const nameOf = (collection: string, patient: string): string => `${collection} ${patient}`;
