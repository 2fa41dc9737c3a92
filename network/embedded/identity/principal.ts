/**
 * MSP principals: what a policy asks of one signer, as a question that is decoded once and asked often.
 */
import { msp } from '@hyperledger/fabric-protos';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import type { NodeOu } from './msp.ts';

/** What a principal can ask about an identity. */
export interface PrincipalSubject {
  mspId: string;
  creator: Uint8Array;
  nodeOu: NodeOu | undefined;
  organizationalUnits: readonly string[];
  /** undefined when it is a valid member of its MSP. */
  invalidity: string | undefined;
}

export type PrincipalTest = (subject: PrincipalSubject) => boolean;

const { Classification } = msp.MSPPrincipal;
const Role = msp.MSPRole.MSPRoleType;

/** @throws Error on bytes that cannot be decoded; a classification that is not supported is satisfied by nobody. */
export function principalTest(principal: msp.MSPPrincipal): PrincipalTest {
  const bytes = principal.getPrincipal_asU8();
  switch (principal.getPrincipalClassification()) {
    case Classification.ROLE:
      return roleTest(msp.MSPRole.deserializeBinary(bytes));
    case Classification.IDENTITY:
      return (subject) => subject.invalidity === undefined && bufferOf(subject.creator).equals(bytes);
    case Classification.ORGANIZATION_UNIT:
      return unitTest(msp.OrganizationUnit.deserializeBinary(bytes));
    case Classification.COMBINED: {
      const tests = msp.CombinedPrincipal.deserializeBinary(bytes).getPrincipalsList().map(principalTest);
      return (subject) => tests.length > 0 && tests.every((test) => test(subject));
    }
    default:
      return () => false;
  }
}

function roleTest(role: msp.MSPRole): PrincipalTest {
  const mspId = role.getMspIdentifier();
  const valid = (subject: PrincipalSubject) => subject.mspId === mspId && subject.invalidity === undefined;
  const nodeOu = NODE_OU_OF_ROLE.get(role.getRole());
  if (role.getRole() === Role.MEMBER) return valid;
  if (nodeOu === undefined) return () => false;
  return (subject) => subject.nodeOu === nodeOu && valid(subject);
}

const NODE_OU_OF_ROLE = new Map<number, NodeOu>([
  [Role.ADMIN, 'admin'],
  [Role.CLIENT, 'client'],
  [Role.PEER, 'peer'],
  [Role.ORDERER, 'orderer'],
]);

function unitTest(unit: msp.OrganizationUnit): PrincipalTest {
  const mspId = unit.getMspIdentifier();
  const name = unit.getOrganizationalUnitIdentifier();
  return (subject) =>
    subject.mspId === mspId && subject.invalidity === undefined && subject.organizationalUnits.includes(name);
}
