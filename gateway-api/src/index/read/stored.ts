/** A row of the read model as a FHIR resource. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Selectable } from 'kysely';
import type { StoredResource } from '../../fhir/repository.ts';
import { notValid } from '../../http/failures.ts';
import type { IndexTables } from '../schema.ts';
import { contentOf } from '../write/values.ts';

export type VersionRow = Selectable<IndexTables['versions']>;

/** The origin of a delivered copy (Resource.meta.source is a uri). */
const sourceUri = (organisation: string): string => `https://telemed-ledger.example/organisations/${organisation}`;

/** The same row. @throws {Failure} 409 where it holds what is not shown */
export function demandShown<Row extends Pick<VersionRow, 'fault' | 'author'>>(row: Row): Row {
  if (row.fault !== null) throw notValid(row.author);
  return row;
}

/** The resource that a checked row stands for; undefined where its text does not say what the row says. */
export function storedResource(row: VersionRow, consortium: Consortium): StoredResource | undefined {
  const content = contentOf(row);
  const resource = content?.resources.findLast((one) => one.resourceType === row.type && one.id === row.id);
  if (resource === undefined || content?.version !== row.version) return undefined;
  return {
    resource: withMeta(resource, row),
    version: row.version,
    lastUpdated: row.last_updated,
    author: organisationByMsp(consortium, row.author)?.name ?? row.author,
    transactionId: row.transaction_id,
    ...(content.deleted === true ? { deleted: true as const } : {}),
    ...(row.access === null ? {} : { access: row.access }),
    ...(row.patient === null ? {} : { patient: row.patient }),
  };
}

function withMeta(resource: Resource, row: VersionRow): Resource {
  const stated = (resource['meta'] ?? {}) as Record<string, unknown>;
  const meta: Record<string, unknown> = { ...stated, versionId: String(row.version), lastUpdated: row.last_updated };
  if (row.source !== null) meta['source'] = sourceUri(row.source);
  return { ...resource, meta };
}
