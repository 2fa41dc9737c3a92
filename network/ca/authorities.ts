/**
 * Which authorities an organisation has, told by what lies in its `ca` directory: keys are the development authority's,
 * `fabric-ca.json` says where its Fabric CA is.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, createAuthority, type KeyPair, openAuthority, type ServerAuthority } from './authority.ts';
import { openFabricAuthority, openFabricServerAuthority } from './fabric-ca/authority.ts';
import { FABRIC_CA_FILE, readReach } from './fabric-ca/reach.ts';
import { assertUsable, type CertificateFile, readOrCreate } from './key-store.ts';

const AUTHORITY_DAYS = 3650;

export interface Authorities {
  caCertificate: string;
  tlsCaCertificate: string;
  /** Opened only where something is to be issued. */
  identities(): Promise<Authority>;
  servers(): Promise<ServerAuthority>;
  /** With Fabric CA: enrols who enrols users later on, the gateway's own registrar. */
  enrolGatewayRegistrar?: () => Promise<KeyPair>;
}

/** An organisation's two authorities; development authorities are made when there is nothing yet. */
export async function authoritiesIn(directory: string, name: string, checked: CertificateFile[]): Promise<Authorities> {
  const runsFabricCa = existsSync(join(directory, FABRIC_CA_FILE));
  const authorities = await (runsFabricCa ? fabricAuthorities(directory) : developmentAuthorities(directory, name));
  checked.push({ path: join(directory, 'ca.pem'), certificate: authorities.caCertificate });
  checked.push({ path: join(directory, 'tlsca.pem'), certificate: authorities.tlsCaCertificate });
  return authorities;
}

/** What enrols an organisation's users while its gateway runs; with Fabric CA it can register clients and nothing else. */
export async function userAuthority(organisationDirectory: string): Promise<Authority> {
  const directory = join(organisationDirectory, 'ca');
  if (existsSync(join(directory, FABRIC_CA_FILE))) {
    const reach = await readReach(directory);
    return openFabricAuthority(reach, () => gatewayRegistrar(organisationDirectory, reach.caCertificate));
  }
  const [certificate, privateKey] = await texts(directory, 'ca.pem', 'ca.key');
  return openAuthority({ certificate, privateKey });
}

export const gatewayRegistrarDirectory = (organisationDirectory: string): string =>
  join(organisationDirectory, 'gateway-registrar');

async function gatewayRegistrar(organisationDirectory: string, issuer: string): Promise<KeyPair> {
  const directory = gatewayRegistrarDirectory(organisationDirectory);
  const [certificate, privateKey] = await texts(directory, 'cert.pem', 'key.pem');
  assertUsable([{ path: join(directory, 'cert.pem'), certificate, issuer }], new Date());
  return { certificate, privateKey };
}

async function fabricAuthorities(directory: string): Promise<Authorities> {
  const reach = await readReach(directory);
  const identities = openFabricAuthority(reach);
  const servers = openFabricServerAuthority(reach);
  return {
    caCertificate: reach.caCertificate,
    tlsCaCertificate: reach.tlsCaCertificate,
    identities: async () => identities,
    servers: async () => servers,
    enrolGatewayRegistrar: () => identities.enrolGatewayRegistrar(),
  };
}

const AUTHORITY_FILES = ['ca.pem', 'ca.key', 'tlsca.pem', 'tlsca.key'] as const;
export type AuthorityFiles = Record<(typeof AUTHORITY_FILES)[number], string>;

async function developmentAuthorities(directory: string, name: string): Promise<Authorities> {
  const files = await readOrCreateAuthorities(directory, name);
  return {
    caCertificate: files['ca.pem'],
    tlsCaCertificate: files['tlsca.pem'],
    identities: () => openAuthority({ certificate: files['ca.pem'], privateKey: files['ca.key'] }),
    servers: () => openAuthority({ certificate: files['tlsca.pem'], privateKey: files['tlsca.key'] }),
  };
}

/** Certificates and keys of an organisation's authorities, for identities and for TLS. */
export function readOrCreateAuthorities(directory: string, name: string): Promise<AuthorityFiles> {
  return readOrCreate(directory, AUTHORITY_FILES, async () => {
    const [ca, tlsca]: KeyPair[] = await Promise.all([
      createAuthority(`ca.${name}`, name, AUTHORITY_DAYS),
      createAuthority(`tlsca.${name}`, name, AUTHORITY_DAYS),
    ]);
    return {
      'ca.pem': ca!.certificate,
      'ca.key': ca!.privateKey,
      'tlsca.pem': tlsca!.certificate,
      'tlsca.key': tlsca!.privateKey,
    };
  });
}

async function texts(directory: string, ...names: [string, string]): Promise<[string, string]> {
  const [first, second] = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return [first!, second!];
}
