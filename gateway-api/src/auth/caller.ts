/** Who is calling, as the verified token states. */
import type { CaretakerAct } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import type { Response } from 'express';
import type { Scopes } from './grants.ts';

export interface Caller {
  /** Subject of the token: the client or the person. */
  subject: string;
  role: Role;
  /** For instance `Practitioner/…` or `Patient/…`. */
  fhirUser?: string;
  /** Id of the application that was given the token, where this gateway's own authorization server gave it. */
  client?: string;
  /** What the token is limited to, beside its role; absent: to nothing. */
  scopes?: Scopes;
  /** Of a patient: ids of her other Patient records, which links make hers (subjects/links/). */
  linked?: readonly string[];
  /** The header Accept-Language of the request. */
  languages?: string;
  /** Of a caretaker: for whom, as the delegations in force say. */
  actsFor?: ActsFor;
}

/** A patient for whom a caretaker acts, and what he may do for her. */
export interface ActsFor {
  /** Id of the Patient. */
  patient: string;
  acts: readonly CaretakerAct[];
}

const CALLER = 'caller';

/** For the rest of the request: `callerOf` returns it. */
export const setCaller = (response: Response, caller: Caller): void => {
  response.locals[CALLER] = caller;
};

/** The caller, where there is one: open requests have none. */
export const callerIn = (response: Response): Caller | undefined => response.locals[CALLER] as Caller | undefined;

/** The caller of a request behind authentication. */
export const callerOf = (response: Response): Caller => response.locals[CALLER] as Caller;

/** Id of the Patient whom a patient's token names; undefined where it names none, and for whoever is no patient. */
export const ownPatient = ({ role, fhirUser }: Pick<Caller, 'role' | 'fhirUser'>): string | undefined =>
  role === 'patient' ? /^Patient\/(.+)$/.exec(fhirUser ?? '')?.[1] : undefined;

/** Whoever asks, with what the organisation's system sends: where a certificate of a patient's would stand in the block. */
export const asSystem = ({ subject }: Caller): Caller => ({ subject, role: 'system' });
