/** When the certificate authorities run: everybody's keys, every node's directory, block 0, what the gateways are given. */
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import { untilAuthoritiesAnswer } from '@telemed-ledger/network/ca/fabric-ca/registry.ts';
import { packageOf } from '@telemed-ledger/network/fabric/deployment.ts';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { layoutOf } from '@telemed-ledger/network/fabric/layout.ts';
import { organisationIn } from '@telemed-ledger/network/fabric/material.ts';
import { CONTAINERS } from '@telemed-ledger/network/fabric/place.ts';
import { prepareNetwork } from '@telemed-ledger/network/fabric/prepare.ts';
import { dataDirectory, definedConsortium } from '../command-line.ts';
import { chaincodeOf, consortiumFile } from '../network/chaincode.ts';
import { servedFile } from '../network/context.ts';
import { writeGatewayFiles } from './gateway-files.ts';

/** Their health listener opens a moment before they do. */
const AUTHORITIES_TIMEOUT_MS = 30_000;

export async function setUpNetwork(report: (line: string) => void): Promise<void> {
  const dataDir = dataDirectory();
  const consortium = definedConsortium();
  const layout = layoutOf(dataDir, consortium, 'bft', CONTAINERS);
  await untilAuthoritiesAnswer(dataDir, consortium, AUTHORITIES_TIMEOUT_MS);
  const material = await prepareNetwork(consortium, layout);
  report(`keys and configuration of ${layout.orderers.length} orderers and ${layout.peers.length} peers, block 0`);
  for (const peer of layout.peers)
    await writeGatewayFiles(dataDir, consortium, organisationIn(material, peer.organisation.name), peer);
  // The chaincode's containers serve the package that `deploy` is about to bring to the peers.
  const { id } = packageOf(consortium, chaincodeOf(consortium));
  writeIfDifferent(consortiumFile(layout), JSON.stringify(membersOf(consortium)));
  writeIfDifferent(servedFile(layout), id);
  report(`chaincode ${id}`);
}
