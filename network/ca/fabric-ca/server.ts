/**
 * What an organisation's Fabric CA server needs before it first runs: root keys, so that roots are known up front, its
 * own TLS certificate, its configuration and its registrar's secret. See
 * https://hyperledger-fabric-ca.readthedocs.io/en/latest/serverconfig.html
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { stringify } from 'yaml';
import { type AuthorityFiles, readOrCreateAuthorities } from '../authorities.ts';
import { type KeyPair, LOCAL_HOSTS, openAuthority } from '../authority.ts';
import { assertUsable, readOrCreate, removeUnfinished, writeIfDifferent } from '../key-store.ts';
import { NODE_DAYS } from '../lifetimes.ts';
import { together } from '../together.ts';
import { FABRIC_CA_FILE, type FabricCaFile } from './reach.ts';
import { type AuthorityPlace, CA_NAME, REGISTRAR, serverConfig, TLS_CA_NAME, tlsCaConfig } from './server-config.ts';

/** The server's home, `fabric-ca-server start --home`: root keys, configuration and its database. */
export const authorityHome = (dataDir: string, organisation: string): string =>
  join(dataDir, 'authorities', organisation);

/**
 * Makes what every organisation's Fabric CA server and those who use it need, under `authorities/<org>` and
 * `organisations/<org>`. Call it before the servers run. Safe to repeat and to interrupt; keys are made once.
 * @throws UnusableCertificatesError; Error when an organisation has another authority already or root keys are missing.
 */
export async function prepareAuthorities(
  dataDir: string,
  consortium: ConsortiumDefinition,
  placeOf: (organisation: string) => AuthorityPlace,
): Promise<void> {
  await together(consortium.organisations.map(({ name }) => prepareAuthority(dataDir, name, placeOf(name))));
}

async function prepareAuthority(dataDir: string, name: string, place: AuthorityPlace): Promise<void> {
  const home = authorityHome(dataDir, name);
  const organisation = join(dataDir, 'organisations', name);
  await Promise.all([home, join(home, TLS_CA_NAME), organisation, join(organisation, 'ca')].map(removeUnfinished));
  refuseOtherAuthority(home, join(organisation, 'ca'), name);
  const roots = await readOrCreateAuthorities(join(home, 'keys'), name);
  await prepareServerCertificate(home, name, roots, place);
  const { secret } = await readOrCreate(join(organisation, 'registrar'), ['secret'] as const, async () => ({
    secret: randomBytes(32).toString('hex'),
  }));
  await writeIfDifferent(join(home, CONFIG_FILE), stringify(serverConfig(place, secret)));
  await writeIfDifferent(join(home, TLS_CA_NAME, CONFIG_FILE), stringify(tlsCaConfig(secret)));
  await prepareReach(join(organisation, 'ca'), roots, place);
}

const CONFIG_FILE = 'fabric-ca-server-config.yaml';

function refuseOtherAuthority(home: string, ca: string, name: string): void {
  if (existsSync(join(ca, 'ca.key')))
    throw new Error(
      `${ca}: ${name} has a development authority, whose certificates are in use; begin anew for Fabric CA`,
    );
  if (existsSync(ca) && !existsSync(join(home, 'keys')))
    throw new Error(`${join(home, 'keys')} is missing, and with it the root keys of ${name}: restore it or begin anew`);
}

async function prepareServerCertificate(
  home: string,
  name: string,
  roots: AuthorityFiles,
  { host }: AuthorityPlace,
): Promise<void> {
  const hosts = [...new Set([host, ...LOCAL_HOSTS])];
  const directory = join(home, 'server');
  const files = await readOrCreate(directory, ['tls.pem', 'tls.key'] as const, async () => {
    const tlsca = await openAuthority({ certificate: roots['tlsca.pem'], privateKey: roots['tlsca.key'] });
    const { certificate, privateKey }: KeyPair = await tlsca.enrolServer(`ca-${name}`, hosts, NODE_DAYS);
    return { 'tls.pem': certificate, 'tls.key': privateKey };
  });
  const root = (file: 'ca.pem' | 'tlsca.pem') => ({ path: join(home, 'keys', file), certificate: roots[file] });
  const tls = { path: join(directory, 'tls.pem'), certificate: files['tls.pem'], issuer: roots['tlsca.pem'], hosts };
  assertUsable([root('ca.pem'), root('tlsca.pem'), tls], new Date());
}

async function prepareReach(directory: string, roots: AuthorityFiles, { host, port }: AuthorityPlace): Promise<void> {
  const reach: FabricCaFile = {
    url: `https://${host}:${port}`,
    caName: CA_NAME,
    tlsCaName: TLS_CA_NAME,
    tlsRootCertificate: 'tlsca.pem',
    registrar: { name: REGISTRAR, secretFile: '../registrar/secret' },
  };
  const text = `${JSON.stringify(reach, null, 2)}\n`;
  const made = await readOrCreate(directory, ['ca.pem', 'tlsca.pem', FABRIC_CA_FILE] as const, async () => ({
    'ca.pem': roots['ca.pem'],
    'tlsca.pem': roots['tlsca.pem'],
    [FABRIC_CA_FILE]: text,
  }));
  if (made['ca.pem'] !== roots['ca.pem'] || made['tlsca.pem'] !== roots['tlsca.pem'])
    throw new Error(`${directory} is of other authorities than the server's keys: restore the one or the other`);
  await writeIfDifferent(join(directory, FABRIC_CA_FILE), text);
}
