/** A parsed block as rows of the read model: pure, so that the projector only writes. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { searchValuesOf } from '../../fhir/search-parameters.ts';
import type { ParsedBlock, ParsedTransaction, PrivateWrite } from '../../ledger/block.ts';
import {
  type MissingTable,
  type PrivateValuesTable,
  RESOURCES_PER_VALUE,
  type SearchValuesTable,
  sequenceOf,
  type TransactionsTable,
  type VersionsTable,
} from '../schema.ts';
import { fits, indexed, isStorable, isText, LONGEST } from '../storable.ts';
import type { Anchorage } from './anchorage.ts';
import { objectIn } from './json.ts';
import { type Beside, type Part, partsOf, Undelivered } from './values.ts';

export interface BlockRows {
  transactions: TransactionsTable[];
  /** Every private write of the block, in its order. */
  writes: KeyWrite[];
  /** Private writes of this organisation's collections that the block adds to the order (`sequenceOf`). */
  counted: number;
  /** What is not what its key promises, by transaction and, for a private value, collection. */
  unreadable: { collection?: string; transactionId: string }[];
}

/** A private write as its block has it, and what it leaves where this organisation holds the collection. */
export interface KeyWrite {
  collection: string;
  keyHash: string;
  /** undefined: removed. */
  anchor: string | undefined;
  transaction: ParsedTransaction;
  rows?: KeyRows;
}

/** A version with what its resource is found by, and what it is believed by. */
export interface VersionRows {
  row: VersionsTable;
  searchValues: SearchValuesTable[];
  anchorages?: readonly Anchorage[];
}

/** What is under one private key of a collection: versions, or a value without resources, or a lack; after a removal nothing. */
export interface KeyRows {
  collection: string;
  keyHash: string;
  /** The write that left it: its place in the order of the ledger and the SHA-256 of its value. */
  write?: { sequence: number; anchor: string; transactionId: string; block: number };
  versions: VersionRows[];
  privateValue?: PrivateValuesTable;
  missing?: MissingTable;
  /** What all of it is believed by. */
  anchorages?: readonly Anchorage[];
}

export const keyName = ({ collection, keyHash }: { collection: string; keyHash: string }): string =>
  `${keyHash} ${collection}`;

