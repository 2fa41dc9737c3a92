/** A parsed block as rows of the read model: pure, so that the projector only writes. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { searchTermsOf } from '../../fhir/search/extraction.ts';
import { inStretches } from '../../http/pauses.ts';
import type { HashedWrite, ParsedBlock, ParsedTransaction, PrivateWrite } from '../../ledger/block.ts';
import { CURRENT } from '../current.ts';
import type { CarriedReadsTable } from '../log-tables.ts';
import {
  type MissingTable,
  type PrivateValuesTable,
  RESOURCES_PER_VALUE,
  sequenceOf,
  type TransactionsTable,
  type VersionsTable,
} from '../schema.ts';
import type { SearchValuesTable } from '../search-values-table.ts';
import { fits, indexed, isStorable, isText, LONGEST } from '../storable.ts';
import type { Anchorage } from './anchorage.ts';
import { billingAnchorages } from './billing.ts';
import { carriedReads } from './carried-reads.ts';
import { objectIn } from './json.ts';
import { isPlaced, kindOf } from './kinds.ts';
import {
  type Beside,
  type Part,
  type Parts,
  partsOfContent,
  partsOfCopies,
  Undelivered,
  type Written,
} from './records.ts';
import { contentIn } from './sheets.ts';
import { readObject, wholeContent } from './values.ts';

export interface BlockRows {
  transactions: TransactionsTable[];
  /** Every private write of the block, in its order. */
  writes: KeyWrite[];
  /** Private writes of this organisation's collections that the block adds to the order (`sequenceOf`). */
  counted: number;
  /** Transactions of which something is no part of this ledger. */
  unreadable: string[];
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
  /** Of the rows of an organisation's log of reads. */
  carriedReads?: CarriedReadsTable[];
  missing?: MissingTable;
  /** A content that an erasure wrote again: what it leaves is read with what earlier blocks say (remainders.ts). */
  remainder?: { key: string; value: string };
  /** What all of it is believed by. */
  anchorages?: readonly Anchorage[];
  /** Something in the value is not what its key promises, and was left out. */
  isPartial?: true;
}

export const keyName = ({ collection, keyHash }: { collection: string; keyHash: string }): string =>
  `${keyHash} ${collection}`;

/** @param firstWrite number of private writes of this organisation's collections before this block */
export async function rowsOf(block: ParsedBlock, firstWrite: number, consortium: Consortium): Promise<BlockRows> {
  const rows: BlockRows = { transactions: [], writes: [], counted: 0, unreadable: [] };
  for (const transaction of block.transactions) {
    const { transactionId } = transaction;
    if (fits(transactionId, LONGEST.id)) rows.transactions.push(transactionRow(transaction, block.number));
    // The ledger has no public state: what is written there was written by changed chaincode, and is ignored.
    const { unreadable, publicWrites, elsewhere, privateWrites } = transaction;
    const isOdd = unreadable === true || publicWrites.length > 0;
    if (isOdd || ![...elsewhere, ...privateWrites].every(isHashed)) rows.unreadable.push(transactionId);
    for (const write of transaction.elsewhere) if (isHashed(write)) rows.writes.push({ ...write, transaction });
    const context = {
      ...{ rows, transaction, firstWrite, block: block.number, consortium },
      besideIn: textsOf(transaction),
      sequences: sequencesOf(transaction, firstWrite + rows.counted),
    };
    for (const write of transaction.privateWrites.filter(isHashed)) {
      const { collection, keyHash, anchor } = write;
      rows.writes.push({ collection, keyHash, anchor, transaction, rows: await keyRows(write, context) });
    }
  }
  return rows;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** What was put together by hand may say anything in place of a hash; no key and no value has such a one. */
const isHashed = ({ keyHash, anchor }: HashedWrite): boolean =>
  SHA256.test(keyHash) && (anchor === undefined || SHA256.test(anchor));

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
  besideIn: (collection: string) => Beside;
  /** Where the transaction's writes stand in the order, by `keyName`. */
  sequences: ReadonlyMap<string, number>;
}

/** The place in the order of what a transaction writes, of the first write of each key. */
function sequencesOf({ privateWrites }: ParsedTransaction, before: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const written = privateWrites.filter((write) => isHashed(write) && write.anchor !== undefined);
  for (const [index, write] of written.entries())
    if (!found.has(keyName(write))) found.set(keyName(write), sequenceOf(before + index + 1));
  return found;
}

