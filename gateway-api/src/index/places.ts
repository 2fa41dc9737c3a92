/** How a row of the read model is named to people: by what it is on the ledger, never by its content. */
import type { IndexRows, TableName } from './schema.ts';

type Naming = { [T in TableName]: (row: Omit<IndexRows[T], 'value'>) => string };

const NAMES: Naming = {
  checkpoint: () => 'the checkpoint',
  transactions: (row) => `transaction ${row.transaction_id}`,
  versions: (row) => `${row.type}/${row.id}/_history/${row.version}`,
  search_values: (row) => `${row.parameter} of ${row.type}/${row.id}`,
  private_values: (row) => `${row.collection} ${row.key}`,
  states: (row) => `${row.kind}/${row.id}`,
  anchors: (row) => `${row.collection} ${row.key_hash}`,
  access_consents: (row) => `access/${row.access} on consent/${row.consent}`,
  erasures: (row) => `erasure/${row.id}`,
  missing: (row) => `${row.collection} ${row.key_hash}`,
  carried_reads: (row) => `${row.collection} ${row.key_hash}, a read at ${row.organisation}`,
  refused_keys: (row) => `${row.collection} ${row.key_hash}, refused`,
  leaves: (row) => `leaf ${row.leaf} of the tree`,
  tree_nodes: (row) => `node ${row.position} on level ${row.level} of the tree`,
  cosignatures: (row) => `signature of ${row.msp_id} at ${row.size}`,
  witnesses: (row) => `witness ${row.msp_id}`,
};

export const placeOf = <T extends TableName>(table: T, row: Omit<IndexRows[T], 'value'>): string => NAMES[table](row);
