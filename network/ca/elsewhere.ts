/**
 * Organisations of the consortium that are run from other hosts: of them there are certificates here and no key. Their
 * directory holds the file `elsewhere`, so that nothing is ever made in their name.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { organisationDirectory, revocationListsIn } from './organisations.ts';

/** The file that says so. */
export const ELSEWHERE = 'elsewhere';

/** What the others know of an organisation: PEM certificates and revocation lists. */
export interface PublicPart {
  name: string;
  mspId: string;
  caCertificate: string;
  tlsCaCertificate: string;
  /** A path. */
  tlsCaCertificateFile: string;
  revocationLists: string[];
  /** Of its ordering nodes, by their names. */
  orderers: Record<string, { identity: string; tls: string }>;
}

export const isElsewhere = (dataDir: string, organisation: string): boolean =>
  existsSync(join(organisationDirectory(dataDir, organisation), ELSEWHERE));

/** The definition with those alone who are run from here. */
export const hereIn = (dataDir: string, consortium: ConsortiumDefinition): ConsortiumDefinition => ({
  ...consortium,
  organisations: consortium.organisations.filter(({ name }) => !isElsewhere(dataDir, name)),
});

/** Of all who are run elsewhere. @throws Error naming a file that is missing */
export function publicParts(dataDir: string, { organisations }: ConsortiumDefinition): Promise<PublicPart[]> {
  const others = organisations.filter(({ name }) => isElsewhere(dataDir, name));
  return Promise.all(others.map(({ name, mspId }) => publicPart(organisationDirectory(dataDir, name), name, mspId)));
}

async function publicPart(directory: string, name: string, mspId: string): Promise<PublicPart> {
  const ca = join(directory, 'ca');
  const nodes = join(directory, 'orderers');
  const names = await readdir(nodes).catch(() => []);
  const orderers = names.map(async (node) => {
    const [identity, tls] = await Promise.all(['cert.pem', 'tls.pem'].map((file) => text(join(nodes, node, file))));
    return [node, { identity: identity!, tls: tls! }] as const;
  });
  return {
    ...{
      name,
      mspId,
      caCertificate: await text(join(ca, 'ca.pem')),
      tlsCaCertificate: await text(join(ca, 'tlsca.pem')),
    },
    tlsCaCertificateFile: join(ca, 'tlsca.pem'),
    revocationLists: await revocationListsIn(ca),
    orderers: Object.fromEntries(await Promise.all(orderers)),
  };
}

/** @throws Error where the organisation has not said what its node's certificates are */
export function ordererOf({ name, orderers }: PublicPart, node: string): { identity: string; tls: string } {
  const found = orderers[node];
  if (found === undefined) throw new Error(`${name} has not told the certificates of ${node}`);
  return found;
}

const text = (path: string): Promise<string> => readFile(path, 'utf8');
