/** A row of the read model as a FHIR resource, checked against its anchor each time it is read. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Selectable } from 'kysely';
import type { StoredResource } from '../../fhir/repository.ts';
import { IntegrityFailure } from '../../http/failures.ts';
import type { VersionsTable } from '../schema.ts';
import { contentOf } from '../write/values.ts';

export type VersionRow = Selectable<VersionsTable>;

export const placeOf = (row: Pick<VersionRow, 'type' | 'id' | 'version'>): string =>
  `${row.type}/${row.id}/_history/${row.version}`;

/** The origin of a delivered copy (Resource.meta.source is a uri). */
const sourceUri = (organisation: string): string => `https://telemed-ledger.example/organisations/${organisation}`;

/** @throws {IntegrityFailure} where the stored text is not what was anchored, or is of another version or id than the row. */
export function storedResource(row: VersionRow, consortium: Consortium): StoredResource {
  if (sha256Hex(row.value) !== row.anchor) throw new IntegrityFailure(placeOf(row));
  const content = contentOf(row.key, row.value);
  const resource = content?.resources.find((one) => one.resourceType === row.type && one.id === row.id);
  if (resource === undefined || content?.version !== row.version) throw new IntegrityFailure(placeOf(row));
  return {
    resource: withMeta(resource, row),
    version: row.version,
    lastUpdated: row.last_updated,
    author: organisationByMsp(consortium, row.author)?.name ?? row.author,
    transactionId: row.transaction_id,
  };
}

function withMeta(resource: Resource, row: VersionRow): Resource {
  const stated = (resource['meta'] ?? {}) as Record<string, unknown>;
  const meta: Record<string, unknown> = { ...stated, versionId: String(row.version), lastUpdated: row.last_updated };
  if (row.source !== null) meta['source'] = sourceUri(row.source);
  return { ...resource, meta };
}
