/** A parsed block as rows of the read model: pure, so that the projector only writes. */
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
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
import { isStorableKey, objectIn, type StateWrite, stateRow } from './states.ts';
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

/**
 * @param firstWrite number of private writes before this block
 * @param member whose read model it is
 */
export function rowsOf(block: ParsedBlock, firstWrite: number, member: Organisation): BlockRows {
  const rows: BlockRows = { transactions: [], states: new Map(), keys: new Map(), writes: 0, unreadable: [] };
  for (const transaction of block.transactions) {
    if (fits(transaction.transactionId, LONGEST.id)) rows.transactions.push(transactionRow(transaction, block.number));
    if (transaction.unreadable === true) rows.unreadable.push({ transactionId: transaction.transactionId });
    for (const { key, value } of transaction.publicWrites) {
      addState(rows, { key, value, transaction, block: block.number }, member);
    }
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

/** What is no JSON object counts as removed. */
function addState(
  rows: BlockRows,
  write: Omit<StateWrite, 'value' | 'position'> & { value: string | undefined },
  member: Organisation,
): void {
  const { key, value, transaction } = write;
  const { transactionId } = transaction;
  if (!isStorableKey(key)) {
    rows.unreadable.push({ transactionId });
    return;
  }
  const row = value === undefined ? undefined : stateRow({ ...write, value, position: rows.states.size }, member);
  if (value !== undefined && row === undefined) rows.unreadable.push({ transactionId });
  rows.states.set(key, row);
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
    return { ...key, versions: [], privateValue: { ...place, ...requested(plain) } };
  }
  const versions = versionRows(content, place, transaction);
  return versions === undefined ? lacking('unreadable') : { ...key, versions };
}

/** The kind of a value and, where it is a request, whose records it asks for. */
function requested({ key, value }: { key: string; value: string }): Requested {
  const { kind } = parsePrivateKey(key);
  const none = { kind, patient_system: null, patient_value: null };
  if (kind !== 'request') return none;
  const { patient } = objectIn(value) ?? {};
  const { system, value: stated } = (patient ?? {}) as { system?: unknown; value?: unknown };
  if (typeof system !== 'string' || typeof stated !== 'string' || !isText(system) || !isText(stated)) return none;
  return { kind, patient_system: indexed(system), patient_value: indexed(stated) };
}

type Requested = Pick<PrivateValuesTable, 'kind' | 'patient_system' | 'patient_value'>;
type Place = Omit<PrivateValuesTable, keyof Requested>;

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
      ...{ type, id, version, current: 1, held: 1 },
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
