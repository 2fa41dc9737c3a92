/**
 * What a peer decides by its own organisation's MSP and not by the channel's configuration: who may ask what it has
 * joined and installed, and every proposal that names no channel.
 * @see https://github.com/hyperledger/fabric/blob/v3.1.5/core/policy/policy.go CheckPolicyNoChannel
 */
import { msp } from '@hyperledger/fabric-protos';
import type { Identities, SignedData } from '../seams.ts';

const { MSPRoleType } = msp.MSPRole;
const ROLES: Record<string, number> = { Admins: MSPRoleType.ADMIN, Members: MSPRoleType.MEMBER };
const CHANNELLESS = 'during channelless check policy with policy';

export interface LocalMsp {
  mspId: string;
  identities: Identities;
}

/**
 * Why the signer does not satisfy a local policy, in Fabric's words; undefined when it does.
 * @param policy `Admins` or `Members`; a channel's policy path is asked for by proposals without a channel and refused
 */
export async function checkLocalPolicy(
  { mspId, identities }: LocalMsp,
  policy: string,
  { creator, data, signature }: SignedData,
): Promise<string | undefined> {
  const identity = identities.parse(creator);
  if (identity?.mspId !== mspId) {
    const reason = `expected MSP ID ${mspId}, received ${identity?.mspId ?? ''}`;
    return `Failed deserializing proposal creator ${CHANNELLESS} [${policy}]: [${reason}]`;
  }
  const role = ROLES[policy];
  if (role === undefined) {
    const reason = `MSP Principal role [${policy}] not recognized`;
    return `Failed getting local MSP principal ${CHANNELLESS} [${policy}]: [${reason}]`;
  }
  const invalidity = identities.invalidity(identity);
  if (invalidity !== undefined || (role === MSPRoleType.ADMIN && identity.nodeOu !== 'admin')) {
    const reason =
      invalidity === undefined
        ? `The identity is not an admin under this MSP [${mspId}]: The identity does not contain OU [ADMIN], MSP: [${mspId}]`
        : `The identity is not valid under this MSP [${mspId}]: ${invalidity}`;
    return `Failed verifying that proposal's creator satisfies local MSP principal ${CHANNELLESS} [${policy}]: [${reason}]`;
  }
  return (await identities.verify(identity, data, signature)) ? undefined : 'The signature is invalid';
}
