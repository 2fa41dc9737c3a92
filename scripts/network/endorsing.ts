/**
 * Whether every organisation's gateway peer can have a proposal endorsed by every organisation: it knows the peers, the
 * peers hold the committed definition, and their chaincode answers alike.
 */
import { qualifiedName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { DEFAULTS } from '@telemed-ledger/gateway-api/config.ts';
import { LedgerConnection } from '@telemed-ledger/gateway-api/ledger/connect.ts';
import { addressOf, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { type Material, organisationIn } from '@telemed-ledger/network/fabric/material.ts';
import pRetry from 'p-retry';
import { reachOf } from '../consortium/profile.ts';
import type { NetworkContext } from './context.ts';

const TIMEOUT_MS = 60_000;
const POLL_MS = 100;
/** Writes nothing, and is not submitted. */
const QUESTION = qualifiedName('ListOrganisations');

/** @throws Error naming every organisation that cannot, and its last error. */
export async function untilAllEndorse(context: NetworkContext, material: Material): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  const endorsers = context.layout.peers.map(({ mspId }) => mspId);
  const failures = await Promise.all(
    context.layout.peers.map(async (peer) => {
      const failure = await untilEndorsed(context, peer, material, endorsers, deadline);
      return failure === undefined ? [] : [`${peer.organisation.name}: ${failure}`];
    }),
  );
  const lines = failures.flat();
  if (lines.length > 0) throw new Error(`not every organisation endorses within a minute:\n${lines.join('\n')}`);
}

/** Whether one organisation's peer endorses; others may be away. @throws Error with its last error. */
export async function untilEndorses(context: NetworkContext, material: Material, peer: PeerLayout): Promise<void> {
  const failure = await untilEndorsed(context, peer, material, [peer.mspId], Date.now() + TIMEOUT_MS);
  if (failure !== undefined) throw new Error(`${peer.process} does not endorse within a minute: ${failure}`);
}

async function untilEndorsed(
  { consortium, layout }: NetworkContext,
  peer: PeerLayout,
  material: Material,
  endorsingOrganizations: string[],
  deadline: number,
): Promise<string | undefined> {
  const organisation = organisationIn(material, peer.organisation.name);
  const reach = reachOf(layout.dataDir, consortium, organisation, addressOf(peer), peer.serverName);
  const connection = new LedgerConnection(reach.connection, DEFAULTS.timeouts);
  try {
    const contract = connection.contract(await reach.identities.of('system'));
    const ask = () => contract.newProposal(QUESTION, { arguments: ['{}'], endorsingOrganizations }).endorse();
    await pRetry(ask, {
      ...{ retries: Number.POSITIVE_INFINITY, minTimeout: POLL_MS, factor: 1 },
      maxRetryTime: Math.max(0, deadline - Date.now()),
    });
    return undefined;
  } catch (error) {
    return described(error);
  } finally {
    connection.close();
  }
}

/** The peers' own words, where there are any. */
function described(error: unknown): string {
  const { message, details = [] } = error as { message: string; details?: { address: string; message: string }[] };
  return [message, ...details.map((detail) => `${detail.address}: ${detail.message}`)].join('; ');
}
