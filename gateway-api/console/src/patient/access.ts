/** Requests for access as the gateway answers them (GET /access-requests), as far as the pages read them. */
import type { Key } from '../messages/en.ts';

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
  /** Of what was delivered: until when it stays. */
  expiresAt?: string;
  /** Of what was delivered: id of the holder's Patient. */
  patient?: string;
  /** Not all of it has arrived. */
  delivery?: { undelivered: number };
}

export interface AccessRequests {
  accessRequests: AccessRequest[];
  /** Path of the next page. */
  next?: string;
}

/** Those that she can still answer. */
export const isWaiting = ({ status, pending }: AccessRequest): boolean =>
  status === 'requested' && pending === 'patient';

/** By how it stands, what is said of it. */
export const STATUS_SAID: Readonly<Record<string, Key>> = {
  ...{ requested: 'statusRequested', granted: 'statusGranted', refused: 'statusRefused', purged: 'statusPurged' },
};
