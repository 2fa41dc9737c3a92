/**
 * The tables of the read model and of the journal, as Kysely sees them. The read model holds nothing that cannot
 * be rebuilt from the ledger; the journal (idempotency) is the gateway's own and is never thrown away.
 */
import type { LogRow } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import type { Kysely } from 'kysely';
import type { AsyncRequestsTable } from './async-requests-table.ts';
import type { BulkExportsTable } from './bulk-exports-table.ts';
import type { ContentsTable } from './contents-table.ts';
import type { DeskClaimsTable, DeskNotesTable } from './desk-tables.ts';
import type { StoreHealth } from './health.ts';
import type { HealthLinksTable } from './health-links-table.ts';
import type { KeptRequestsTable } from './kept-requests-table.ts';
import type { LinkCodesTable } from './link-codes-table.ts';
import type { CarriedReadsTable, LogStatementsTable, PatientsAct } from './log-tables.ts';
import type { RefusedKeysTable } from './refused-keys-table.ts';
import type { SearchValuesTable } from './search-values-table.ts';
import type { SubscriptionEventsTable, SubscriptionsTable } from './subscriptions-table.ts';
import type { CosignaturesTable, LeavesTable, TreeNodesTable, WitnessesTable } from './tree-tables.ts';

/** At most this many resources of one private value have a place in the order. */
export const RESOURCES_PER_VALUE = 4096;

/**
 * Where a private write's resources stand in the order of the ledger: `write` counts the private writes of this
 * organisation's collections from block 0 on, the first is 1, whether their values have arrived or not.
 */
export const sequenceOf = (write: number, resource = 0): number => write * RESOURCES_PER_VALUE + resource;

export const writeOf = (sequence: number): number => Math.floor(sequence / RESOURCES_PER_VALUE);

export interface CheckpointTable {
  /** Always 1. */
  id: number;
  block: number;
  hash: string;
  /** Private writes counted so far. */
  writes: number;
  /** Name of the key that the rows are sealed with. */
  sealed_by: string;
}

export interface TransactionsTable {
  transaction_id: string;
  block: number;
  position: number;
  code: number;
  /** MSP id. */
  creator: string;
  /** MSP ids, joined by commas. */
  endorsers: string;
  event: string | null;
  time: string;
}

/** One row per FHIR resource in a private value that this organisation holds. */
export interface VersionsTable {
  /** The order of the ledger, whenever the value arrived (see `sequenceOf`); also the position of a search's page. */
  sequence: number;
  type: string;
  id: string;
  version: number;
  /** See current.ts. */
  current: number;
  /** For the newest version: how many rows the resource has here. 0 for the others. */
  held: number;
  /** 1 where the record is marked as erased: it is not shown, and its text is to go. */
  erased: number;
  collection: string;
  key: string;
  /** SHA-256 of the key, hex: how blocks name it. */
  key_hash: string;
  /** The text exactly as it was anchored: of a record and a copy its leaf's, of anything else the whole private value. */
  value: string;
  /** Hex: of what stands on a sheet the sheet's root, of anything else the SHA-256 of the value. */
  anchor: string;
  /** Where on its sheet it stands (write/sheets.ts); null for what stands on none. */
  leaf: string | null;
  /** MSP id of the author. */
  author: string;
  patient: string | null;
  last_updated: string;
  transaction_id: string;
  block: number;
  /** For a delivered copy: name of the organisation that holds the original, the access, and its last day. */
  source: string | null;
  access: string | null;
  expires_at: string | null;
  /** Why what another organisation wrote is not shown (fhir/validation/faults.ts); null for what is. */
  fault: string | null;
  /** For whom it was delivered (`audienceName`); null for what is for everybody of the organisation. */
  audience: string | null;
}

/** Private values that hold no resource: sheets, requests, steps, directories, fee schedules, fingerprints. */
export interface PrivateValuesTable {
  sequence: number;
  collection: string;
  key: string;
  key_hash: string;
  kind: string;
  value: string;
  anchor: string;
  transaction_id: string;
  block: number;
  /** Of a request: the identifier of the patient whose records are asked for. */
  patient_system: string | null;
  patient_value: string | null;
}

