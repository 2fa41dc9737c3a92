/** The X.509 identities that a gateway signs with: by role, or by the FHIR user that a token names. */
import type { Role } from '@telemed-ledger/consortium/members.ts';
import type { Sender } from '../ledger/client.ts';
import type { Enrolled } from '../ledger/connect.ts';

/** Where the identities of one organisation come from: stored ones, or a CA that enrols on demand. */
export interface Identities {
  of(role: Role, fhirUser?: string): Promise<Enrolled>;
}

/** Asks for each identity once; one that could not be had is asked for again. */
export function rememberedIdentities(identities: Identities): (sender: Sender) => Promise<Enrolled> {
  const known = new Map<string, Promise<Enrolled>>();
  return ({ role, fhirUser }) => {
    const name = `${role} ${fhirUser ?? ''}`;
    const found = known.get(name) ?? identities.of(role, fhirUser);
    known.set(name, found);
    found.catch(() => known.delete(name));
    return found;
  };
}
