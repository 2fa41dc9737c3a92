/** The nodes of the native network as healing.ts works with them: read, started again, and asked when a block was made. */
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULTS } from '@telemed-ledger/gateway-api/config.ts';
import { LedgerConnection } from '@telemed-ledger/gateway-api/ledger/connect.ts';
import type { Binaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { timeOfBlock } from '@telemed-ledger/network/fabric/block-time.ts';
import type { Nodes } from '@telemed-ledger/network/fabric/healing.ts';
import { quorumOf } from '@telemed-ledger/network/fabric/lag.ts';
import { addressOf, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { type Material, organisationIn } from '@telemed-ledger/network/fabric/material.ts';
import { readNodes, restartNode } from '@telemed-ledger/network/fabric/network.ts';
import { reachOf } from '../consortium/profile.ts';
import type { NetworkContext } from './context.ts';

/** `binaries` are needed to start anything. */
export function nodesOf(context: NetworkContext, material: Material, binaries?: () => Promise<Binaries>): Nodes {
  const { consortium, layout } = context;
  const { channel } = consortium;
  return {
    quorum: quorumOf(layout.ordering, layout.orderers.length),
    read: () => readNodes(layout, channel, material),
    restart: async (name) => {
      if (binaries === undefined) throw new Error(`${name} is only looked at`);
      await restartNode(layout, name, channel, material, await binaries());
    },
    timeOf: async (block) => {
      for (const peer of layout.peers) {
        const time = await timeAt(context, material, peer, block).catch(() => undefined);
        if (time !== undefined) return time;
      }
      return undefined;
    },
    delay: (ms) => delay(ms),
  };
}

const TIMEOUTS = { ...DEFAULTS.timeouts, evaluateMs: 5_000 };

/** The time of a block's first transaction, by one peer. */
async function timeAt(
  { consortium, layout }: NetworkContext,
  material: Material,
  peer: PeerLayout,
  block: number,
): Promise<Date | undefined> {
  const organisation = organisationIn(material, peer.organisation.name);
  const reach = reachOf(layout.dataDir, consortium, organisation, addressOf(peer), peer.serverName);
  const connection = new LedgerConnection(reach.connection, TIMEOUTS);
  try {
    const qscc = connection.network(await reach.identities.of('system')).getContract('qscc');
    const question = { arguments: [consortium.channel, String(block)], endorsingOrganizations: [peer.mspId] };
    return timeOfBlock(await qscc.evaluate('GetBlockByNumber', question));
  } finally {
    connection.close();
  }
}
