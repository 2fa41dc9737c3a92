/** How the states of claims are told by a 277: category and code of X12's claim status codes. The codes alone: X12 licenses their texts. */
import type { ClaimStatus } from '@telemed-ledger/chaincode/model/claim-steps.ts';

/** STC01: category (P in process, F decided), code, and where the code asks for it whom it means (1P: the provider). */
export const CLAIM_STATUS_CODES: Readonly<Record<ClaimStatus, readonly string[]>> = {
  submitted: ['P1', '20'],
  pended: ['P3', '123', '1P'],
  queued: ['P2', '46'],
  countersign: ['P2', '46'],
  appealed: ['P2', '46'],
  approved: ['P1', '3'],
  partial: ['P1', '3'],
  instructed: ['P1', '3'],
  rejected: ['P1', '3'],
  failed: ['P1', '3'],
  stopped: ['P1', '3'],
  returned: ['P1', '3'],
  settled: ['F1', '65'],
  remitted: ['F1', '65'],
  satisfied: ['F1', '65'],
  denied: ['F2', '1'],
  'patient-responsibility': ['F4', '104'],
  cancelled: ['F0', '0'],
  voided: ['F3', '101'],
  replaced: ['F3', '101'],
};

/** No claim here is meant. */
export const NOT_FOUND = ['A4', '35'] as const;

/** Nothing that this gateway finds claims by is in the question. */
export const NOT_SEARCHED = ['D0', '0'] as const;
