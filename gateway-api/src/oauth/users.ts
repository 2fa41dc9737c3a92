/** Who signed in, as one text: the role, and the FHIR user where there is one. */
import { ROLES, type Role } from '@telemed-ledger/consortium/members.ts';

export interface User {
  role: Role;
  fhirUser?: string;
}

export const accountOf = ({ role, fhirUser }: User): string => (fhirUser === undefined ? role : `${role}:${fhirUser}`);

/** @throws Error for what `accountOf` did not make */
export function userOf(account: string): User {
  const [role = '', fhirUser] = account.split(':');
  if (!ROLES.includes(role as Role)) throw new Error('no such account');
  return { role: role as Role, ...(fhirUser === undefined ? {} : { fhirUser }) };
}
