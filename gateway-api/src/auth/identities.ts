/** The X.509 identities that a gateway signs with: by role, or by the FHIR user that a token names. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import type { Sender } from '../ledger/client.ts';
import type { Enrolled } from '../ledger/connect.ts';

/** Where the identities of one organisation come from: stored ones, or a CA that enrols on demand. */
export interface Identities {
  of(role: Role, fhirUser?: string): Promise<Enrolled>;
  /** Whether the organisation has revoked it meanwhile; asked before each use. */
  isRevoked?(identity: Enrolled): boolean;
}

/** Asks for each identity once; one that could not be had is asked for again. @throws LedgerError FORBIDDEN where it is revoked */
export function rememberedIdentities(identities: Identities): (sender: Sender) => Promise<Enrolled> {
  const known = new Map<string, Promise<Enrolled>>();
  return async ({ role, fhirUser }) => {
    const name = `${role} ${fhirUser ?? ''}`;
    const found = known.get(name) ?? identities.of(role, fhirUser);
    known.set(name, found);
    found.catch(() => known.delete(name));
    const identity = await found;
    if (identities.isRevoked?.(identity) === true)
      throw new LedgerError('FORBIDDEN', 'the certificate of this caller has been revoked');
    return identity;
  };
}
