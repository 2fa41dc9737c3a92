/**
 * What the FHIR interactions need of the rest of the gateway: reading this organisation's read model and
 * writing through the ledger. The FHIR room knows only this interface; subjects/records/records.ts implements it
 * on the index and the ledger client.
 */

import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../auth/caller.ts';
import type { FairSlots } from '../clients/fair-slots.ts';
import type { IdempotentWrites, Sending } from '../idempotency/writes.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import type { ClientIds } from './client-ids.ts';
import type { Issue } from './outcomes.ts';
import type { Profiles } from './profiles/profiles.ts';

/** One version of a resource as it is stored; `resource.meta` already holds versionId and lastUpdated. */
export interface StoredResource {
  resource: Resource;
  version: number;
  /** ISO 8601 UTC. */
  lastUpdated: string;
  /** Name of the organisation that wrote it. */
  author: string;
  /** Empty for what no transaction wrote. */
  transactionId: string;
  /** The version says that the resource is deleted; `resource` is what is left of it (model/fhir.ts, `tombstoneOf`). */
  deleted?: true;
  /** Of a delivered copy: the access that it was delivered under. */
  access?: string;
  /** Id of the Patient whom it is about; absent where it is about none. */
  patient?: string;
}

export interface Search {
  type: string;
  /** Every array is OR'd; the members, and the members of `values` and `lastUpdated`, are AND'd. */
  ids?: string[];
  /** By what is kept in search_values. */
  values?: ValueCriterion[];
  /** By dates, numbers and quantities. */
  ranges?: RangeCriterion[];
  /** By both, in one of the bases of a composite parameter. */
  composites?: { parameter: string; anyOf: CompositeCriterion[] }[];
  /** Whether there is anything under a parameter. */
  missing?: { parameter: string; isMissing: boolean }[];
  /** By what a reference leads to: a search of each type that it may lead to. */
  chains?: { parameter: string; anyOf: Search[] }[];
  /** By what refers to it (`_has`): by which parameter of what. */
  reverse?: { parameter: string; of: Search }[];
  /** By what it is sorted, the first first; in the order of the ledger where nothing is named, and among equals. */
  sort?: SortKey[];
  /** Patient ids. */
  patients?: string[];
  lastUpdated?: { prefix: 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' | 'sa' | 'eb'; value: string }[];
  /** Of AuditEvents: when it happened. */
  recorded?: Search['lastUpdated'];
  /** Page size. */
  count: number;
  /** Nothing but the total is asked for, however long counting takes. */
  isTotalAlone?: boolean;
  /** Of a type that is made when it is read: what was recorded under its name. */
  asRecorded?: boolean;
  /** The total is left out. */
  isUncounted?: boolean;
  /** The total is counted to its end, however long it takes. */
  isAccurate?: boolean;
  /** Opaque position from another page: what comes after it, or before it. */
  after?: string;
  before?: string;
}

/** One of several texts, or none of them (`isNot`); a prefix begins the value, a part stands anywhere in it. */
export interface ValueCriterion {
  parameter: string;
  /** Other parameters under which a value counts as well. */
  orUnder?: readonly string[];
  /** Without a system it is of any, without a value it is any of the system. */
  anyOf: { system?: string; value?: string }[];
  isPrefix?: true;
  isPart?: true;
  isNot?: true;
}

export interface RangeBound {
  end: 'low' | 'high';
  operator: '<' | '<=' | '>' | '>=';
  limit: number;
}

export interface RangeCriterion {
  parameter: string;
  /**
   * Each is of a unit, or of any, and has alternatives of bounds that must all hold; `isCanonical`: the unit is UCUM's canonical one,
   * and what is measured in any that compares with it is meant.
   */
  anyOf: { system?: string; unit?: string; isCanonical?: true; alternatives: RangeBound[][] }[];
}

/** What each component must be, in their order. */
export type CompositeCriterion = (Pick<ValueCriterion, 'anyOf' | 'isPrefix'> | { ranges: RangeCriterion['anyOf'] })[];

export interface SortKey {
  /** A parameter of the type, `_id` and `_lastUpdated` among them. */
  parameter: string;
  isDescending: boolean;
}

export interface SearchPage {
  matches: StoredResource[];
  total?: number;
  next?: string;
  /** Position before which the page in front of this one is; absent on the first. */
  previous?: string;
  /** How many matches are not shown because they cannot be read. */
  broken?: number;
  /** How many resources of the type are not shown because what another organisation wrote of them is not valid. */
  invalid?: number;
  /** Values that are on the ledger and have not arrived here yet: some may be matches. Absent where there are none. */
  undelivered?: number;
}

/** What records refer to and is about no patient. */
export interface ReferredTo {
  found: StoredResource[];
  /** There is more than fits beside the records of one Bundle. */
  isCut: boolean;
}

/** Which versions of a resource are asked for. */
export interface HistoryPage {
  count: number;
  /** The `next` of an earlier page. */
  before?: number;
  /** Made then or later, milliseconds since 1970. */
  since?: number;
  /** That stood at some moment from `low` until before `high`, milliseconds since 1970. */
  at?: { low: number; high: number };
}

/** A page of a resource's history. */
export interface VersionsPage {
  /** Newest first. */
  versions: StoredResource[];
  /** Of all pages. */
  total: number;
  /** Whether there is such a resource, also where none of its versions was asked for. */
  exists: boolean;
  /** What the next page comes before; undefined on the last one. */
  next?: number;
}

/** A page of the versions of many resources, the last first. It may be short, or empty, with another one behind it. */
export type ChangesPage = Pick<VersionsPage, 'versions' | 'next'>;

/**
 * A draft, and whether its id is provisional: the repository may give another, which its outcome then names. One that deletes a
 * record holds its tombstone (model/fhir.ts).
 */
export type NewDraft = Draft & { isProvisional: boolean; deleted?: true };

/** What of a resource keeps another from being deleted. */
export interface Referrer {
  /** `Type/id` of what is referred to. */
  reference: string;
  /** `Type/id` of what refers to it. */
  by: string;
}

export interface Repository {
  /**
   * Asked before any of a body is read. @throws LedgerError FORBIDDEN for a caller who can write nothing of this type,
   * or, without a type, can neither read nor write anything.
   */
  admit(caller: Caller, type?: string): void;
  /**
   * The newest version; undefined where this organisation (or this caller) has none.
   * @throws {Failure} 503 while a newer one is on the ledger and has not arrived here; so do the other reads
   */
  read(caller: Caller, type: string, id: string): Promise<StoredResource | undefined>;
  /** As `read`, and what says of a resource that it is deleted: of that `read` throws 410. */
  standing(caller: Caller, type: string, id: string): Promise<StoredResource | undefined>;
  readVersion(caller: Caller, type: string, id: string, version: number): Promise<StoredResource | undefined>;
  /** Versions, newest first; none where there is no such resource. */
  history(caller: Caller, type: string, id: string, page: HistoryPage): Promise<VersionsPage>;
  /** Versions of all records of these types that the caller sees; of types that he may not read none. @throws FORBIDDEN for all */
  changes(caller: Caller, types: readonly string[], page: HistoryPage): Promise<ChangesPage>;
  search(caller: Caller, search: Search): Promise<SearchPage>;
  /**
   * Which of these types a search of a patient's records may find something of, or must be refused: of any other it would find
   * nothing that is hers.
   */
  typesOf(caller: Caller, patient: string, types: readonly string[]): Promise<string[]>;
  /**
   * What these records lead to and is about no patient, as far as the caller may read it: what a Bundle of them needs for its
   * references to lead somewhere within it.
   */
  referredTo(caller: Caller, records: readonly StoredResource[]): Promise<ReferredTo>;
  /** Which of these `Type/id` do not exist here. */
  missing(references: string[]): Promise<string[]>;
  /** What refers to these records of this organisation's, or rests on them: of each some. */
  referrers(references: readonly string[]): Promise<Referrer[]>;
  /**
   * Ids of the resources of a type that carry an identifier, for conditional creates and references; one array per
   * query, in their order.
   */
  findByIdentifier(queries: { type: string; system?: string; value: string }[]): Promise<string[][]>;
  /** What a resource that was written comes to, in plain words; absent where nothing is to be told. */
  told?(resource: Resource): Promise<Issue[] | undefined>;
  /**
   * Writes all of them in one ledger transaction and answers when they are committed and readable here.
   * @throws {LedgerError} CONFLICT where a version is not the next one. @throws {Failure} 429, 503, 504
   */
  submit(caller: Caller, drafts: NewDraft[], sending: Sending): Promise<Outcome>;
}

/** What an interaction works with: one request's caller, and this server. */
export interface Scope {
  repository: Repository;
  idempotent: IdempotentWrites;
  reads: Pick<FairSlots, 'run'>;
  organisation: Organisation;
  clientIds: ClientIds;
  profiles: Profiles;
  caller: Caller;
  /** Without a slash at the end. */
  baseUrl: string;
}
