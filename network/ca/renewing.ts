/** New keys and certificates, by the name of who is to have them: `npm run network -- renew NAME`. */
import { join } from 'node:path';
import type { ConsortiumDefinition, OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { ROLES_OF_KIND } from '@telemed-ledger/consortium/members.ts';
import { type Authorities, authoritiesIn } from './authorities.ts';
import { administratorRequest, nodeIn, ordererRequest } from './nodes.ts';
import { enrolRole, type HostsOf, nodePairsIn, organisationDirectory, pairIn, peerIssue } from './organisations.ts';
import { renewalOf, takeRenewed } from './renewals.ts';

export interface Renewed {
  directories: string[];
  /** Whether they wait beside the old ones until the channel knows of them; otherwise they have taken their place. */
  waits: boolean;
}

/** Who can have new ones: `<orderer>`, `peer-<org>`, `admin-<org>`, `gateway-<org>`. */
export const renewable = ({ organisations, ordering }: ConsortiumDefinition): string[] => [
  ...ordering.orderers.map(({ name }) => name),
  ...organisations.flatMap(({ name }) => [`peer-${name}`, `admin-${name}`, `gateway-${name}`]),
];

/**
 * Makes new keys and certificates; what still waits from an earlier call is kept. The old ones may have expired.
 * @param name one of `renewable`
 * @throws Error where it is none of them, or the authority does not issue
 */
export async function renew(
  dataDir: string,
  consortium: ConsortiumDefinition,
  name: string,
  hostsOf: HostsOf,
): Promise<Renewed> {
  const orderer = consortium.ordering.orderers.find((one) => one.name === name);
  if (orderer !== undefined) {
    const organisation = await issuerIn(dataDir, orderer.organisation);
    const directory = join(organisation.directory, 'orderers', name);
    await nodeIn(renewalOf(directory), organisation.authorities, [], ordererRequest(name, hostsOf));
    return { directories: [directory], waits: true };
  }
  const [, what = '', own] = /^(peer|admin|gateway)-(.+)$/.exec(name) ?? [];
  const member = consortium.organisations.find((one) => one.name === own);
  const make = MAKERS[what];
  if (make === undefined || member === undefined) throw new Error(`there is no ${name}`);
  const directories = await make(await issuerIn(dataDir, member.name), member, hostsOf(name));
  for (const directory of directories) await takeRenewed(directory);
  return { directories, waits: false };
}

interface Issuer {
  directory: string;
  authorities: Authorities;
}

async function issuerIn(dataDir: string, organisation: string): Promise<Issuer> {
  const directory = organisationDirectory(dataDir, organisation);
  return { directory, authorities: await authoritiesIn(join(directory, 'ca'), organisation, []) };
}

type Make = (issuer: Issuer, member: OrganisationDefinition, hosts: readonly string[]) => Promise<string[]>;

/** Each makes the new ones beside the old ones, and answers the directories of those. */
const MAKERS: Record<string, Make> = {
  async peer(issuer, { name }, hosts) {
    const directory = join(issuer.directory, 'peer');
    const use = { checked: [], hosts };
    await nodePairsIn(renewalOf(directory), issuer.authorities, use, peerIssue(name, hosts));
    return [directory];
  },
  async admin(issuer, { name }) {
    const directory = join(issuer.directory, 'admin');
    await nodeIn(renewalOf(directory), issuer.authorities, [], administratorRequest(name));
    return [directory];
  },
  async gateway(issuer, { name, kind }) {
    const roles = ROLES_OF_KIND[kind];
    const directories = roles.map((role) => join(issuer.directory, 'identities', role));
    for (const [index, role] of roles.entries())
      await pairIn(renewalOf(directories[index]!), () => enrolRole(issuer.authorities, role, name));
    return directories;
  },
};
