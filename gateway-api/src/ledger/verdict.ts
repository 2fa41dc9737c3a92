/**
 * Reads what the SDK throws when one organisation's peer was asked to endorse or evaluate: what the chaincode said
 * (LedgerError), why the peer did not answer (LedgerFailure), or neither. Texts are Fabric 3.1's.
 */
import { status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import { findLedgerError, LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type FailureKind, LedgerFailure } from './ledger-failure.ts';

/** Whom was asked, and through whose peer. MSP ids. */
export interface Asked {
  organisation: string;
  own: string;
}

const CLOCK = /incorrect timestamp (\S+?),? peer time (\S+?),/;

/** The first that fits decides. `rpc error` is how a peer's gateway reports what another peer, or the way to it, said. */
const TEXTS: [FailureKind, RegExp][] = [
  ['clock', /incorrect timestamp/],
  ['refuses', /access denied|client identity expired|creator org unknown|creator is malformed/],
  ['quota', /too many requests|exceeding concurrency limit/i],
  ['slow', /timeout expired|deadline ?exceeded/i],
  [
    'lag',
    /private data matching public hash version is not available|ProposalResponsePayloads do not match|has been successfully defined on channel/,
  ],
  [
    'away',
    /stream terminated|could not launch chaincode|chaincode registration failed|connection (?:refused|error)|error sending|^rpc error: code = /i,
  ],
];

const CODES: Partial<Record<status, FailureKind>> = {
  [status.DEADLINE_EXCEEDED]: 'slow',
  [status.CANCELLED]: 'slow',
  [status.UNAVAILABLE]: 'away',
  [status.FAILED_PRECONDITION]: 'away',
};

/** A LedgerError, a LedgerFailure, or the error itself where it is neither. */
export function verdictOf(error: unknown, asked: Asked): Error {
  if (error instanceof LedgerFailure || error instanceof LedgerError) return error;
  if (!(error instanceof GatewayError)) return error instanceof Error ? error : new Error(String(error));
  const texts = [...error.details.map(({ message }) => message), error.message];
  const refusal = texts.map(findLedgerError).find((one) => one !== undefined);
  if (refusal !== undefined) return refusal;
  // What a chaincode of ours says is no peer's word, whatever words it uses.
  const ofPeers = texts.filter((text) => !text.includes('chaincode response '));
  const kind = TEXTS.find(([, text]) => ofPeers.some((one) => text.test(one)))?.[0] ?? CODES[error.code as status];
  if (kind === undefined) return error;
  const organisation = isOwnPeer(error) ? asked.own : asked.organisation;
  return new LedgerFailure(kind, messageOf(kind, organisation, texts), [organisation]);
}

/** Whether this gateway's own peer could not be reached, so that nobody else was asked. */
const isOwnPeer = ({ code, details, message }: GatewayError): boolean =>
  code === status.UNAVAILABLE && details.length === 0 && !/failed to find any endorsing peers/.test(message);

function messageOf(kind: FailureKind, organisation: string, texts: string[]): string {
  const peer = `The peer of ${organisation}`;
  if (kind === 'away') return `${peer}, its chaincode or the way to it is away.`;
  if (kind === 'slow') return `${peer} did not answer in time.`;
  if (kind === 'lag') return `${peer} has not got as far as what this rests on.`;
  if (kind === 'quota') return `${peer} takes no more calls at the moment.`;
  if (kind === 'refuses') return `${peer} refuses the identity that this gateway signs with.`;
  return clockMessage(peer, texts);
}

function clockMessage(peer: string, texts: string[]): string {
  const found = texts.map((text) => CLOCK.exec(text)).find((one) => one !== null);
  const apart = Date.parse(found?.[1] ?? '') - Date.parse(found?.[2] ?? '');
  const minutes = Math.round(Math.abs(apart) / 60_000);
  const by = Number.isNaN(apart) ? 'too far apart' : `${minutes} minutes ${apart < 0 ? 'behind' : 'ahead of'} it`;
  return Number.isNaN(apart)
    ? `${peer} refuses what is signed here: its clock and that of this machine are ${by}.`
    : `${peer} refuses what is signed here: the clock of this machine is ${by}.`;
}

/** Whether an orderer said no to the bytes themselves, so that they cannot have been ordered. */
export function refusedByOrderer(error: unknown): boolean {
  return error instanceof GatewayError && error.code === status.ABORTED && /status=[A-Z_]+/.test(error.message);
}
