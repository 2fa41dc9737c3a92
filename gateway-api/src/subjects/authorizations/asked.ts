/** A request for authorization as it is sent to the ledger, at once or later. */
import { targetOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';

export interface Request {
  /** As it was resolved, with its id: of an amendment that of what it amends. */
  claim: Resource;
  /** Of a first request, for its answer. */
  responseId: string;
  /** Whom it is for, by what the sender calls her. */
  patient: Resource;
  salt: string;
  /** It amends another one. */
  isAmendment: boolean;
  /** When it came here, ISO 8601 UTC. */
  cameAt: string;
}

/** `Coverage/<id>` that a request is about. */
export const coverageIn = ({ claim }: Pick<Request, 'claim'>): string => {
  const insurance = (claim['insurance'] ?? []) as { focal?: boolean; coverage?: Reference }[];
  return targetOf((insurance.find(({ focal }) => focal === true) ?? insurance[0])?.coverage) ?? '';
};

/** What is kept, as it was asked. */
export const requestIn = (draft: string): Request => parseExact(draft) as Request;
