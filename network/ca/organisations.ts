/**
 * The keys and certificates of a consortium that runs on this machine, under DATA_DIR: made once, used ever after.
 * A real organisation makes its own elsewhere; nothing outside this folder knows how they come about.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ORDERER_MSP } from '@telemed-ledger/consortium/consistency.ts';
import type { ConsortiumDefinition, OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { ROLES_OF_KIND } from '@telemed-ledger/consortium/members.ts';
import { type Authorities, authoritiesIn, gatewayRegistrarDirectory, userAuthority } from './authorities.ts';
import { type Authority, type KeyPair, LOCAL_HOSTS, type ServerAuthority } from './authority.ts';
import { assertUsable, type CertificateFile, readOrCreate, removeUnfinished } from './key-store.ts';
import { NODE_DAYS, USER_DAYS } from './lifetimes.ts';
import { isRenewed, settleRenewal } from './renewals.ts';
import { together } from './together.ts';

/** Paths of PEM files. */
export interface IdentityFiles {
  certificate: string;
  privateKey: string;
}

export interface PreparedOrganisation {
  name: string;
  mspId: string;
  kind: OrganisationDefinition['kind'];
  /** `organisations/<name>` under the data directory. */
  directory: string;
  caCertificate: string;
  tlsCaCertificate: string;
  tlsCaCertificateFile: string;
  /** PEM lists; those in `ca/crl.pem`. */
  revocationLists: string[];
  peer: { identity: KeyPair; tls: KeyPair };
  /** One per role of its kind. */
  identities: Record<string, IdentityFiles>;
}

export interface PreparedOrderer {
  mspId: string;
  caCertificate: string;
  tlsCaCertificate: string;
  identity: KeyPair;
}

export interface PreparedConsortium {
  organisations: PreparedOrganisation[];
}

export interface PreparedEmbedded extends PreparedConsortium {
  orderer: PreparedOrderer;
}

/** The names and IP addresses by which a node is reached: `peer-<organisation>` or an orderer's name. */
export type HostsOf = (node: string) => readonly string[];
export const localHosts: HostsOf = () => LOCAL_HOSTS;

/**
 * Makes what is missing and reads what is there. Safe to repeat and to interrupt.
 * @throws UnusableCertificatesError naming every certificate that has expired, is of another authority or does not name
 *   its node's hosts; FabricCaError where an organisation's Fabric CA does not answer or refuses.
 */
export async function prepareOrganisations(
  dataDir: string,
  consortium: ConsortiumDefinition,
  hostsOf: HostsOf = localHosts,
): Promise<PreparedConsortium> {
  const checked: CertificateFile[] = [];
  const organisations = await together(
    consortium.organisations.map((organisation) =>
      prepareOrganisation(organisationDirectory(dataDir, organisation.name), organisation, hostsOf, checked),
    ),
  );
  assertUsable(checked, new Date());
  return { organisations };
}

/** The same, and the embedded network's one orderer, which is nobody's: an authority and an identity of its own. */
export async function prepareEmbedded(dataDir: string, consortium: ConsortiumDefinition): Promise<PreparedEmbedded> {
  const [{ organisations }, orderer] = await Promise.all([
    prepareOrganisations(dataDir, consortium),
    prepareOrderer(join(dataDir, 'network', 'orderer')),
  ]);
  return { organisations, orderer };
}

const inProgress = new Map<string, Promise<IdentityFiles>>();

/**
 * The identity of one user of an organisation in a role, enrolled at the first call. The directory's name is
 * `role-<hash>`, so that neither a path nor a common name says who it is; the `fhirUser` attribute does, of patients and
 * their relatives as `sha256:` and the reference's hash, because certificates stand in blocks.
 * @throws Error when the organisation has no such role or `fhirUser` is not a reference such as `Practitioner/…`.
 */