/** Counts the write, and answers what it leaves under its key. */
async function keyRows(write: PrivateWrite, context: Context): Promise<KeyRows> {
  const { rows, transaction, firstWrite, block } = context;
  const { collection, keyHash, anchor, plain } = write;
  const { transactionId } = transaction;
  if (anchor === undefined) return { collection, keyHash, versions: [] };
  rows.counted += 1;
  const sequence = sequenceOf(firstWrite + rows.counted);
  const key = { collection, keyHash, write: { sequence, anchor, transactionId, block } };
  const lacking = (reason: MissingTable['reason']): KeyRows => ({
    ...{ ...key, versions: [] },
    missing: missingRow(key, reason),
  });
  if (plain === undefined || !plain.matches) return lacking('undelivered');
  if (!fits(plain.key, LONGEST.key) || !isText(plain.value)) return lacking('unreadable');
  const place = {
    ...{ sequence, collection, key: plain.key, key_hash: keyHash, value: plain.value, anchor },
    ...{ transaction_id: transactionId, block },
  };
  try {
    return { ...key, ...(await readValue(place, context)) };
  } catch (error) {
    return lacking(error instanceof Undelivered ? 'undelivered' : 'unreadable');
  }
}

/** What a value leaves. @throws Undelivered, and Error where it is not what its key promises */
async function readValue(
  place: Place,
  { transaction, consortium, besideIn, sequences }: Context,
): Promise<Omit<KeyRows, 'collection' | 'keyHash'>> {
  const { collection, key, key_hash: keyHash, value, anchor } = place;
  const kind = kindOf(key);
  const asItIs = { versions: [], privateValue: { ...place, ...requested(place) } };
  if (kind === undefined) return asItIs;
  if (!isPlaced(kind, collection)) throw new Error('this lies in no collection of its kind');
  const content = contentIn(key);
  if (content !== undefined && content.generation > 0) return { versions: [], remainder: { key, value } };
  const { creator } = transaction;
  const records = await recordsIn(place, { collection, creator, beside: besideIn(collection) }, consortium);
  // What stands on a sheet is in the order where the sheet is, also when its content is written again.
  const ofSheet = sequences.get(keyName({ collection, keyHash: sha256Hex(privateKeys.sheet(content?.sheet ?? '')) }));
  if (records !== undefined) return recordRows(records, { ...place, sequence: ofSheet ?? place.sequence }, transaction);
  const stated = readObject(value);
  if (kind.ofOwner === true && creator !== ownerOf(collection, consortium))
    throw new Error('this is signed by another');
  if (kind.ofNamed !== undefined && creator !== organisationByName(consortium, String(stated[kind.ofNamed]))?.mspId)
    throw new Error('this is signed by another');
  if (parsePrivateKey(key).kind === 'reads') return { ...asItIs, carriedReads: carriedReads(place, stated) };
  const whole = wholeContent(key, kind, stated);
  if (whole?.author !== undefined && whole.author !== creator) throw new Error('this is signed by another');
  const anchorages = billingAnchorages({ collection, key, keyHash, anchor }, kind, stated, consortium);
  if (whole === undefined) return { ...asItIs, anchorages };
  const { versions, refused } = await versionRows([{ ...whole, value }], place, transaction);
  if (refused > 0) throw new Error('no database holds this');
  return { versions, anchorages };
}

/** MSP id of the organisation that an inbox is of. */
const ownerOf = (collection: string, consortium: Consortium): string | undefined =>
  consortium.organisations.find(({ name }) => collections.inbox(name) === collection)?.mspId;

/** The records of a sheet or a delivery; undefined for any other value. */
async function recordsIn({ key, value }: Place, written: Written, consortium: Consortium): Promise<Parts | undefined> {
  if (key.startsWith('content/')) return partsOfContent(key, value, written);
  return key.startsWith('copies/') ? partsOfCopies(key, value, written, consortium) : undefined;
}

/** @throws Error where none of the records is as it should be */
export async function recordRows({ parts, refused, anchorages }: Parts, place: Place, transaction: Signed) {
  const { versions, refused: unstorable } = await versionRows(parts, place, transaction);
  const all = refused + unstorable;
  if (versions.length === 0 && all > 0) throw new Error('none of these is what its key promises');
  return { versions, anchorages, ...(all > 0 && { isPartial: true as const }) };
}

/** The note that what was written under a key cannot be shown. */
export function missingRow(
  { collection, keyHash, write }: Pick<KeyRows, 'collection' | 'keyHash'> & { write: NonNullable<KeyRows['write']> },
  reason: MissingTable['reason'],
): MissingTable {
  const { sequence, anchor, transactionId, block } = write;
  return { sequence, reason, collection, key_hash: keyHash, anchor, transaction_id: transactionId, block };
}

/** The texts that a transaction wrote, by collection and key; of two under one key the first. */
function textsOf({ privateWrites }: ParsedTransaction): (collection: string) => Beside {
  const found = new Map<string, PrivateWrite>();
  for (const write of privateWrites) if (!found.has(keyName(write))) found.set(keyName(write), write);
  return (collection) => (key) => {
    const write = found.get(keyName({ collection, keyHash: sha256Hex(key) }));
    if (write?.anchor === undefined) return undefined;
    if (write.plain?.matches !== true) throw new Undelivered();
    return write.plain.value;
  };
}

