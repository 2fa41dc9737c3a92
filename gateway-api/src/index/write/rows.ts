/** A parsed block as rows of the read model: pure, so that the projector only writes. */
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import { searchValuesOf } from '../../fhir/search-parameters.ts';
import type { ParsedBlock, ParsedTransaction, PrivateWrite } from '../../ledger/block.ts';
import {
  type MissingTable,
  type PrivateValuesTable,
  RESOURCES_PER_VALUE,
  type SearchValuesTable,
  type StatesTable,
  sequenceOf,
  type TransactionsTable,
  type VersionsTable,
} from '../schema.ts';
import { fits, indexed, isStorable, isText, LONGEST } from '../storable.ts';
import { contentOf, type ValueContent } from './values.ts';

export interface BlockRows {
  transactions: TransactionsTable[];
  /** The last write of each public key; undefined removes it. */
  states: Map<string, StatesTable | undefined>;
  /** What the block leaves under each private key that it writes: its last write counts. By `keyName`. */
  keys: Map<string, KeyRows>;
  /** Private writes that the block adds to the order (`sequenceOf`). */
  writes: number;
  /** What is not what its key promises, by transaction and, for a private value, collection. */
  unreadable: { collection?: string; transactionId: string }[];
}

/** A version with what its resource is found by. */
export interface VersionRows {
  row: VersionsTable;
  searchValues: SearchValuesTable[];
}

/** What is under one private key of a collection: versions, or a value without resources, or a lack; after a removal nothing. */
export interface KeyRows {
  collection: string;
  keyHash: string;
  /** The write that left it: its place in the order of the ledger and the SHA-256 of its value. */
  write?: { sequence: number; anchor: string };
  versions: VersionRows[];
  privateValue?: PrivateValuesTable;
  missing?: MissingTable;
}

export const keyName = ({ collection, keyHash }: { collection: string; keyHash: string }): string =>
  `${keyHash} ${collection}`;

/** @param firstWrite number of private writes before this block */
export function rowsOf(block: ParsedBlock, firstWrite: number): BlockRows {
  const rows: BlockRows = { transactions: [], states: new Map(), keys: new Map(), writes: 0, unreadable: [] };
  for (const transaction of block.transactions) {
    if (fits(transaction.transactionId, LONGEST.id)) rows.transactions.push(transactionRow(transaction, block.number));
    if (transaction.unreadable === true) rows.unreadable.push({ transactionId: transaction.transactionId });
    for (const { key, value } of transaction.publicWrites) addState(rows, key, value, transaction, block.number);
    for (const write of transaction.privateWrites) {
      rows.keys.set(keyName(write), keyRows(rows, write, firstWrite, transaction, block.number));
    }
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

/** Counts the write, and answers what it leaves under its key. */
function keyRows(
  rows: BlockRows,
  write: PrivateWrite,
  firstWrite: number,
  transaction: ParsedTransaction,
  block: number,
): KeyRows {
  const { collection, keyHash, anchor, plain } = write;
  const { transactionId } = transaction;
  if (anchor === undefined) return { collection, keyHash, versions: [] };
  rows.writes += 1;
  const sequence = sequenceOf(firstWrite + rows.writes);
  const key = { collection, keyHash, write: { sequence, anchor } };
  const lacking = (reason: MissingTable['reason']): KeyRows => {
    if (reason === 'unreadable') rows.unreadable.push({ collection, transactionId });
    const place = { sequence, reason, collection, key_hash: keyHash, anchor, transaction_id: transactionId, block };
    return { ...key, versions: [], missing: place };
  };
  if (plain === undefined || !plain.matches) return lacking('undelivered');
  if (!fits(plain.key, LONGEST.key) || !isText(plain.value)) return lacking('unreadable');
  const place = {
    ...{ sequence, collection, key: plain.key, key_hash: keyHash, value: plain.value, anchor },
    ...{ transaction_id: transactionId, block },
  };
  let content: ValueContent | undefined;
  try {
    content = contentOf(plain.key, plain.value);
  } catch {
    rows.unreadable.push({ collection, transactionId });
  }
  if (content === undefined) {
    return { ...key, versions: [], privateValue: { ...place, kind: parsePrivateKey(plain.key).kind } };
  }
  const versions = versionRows(content, place, transaction);
  return versions === undefined ? lacking('unreadable') : { ...key, versions };
}

type Place = Omit<PrivateValuesTable, 'kind'>;

/** Undefined where a resource is none that any database can hold. */
function versionRows(content: ValueContent, place: Place, transaction: ParsedTransaction): VersionRows[] | undefined {
  const { version, author, recordedAt, copy, resources } = content;
  if (resources.length > RESOURCES_PER_VALUE) return undefined;
  const found = new Map<string, VersionRows>();
  for (const [index, resource] of resources.entries()) {
    const { resourceType: type, id } = resource;
    const patient = patientIdOf(resource);
    const row: VersionsTable = {
      ...place,
      sequence: place.sequence + index,
      ...{ type, id, version, current: 1 },
      author: author ?? transaction.creator,
      patient: patient !== undefined && fits(patient, LONGEST.id) ? patient : null,
      last_updated: recordedAt ?? transaction.time,
      source: copy?.source ?? null,
      access: copy?.access ?? null,
      expires_at: copy?.expiresAt ?? null,
    };
    if (!isStorable(row) || !fits(type, LONGEST.type) || !fits(id, LONGEST.id)) return undefined;
    found.set(`${type}/${id}`, { row, searchValues: searchValueRows(resource, place.collection) });
  }
  return [...found.values()];
}

/** What a resource is found by, as rows: those that a database can hold. */
export function searchValueRows(resource: Resource, collection: string): SearchValuesTable[] {
  const { resourceType: type, id } = resource;
  const rows = searchValuesOf(resource).map(({ parameter, system, value }) => ({
    ...{ parameter, type, id, collection, system: indexed(system), value: indexed(value) },
  }));
  return rows.filter(isStorable);
}
