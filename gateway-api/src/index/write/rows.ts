/** A parsed block as rows of the read model: pure, so that the projector only writes. */
import { patientIdOf } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Insertable } from 'kysely';
import type { ParsedBlock, ParsedTransaction, PrivateWrite } from '../../ledger/block.ts';
import type {
  IdentifiersTable,
  MissingTable,
  PrivateValuesTable,
  StatesTable,
  TransactionsTable,
  VersionsTable,
} from '../schema.ts';
import { fits, indexed, isStorable, isText, LONGEST } from '../storable.ts';
import { contentOf, identifiersOf, type ValueContent } from './values.ts';

export interface BlockRows {
  transactions: TransactionsTable[];
  versions: Insertable<VersionsTable>[];
  identifiers: IdentifiersTable[];
  privateValues: Insertable<PrivateValuesTable>[];
  /** The last write of each public key; `value` undefined removes it. */
  states: Map<string, StatesTable | undefined>;
  missing: MissingTable[];
  removals: { collection: string; keyHash: string; key?: string }[];
  /** What is not what its key promises, by transaction and, for a private value, collection. */
  unreadable: { collection?: string; transactionId: string }[];
}

export function rowsOf(block: ParsedBlock): BlockRows {
  const rows: BlockRows = {
    transactions: [],
    versions: [],
    identifiers: [],
    privateValues: [],
    states: new Map(),
    missing: [],
    removals: [],
    unreadable: [],
  };
  for (const transaction of block.transactions) {
    if (fits(transaction.transactionId, LONGEST.id)) rows.transactions.push(transactionRow(transaction, block.number));
    if (transaction.unreadable === true) rows.unreadable.push({ transactionId: transaction.transactionId });
    for (const { key, value } of transaction.publicWrites) addState(rows, key, value, transaction, block.number);
    for (const write of transaction.privateWrites) addPrivateWrite(rows, write, transaction, block.number);
  }
  return rows;
}

const transactionRow = (transaction: ParsedTransaction, block: number): TransactionsTable => ({
  transaction_id: transaction.transactionId,
  block,
  position: transaction.index,
  code: transaction.code,
  creator: withoutNul(transaction.creator),
  endorsers: withoutNul(transaction.endorsers.join(',')),
  event: transaction.event === undefined ? null : withoutNul(transaction.event.name),
  time: transaction.time,
});

const withoutNul = (text: string): string => text.replaceAll('\0', '\u{fffd}');

/** `kind/id` of a public key. */
export function stateKey(key: string): { kind: string; id: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { kind: key, id: '' } : { kind: key.slice(0, slash), id: key.slice(slash + 1) };
}

/** What is no JSON object counts as removed: any two organisations can write under a key that nobody has used. */
function addState(
  rows: BlockRows,
  key: string,
  value: string | undefined,
  transaction: ParsedTransaction,
  block: number,
): void {
  const { kind, id } = stateKey(key);
  if (!fits(kind, LONGEST.type) || !fits(id, LONGEST.key)) {
    rows.unreadable.push({ transactionId: transaction.transactionId });
    return;
  }
  const state = value === undefined ? undefined : objectIn(value);
  if (value !== undefined && state === undefined) rows.unreadable.push({ transactionId: transaction.transactionId });
  if (value === undefined || state === undefined) {
    rows.states.set(key, undefined);
    return;
  }
  const { status } = state;
  rows.states.set(key, {
    kind,
    id,
    status: typeof status === 'string' && fits(status, LONGEST.status) ? status : '',
    value,
    transaction_id: transaction.transactionId,
    block,
    time: transaction.time,
  });
}

function objectIn(text: string): { status?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function addPrivateWrite(rows: BlockRows, write: PrivateWrite, transaction: ParsedTransaction, block: number): void {
  const { collection, keyHash, anchor, plain, deletedKey } = write;
  const { transactionId } = transaction;
  if (anchor === undefined) {
    const known = deletedKey !== undefined && fits(deletedKey, LONGEST.key);
    rows.removals.push({ collection, keyHash, ...(known ? { key: deletedKey } : {}) });
    return;
  }
  const lacking = { collection, key_hash: keyHash, anchor, transaction_id: transactionId, block };
  if (plain === undefined || !plain.matches) {
    rows.missing.push(lacking);
    return;
  }
  if (!fits(plain.key, LONGEST.key) || !isText(plain.value)) {
    rows.unreadable.push({ collection, transactionId });
    rows.missing.push(lacking);
    return;
  }
  const place = { collection, key: plain.key, value: plain.value, anchor, transaction_id: transactionId, block };
  let content: ValueContent | undefined;
  try {
    content = contentOf(plain.key, plain.value);
  } catch {
    rows.unreadable.push({ collection, transactionId });
  }
  if (content === undefined) {
    rows.privateValues.push({ ...place, kind: parsePrivateKey(plain.key).kind });
    return;
  }
  const { versions, identifiers } = contentRows(content, place, transaction);
  if (!versions.every((row) => isStorable(row) && fits(row.type, LONGEST.type) && fits(row.id, LONGEST.id))) {
    rows.unreadable.push({ collection, transactionId });
    rows.missing.push(lacking);
    return;
  }
  rows.versions.push(...versions);
  rows.identifiers.push(...identifiers.filter(isStorable));
}

type Place = Pick<VersionsTable, 'collection' | 'key' | 'value' | 'anchor' | 'transaction_id' | 'block'>;

function contentRows(
  content: ValueContent,
  place: Place,
  transaction: ParsedTransaction,
): Pick<BlockRows, 'versions' | 'identifiers'> {
  const { collection } = place;
  const versions: BlockRows['versions'] = [];
  const identifiers: BlockRows['identifiers'] = [];
  for (const resource of content.resources) {
    const { resourceType: type, id } = resource;
    const patient = patientIdOf(resource);
    versions.push({
      ...place,
      type,
      id,
      version: content.version,
      current: 1,
      author: content.author ?? transaction.creator,
      patient: patient !== undefined && fits(patient, LONGEST.id) ? patient : null,
      last_updated: content.recordedAt ?? transaction.time,
      source: content.copy?.source ?? null,
      access: content.copy?.access ?? null,
      expires_at: content.copy?.expiresAt ?? null,
    });
    for (const { system, value } of identifiersOf(resource)) {
      identifiers.push({ type, id, collection, system: indexed(system), value: indexed(value) });
    }
  }
  return { versions, identifiers };
}
