/** gateway.Gateway/CommitStatus: waits until a transaction is committed on the gateway's peer (spec 1.5). */
import { status } from '@grpc/grpc-js';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel, CommittedTransaction, Ledger } from '../seams.ts';
import { GatewayError } from '../server/error.ts';

/** The transactions one peer's clients wait for, told from its blocks. */
export class CommitWaiters {
  readonly #waiting = new Map<string, Set<(transaction: CommittedTransaction) => void>>();
  readonly #ledger: Ledger;
  readonly #organisation: string;

  constructor(ledger: Ledger, organisation: string) {
    this.#ledger = ledger;
    this.#organisation = organisation;
    ledger.subscribe(organisation, (block) => {
      for (const transaction of block.transactions) this.#tell(transaction);
    });
  }

  /** Calls back at once or when the transaction commits; answers a function that stops waiting. */
  wait(txId: string, tell: (transaction: CommittedTransaction) => void): () => void {
    const known = this.#ledger.transaction(txId);
    if (known && known.block < this.#ledger.height(this.#organisation)) {
      tell(known);
      return () => {};
    }
    const waiting = this.#waiting.get(txId) ?? new Set();
    this.#waiting.set(txId, waiting.add(tell));
    return () => {
      waiting.delete(tell);
      if (waiting.size === 0) this.#waiting.delete(txId);
    };
  }

  /** A transaction id that was in the ledger before keeps its first outcome. */
  #tell({ txId }: CommittedTransaction): void {
    const waiting = this.#waiting.get(txId);
    if (!waiting) return;
    this.#waiting.delete(txId);
    const first = this.#ledger.transaction(txId);
    if (first) for (const tell of waiting) tell(first);
  }
}

/**
 * The transaction a serialised SignedCommitStatusRequest asks for.
 * @throws GatewayError INVALID_ARGUMENT or PERMISSION_DENIED.
 */
export async function readCommitStatusRequest(channel: Channel, bytes: Uint8Array): Promise<string> {
  const signed = new Message(bytes);
  const data = signed.bytes(1);
  if (bytes.length === 0) throw invalid('a commit status request is required');
  const request = decode(data);
  const [txId, named, creator] = [request.text(1), request.text(2), request.bytes(3)];
  if (creator.length === 0) throw invalid('no identity provided');
  if (named === '') throw invalid('no channel ID provided');
  if (txId === '') throw invalid('transaction ID should not be empty');
  await requireReader(channel, named, { creator, data, signature: signed.bytes(2) });
  return txId;
}

/** @throws GatewayError PERMISSION_DENIED, also where the channel is unknown. */
export async function requireReader(
  channel: Channel,
  named: string,
  signed: { creator: Uint8Array; data: Uint8Array; signature: Uint8Array },
): Promise<void> {
  const denied =
    named === channel.name
      ? await channel.checkAcl('events', signed)
      : named === ''
        ? 'Invalid channel ID name during check policy on signed data. Name must be different from nil.'
        : `Failed to get policy manager for channel [${named}]`;
  if (denied !== undefined) throw new GatewayError(status.PERMISSION_DENIED, denied);
}

/** A serialised CommitStatusResponse. */
export function encodeCommitStatus({ code, block }: CommittedTransaction): Buffer {
  return encode([1, code], [2, block]);
}

function decode(data: Uint8Array): Message {
  try {
    return new Message(data);
  } catch (error) {
    throw invalid(`invalid status request: ${(error as Error).message}`);
  }
}

function invalid(message: string): GatewayError {
  return new GatewayError(status.INVALID_ARGUMENT, message);
}