/** How accesses, consents and claims stand, put together from the private values of their steps. */
export interface StatesTable {
  /** access, consent, claim, review. */
  kind: string;
  id: string;
  /** Of the first value of its series that is held: the order in which they came onto the ledger, and the place of a page. */
  sequence: number;
  /** 1 where it names this organisation. */
  own: number;
  status: string;
  /** Of an access: when it was decided, or else requested. */
  last_updated: string | null;
  /** Of an access of this organisation, when something is to be done: the copies go, or the holder is to be told of a step. */
  ends_at: string | null;
  /** Of a review: number of the licence that it is about. Of an access: id of the Patient that it was decided on. */
  about: string | null;
  /** Canonical JSON of an AccessState, ConsentState, ClaimState or ReviewState. */
  value: string;
  /** Of its last step, with its block and time. */
  transaction_id: string;
  block: number;
  time: string;
}

/**
 * What the blocks say of every private key of every collection, whoever holds the value: a key is written once. Rows stay
 * when values are purged.
 */
export interface AnchorsTable {
  /** SHA-256 of the key, hex. */
  key_hash: string;
  collection: string;
  /** SHA-256 of the value that was written first, hex. */
  anchor: string;
  transaction_id: string;
  block: number;
  /** The place of that write in the order of the ledger (`sequenceOf`); null where the collection is not this organisation's. */
  sequence: number | null;
  /** The transaction that purged it. */
  purged_by: string | null;
  /** The first transaction that wrote another value under the key: what honest chaincode refuses. Its value is ignored. */
  rewritten_by: string | null;
}

/** The consents that a granted access of this organisation rests on. */
export interface AccessConsentsTable {
  access: string;
  consent: string;
  version: number;
  /** 1 where that version is not in force any more: the copies are to be purged. */
  ended: number;
}

/** The records marked as erased whose provider or custodian this organisation is: what is left to say of them. */
export interface ErasuresTable {
  /** See write/erasures.ts. */
  id: string;
  /** care_<Provider> */
  collection: string;
  record: string;
  type: string;
  /** Id of the Patient that it was about. */
  patient: string | null;
  /** pending: this organisation still holds a version of it. */
  status: 'pending' | 'purged';
  /** Of the mark, with its time and MSP id of who had it erased. */
  sequence: number;
  transaction_id: string;
  block: number;
  marked_at: string;
  author: string;
  /** By role, as the custodian noted it; null before a version is purged. */
  asked_by: string | null;
  /** Of the last version that was purged. */
  purged_at: string | null;
  purged_by: string | null;
}

/** What the block anchors and the read model cannot show: see `reason`. */
export interface MissingTable {
  /** The first of those that the value's rows take when it arrives. */
  sequence: number;
  /** undelivered: the peer did not have it yet, and is asked again; unreadable: it is not what its key promises. */
  reason: 'undelivered' | 'unreadable';
  collection: string;
  key_hash: string;
  anchor: string;
  transaction_id: string;
  block: number;
}

/** The rows of each table as the ledger makes them. */
export interface IndexRows {
  checkpoint: CheckpointTable;
  transactions: TransactionsTable;
  versions: VersionsTable;
  search_values: SearchValuesTable;
  private_values: PrivateValuesTable;
  states: StatesTable;
  anchors: AnchorsTable;
  access_consents: AccessConsentsTable;
  erasures: ErasuresTable;
  missing: MissingTable;
  carried_reads: CarriedReadsTable;
  refused_keys: RefusedKeysTable;
  leaves: LeavesTable;
  tree_nodes: TreeNodesTable;
  cosignatures: CosignaturesTable;
  witnesses: WitnessesTable;
}

export type TableName = keyof IndexRows;

/** As they are stored: with the code over all their columns (seals.ts). */
export type Sealed<Row> = Row & { seal: string };

export type IndexTables = { [T in TableName]: Sealed<IndexRows[T]> };

type Columns<Row> = readonly (keyof Row & string)[];