/** @param firstWrite number of private writes of this organisation's collections before this block */
export function rowsOf(block: ParsedBlock, firstWrite: number, consortium: Consortium): BlockRows {
  const rows: BlockRows = { transactions: [], writes: [], counted: 0, unreadable: [] };
  for (const transaction of block.transactions) {
    const { transactionId } = transaction;
    if (fits(transactionId, LONGEST.id)) rows.transactions.push(transactionRow(transaction, block.number));
    // The ledger has no public state: what is written there was written by changed chaincode, and is ignored.
    if (transaction.unreadable === true || transaction.publicWrites.length > 0) rows.unreadable.push({ transactionId });
    for (const write of transaction.elsewhere) rows.writes.push({ ...write, transaction });
    const context = { rows, transaction, firstWrite, block: block.number, consortium };
    for (const write of transaction.privateWrites) {
      const { collection, keyHash, anchor } = write;
      rows.writes.push({ collection, keyHash, anchor, transaction, rows: keyRows(write, context) });
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

interface Context {
  rows: BlockRows;
  transaction: ParsedTransaction;
  firstWrite: number;
  block: number;
  consortium: Consortium;
}

/** Counts the write, and answers what it leaves under its key. */
function keyRows(write: PrivateWrite, { rows, transaction, firstWrite, block, consortium }: Context): KeyRows {
  const { collection, keyHash, anchor, plain } = write;
  const { transactionId } = transaction;
  if (anchor === undefined) return { collection, keyHash, versions: [] };
  rows.counted += 1;
  const sequence = sequenceOf(firstWrite + rows.counted);
  const key = { collection, keyHash, write: { sequence, anchor, transactionId, block } };
  const lacking = (reason: MissingTable['reason']): KeyRows => {
    if (reason === 'unreadable') rows.unreadable.push({ collection, transactionId });
    return { ...key, versions: [], missing: missingRow(key, reason) };
  };
  if (plain === undefined || !plain.matches) return lacking('undelivered');
  if (!fits(plain.key, LONGEST.key) || !isText(plain.value)) return lacking('unreadable');
  const place = {
    ...{ sequence, collection, key: plain.key, key_hash: keyHash, value: plain.value, anchor },
    ...{ transaction_id: transactionId, block },
  };
  const anchorages = copiedFrom(collection, plain, keyHash, anchor, consortium);
  try {
    const found = partsOf(plain.key, plain.value, besideIn(transaction, collection));
    if (found === undefined)
      return { ...key, versions: [], privateValue: { ...place, ...requested(plain) }, anchorages };
    if (found.refused > 0) rows.unreadable.push({ collection, transactionId });
    const versions = versionRows(found.parts, place, transaction);
    return versions === undefined ? lacking('unreadable') : { ...key, versions, anchorages };
  } catch (error) {
    return lacking(error instanceof Undelivered ? 'undelivered' : 'unreadable');
  }
}

/** The note that what was written under a key cannot be shown. */
export function missingRow(
  { collection, keyHash, write }: Pick<KeyRows, 'collection' | 'keyHash'> & { write: NonNullable<KeyRows['write']> },
  reason: MissingTable['reason'],
): MissingTable {
  const { sequence, anchor, transactionId, block } = write;
  return { sequence, reason, collection, key_hash: keyHash, anchor, transaction_id: transactionId, block };
}

/** The texts that a transaction wrote into a collection, by key. */
function besideIn({ privateWrites }: ParsedTransaction, collection: string): Beside {
  return (key) => {
    const keyHash = sha256Hex(key);
    const write = privateWrites.find((one) => one.keyHash === keyHash && one.collection === collection);
    if (write?.anchor === undefined) return undefined;
    if (write.plain?.matches !== true) throw new Undelivered();
    return write.plain.value;
  };
}

const BILLING = collections.billing('');

/** A provider's and a bank's values about claims are copies: they count where a payer's collection holds the same. */
function copiedFrom(
  collection: string,
  { key, value }: { key: string; value: string },
  keyHash: string,
  anchor: string,
  consortium: Consortium,
): Anchorage[] {
  if (!collection.startsWith(BILLING)) return [];
  const payers = organisationsOfKind(consortium, 'payer').map(({ name }) => name);
  if (payers.some((name) => collection === collections.billing(name))) return [];
  const stated = /^claim(-state)?\//.test(key) ? objectIn(value)?.['payer'] : undefined;
  const held = payers.filter((name) => stated === undefined || name === stated);
  return [{ anyOf: held.map(collections.billing), keyHash, anchor }];
}

/** The kind of a value and, where it is a request, whose records it asks for. */
function requested({ key, value }: { key: string; value: string }): Requested {
  const kind = kindOf(key);
  const none = { kind, patient_system: null, patient_value: null };
  if (kind !== 'request') return none;
  const { patient } = objectIn(value) ?? {};
  const { system, value: stated } = (patient ?? {}) as { system?: unknown; value?: unknown };
  if (typeof system !== 'string' || typeof stated !== 'string' || !isText(system) || !isText(stated)) return none;
  return { kind, patient_system: indexed(system), patient_value: indexed(stated) };
}

const kindOf = (key: string): string => {
  const { kind } = parsePrivateKey(key);
  return fits(kind, LONGEST.type) ? kind : '';
};

type Requested = Pick<PrivateValuesTable, 'kind' | 'patient_system' | 'patient_value'>;
type Place = Omit<PrivateValuesTable, keyof Requested>;

/** Undefined where a resource is none that any database can hold. */
function versionRows(parts: readonly Part[], place: Place, transaction: ParsedTransaction): VersionRows[] | undefined {
  const found = new Map<string, VersionRows>();
  let sequence = place.sequence;
  for (const part of parts) {
    for (const resource of part.resources) {
      const rows = versionRow(resource, part, { ...place, sequence }, transaction);
      if (rows === undefined || sequence - place.sequence >= RESOURCES_PER_VALUE) return undefined;
      found.set(`${resource.resourceType}/${resource.id}`, rows);
      sequence += 1;
    }
  }
  return [...found.values()];
}

function versionRow(
  resource: Resource,
  part: Part,
  place: Place,
  transaction: ParsedTransaction,
): VersionRows | undefined {
  const { resourceType: type, id } = resource;
  const { version, author, recordedAt, copy, value, root, leaf = null, anchorages } = part;
  const patient = patientIdOf(resource);
  const row: VersionsTable = {
    ...place,
    ...{ type, id, version, current: 1, held: 1, value, leaf },
    anchor: root ?? place.anchor,
    author: author ?? transaction.creator,
    patient: patient !== undefined && fits(patient, LONGEST.id) ? patient : null,
    last_updated: recordedAt ?? transaction.time,
    source: copy?.source ?? null,
    access: copy?.access ?? null,
    expires_at: copy?.expiresAt ?? null,
  };
  if (!isStorable(row) || !fits(type, LONGEST.type) || !fits(id, LONGEST.id)) return undefined;
  return { row, searchValues: searchValueRows(resource, place.collection), ...(anchorages && { anchorages }) };
}

/** What a resource is found by, as rows: those that a database can hold. */
export function searchValueRows(resource: Resource, collection: string): SearchValuesTable[] {
  const { resourceType: type, id } = resource;
  const rows = searchValuesOf(resource).map(({ parameter, system, value }) => ({
    ...{ parameter, type, id, collection, system: indexed(system), value: indexed(value) },
  }));
  return rows.filter(isStorable);
}
