/** When nodes and chaincode run: into the channel, and the chaincode to where everybody endorses with everybody. */
import { prepareNodes } from '@telemed-ledger/network/ca/nodes.ts';
import { prepareOrganisations } from '@telemed-ledger/network/ca/organisations.ts';
import { loadConsortium } from '@telemed-ledger/network/consortium.ts';
import { findBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { deploy } from '@telemed-ledger/network/fabric/deployment.ts';
import { layoutOf } from '@telemed-ledger/network/fabric/layout.ts';
import { joinNetwork } from '@telemed-ledger/network/fabric/network.ts';
import { CONTAINERS } from '@telemed-ledger/network/fabric/place.ts';
import { dataDirectory } from '../command-line.ts';
import { chaincodeOf } from '../network/chaincode.ts';
import { untilAllEndorse } from '../network/endorsing.ts';

export async function deployNetwork(report: (line: string) => void): Promise<void> {
  const consortium = loadConsortium(process.env['CONSORTIUM'] || undefined);
  const layout = layoutOf(dataDirectory(), consortium, 'bft', CONTAINERS);
  const { peer } = findBinaries(process.env).found;
  if (peer === undefined) throw new Error("Fabric's peer is not in FABRIC_BIN");
  const binaries = { peer };
  const prepared = await prepareOrganisations(layout.dataDir, consortium, CONTAINERS.hostsOf);
  const material = {
    consortium: prepared,
    nodes: await prepareNodes(layout.dataDir, consortium, CONTAINERS.hostsOf),
  };
  await joinNetwork(layout, consortium.channel, material, binaries);
  report('every orderer and peer is in the channel');
  // The containers serve the package already: `setup` told them which, and they run before this does.
  const serve = async (): Promise<void> => undefined;
  const { changed, sequence } = await deploy(consortium, layout, material, binaries, chaincodeOf(consortium), {
    serve,
    report,
  });
  await untilAllEndorse({ consortium, layout }, material);
  report(
    `${changed ? 'deployed' : 'nothing to do'}: sequence ${sequence}, every organisation endorses with every other`,
  );
}
