/** Each block that one peer delivers: whether it is the next one, whole, ordered, and validated as it says. */
import {
  COMMIT_HASH,
  dataHash,
  headerHash,
  type StoredBlock,
  TRANSACTIONS_FILTER,
} from '@telemed-ledger/formats/blocks/block.ts';
import { CONFIG } from '@telemed-ledger/formats/blocks/transaction.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { parseTransaction } from '@telemed-ledger/network/embedded/ledger/blocks/transaction.ts';
import { commitHashFits } from '@telemed-ledger/network/embedded/ledger/verification/commit-hash-check.ts';
import type { DeliveredBlock } from './deliver.ts';
import { Ordering } from './ordering.ts';
import type { PeerFinding } from './peer-findings.ts';

/** What must be the same on every peer; undefined of a block that could not be read. */
export type Digest = { header: string; codes: string } | undefined;

export class BlockCheck {
  readonly findings: PeerFinding[] = [];
  /** By number. */
  readonly digests: Digest[] = [];
  /** Unknown where the block that says so is damaged: then signatures are not checked. */
  #ordering: Ordering | undefined;
  /** The block before, where it was as it should be: what follows from another one tells nothing. */
  #previous: StoredBlock | undefined;

  /** Blocks read so far, those included that could not be. */
  get height(): number {
    return this.digests.length;
  }

  /** The peer cannot deliver the next one. */
  missed(): void {
    this.findings.push({ part: 'blocks', place: `block ${this.height}`, what: 'unreadable: the block' });
    this.digests.push(undefined);
    this.#previous = undefined;
  }

  /** Answers whether the block is as it should be, so that what it holds may be believed. */
  async check({ bytes, block }: DeliveredBlock): Promise<boolean> {
    const number = this.height;
    const { header, envelopes } = block;
    const faults = header.number === number ? await this.#faultsOf(block) : ['another block stands in its place'];
    for (const what of faults) this.findings.push({ part: 'blocks', place: `block ${number}`, what });
    const isConfiguration = envelopes.some((envelope) => parseTransaction(envelope).header?.type === CONFIG);
    if (isConfiguration && faults.length === 0) this.#ordering = new Ordering(bytes);
    this.digests.push({ header: headerHash(header).toString('base64'), codes: codesDigest(block) });
    this.#previous = faults.length === 0 ? block : undefined;
    return faults.length === 0;
  }

  async #faultsOf(block: StoredBlock): Promise<string[]> {
    const { header, envelopes } = block;
    const faults: string[] = [];
    if (!dataHash(envelopes).equals(header.dataHash)) faults.push('its transactions are not those that were ordered');
    if (this.#previous && !header.previousHash.equals(headerHash(this.#previous.header))) {
      faults.push('it does not follow the block before');
    }
    // The first block is nobody's: it is compared with the others' first blocks.
    if (header.number > 0 && (await this.#ordering?.isSigned(block)) === false) {
      faults.push("the orderers' signatures do not hold");
    }
    if (isCommitted(block, this.#previous) === false) {
      faults.push('its validation codes and commit hash do not follow from it');
    }
    return faults;
  }
}

/** Whether the commit hash follows; undefined where that cannot be told. */
function isCommitted(block: StoredBlock, previous: StoredBlock | undefined): boolean | undefined {
  try {
    return commitHashFits(block, [previous]);
  } catch {
    // What stands in its place is no message.
    return false;
  }
}

/** Codes and commit hash, which each peer writes by itself. */
function codesDigest({ metadata }: StoredBlock): string {
  const nothing = Buffer.alloc(0);
  return sha256(metadata[TRANSACTIONS_FILTER] ?? nothing, metadata[COMMIT_HASH] ?? nothing).toString('base64');
}
