/**
 * What the FHIR interactions need of the rest of the gateway: reading this organisation's read model and
 * writing through the ledger. The FHIR room knows only this interface; gateway-api/src/subjects/records/repository.ts implements it
 * on the index and the ledger client.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';

/** Who is calling, from the verified token. */
export interface Caller {
  /** Subject of the token: the client or the person. */
  subject: string;
  role: Role;
  /** For instance `Practitioner/…` or `Patient/…`. */
  fhirUser?: string;
}

/** One version of a resource as it is stored; `resource.meta` already says versionId and lastUpdated. */
export interface StoredResource {
  resource: Resource;
  version: number;
  /** ISO 8601 UTC. */
  lastUpdated: string;
  /** Name of the organisation that wrote it. */
  author: string;
  transactionId: string;
}

export interface Search {
  type: string;
  /** Every array is OR'd; the members are AND'd. Tokens follow hl7.org/fhir/R4/search.html#token. */
  ids?: string[];
  identifiers?: { system?: string; value: string }[][];
  /** Patient ids. */
  patients?: string[];
  lastUpdated?: { prefix: 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' | 'sa' | 'eb'; value: string }[];
  /** Page size. */
  count: number;
  /** Opaque position from an earlier page. */
  after?: string;
}

export interface SearchPage {
  matches: StoredResource[];
  total?: number;
  next?: string;
}

/** The next version of a resource: version 1 creates it. */
export interface Write {
  resource: Resource;
  version: number;
}

export interface Receipt {
  transactionId: string;
  block: number;
  /** MSP ids. */
  endorsers: string[];
  /** Transaction time, ISO 8601 UTC. */
  time: string;
}

export interface Repository {
  /** The newest version; undefined where this organisation (or this caller) has none. */
  read(caller: Caller, type: string, id: string): Promise<StoredResource | undefined>;
  readVersion(caller: Caller, type: string, id: string, version: number): Promise<StoredResource | undefined>;
  /** All versions, newest first; empty where there is none. */
  history(caller: Caller, type: string, id: string): Promise<StoredResource[]>;
  search(caller: Caller, search: Search): Promise<SearchPage>;
  /** Which of these `Type/id` do not exist here. */
  missing(references: string[]): Promise<string[]>;
  /**
   * Ids of the resources of a type that carry an identifier, for conditional creates and references; one array per
   * query, in their order.
   */
  findByIdentifier(queries: { type: string; system?: string; value: string }[]): Promise<string[][]>;
  /**
   * Writes all of them in one ledger transaction and answers when they are committed and readable here.
   * Throws LedgerError CONFLICT where a version is not the next one.
   */
  write(caller: Caller, writes: Write[], idempotency?: Idempotency): Promise<Receipt>;
  /**
   * What an earlier write of this caller under the same key came to, so that the request is answered again instead of
   * being planned anew (new ids, If-Match against a version that it made itself). Where that write was signed but its
   * outcome is not known, it is resolved first; where it is known to have failed, undefined. Throws LedgerError INVALID
   * with the expression `Idempotency-Key` where the key came with another request.
   */
  replay(caller: Caller, request: IdempotentRequest): Promise<Replay | undefined>;
}

export interface IdempotentRequest {
  /** The client's Idempotency-Key; a batch of several writes adds `/<part>` to it. At most 255 + 12 characters. */
  key: string;
  /** SHA-256 of method, path and body, hex. */
  requestHash: string;
}

/** Stored with the signed envelope before it is submitted (see gateway-api/README.md). */
export interface Idempotency extends IdempotentRequest {
  /** What the FHIR room needs to answer the request again: types, ids and versions as JSON, no content. */
  answer: string;
}

export interface Replay {
  receipt: Receipt;
  /** As it was given to `write`. */
  answer: string;
}
