/** The configuration that a running channel has, read from its members' peers, and the one that it is to have. */
import { common } from '@hyperledger/fabric-protos';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { configOf } from '@telemed-ledger/formats/channel/genesis.ts';
import type { Binaries } from '../binaries.ts';
import { fetchBlock } from '../channel.ts';
import { peerHeight } from '../health.ts';
import { addressOf, type Layout, type PeerLayout } from '../layout.ts';
import { type Material, organisationIn } from '../material.ts';
import type { Names } from './difference.ts';

export interface Configuration {
  /** Of the block that holds it. */
  block: number;
  group: common.ConfigGroup;
}

/**
 * What the peer that has come farthest says, asked by its own organisation's administrator; the next one where it does not.
 * @throws Error of the last one where none answers
 */
export async function runningConfiguration(
  { consortium, layout, material }: Changed,
  binaries: Pick<Binaries, 'peer'>,
): Promise<Configuration> {
  const { channel } = consortium;
  const heights = await Promise.all(
    layout.peers.map(async (peer) => ({ peer, height: await peerHeight(peer, channel) })),
  );
  let failure = 'none runs: npm run network -- up';
  for (const { peer } of heights
    .filter(({ height }) => height !== undefined)
    .toSorted((one, other) => other.height! - one.height!)) {
    try {
      return await configurationAt(peer, channel, material, binaries);
    } catch (error) {
      failure = (error as Error).message;
    }
  }
  throw new Error(`no peer says what the channel's configuration is: ${failure}`);
}

/** What a change is made of. */
export interface Changed {
  consortium: ConsortiumDefinition;
  layout: Layout;
  material: Material;
}

async function configurationAt(
  peer: PeerLayout,
  channel: string,
  material: Material,
  binaries: Pick<Binaries, 'peer'>,
): Promise<Configuration> {
  const { tlsCaCertificateFile } = organisationIn(material, peer.organisation.name);
  // Without an orderer the administrator's own peer is asked.
  return configurationIn(await fetchBlock('config', peer, channel, tlsCaCertificateFile, binaries));
}

/** In a configuration block. @throws Error where it holds none */
function configurationIn(bytes: Uint8Array): Configuration {
  const block = common.Block.deserializeBinary(bytes);
  const group = configOf(block).config.getChannelGroup();
  if (group === undefined) throw new Error('the configuration block holds no channel');
  return { block: block.getHeader()?.getNumber() ?? 0, group };
}

export const namesIn = ({ everywhere: { orderers, peers } }: Layout): Names => ({
  ordererAt: (host, port) => orderers.find((one) => addressOf(one) === `${host}:${port}`)?.process ?? `${host}:${port}`,
  organisationOf: (mspId) => peers.find((one) => one.mspId === mspId)?.organisation.name ?? mspId,
});