export function enrolUser(
  dataDir: string,
  organisation: string,
  role: string,
  fhirUser: string,
): Promise<IdentityFiles> {
  const directory = organisationDirectory(dataDir, organisation);
  const key = `${directory}\0${role}\0${fhirUser}`;
  const running = inProgress.get(key) ?? enrolUserNow(directory, role, fhirUser).finally(() => inProgress.delete(key));
  inProgress.set(key, running);
  return running;
}

async function enrolUserNow(directory: string, role: string, fhirUser: string): Promise<IdentityFiles> {
  if (!/^[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}$/.test(fhirUser)) throw new Error('fhirUser is not a FHIR reference');
  if (!/^[a-z]+$/.test(role)) throw new Error('the role is malformed');
  await readFile(join(directory, 'identities', role, 'cert.pem')).catch(() => {
    throw new Error(`the organisation has no role ${role}`);
  });
  const identity = userDirectory(directory, role, fhirUser);
  const name = basename(identity);
  await pairIn(identity, async () => {
    const authority = await userAuthority(directory);
    return authority.enrol({
      commonName: name,
      ou: 'client',
      attributes: { role, fhirUser: shown(fhirUser) },
      days: USER_DAYS,
    });
  });
  return filesOf(identity);
}

/** Where the identity of one user is, once there is one. @param directory the organisation's */
export const userDirectory = (directory: string, role: string, fhirUser: string): string =>
  join(
    directory,
    'identities',
    `${role}-${createHash('sha256').update(`${role} ${fhirUser}`).digest('hex').slice(0, 32)}`,
  );

/** Practitioners are known by name and licence anyway; nobody else is named. */
const shown = (fhirUser: string): string =>
  fhirUser.startsWith('Practitioner/') ? fhirUser : `sha256:${createHash('sha256').update(fhirUser).digest('hex')}`;

export const organisationDirectory = (dataDir: string, organisation: string): string =>
  join(dataDir, 'organisations', organisation);

async function prepareOrganisation(
  directory: string,
  organisation: OrganisationDefinition,
  hostsOf: HostsOf,
  checked: CertificateFile[],
): Promise<PreparedOrganisation> {
  const { name, mspId, kind } = organisation;
  await Promise.all([removeUnfinished(directory), removeUnfinished(join(directory, 'identities'))]);
  const authorities = await authoritiesIn(join(directory, 'ca'), name, checked);
  const hosts = hostsOf(`peer-${name}`);
  const peer = await peerIn(join(directory, 'peer'), name, authorities, { checked, hosts });
  await gatewayRegistrarIn(directory, authorities, checked);
  const roles = await together(
    ROLES_OF_KIND[kind].map(async (role) => {
      const identity = join(directory, 'identities', role);
      const pair = await pairIn(identity, () => enrolRole(authorities, role, name));
      const files = filesOf(identity);
      checked.push({ path: files.certificate, certificate: pair.certificate, issuer: authorities.caCertificate });
      return [role, files] as const;
    }),
  );
  return {
    name,
    mspId,
    kind,
    directory,
    caCertificate: authorities.caCertificate,
    tlsCaCertificate: authorities.tlsCaCertificate,
    tlsCaCertificateFile: join(directory, 'ca', 'tlsca.pem'),
    revocationLists: await revocationListsIn(join(directory, 'ca')),
    peer,
    identities: Object.fromEntries(roles),
  };
}

async function prepareOrderer(directory: string): Promise<PreparedOrderer> {
  const checked: CertificateFile[] = [];
  await removeUnfinished(directory);
  const authorities = await authoritiesIn(join(directory, 'ca'), 'orderer', checked);
  const identity = await pairIn(join(directory, 'identity'), async () =>
    (await authorities.identities()).enrol({ commonName: 'orderer', ou: 'orderer', days: NODE_DAYS }),
  );
  const path = filesOf(join(directory, 'identity')).certificate;
  checked.push({ path, certificate: identity.certificate, issuer: authorities.caCertificate });
  assertUsable(checked, new Date());
  const { caCertificate, tlsCaCertificate } = authorities;
  return { mspId: ORDERER_MSP, caCertificate, tlsCaCertificate, identity };
}