/** Every column of every table but `seal`: what is written, sealed and compared with the ledger. */
export const COLUMNS: { readonly [T in TableName]: Columns<IndexRows[T]> } = {
  checkpoint: ['id', 'block', 'hash', 'writes', 'sealed_by'],
  transactions: ['transaction_id', 'block', 'position', 'code', 'creator', 'endorsers', 'event', 'time'],
  versions: [
    ...(['sequence', 'type', 'id', 'version', 'current', 'held', 'erased', 'collection', 'key', 'key_hash'] as const),
    ...([
      'value',
      'anchor',
      'leaf',
      'author',
      'patient',
      'last_updated',
      'transaction_id',
      'block',
      'source',
      'access',
    ] as const),
    ...(['expires_at', 'fault', 'audience'] as const),
  ],
  search_values: [
    ...(['parameter', 'type', 'patient', 'id', 'collection', 'system', 'value', 'place'] as const),
    ...(['ranged', 'low', 'high'] as const),
  ],
  private_values: [
    ...(['sequence', 'collection', 'key', 'key_hash', 'kind', 'value', 'anchor', 'transaction_id', 'block'] as const),
    ...(['patient_system', 'patient_value'] as const),
  ],
  states: [
    ...(['kind', 'id', 'sequence', 'own', 'status', 'last_updated', 'ends_at', 'about'] as const),
    ...(['value', 'transaction_id', 'block', 'time'] as const),
  ],
  anchors: ['key_hash', 'collection', 'anchor', 'transaction_id', 'block', 'sequence', 'purged_by', 'rewritten_by'],
  access_consents: ['access', 'consent', 'version', 'ended'],
  erasures: [
    ...(['id', 'collection', 'record', 'type', 'patient', 'status', 'sequence', 'transaction_id', 'block'] as const),
    ...(['marked_at', 'author', 'asked_by', 'purged_at', 'purged_by'] as const),
  ],
  missing: ['sequence', 'reason', 'collection', 'key_hash', 'anchor', 'transaction_id', 'block'],
  carried_reads: ['sequence', 'collection', 'key_hash', 'organisation', 'row', 'patient', 'at', 'text'],
  refused_keys: ['key_hash', 'collection', 'key', 'block'],
  leaves: ['leaf', 'block', 'position', 'transaction_id', 'entry'],
  tree_nodes: ['level', 'position', 'hash'],
  cosignatures: ['size', 'msp_id', 'root', 'time', 'public_key', 'signature', 'cose', 'transaction_id'],
  witnesses: ['msp_id', 'public_key', 'time', 'signature', 'certificate', 'transaction_id'],
};

/** What tells one row of a table from another, in the order of an index. */
export const KEYS: { readonly [T in TableName]: Columns<IndexRows[T]> } = {
  checkpoint: ['id'],
  transactions: ['transaction_id'],
  versions: ['sequence'],
  search_values: [
    ...(['type', 'value', 'parameter', 'patient', 'system', 'id', 'collection', 'place'] as const),
    ...(['ranged', 'low', 'high'] as const),
  ],
  private_values: ['sequence'],
  states: ['kind', 'id'],
  anchors: ['key_hash', 'collection'],
  access_consents: ['access', 'consent'],
  erasures: ['id'],
  missing: ['key_hash', 'collection'],
  carried_reads: ['sequence'],
  refused_keys: ['key_hash', 'collection'],
  leaves: ['leaf'],
  tree_nodes: ['level', 'position'],
  cosignatures: ['size', 'msp_id'],
  witnesses: ['msp_id', 'public_key'],
};

export interface IdempotencyTable {
  caller: string;
  key: string;
  request_hash: string;
  transaction_id: string;
  /** Role and fhirUser in whose name it was signed, JSON. */
  sender: string;
  /** What the request is answered from when it comes again: types, ids and versions, JSON. */
  answer: string;
  created_at: string;
}

/** Signed transactions, ready to be sent again, until their outcome is known. Several writes may share one. */
export interface EnvelopesTable {
  transaction_id: string;
  envelope: Uint8Array;
  created_at: string;
}

