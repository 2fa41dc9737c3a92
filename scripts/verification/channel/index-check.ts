/** Whether a peer's indexes lead to what its blocks hold: some transactions by their id, some blocks by their hash (qscc). */
import { randomInt } from 'node:crypto';
import type { Network } from '@hyperledger/fabric-gateway';
import {
  decodeBlock,
  headerHash,
  type StoredBlock,
  TRANSACTIONS_FILTER,
} from '@telemed-ledger/formats/blocks/block.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { parseTransaction } from '@telemed-ledger/network/embedded/ledger/blocks/transaction.ts';
import type { PeerFinding } from './peer-findings.ts';
import { kindOf, PeerAway } from './reach.ts';

const SAMPLES = 40;

interface Sample {
  block: number;
  hash: Buffer;
  txId: string;
  /** What the transaction's envelope holds: its payload. */
  payload: Buffer;
  code: number;
}

/** Keeps some transactions of a stream of blocks, each with the same chance, and the newest. */
export class IndexSample {
  readonly #kept: Sample[] = [];
  #seen = 0;
  #newest: Sample | undefined;

  add(block: StoredBlock): void {
    const codes = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
    for (const [tx, envelope] of block.envelopes.entries()) {
      const { txId, payload } = parseTransaction(envelope);
      if (txId === '') continue;
      const code = codes[tx] ?? 0;
      const sample = { block: block.header.number, hash: headerHash(block.header), txId, payload, code };
      this.#newest = sample;
      this.#seen++;
      const at = this.#kept.length < SAMPLES ? this.#kept.length : randomInt(this.#seen);
      if (at < SAMPLES) this.#kept[at] = sample;
    }
  }

  get all(): Sample[] {
    return this.#newest ? [...new Set([...this.#kept, this.#newest])] : this.#kept;
  }
}

/** @throws PeerAway */
export async function checkIndex(network: Network, mspId: string, samples: Sample[]): Promise<PeerFinding[]> {
  const qscc = network.getContract('qscc');
  const channel = network.getName();
  const ask = async (name: string, argument: string | Uint8Array): Promise<Uint8Array | undefined> => {
    const request = { arguments: [channel, argument], endorsingOrganizations: [mspId] };
    return qscc.evaluate(name, request).catch((error) => {
      const reason = kindOf(error);
      if (reason instanceof PeerAway) throw reason;
      return undefined;
    });
  };
  const findings: PeerFinding[] = [];
  for (const { block, hash, ...sample } of samples) {
    const found = await ask('GetTransactionByID', sample.txId);
    const place = `transaction ${sample.txId}`;
    if (!found) findings.push({ part: 'index', place, what: 'missing: an entry of the index of transactions' });
    else if (!isTransaction(found, sample)) {
      findings.push({ part: 'index', place, what: 'altered: an entry of the index of transactions' });
    }
    const byHash = await ask('GetBlockByHash', hash);
    if (!byHash || decodeBlock(byHash).header.number !== block) {
      findings.push({ part: 'index', place: `block ${block}`, what: 'missing: an entry of the index of block hashes' });
    }
  }
  return findings;
}

/** peer.TxValidationCode */
const DUPLICATE_TXID = 9;

/** Whether a ProcessedTransaction is this one; one whose id was used before is found as the first one. */
function isTransaction(found: Uint8Array, { payload, code }: Pick<Sample, 'payload' | 'code'>): boolean {
  if (code === DUPLICATE_TXID) return true;
  const processed = new Message(found);
  return processed.number(2) === code && processed.message(1).bytes(1).equals(payload);
}
