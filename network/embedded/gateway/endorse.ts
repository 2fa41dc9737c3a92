/** gateway.Gateway/Endorse: collects equal endorsements and prepares the envelope to sign (spec 1.1 to 1.4). */
import { status } from '@grpc/grpc-js';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Endorsed } from '../endorser/endorser.ts';
import { type Proposal, readProposal } from '../endorser/proposal.ts';
import { type ErrorDetail, GatewayError } from '../server/error.ts';
import type { Peer } from '../server/peer.ts';
import { isFailure } from './classify.ts';
import { type Agreed, Collector, type Plan } from './layout.ts';
import { ask, type Call, detailOf, type GatewayParts, openCall, peersRunning } from './peers.ts';
import { defaultInterest, noCombination, planEndorsement } from './plan.ts';
import { prepareEnvelope } from './prepare.ts';

/** Answers a serialised EndorseRequest with a serialised EndorseResponse. */
export async function endorse(parts: GatewayParts, bytes: Uint8Array): Promise<Buffer> {
  const request = new Message(bytes);
  const proposal = unpackForEndorse(request);
  const call = openCall(parts, proposal);
  const organisations = request.list(4).map(String);
  const endorsed =
    organisations.length > 0
      ? await collect(new Collector(call), planOf(organisations, proposal.chaincode, parts))
      : await endorseFromFirst(call, proposal.chaincode);
  const endorsements = endorsed.flatMap(({ endorsement }) => (endorsement ? [endorsement] : []));
  const envelope = prepareEnvelope(proposal, (endorsed[0] as Endorsed).payload, endorsements);
  return encode([1, envelope, true]);
}

function unpackForEndorse(request: Message) {
  if (request.message(3).bytes(1).length === 0) {
    throw new GatewayError(status.INVALID_ARGUMENT, 'the proposed transaction must contain a signed proposal');
  }
  const proposal = readForEndorse(request.bytes(3));
  // Fabric looks for the channel's peers before it looks at what the proposal lacks.
  if (proposal.channel === '') throw new GatewayError(status.FAILED_PRECONDITION, '');
  return { ...proposal, chaincode: proposal.chaincode ?? '' };
}

function readForEndorse(signedProposal: Uint8Array): Proposal {
  try {
    return readProposal(signedProposal);
  } catch (error) {
    throw new GatewayError(status.INVALID_ARGUMENT, (error as Error).message);
  }
}

/** The organisations the client names: one peer of each, and no look at any policy. */
function planOf(organisations: string[], chaincode: string, parts: GatewayParts): Plan {
  const running = peersRunning(chaincode, parts);
  const groups = new Map<string, Peer[]>();
  for (const mspId of organisations) {
    groups.set(
      mspId,
      running.filter((peer) => peer.mspId === mspId),
    );
  }
  const missing = [...groups].filter(([, peers]) => peers.length === 0).map(([mspId]) => mspId);
  if (missing.length > 0) {
    const message = `failed to find any endorsing peers for org(s): ${missing.join(', ')}`;
    throw new GatewayError(status.UNAVAILABLE, message);
  }
  return { groups, layouts: [new Map([...groups.keys()].map((mspId) => [mspId, 1]))] };
}

/** No organisation named: a first endorser simulates, and what it touched decides who else must agree. */
async function endorseFromFirst(call: Call, chaincode: string): Promise<Endorsed[]> {
  const { parts, proposal } = call;
  if (proposal.channel !== parts.channel.name || !parts.ledger.definition(chaincode)) {
    throw noCombination(`No metadata was found for chaincode ${chaincode} in channel ${proposal.channel}`);
  }
  const first = await firstEndorsement(call, chaincode);
  const [[peer, endorsed]] = [...first] as [[Peer, Endorsed]];
  const interest = endorsed.interest.length > 0 ? endorsed.interest : defaultInterest(chaincode);
  return collect(new Collector(call, first), planEndorsement(parts, interest, peer, proposal.hasTransientData));
}

async function firstEndorsement(call: Call, chaincode: string): Promise<Agreed> {
  const { parts, proposal } = call;
  const running = peersRunning(chaincode, parts);
  const own = running.filter((peer) => peer.mspId === parts.local.mspId);
  if (own.length === 0 && proposal.hasTransientData) {
    const message =
      "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) to protect transient data";
    throw new GatewayError(status.FAILED_PRECONDITION, message);
  }
  const details: ErrorDetail[] = [];
  for (const peer of own.length > 0 ? own : running) {
    const outcome = await ask(peer, call);
    if (!isFailure(outcome)) return new Map([[peer, outcome]]);
    details.push(detailOf(peer, outcome));
  }
  throw new GatewayError(status.ABORTED, 'failed to endorse transaction, see attached details for more info', details);
}

async function collect(collector: Collector, plan: Plan): Promise<Endorsed[]> {
  const endorsed = await collector.collect(plan);
  if (endorsed) return endorsed;
  throw new GatewayError(
    status.ABORTED,
    'failed to collect enough transaction endorsements, see attached details for more info',
    collector.details,
  );
}