/** What a patient wants and the ledger has not taken yet, in the order in which it was said; see idempotency/wishes.ts. */
export interface PendingWishesTable {
  sequence: number;
  id: string;
  kind: 'grant' | 'amend' | 'revoke';
  patient: string;
  consent: string;
  /** Name of the provider whose data the consent governs. */
  provider: string;
  status: 'pending' | 'done' | 'refused' | 'superseded';
  /** The version that is to be written, with its salt, JSON; null for a revocation, and once it has ended. */
  draft: string | null;
  /** Subject of who asked, and the Idempotency-Key. */
  caller: string | null;
  key: string | null;
  /** What is to be stored under that key, JSON; null once it has ended. */
  promised: string | null;
  /** Names of the organisations whose endorsement was lacking at the last try, joined by commas. */
  waits_for: string | null;
  /** Why it was refused: a code, never a fact. */
  reason: string | null;
  /** What came of it. */
  version: number | null;
  transaction_id: string | null;
  created_at: string;
  ended_at: string | null;
}

/** Erasures that were asked for here, until nothing is left to do about them; see idempotency/erasures.ts. */
export interface WantedErasuresTable {
  /** The erasure's, as index/write/erasures.ts makes it. */
  id: string;
  /** Name of the provider whose record it is. */
  provider: string;
  type: string;
  record: string;
  patient: string | null;
  asked_by: 'patient' | 'caretaker' | 'system';
  /** 1 once the ledger has the mark. */
  marked: number;
  /** Names of the organisations whose endorsement was lacking at the last try, joined by commas. */
  waits_for: string | null;
  created_at: string;
}

/** What refusals of requests for access rest on, until their holders have been told; see idempotency/refusals.ts. */
export interface RefusalsTable {
  access: string;
  /** A code, never a fact. */
  reason: string;
  /** The consent that denies it, where one does. */
  consent: string | null;
  consent_version: number | null;
  /** Id of the holder's Patient that was meant, where one was. */
  patient: string | null;
  /** With which the holder is told: who knows the step could else guess at what the hash of the whole is. */
  salt: string;
  /** When it is to be sent. ISO 8601 UTC. */
  due_at: string;
  status: 'open' | 'sent';
  created_at: string;
}

/** Every read of what this organisation holds, each row for one patient; see subjects/reads/read-log.ts. */
export interface ReadsTable extends LogRow {
  /** pruned: the last of those whose time is over, of which nothing but its hash is left. */
  outcome: 'shown' | 'refused' | 'pruned';
  interaction: Interaction;
  /** SHA-256 over the hash before and this row, hex; empty in rows of versions that had no chain. */
  hash: string;
}

/** How something was read. `log`: who read. `access`: requests and what came of them. `events`: the stream of those. */
export type Interaction =
  | 'read'
  | 'vread'
  | 'history'
  | 'search'
  | 'directory'
  | 'evaluate'
  | 'access'
  | 'events'
  | 'log'
  | 'review'
  | 'link'
  | 'unlink'
  | 'erasure'
  | PatientsAct;

export interface JournalTables {
  subscriptions: SubscriptionsTable;
  desk_claims: DeskClaimsTable;
  desk_notes: DeskNotesTable;
  health_links: HealthLinksTable;
  bulk_exports: BulkExportsTable;
  async_requests: AsyncRequestsTable;
  subscription_events: SubscriptionEventsTable;
  contents: ContentsTable;
  link_codes: LinkCodesTable;
  log_statements: LogStatementsTable;
  envelopes: EnvelopesTable;
  wanted_erasures: WantedErasuresTable;
  reads: ReadsTable;
  refusals: RefusalsTable;
  idempotency: IdempotencyTable;
  pending_wishes: PendingWishesTable;
  kept_requests: KeptRequestsTable;
}

/** A gateway's two databases, open. */
export interface Stores {
  /** For the projector alone: one connection. */
  writing: Kysely<IndexTables>;
  /** Each statement sees whole blocks. Two statements may see different ones: a block can come between them. */
  reading: Kysely<IndexTables>;
  /** A write is on the disk when it is done. */
  journal: Kysely<JournalTables>;
  /** The same journal; what is written here need not outlive a power cut. */
  journalLazily: Kysely<JournalTables>;
  health: StoreHealth;
  /**
   * Takes what was deleted off the disk, as far as it can be had. `isNew`: something was, since this was called last. False
   * where it is too early, or somebody is in the way: it is to be tried again. PostgreSQL is asked for nothing
   * (docs/erasure.md).
   */
  forget(isNew: boolean): Promise<boolean>;
  close(): Promise<void>;
}