async function gatewayRegistrarIn(
  directory: string,
  { caCertificate, enrolGatewayRegistrar }: Authorities,
  checked: CertificateFile[],
): Promise<void> {
  if (enrolGatewayRegistrar === undefined) return;
  const registrar = gatewayRegistrarDirectory(directory);
  const { certificate } = await pairIn(registrar, enrolGatewayRegistrar);
  checked.push({ path: filesOf(registrar).certificate, certificate, issuer: caCertificate });
}

function peerIn(
  directory: string,
  name: string,
  authorities: Authorities,
  use: NodeUse,
): Promise<PreparedOrganisation['peer']> {
  return nodePairsIn(directory, authorities, use, peerIssue(name, use.hosts));
}

/** Issues the two pairs of a node. */
export type Issue = (ca: Authority, tlsca: ServerAuthority) => Promise<{ identity: KeyPair; tls: KeyPair }>;

export const peerIssue =
  (name: string, hosts: readonly string[]): Issue =>
  async (ca, tlsca) => ({
    identity: await ca.enrol({ commonName: `peer.${name}`, ou: 'peer', days: NODE_DAYS }),
    tls: await tlsca.enrolServer(`peer.${name}`, hosts, NODE_DAYS),
  });

/** The identity of one of an organisation's roles, which all its users in that role share unless they have their own. */
export const enrolRole = async (authorities: Authorities, role: string, name: string): Promise<KeyPair> =>
  (await authorities.identities()).enrol({
    commonName: `${role}.${name}`,
    ou: 'client',
    attributes: { role },
    days: USER_DAYS,
  });

export interface NodeUse {
  checked: CertificateFile[];
  hosts: readonly string[];
}

/** A node's identity and TLS certificate in a directory of its own; `issue` is called where they are not there yet. */
export async function nodePairsIn(
  directory: string,
  authorities: Authorities,
  { checked, hosts }: NodeUse,
  issue: Issue,
): Promise<{ identity: KeyPair; tls: KeyPair }> {
  await settleRenewal(directory);
  const files = await readOrCreate(directory, ['cert.pem', 'key.pem', 'tls.pem', 'tls.key'] as const, async () => {
    const { identity, tls } = await issue(...(await Promise.all([authorities.identities(), authorities.servers()])));
    return {
      'cert.pem': identity.certificate,
      'key.pem': identity.privateKey,
      'tls.pem': tls.certificate,
      'tls.key': tls.privateKey,
    };
  });
  const { caCertificate, tlsCaCertificate } = authorities;
  // What is about to be replaced may have expired.
  if (!isRenewed(directory)) {
    checked.push({ path: join(directory, 'cert.pem'), certificate: files['cert.pem'], issuer: caCertificate });
    checked.push({ path: join(directory, 'tls.pem'), certificate: files['tls.pem'], issuer: tlsCaCertificate, hosts });
  }
  return {
    identity: { certificate: files['cert.pem'], privateKey: files['key.pem'] },
    tls: { certificate: files['tls.pem'], privateKey: files['tls.key'] },
  };
}

export async function pairIn(directory: string, enrol: () => Promise<KeyPair>): Promise<KeyPair> {
  await settleRenewal(directory);
  const files = await readOrCreate(directory, ['cert.pem', 'key.pem'] as const, async () => {
    const { certificate, privateKey } = await enrol();
    return { 'cert.pem': certificate, 'key.pem': privateKey };
  });
  return { certificate: files['cert.pem'], privateKey: files['key.pem'] };
}

const filesOf = (directory: string): IdentityFiles => ({
  certificate: join(directory, 'cert.pem'),
  privateKey: join(directory, 'key.pem'),
});

/** A list that an operator put beside the authority's certificate. */
export async function revocationListsIn(directory: string): Promise<string[]> {
  try {
    return [await readFile(join(directory, 'crl.pem'), 'utf8')];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
