/** A query over the versions of the read model. */
import type { SelectQueryBuilder } from 'kysely';
import type { IndexTables } from '../schema.ts';

export type VersionQuery<O> = SelectQueryBuilder<IndexTables, 'versions', O>;
