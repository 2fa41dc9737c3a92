/**
 * Who calls: MSP, role and FHIR user as the caller's X.509 certificate states them. A field of a request is
 * never looked at here.
 */
import {
  type Consortium,
  type Kind,
  type Organisation,
  organisationByMsp,
  ROLES_OF_KIND,
  type Role,
} from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { LedgerError } from '../model/errors.ts';

export interface Caller {
  mspId: string;
  organisation: Organisation;
  role: Role;
  /** Relative FHIR reference such as `Practitioner/<id>`, or `sha256:` and its hash, when the certificate has one. */
  fhirUser: string | undefined;
}

/** What of a fabric-contract-api Context tells the caller. */
export type Identity = Pick<Context['clientIdentity'], 'getMSPID' | 'getAttributeValue'>;

/**
 * Reads the caller from the certificate's attributes (Fabric's extension 1.2.3.4.5.6.7.8.1).
 * @throws LedgerError FORBIDDEN when the MSP is not of the consortium or the role is not one of its kind's.
 */
export function callerOf(identity: Identity, consortium: Consortium): Caller {
  const mspId = identity.getMSPID();
  const organisation = organisationByMsp(consortium, mspId);
  if (organisation === undefined) throw new LedgerError('FORBIDDEN', 'the caller is of no member of the consortium');
  const attribute = identity.getAttributeValue('role');
  const role = ROLES_OF_KIND[organisation.kind].find((known) => known === attribute);
  if (role === undefined) throw new LedgerError('FORBIDDEN', `the certificate has no role of a ${organisation.kind}`);
  return { mspId, organisation, role, fhirUser: identity.getAttributeValue('fhirUser') ?? undefined };
}

/**
 * Holds a caller to the kinds and roles that a transaction is open to; an empty list is open to all.
 * @throws LedgerError FORBIDDEN
 */
export function checkCaller(caller: Caller, kinds: readonly Kind[], roles: readonly Role[]): void {
  if (kinds.length > 0 && !kinds.includes(caller.organisation.kind))
    throw new LedgerError('FORBIDDEN', `only a ${kinds.join(' or ')} may do this`);
  if (roles.length > 0 && !roles.includes(caller.role))
    throw new LedgerError('FORBIDDEN', `the role must be ${roles.join(' or ')}`);
}
