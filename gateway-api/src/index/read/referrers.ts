/**
 * What refers to a record of this organisation's, or rests on it: who asks wants to delete it. References are found by the search
 * parameters that lead along them, whose records by their patient, and claims by the evidence that they were decided on.
 */
import type { Kysely } from 'kysely';
import type { Referrer } from '../../fhir/repository.ts';
import { parameterOf } from '../../fhir/search-parameters.ts';
import { supportedTypes } from '../../fhir/types.ts';
import { CURRENT } from '../current.ts';
import type { IndexTables } from '../schema.ts';
import { indexed } from '../storable.ts';

const PATIENT = 'Patient/';
/** Enough to say that there is something. */
const SOME = 100;
const IDS_PER_QUERY = 500;

export class Referrers {
  readonly #db: Kysely<IndexTables>;
  readonly #care: string;

  /** @param care the collection of the records */
  constructor(db: Kysely<IndexTables>, care: string) {
    this.#db = db;
    this.#care = care;
  }

  /** @param references `Type/id`, a few thousand at the most */
  async of(references: readonly string[]): Promise<Referrer[]> {
    const found: Referrer[] = [];
    for (let start = 0; start < references.length; start += IDS_PER_QUERY)
      found.push(...(await this.#referring(references.slice(start, start + IDS_PER_QUERY))));
    for (const reference of references) {
      if (reference.startsWith(PATIENT)) found.push(...(await this.#ofPatient(reference)));
      else found.push(...(await this.#claims(reference)));
    }
    return found;
  }

  /** By the rows of search parameters of references, wherever the resource that has them lies; copies of others' are not meant. */
  async #referring(references: readonly string[]): Promise<Referrer[]> {
    const rows = await this.#db
      .selectFrom('search_values')
      .select(['type', 'id', 'parameter', 'value'])
      .where(
        'type',
        'in',
        supportedTypes.map(({ name }) => name),
      )
      .where('value', 'in', references.map(indexed))
      .where('collection', 'not like', 'inbox_%')
      .limit(SOME * IDS_PER_QUERY)
      .execute();
    return rows
      .filter(({ type, parameter }) => parameterOf(type, parameter)?.type === 'reference')
      .map(({ type, id, value }) => ({ reference: value, by: `${type}/${id}` }))
      .filter(({ reference, by }) => reference !== by);
  }

  /** What is about a patient: her records, and her consents to them. */
  async #ofPatient(reference: string): Promise<Referrer[]> {
    const id = reference.slice(PATIENT.length);
    const rows = await this.#db
      .selectFrom('versions')
      .select(['type', 'id'])
      .where('patient', '=', id)
      .where('collection', '=', this.#care)
      .where('current', '=', CURRENT.newest)
      .where('erased', '=', 0)
      .where('id', '!=', id)
      .limit(SOME)
      .execute();
    return rows.map((row) => ({ reference, by: `${row.type}/${row.id}` }));
  }

  /** Claims of the record's patient whose evidence it is. */
  async #claims(reference: string): Promise<Referrer[]> {
    const [type = '', id = ''] = reference.split('/');
    const record = await this.#db
      .selectFrom('versions')
      .select('patient')
      .where('id', '=', id)
      .where('type', '=', type)
      .where('collection', '=', this.#care)
      .where('current', '=', CURRENT.newest)
      .executeTakeFirst();
    if (typeof record?.patient !== 'string') return [];
    const claims = await this.#db
      .selectFrom('versions')
      .select('id')
      .where('patient', '=', record.patient)
      .where('type', '=', 'Claim')
      .where('current', '=', CURRENT.newest)
      .where('leaf', 'is', null)
      .where('value', 'like', `%"id":"${id}"%`)
      .limit(SOME)
      .execute();
    return claims.map((claim) => ({ reference, by: `Claim/${claim.id}` }));
  }
}