/** The kind of a value and, where it is a request, whose records it asks for. */
function requested({ key, value }: { key: string; value: string }): Requested {
  const kind = kindName(key);
  const none = { kind, patient_system: null, patient_value: null };
  if (kind !== 'request') return none;
  const { patient } = objectIn(value) ?? {};
  const { system, value: stated } = (patient ?? {}) as { system?: unknown; value?: unknown };
  if (typeof system !== 'string' || typeof stated !== 'string' || !isText(system) || !isText(stated)) return none;
  return { kind, patient_system: indexed(system), patient_value: indexed(stated) };
}

const kindName = (key: string): string => {
  const { kind } = parsePrivateKey(key);
  return fits(kind, LONGEST.type) ? kind : '';
};

type Requested = Pick<PrivateValuesTable, 'kind' | 'patient_system' | 'patient_value'>;
type Place = Omit<PrivateValuesTable, keyof Requested>;
type Signed = Pick<ParsedTransaction, 'creator' | 'time'>;

/** The rows of the resources, each type and id once; `refused` counts those that no database holds, or that come again. */
async function versionRows(
  parts: readonly Part[],
  place: Place,
  transaction: Signed,
): Promise<{ versions: VersionRows[]; refused: number }> {
  const found = new Map<string, VersionRows>();
  let [sequence, refused] = [place.sequence, 0];
  await inStretches(parts, (part) => {
    if (part.at !== undefined) sequence = place.sequence + part.at;
    for (const resource of part.resources) {
      const isWithin = sequence - place.sequence < RESOURCES_PER_VALUE;
      const rows = isWithin ? versionRow(resource, part, { ...place, sequence }, transaction) : undefined;
      const name = `${resource.resourceType}/${resource.id}`;
      if (rows === undefined || found.has(name)) refused += 1;
      else found.set(name, rows);
      sequence += 1;
    }
  });
  return { versions: [...found.values()], refused };
}

/** Id of the Patient whom a resource is about; undefined where it is about none that there can be. */
function patientOf(resource: Resource): string | undefined {
  const patient = patientIdOf(resource);
  return patient !== undefined && fits(patient, LONGEST.id) ? patient : undefined;
}

function versionRow(resource: Resource, part: Part, place: Place, transaction: Signed): VersionRows | undefined {
  const { resourceType: type, id } = resource;
  const { version, author, recordedAt, deleted, copy, value, root, leaf = null, anchorages } = part;
  const patient = patientOf(resource) ?? null;
  const row: VersionsTable = {
    ...place,
    ...{
      type,
      id,
      version,
      current: deleted === true ? CURRENT.deletion : CURRENT.newest,
      held: 1,
      erased: 0,
      value,
      leaf,
    },
    anchor: root ?? place.anchor,
    author: author ?? transaction.creator,
    patient,
    last_updated: recordedAt ?? transaction.time,
    source: copy?.source ?? null,
    access: copy?.access ?? null,
    expires_at: copy?.expiresAt ?? null,
    fault: null,
    audience: copy?.audience ?? null,
  };
  if (!isStorable(row) || !fits(type, LONGEST.type) || !fits(id, LONGEST.id)) return undefined;
  try {
    const searchValues = deleted === true ? [] : searchValueRows(resource, place.collection, part.identities);
    return { row, searchValues, ...(anchorages && { anchorages }) };
  } catch {
    return undefined;
  }
}

/** The parameter under which a Patient is found by an identifier of any of its versions. */
export const WORN = 'identifier, once';

/** The parameter under which a Claim is found by what the names of its patient come to. */
export const NAMED = 'patient, by name';

/** What a resource is found by, as rows: those that a database can hold. @param identities of a Claim (`ClaimRecord`) */
export function searchValueRows(
  resource: Resource,
  collection: string,
  identities: readonly string[] = [],
): SearchValuesTable[] {
  const { resourceType: type, id } = resource;
  const patient = patientOf(resource) ?? '';
  const rows = searchTermsOf(resource).map(({ system, value, ...term }) => ({
    ...{ ...term, type, patient, id, collection, system: indexed(system), value: indexed(value) },
  }));
  const worn = rows.filter(({ parameter }) => type === 'Patient' && parameter === 'identifier');
  const named = identities.map((value) => ({
    ...{ parameter: NAMED, type, patient, id, collection, system: '', value: indexed(value) },
    ...{ place: 0, ranged: 0, low: 0, high: 0 },
  }));
  return [...rows, ...worn.map((row) => ({ ...row, parameter: WORN })), ...named].filter(isStorable);
}
