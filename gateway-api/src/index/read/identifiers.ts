/** Finds resources by their identifiers, as their newest versions state them. */
import type { Kysely } from 'kysely';
import type { IndexTables, VersionsTable } from '../schema.ts';
import { indexed } from '../storable.ts';
import { NAMED, searchValueRows, WORN } from '../write/rows.ts';
import { contentOf } from '../write/values.ts';
import type { Checks } from './checks.ts';

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

/** Ids of claims for somebody of one of these names, with birth date and gender, as claims keep them (`ClaimRecord.identities`). */
export async function claimsByName(db: Database, checks: Checks, identities: readonly string[]): Promise<string[]> {
  if (identities.length === 0) return [];
  const found = await db
    .selectFrom('search_values')
    .selectAll()
    .where('parameter', '=', NAMED)
    .where('type', '=', 'Claim')
    .where('value', 'in', identities.map(indexed))
    .execute();
  return [...new Set(checks.rows('search_values', found).map(({ id }) => id))];
}

/**
 * Whom an identifier meant in a collection when something came onto the ledger: the Patient that bore it then, or where
 * nobody did the first that did after. Whoever bears it by now is not meant. Undefined where nobody ever did.
 * @param sequence the place of what came, in the order of the ledger
 */
export async function bearerAt(
  db: Database,
  checks: Checks,
  collection: string,
  { system, value }: { system: string; value: string },
  sequence: number,
): Promise<string | undefined> {
  const wanted = { system: indexed(system), value: indexed(value) };
  const stated = await db
    .selectFrom('search_values')
    .selectAll()
    .where('parameter', '=', WORN)
    .where('type', '=', 'Patient')
    .where('value', '=', wanted.value)
    .where('system', '=', wanted.system)
    .where('collection', '=', collection)
    .execute();
  if (stated.length === 0) return undefined;
  const rows = await db
    .selectFrom('versions')
    .selectAll()
    .where('type', '=', 'Patient')
    .where('id', 'in', [...new Set(checks.rows('search_values', stated).map(({ id }) => id))])
    .where('collection', '=', collection)
    .where('fault', 'is', null)
    .where('erased', '=', 0)
    .execute();
  const all = rows.map((row) => checks.anchored('versions', row)).sort((one, other) => one.sequence - other.sequence);
  const bears = (row: VersionsTable): boolean => identifiersIn(row).some((one) => isSame(one, wanted));
  return (standingAt(all, sequence).find(bears) ?? all.find((row) => row.sequence > sequence && bears(row)))?.id;
}

/** The newest version of each of them at a place in the order of the ledger. @param rows in that order */
function standingAt(rows: readonly VersionsTable[], sequence: number): VersionsTable[] {
  const standing = new Map<string, VersionsTable>();
  for (const row of rows.filter((one) => one.sequence <= sequence))
    if (row.version >= (standing.get(row.id)?.version ?? 0)) standing.set(row.id, row);
  return [...standing.values()];
}

const isSame = (one: { system: string; value: string }, other: { system: string; value: string }): boolean =>
  one.system === other.system && one.value === other.value;

const identifiersIn = (row: VersionsTable): { system: string; value: string }[] =>
  (contentOf(row)?.resources ?? []).flatMap((resource) =>
    searchValueRows(resource, row.collection).filter(({ parameter }) => parameter === WORN),
  );
