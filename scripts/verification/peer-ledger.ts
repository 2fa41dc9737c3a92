/**
 * The ledger of the embedded network, verified: by the running network, which alone may open its store, or from the
 * store's files where nothing runs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { prepareEmbedded } from '@telemed-ledger/network/ca/organisations.ts';
import type { NetworkConfig } from '@telemed-ledger/network/embedded/config.ts';
import { BlockReader } from '@telemed-ledger/network/embedded/ledger/blocks/block-files.ts';
import { ordererDirectory, storeDirectory } from '@telemed-ledger/network/embedded/ledger/directories.ts';
import { type Verification, verifyLedger } from '@telemed-ledger/network/embedded/ledger/verification/verify.ts';
import { askForVerification } from '@telemed-ledger/network/embedded/operations/client.ts';
import { networkConfigOf } from '@telemed-ledger/network/network-config.ts';

/** No chaincode runs while a store is verified. */
const NO_CHAINCODE = { version: '', packageId: '', addresses: {} };

/** What an organisation's own peer answers, by what `npm start` wrote into its connection.json. */
export async function verifyRunning(dataDir: string, organisation: string): Promise<Verification> {
  const file = join(dataDir, 'organisations', organisation, 'connection.json');
  if (!existsSync(file)) throw new Error(`${file} does not exist: start the consortium first (npm start)`);
  const { endpoint, tlsServerName, tlsRootCertificate, mspId, channel, identities } = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const read = (path: string): string => readFileSync(path, 'utf8');
  const { certificate, privateKey } = identities.operator;
  return askForVerification({
    endpoint,
    tlsServerName,
    tlsRootCertificate: read(tlsRootCertificate),
    channel,
    mspId,
    identity: { certificate: read(certificate), privateKey: read(privateKey) },
  });
}

/** @throws Error where there is no ledger, or it is another network's. */
export async function verifyStopped(dataDir: string, consortium: ConsortiumDefinition): Promise<Verification> {
  const networkDir = join(dataDir, 'network');
  const dir = storeDirectory(networkDir);
  const orderer = new BlockReader(ordererDirectory(networkDir));
  if (!existsSync(dir) && orderer.height === 0)
    throw new Error(`${dataDir} holds no ledger: start the consortium first (npm start)`);
  return verifyLedger({ dir, orderer, config: await networkConfigWithoutChaincode(dataDir, consortium) });
}

/** What the network is started with, as far as a look at its ledger needs it. */
export async function networkConfigWithoutChaincode(
  dataDir: string,
  consortium: ConsortiumDefinition,
): Promise<NetworkConfig> {
  const prepared = await prepareEmbedded(dataDir, consortium);
  return networkConfigOf(join(dataDir, 'network'), consortium, prepared, NO_CHAINCODE);
}

/** What all peers share, and what is one organisation's own. */
export function onlyOf(organisation: string, verification: Verification): Verification {
  const { damages, privateValues } = verification;
  return {
    ...verification,
    privateValues: { [organisation]: privateValues[organisation] ?? 0 },
    damages: damages.filter((damage) => damage.organisation === undefined || damage.organisation === organisation),
  };
}
