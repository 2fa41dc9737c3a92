/** The role principals that policies are written with: `AMSP.member`, `AMSP.peer` and so on. */
import { msp } from '@hyperledger/fabric-protos';

const Role = msp.MSPRole.MSPRoleType;

export const ROLES = {
  member: Role.MEMBER,
  admin: Role.ADMIN,
  client: Role.CLIENT,
  peer: Role.PEER,
  orderer: Role.ORDERER,
} as const;
export type RoleName = keyof typeof ROLES;

const NAME_OF_ROLE = new Map<number, RoleName>(
  Object.entries(ROLES).map(([name, role]) => [role, name as RoleName] as const),
);

export interface RolePrincipal {
  mspId: string;
  role: RoleName;
}

export function rolePrincipal({ mspId, role }: RolePrincipal): msp.MSPPrincipal {
  const value = new msp.MSPRole();
  value.setMspIdentifier(mspId);
  value.setRole(ROLES[role]);
  const principal = new msp.MSPPrincipal();
  principal.setPrincipalClassification(msp.MSPPrincipal.Classification.ROLE);
  principal.setPrincipal(value.serializeBinary());
  return principal;
}

/** The role a principal asks for; undefined for principals of another kind. */
export function roleOf(principal: msp.MSPPrincipal): RolePrincipal | undefined {
  if (principal.getPrincipalClassification() !== msp.MSPPrincipal.Classification.ROLE) return undefined;
  const value = msp.MSPRole.deserializeBinary(principal.getPrincipal_asU8());
  const role = NAME_OF_ROLE.get(value.getRole());
  return role === undefined ? undefined : { mspId: value.getMspIdentifier(), role };
}
