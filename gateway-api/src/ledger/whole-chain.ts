/**
 * The chain from its first block on, as this organisation's peer has it now, for whoever makes the read model a second time.
 * Each block is held against its own hash and the one before: what the peer's files lost is named as the peer's.
 */
import { peer } from '@hyperledger/fabric-protos';
import { lastConfigOf, type Orderers, orderersOf } from '@telemed-ledger/formats/channel/ordering.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type { HashedKey } from '@telemed-ledger/verifier/entry.ts';
import type { Evidence } from '@telemed-ledger/verifier/evidence.ts';
import { type BlockScope, evidenceIn, hashedWritesIn, type ParsedBlock, parseBlock } from './block.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { isOversized } from './feed.ts';

export interface ChainReader {
  connection: LedgerConnection;
  identity: () => Promise<Enrolled>;
  scope: BlockScope;
}

/** The peer delivered a block that is not what its hash says, or that does not follow the one before. */
export class DamagedBlock extends Error {
  readonly block: number;

  constructor(block: number) {
    super(`block ${block} of the peer is not what its hash says`);
    this.block = block;
  }
}

/** Waits at the end of the chain for the next block, until `stop`. @throws {DamagedBlock}; Error where the peer is away. */
export async function* wholeChain(reader: ChainReader, stop: AbortSignal): AsyncGenerator<ParsedBlock> {
  let previous: ParsedBlock | undefined;
  for (;;) {
    const due = previous === undefined ? 0 : previous.number + 1;
    try {
      for await (const delivered of streamOf(reader, due, stop)) {
        previous = checked(delivered, reader.scope, previous);
        yield previous;
      }
      stop.throwIfAborted();
    } catch (error) {
      if (!isOversized(error)) throw error;
      previous = checked(
        await withoutPrivateData(reader, previous === undefined ? 0 : previous.number + 1),
        reader.scope,
        previous,
      );
      yield previous;
    }
  }
}

async function* streamOf(
  { connection, identity }: ChainReader,
  start: number,
  stop: AbortSignal,
): AsyncGenerator<peer.BlockAndPrivateData> {
  const events = await connection.network(await identity()).getBlockAndPrivateDataEvents({ startBlock: BigInt(start) });
  const close = (): void => events.close();
  stop.addEventListener('abort', close);
  try {
    for await (const delivered of events) {
      stop.throwIfAborted();
      yield delivered;
    }
  } finally {
    stop.removeEventListener('abort', close);
    events.close();
  }
}

/** A block whose private data is more than one message holds. */
async function withoutPrivateData(
  { connection, identity }: ChainReader,
  number: number,
): Promise<peer.BlockAndPrivateData> {
  const blocks = await connection.network(await identity()).getBlockEvents({ startBlock: BigInt(number) });
  try {
    for await (const block of blocks) {
      const delivered = new peer.BlockAndPrivateData();
      delivered.setBlock(block);
      return delivered;
    }
    throw new Error(`block ${number} was not delivered`);
  } finally {
    blocks.close();
  }
}

/** The private writes of one envelope, as this organisation's peer has it in its blocks. */
export async function writesAt(reader: ChainReader, block: number, position: number): Promise<HashedKey[]> {
  const found = (await withoutPrivateData(reader, block)).getBlock();
  return found === undefined ? [] : hashedWritesIn(found, position, reader.scope);
}

/** Fabric's own evidence of one envelope, from the same blocks. */
export async function evidenceAt(reader: ChainReader, block: number, position: number): Promise<Evidence | undefined> {
  const found = (await withoutPrivateData(reader, block)).getBlock();
  return found && evidenceIn(found, position);
}

/**
 * Who orders the channel, by the configuration under which a block was ordered.
 * @throws Error where the peer does not deliver that block, or the configuration's
 */
export async function orderersAt(reader: ChainReader, block: number): Promise<Orderers> {
  const found = (await withoutPrivateData(reader, block)).getBlock();
  if (found === undefined) throw new Error(`block ${block} was not delivered`);
  const configuration = block === 0 ? found : (await withoutPrivateData(reader, lastConfigOf(found))).getBlock();
  if (configuration === undefined) throw new Error('the configuration was not delivered');
  return orderersOf(configuration);
}

/** @throws {DamagedBlock} */
export function checked(
  delivered: peer.BlockAndPrivateData,
  scope: BlockScope,
  previous: ParsedBlock | undefined,
): ParsedBlock {
  const number = previous === undefined ? 0 : previous.number + 1;
  const block = delivered.getBlock();
  const data = block?.getData()?.getDataList_asU8() ?? [];
  const stated = block?.getHeader()?.getDataHash_asU8() ?? new Uint8Array(0);
  if (!sha256(...data).equals(stated)) throw new DamagedBlock(number);
  const parsed = parseBlock(delivered, scope);
  const follows = previous === undefined || parsed.previousHash === previous.hash;
  if (parsed.number !== number || !follows) throw new DamagedBlock(number);
  return parsed;
}
