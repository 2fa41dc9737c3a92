/** Requests for access as the gateway answers them (GET /access-requests), as far as the pages read them. */

export interface AccessRequest {
  id: string;
  requestor: string;
  holder: string;
  purpose: string;
  status: string;
  requestedAt: string;
  waitUntil?: string;
  types?: string[];
  /** `Practitioner/ID` of the requestor's. */
  practitioner?: string;
  pending?: string;
  writtenReason?: string;
}

export interface AccessRequests {
  accessRequests: AccessRequest[];
}

/** Those that she can still answer. */
export const isWaiting = ({ status, pending }: AccessRequest): boolean =>
  status === 'requested' && pending === 'patient';
