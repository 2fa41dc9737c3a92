/** Which peers the gateway may ask, in which order, and how it asks them (spec 1.2). */
import { admit, type Denial } from '../endorser/admission.ts';
import type { Endorsed } from '../endorser/endorser.ts';
import { type Proposal, readProposal } from '../endorser/proposal.ts';
import type { Channel, Ledger } from '../seams.ts';
import type { ErrorDetail } from '../server/error.ts';
import type { Peer } from '../server/peer.ts';
import { isSystemChaincode } from '../system/names.ts';
import { classify, type EndorserFailure, unreachable } from './classify.ts';

/** What the gateway of one peer works with. */
export interface GatewayParts {
  /** The peer the client dialled. */
  local: Peer;
  peers: Peer[];
  channel: Channel;
  ledger: Ledger;
}

/** A proposal on its way through the gateway; the checks that depend on no peer are made once. */
export interface Call {
  parts: GatewayParts;
  proposal: Proposal;
  admission: Promise<Denial | undefined>;
}

export function openCall(parts: GatewayParts, proposal: Proposal): Call {
  const admission = admit(proposal, parts.channel, parts.ledger, parts.local.mspId);
  // Whoever asks a peer hears of a failure; nobody may ask.
  admission.catch(() => {});
  return { parts, proposal, admission };
}

export async function ask(peer: Peer, { parts, proposal, admission }: Call): Promise<Endorsed | EndorserFailure> {
  await peer.pause.over;
  if (peer.reach.signal.aborted) return unreachable(peer.address);
  return classify(await peer.endorser.process(proposal, admission), peer === parts.local);
}

export function detailOf(peer: Peer, failure: EndorserFailure): ErrorDetail {
  return { address: peer.address, mspId: peer.mspId, message: failure.message };
}

/** Peers that run a chaincode: the gateway's own first, then by descending height. */
export function peersRunning(chaincode: string, { peers, local, ledger }: GatewayParts): Peer[] {
  const isSystem = isSystemChaincode(chaincode);
  const isDefined = isSystem || ledger.definition(chaincode) !== undefined;
  const rank = (peer: Peer) => (peer === local ? Number.POSITIVE_INFINITY : ledger.height(peer.organisation));
  return peers
    .filter((peer) => isDefined && (isSystem || peer.runtime.has(chaincode)))
    .sort((a, b) => rank(b) - rank(a));
}

/**
 * The proposal of an Evaluate or Endorse request with the gateway's own checks (spec 1.1).
 * @throws Error with the reason it cannot be unpacked.
 */
export function unpack(signedProposal: Uint8Array): Proposal & { chaincode: string } {
  const proposal = readProposal(signedProposal);
  const { channel, chaincode } = proposal;
  if (channel === '') throw new Error('no channel id provided');
  if (!proposal.hasSpec) throw new Error(`no chaincode spec is provided, channel id [${channel}]`);
  if (chaincode === undefined) throw new Error(`no chaincode id is provided, channel id [${channel}]`);
  if (chaincode === '') throw new Error(`no chaincode name is provided, channel id [${channel}]`);
  return { ...proposal, chaincode };
}
