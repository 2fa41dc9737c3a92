/**
 * What one gateway's container is given, and no more: a data directory in small, with its organisation's identities,
 * the keys that tokens are checked with, and the registrar that can enrol users alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import { ensureIssuer } from '@telemed-ledger/gateway-api/auth/issuer.ts';
import type { PreparedOrganisation } from '@telemed-ledger/network/ca/organisations.ts';
import { gatewayVolume } from '@telemed-ledger/network/fabric/compose/volumes.ts';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { addressOf, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { madeUpParties } from '../consortium/parties.ts';
import { reachOf } from '../consortium/profile.ts';

/** A file of the gateway's, as a container sees it that mounts the gateway's volume under the data directory. */
export const gatewayPath = (organisation: string, ...path: string[]): string =>
  join(gatewayVolume(organisation).directory, 'organisations', organisation, ...path);

/** The organisation's registrar and the keys of its nodes, its administrator and its token issuer are not among them. */
const GIVEN = ['ca', 'gateway-registrar', 'identities'];

/** Paths in `connection.json` are those that the gateway sees. */
export async function writeGatewayFiles(
  dataDir: string,
  consortium: ConsortiumDefinition,
  organisation: PreparedOrganisation,
  peer: PeerLayout,
): Promise<void> {
  const { name, directory } = organisation;
  reachOf(dataDir, consortium, organisation, addressOf(peer), peer.serverName);
  for (const given of GIVEN) {
    for (const file of filesIn(join(directory, given)))
      writeIfDifferent(gatewayPath(name, given, file), readFileSync(join(directory, given, file)));
  }
  const connection = readFileSync(join(directory, 'connection.json'));
  writeIfDifferent(gatewayPath(name, 'connection.json'), connection);
  writeIfDifferent(gatewayPath(name, 'consortium.json'), JSON.stringify(membersOf(consortium)));
  // The operator's own stays.
  const parties = gatewayPath(name, 'x12-parties.json');
  if (!existsSync(parties)) writeIfDifferent(parties, JSON.stringify(madeUpParties(consortium)));
  writeIfDifferent(gatewayPath(name, 'jwks.json'), JSON.stringify(await ensureIssuer(join(directory, 'issuer'))));
}

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
