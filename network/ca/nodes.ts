/**
 * What a real Fabric network needs besides the organisations' peers and users: an identity and a TLS certificate for
 * every ordering node, of the organisation that runs it, and for one administrator of every organisation.
 */
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { type Authorities, authoritiesIn } from './authorities.ts';
import { type KeyPair, LOCAL_HOSTS } from './authority.ts';
import { assertUsable, type CertificateFile, removeUnfinished } from './key-store.ts';
import { NODE_DAYS, USER_DAYS } from './lifetimes.ts';
import { type HostsOf, type Issue, localHosts, nodePairsIn, organisationDirectory } from './organisations.ts';
import { isRenewed, renewalOf } from './renewals.ts';
import { together } from './together.ts';

export interface PreparedNode {
  identity: KeyPair;
  tls: KeyPair;
  /** Holds cert.pem, key.pem, tls.pem and tls.key. */
  directory: string;
  /** Those that are to take the place of these once the channel knows them (renewals.ts). */
  next?: { identity: KeyPair; tls: KeyPair };
}

export interface PreparedNodes {
  /** By the orderer's name. */
  orderers: Record<string, PreparedNode>;
  /** By the organisation's name. */
  administrators: Record<string, PreparedNode>;
}

/**
 * Makes what is missing under `organisations/<org>/admin` and `organisations/<org>/orderers/<name>`, reads what is
 * there. Call it after `prepareOrganisations`. `hostsOf` is asked by an orderer's name.
 * @throws UnusableCertificatesError naming every certificate that has expired or is of another authority.
 */
export async function prepareNodes(
  dataDir: string,
  consortium: ConsortiumDefinition,
  hostsOf: HostsOf = localHosts,
): Promise<PreparedNodes> {
  const checked: CertificateFile[] = [];
  const perOrganisation = await together(
    consortium.organisations.map(async ({ name }) => {
      const directory = organisationDirectory(dataDir, name);
      await removeUnfinished(join(directory, 'orderers'));
      const authorities = await authoritiesIn(join(directory, 'ca'), name, checked);
      const administrator = await administratorIn(directory, name, authorities, checked);
      const orderers = await together(
        consortium.ordering.orderers
          .filter(({ organisation }) => organisation === name)
          .map(async (orderer) => {
            const node = await nodeIn(
              join(directory, 'orderers', orderer.name),
              authorities,
              checked,
              ordererRequest(orderer.name, hostsOf),
            );
            return [orderer.name, node] as const;
          }),
      );
      return { name, administrator, orderers };
    }),
  );
  assertUsable(checked, new Date());
  return {
    orderers: Object.fromEntries(perOrganisation.flatMap(({ orderers }) => orderers)),
    administrators: Object.fromEntries(perOrganisation.map(({ name, administrator }) => [name, administrator])),
  };
}

/**
 * The administrator of every organisation alone, for a network without ordering nodes of the organisations.
 * @returns by the organisation's name
 * @throws UnusableCertificatesError
 */
export async function prepareAdministrators(
  dataDir: string,
  { organisations }: Pick<ConsortiumDefinition, 'organisations'>,
): Promise<PreparedNodes['administrators']> {
  const checked: CertificateFile[] = [];
  const administrators = await together(
    organisations.map(async ({ name }) => {
      const directory = organisationDirectory(dataDir, name);
      const authorities = await authoritiesIn(join(directory, 'ca'), name, checked);
      return [name, await administratorIn(directory, name, authorities, checked)] as const;
    }),
  );
  assertUsable(checked, new Date());
  return Object.fromEntries(administrators);
}

const administratorIn = (
  directory: string,
  name: string,
  authorities: Authorities,
  checked: CertificateFile[],
): Promise<PreparedNode> => nodeIn(join(directory, 'admin'), authorities, checked, administratorRequest(name));

export const administratorRequest = (name: string): NodeRequest => ({
  commonName: `admin.${name}`,
  ou: 'admin',
  days: USER_DAYS,
  hosts: LOCAL_HOSTS,
});

export const ordererRequest = (name: string, hostsOf: HostsOf): NodeRequest => ({
  commonName: name,
  ou: 'orderer',
  days: NODE_DAYS,
  hosts: hostsOf(name),
});

interface NodeRequest {
  commonName: string;
  ou: 'admin' | 'orderer';
  days: number;
  hosts: readonly string[];
}

/** What is asked of it is made where it is not there yet. */
export async function nodeIn(
  directory: string,
  authorities: Authorities,
  checked: CertificateFile[],
  request: NodeRequest,
): Promise<PreparedNode> {
  const { hosts, ...identity } = request;
  const issue: Issue = async (ca, tlsca) => ({
    identity: await ca.enrol(identity),
    tls: await tlsca.enrolNode(request.commonName, hosts, request.days),
  });
  const pairs = await nodePairsIn(directory, authorities, { checked, hosts }, issue);
  if (!isRenewed(directory)) return { ...pairs, directory };
  const next = await nodePairsIn(renewalOf(directory), authorities, { checked, hosts }, takenMeanwhile);
  return { ...pairs, directory, next };
}

/** Another command is just putting them in their place; nothing new is made of that. */
const takenMeanwhile: Issue = async () => {
  throw new Error('certificates are being renewed by another command; try again');
};
