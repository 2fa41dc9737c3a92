/**
 * Operations (hl7.org/fhir/R4/operations.html) that other rooms mount on the FHIR API, for instance Claim/$submit. The
 * CapabilityStatement names exactly those that are mounted.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Caller } from '../auth/caller.ts';
import type { Demand } from '../auth/scopes.ts';
import type { IdempotentRequest } from '../idempotency/request.ts';
import type { Answer } from './answers.ts';

export interface OperationRequest {
  caller: Caller;
  /** The posted resource, sound by R4 whatever its type; undefined where nothing was posted. */
  body: Resource | undefined;
  /** Of an instance; undefined at the level of the type. */
  id: string | undefined;
  idempotency: IdempotentRequest | undefined;
  /** Base URL of this server, without a slash at the end. */
  baseUrl: string;
}

export interface Operation {
  /** Without the $. */
  name: string;
  type: string;
  level: 'type' | 'instance';
  /** One line for the documentation. */
  summary: string;
  /** Canonical URL of its OperationDefinition. */
  definition: string;
  /** What of scopes it takes, of tokens that have them; see demandOf. */
  scope?: Demand;
  /** Writes nothing to the ledger, whatever is posted. */
  isQuestion?: true;
  /** A question without parameters, which may be asked by GET too (hl7.org/fhir/R4/operations.html#request). */
  takesNothing?: true;
  /** What it sends to the ledger: callers who may not are refused before any of the body is read. */
  transaction?: TransactionName;
  /** Answers POST, and GET where it takes nothing; throws Refusal, Failure or LedgerError. */
  handle(request: OperationRequest): Promise<Answer>;
}

/**
 * What an operation takes of scopes. A question answers by whatever it needs, so it takes reading everything unless its row says
 * otherwise; what else it does, it does to its type.
 */
export const demandOf = ({ type, scope, isQuestion }: Pick<Operation, 'type' | 'scope' | 'isQuestion'>): Demand =>
  scope ?? (isQuestion === true ? { type: '*', acts: ['r', 's'] } : { type, acts: ['c', 'r', 'u'] });
