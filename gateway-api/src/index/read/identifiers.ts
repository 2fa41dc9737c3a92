/** Finds resources by their identifiers, as their newest versions state them. */
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';
import { indexed } from '../storable.ts';
import { STANDING } from '../write/resources.ts';
import type { Checks } from './checks.ts';
import { FEW, NEWEST } from './matching.ts';

type Database = Kysely<IndexTables>;

const IDENTIFIER = 'identifier';
const INBOX = 'inbox_';
const IDS_PER_QUERY = 500;

/** Ids by identifier, one list for each query; delivered copies are not meant. */
export async function idsByIdentifier(
  db: Database,
  checks: Checks,
  queries: readonly { type: string; system?: string; value: string }[],
): Promise<string[][]> {
  const wanted = queries.map(({ type, system, value }) => ({
    type,
    system: system === undefined ? undefined : indexed(system),
    value: indexed(value),
  }));
  const values = [...new Set(wanted.map((query) => query.value))];
  const rows: { type: string; system: string; value: string; id: string }[] = [];
  for (let start = 0; start < values.length; start += IDS_PER_QUERY) {
    const found = await db
      .selectFrom('search_values')
      .selectAll()
      .where('parameter', '=', IDENTIFIER)
      .where('type', 'in', [...new Set(queries.map((query) => query.type))])
      .where('value', 'in', values.slice(start, start + IDS_PER_QUERY))
      .where('collection', 'not like', `${INBOX}%`)
      .execute();
    rows.push(...checks.rows('search_values', found));
  }
  return wanted.map(({ type, system, value }) => [
    ...new Set(
      rows
        .filter((row) => row.type === type && row.value === value && (system === undefined || row.system === system))
        .map((row) => row.id),
    ),
  ]);
}

/** The Patient record in a collection that carries an identifier: its newest version. */
export async function patientByIdentifier(
  db: Database,
  checks: Checks,
  collection: string,
  identifier: { system: string; value: string },
): Promise<{ id: string; version: number } | undefined> {
  const stated = await db
    .selectFrom('search_values')
    .selectAll()
    .where('parameter', '=', IDENTIFIER)
    .where('type', '=', 'Patient')
    .where('value', '=', indexed(identifier.value))
    .where('system', '=', indexed(identifier.system))
    .where('collection', '=', collection)
    .execute();
  if (stated.length === 0) return undefined;
  const ids = checks.rows('search_values', stated).map(({ id }) => id);
  const rows = await db
    .selectFrom('versions')
    .select(STANDING)
    .where('id', 'in', ids)
    .where('type', '=', 'Patient')
    .where('collection', '=', collection)
    .where(FEW.current, '=', NEWEST)
    .execute();
  const [first] = [...checks.rows('versions', rows)].sort((one, other) => one.sequence - other.sequence);
  return first && { id: first.id, version: first.version };
}
