/**
 * The checks a proposal passes before it is simulated (spec 4.4), in Fabric's order. They depend on the channel and
 * the clock only, so one proposal endorsed by several peers is checked once.
 */
import { common } from '@hyperledger/fabric-protos';
import { CONFIG, ENDORSER_TRANSACTION } from '@telemed-ledger/formats/blocks/transaction.ts';
import type { Channel, Ledger } from '../seams.ts';
import { isSystemChaincode } from '../system/names.ts';
import { computeTxId, type Proposal } from './proposal.ts';

const TIME_WINDOW_MS = 15 * 60_000;

/**
 * Why a proposal is not simulated. `refused`: the peer answers a bare gRPC error. `rejected`: a response with status
 * 500 and the error, which only a local caller sees. `answered`: a response with status 500 alone.
 */
export interface Denial {
  kind: 'refused' | 'rejected' | 'answered';
  message: string;
}

/**
 * The denial, or undefined. A proposal without a channel is held to the MSP `localMspId` of the peer that is asked; one
 * that reaches several peers always names its channel, so the outcome holds for all of them.
 */
export async function admit(
  proposal: Proposal,
  channel: Channel,
  ledger: Ledger,
  localMspId: string,
): Promise<Denial | undefined> {
  const untimely = checkTime(proposal, channel);
  if (untimely) return { kind: 'refused', message: untimely };
  const incomplete = checkParts(proposal);
  if (incomplete) return { kind: 'rejected', message: incomplete };
  if (proposal.channel !== '' && proposal.channel !== channel.name) {
    return { kind: 'answered', message: `channel '${proposal.channel}' not found` };
  }
  const invalid = checkHeader(proposal) ?? (await checkCreator(proposal, channel, localMspId));
  if (invalid) return { kind: 'rejected', message: `error validating proposal: ${invalid}` };
  if (proposal.channel === '') return withoutChannel(proposal.chaincode ?? '');
  if (ledger.transaction(proposal.txId)) {
    const creator = Buffer.from(proposal.signed.creator).toString('hex');
    return { kind: 'rejected', message: `duplicate transaction found [${proposal.txId}]. Creator [${creator}]` };
  }
  if (isSystemChaincode(proposal.chaincode ?? '')) return undefined;
  const denied = await channel.checkAcl('propose', proposal.signed);
  return denied === undefined ? undefined : { kind: 'rejected', message: denied };
}

/** The peer's own chaincodes answer without a channel; no other is defined there. */
function withoutChannel(chaincode: string): Denial | undefined {
  if (isSystemChaincode(chaincode)) return undefined;
  const message =
    `make sure the chaincode ${chaincode} has been successfully defined on channel  and try again: ` +
    "could not get channel config for channel ''";
  return { kind: 'answered', message };
}

function checkTime(proposal: Proposal, channel: Channel): string | undefined {
  const identity = channel.identities.parse(proposal.signed.creator);
  if (identity && identity.notAfter.getTime() < Date.now()) return 'proposal client identity expired';
  const timestamp = proposal.timestamp ?? 0;
  if (Math.abs(Date.now() - timestamp) <= TIME_WINDOW_MS) return undefined;
  return (
    `request unauthorized due to incorrect timestamp ${rfc3339(timestamp)}, ` +
    `peer time ${rfc3339(Date.now())}, peer.authentication.timewindow 15m0s`
  );
}

/** As Go writes a time: whole seconds. What no calendar holds is given as its seconds. */
function rfc3339(timeMs: number): string {
  const time = new Date(timeMs);
  return Number.isNaN(time.getTime()) ? `${timeMs / 1000}` : `${time.toISOString().slice(0, -'.000Z'.length)}Z`;
}

function checkParts(proposal: Proposal): string | undefined {
  if (proposal.extensionChaincode === undefined) return 'ChaincodeHeaderExtension.ChaincodeId is nil';
  if (proposal.extensionChaincode === '') return 'ChaincodeHeaderExtension.ChaincodeId.Name is empty';
  if (!proposal.hasSpec) return 'chaincode invocation spec did not contain chaincode spec';
  if (proposal.input === undefined) return 'chaincode input did not contain any input';
  return undefined;
}

function checkHeader(proposal: Proposal): string | undefined {
  const { type, epoch, nonce, signed, txId } = proposal;
  if (type !== ENDORSER_TRANSACTION && type !== CONFIG) return `invalid header type ${nameOf(type)}`;
  if (epoch !== 0) return 'epoch is non-zero';
  if (nonce.length === 0) return 'nonce is empty';
  if (signed.creator.length === 0) return 'creator is empty';
  const expected = computeTxId(nonce, signed.creator);
  if (txId !== expected) return `incorrectly computed txid '${txId}' -- expected '${expected}'`;
  if (signed.signature.length === 0) return 'empty signature bytes';
  return undefined;
}

/** As Go prints a common.HeaderType. */
const nameOf = (type: number): string =>
  Object.entries(common.HeaderType).find(([, value]) => value === type)?.[0] ?? String(type);

async function checkCreator(
  { signed, channel }: Proposal,
  { identities }: Channel,
  localMspId: string,
): Promise<string | undefined> {
  const creator = identities.parse(signed.creator);
  const isKnown = creator !== undefined && (channel !== '' || creator.mspId === localMspId);
  if (!isKnown) return `access denied: channel [${channel}] creator org unknown, creator is malformed`;
  const denied = `access denied: channel [${channel}] creator org [${creator.mspId}]`;
  if (identities.invalidity(creator) !== undefined) return denied;
  return (await identities.verify(creator, signed.data, signed.signature)) ? undefined : denied;
}
