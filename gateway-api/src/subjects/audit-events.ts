/** The AuditEvents of an organisation: its accesses, and after them the erasures it has a part in. */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Search, SearchPage, StoredResource } from '../fhir/repository.ts';
import { boundsOf } from '../index/read/dates.ts';
import type { Erasures } from '../index/read/erasures.ts';
import type { ErasuresTable } from '../index/schema.ts';
import { type Disclosures, isOf, patientsOf, type Whose } from './access/disclosures.ts';
import { eventOf, updatedAt } from './erasures/events.ts';

/** Where a page goes on among the erasures; any other position is one of the accesses'. */
const AMONG_ERASURES = 'e';

export class AuditEvents {
  readonly #disclosures: Pick<Disclosures, 'read' | 'search'>;
  readonly #erasures: Pick<Erasures, 'find' | 'page' | 'count'>;
  readonly #consortium: Consortium;

  constructor(
    disclosures: Pick<Disclosures, 'read' | 'search'>,
    erasures: Pick<Erasures, 'find' | 'page' | 'count'>,
    consortium: Consortium,
  ) {
    this.#disclosures = disclosures;
    this.#erasures = erasures;
    this.#consortium = consortium;
  }

  /** `compartment` limits it to one patient's. @throws {Failure} 503 as Disclosures.read */
  async read(id: string, compartment?: Whose): Promise<StoredResource | undefined> {
    const erasure = await this.#erasures.find(id);
    if (erasure === undefined) return this.#disclosures.read(id, compartment);
    return isOf(erasure.patient, compartment) ? this.#eventOf(erasure) : undefined;
  }

  /** Searchable as Disclosures.search is. */
  async search(search: Search, compartment?: Whose): Promise<SearchPage> {
    if (search.values !== undefined) return { matches: [], total: 0 };
    if (search.ids !== undefined) return this.#byIds(search, search.ids, compartment);
    const { after, count } = search;
    if (after?.startsWith(AMONG_ERASURES)) return this.#pageOf(search, compartment, after, count);
    const accesses = await this.#disclosures.search(search, compartment);
    const erased = await this.#erasures.count(patientsOf({ patients: search.patients, compartment }));
    const { total: ofAccesses, ...page } = accesses;
    const total = ofAccesses === undefined || search.lastUpdated !== undefined ? undefined : ofAccesses + erased;
    if (erased === 0) return accesses;
    const known = total === undefined ? {} : { total };
    if (page.next !== undefined) return { ...page, ...known };
    const room = count - page.matches.length;
    if (room === 0) return { ...page, ...known, next: AMONG_ERASURES };
    const { matches, next } = await this.#pageOf(search, compartment, AMONG_ERASURES, room);
    return { ...page, matches: [...page.matches, ...matches], ...known, ...(next === undefined ? {} : { next }) };
  }

  /** Ids are few: those of erasures are looked up, and the rest among the accesses. */
  async #byIds(search: Search, ids: string[], compartment: Whose): Promise<SearchPage> {
    const accesses = await this.#disclosures.search(search, compartment);
    if (search.after !== undefined) return accesses;
    const found = await Promise.all([...new Set(ids)].map((id) => this.#erasures.find(id)));
    const patients = patientsOf({ patients: search.patients, compartment });
    const erasures = found
      .filter((one) => one !== undefined)
      .filter(({ patient }) => patients === undefined || patients.includes(patient ?? ''))
      .filter((one) => isWithin(one, search));
    const { total } = accesses;
    return {
      ...accesses,
      matches: [...accesses.matches, ...erasures.map((one) => this.#eventOf(one))],
      ...(total === undefined ? {} : { total: total + erasures.length }),
    };
  }

  async #pageOf(search: Search, compartment: Whose, from: string, count: number): Promise<SearchPage> {
    const position = from.slice(AMONG_ERASURES.length);
    const patients = patientsOf({ patients: search.patients, compartment });
    const after = position === '' ? undefined : position;
    const { erasures, next } = await this.#erasures.page({ patients, count, after });
    const matches = erasures.filter((one) => isWithin(one, search)).map((one) => this.#eventOf(one));
    return { matches, ...(next === undefined ? {} : { next: `${AMONG_ERASURES}${next}` }) };
  }

  #eventOf(erasure: ErasuresTable): StoredResource {
    const { patient } = erasure;
    return { ...eventOf(erasure, this.#consortium), ...(patient === null ? {} : { patient }) };
  }
}

const isWithin = (erasure: ErasuresTable, { lastUpdated = [] }: Search): boolean =>
  lastUpdated.every((condition) =>
    boundsOf(condition).some((all) =>
      all.every(({ operator, instant }) =>
        operator === '<' ? updatedAt(erasure) < instant : updatedAt(erasure) >= instant,
      ),
    ),
  );
