/**
 * Reads what the SDK throws when a proposal is endorsed or evaluated: a failure of the ledger's own (LedgerError),
 * something that a second try can cure, or neither. Texts are Fabric 3.1's.
 */
import { status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import { findLedgerError, type LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

export type Verdict =
  /** `unanimous`: every peer that was asked said so; otherwise one of them may lag behind. */
  | { kind: 'ledger'; error: LedgerError; unanimous: boolean }
  /** Peers disagree or one is away: ask again. `away`: no peer looked at the proposal's content. */
  | { kind: 'retry'; away: boolean }
  /** The peer takes no more calls. */
  | { kind: 'busy' }
  /** Nobody answered in time. */
  | { kind: 'silent' }
  | { kind: 'bug' };

/** `rpc error` is how a peer's gateway tells that the connection to another peer broke: that one was ended, or ended itself. */
const LAGGING =
  /ProposalResponsePayloads do not match|private data matching public hash version is not available|stream terminated|could not launch chaincode|chaincode registration failed|connection (?:refused|error)|error sending|^rpc error: code = /i;
const BUSY = /too many requests/i;

/** `asked` is how many peers were to answer. */
export function judge(error: unknown, asked: number): Verdict {
  if (!(error instanceof GatewayError)) return { kind: 'bug' };
  const details = error.details.map((detail) => detail.message);
  const texts = [error.message, ...details];
  const found = texts.map(findLedgerError).find((one) => one !== undefined);
  if (found !== undefined) {
    const refusals = details.filter((text) => findLedgerError(text) !== undefined).length;
    return { kind: 'ledger', error: found, unanimous: asked === 1 || refusals >= asked };
  }
  if (texts.some((text) => BUSY.test(text))) return { kind: 'busy' };
  if (error.code === status.DEADLINE_EXCEEDED || error.code === status.CANCELLED) return { kind: 'silent' };
  if (error.code === status.UNAVAILABLE || error.code === status.FAILED_PRECONDITION)
    return { kind: 'retry', away: true };
  if (texts.some((text) => LAGGING.test(text))) return { kind: 'retry', away: false };
  return { kind: 'bug' };
}

/** Whether an orderer said no to the bytes themselves, so that they cannot have been ordered. */
export function refusedByOrderer(error: unknown): boolean {
  return error instanceof GatewayError && error.code === status.ABORTED && /status=[A-Z_]+/.test(error.message);
}
