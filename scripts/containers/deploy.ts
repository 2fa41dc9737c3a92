/** When nodes and chaincode run: into the channel, and the chaincode to where everybody endorses with everybody. */
import { requirePeer } from '@telemed-ledger/network/fabric/binaries.ts';
import { deploy } from '@telemed-ledger/network/fabric/deployment.ts';
import { layoutOf } from '@telemed-ledger/network/fabric/layout.ts';
import { joinNetwork } from '@telemed-ledger/network/fabric/network.ts';
import { CONTAINERS } from '@telemed-ledger/network/fabric/place.ts';
import { materialOf } from '@telemed-ledger/network/fabric/prepare.ts';
import { dataDirectory, definedConsortium } from '../command-line.ts';
import { chaincodeOf } from '../network/chaincode.ts';
import { untilAllEndorse } from '../network/endorsing.ts';

export async function deployNetwork(report: (line: string) => void): Promise<void> {
  const consortium = definedConsortium();
  const layout = layoutOf(dataDirectory(), consortium, 'bft', CONTAINERS);
  const binaries = requirePeer(process.env);
  const material = await materialOf(consortium, layout);
  await joinNetwork(layout, consortium.channel, material, binaries);
  report('every orderer and peer is in the channel');
  // The containers already serve the package that `setup` named to them: they start before this command.
  const serve = async (): Promise<void> => undefined;
  const { changed, sequence } = await deploy(consortium, layout, material, binaries, chaincodeOf(consortium), {
    load: serve,
    serve,
    report,
  });
  await untilAllEndorse({ consortium, layout }, material);
  report(
    `${changed ? 'deployed' : 'nothing to do'}: sequence ${sequence}, every organisation endorses with every other`,
  );
}
