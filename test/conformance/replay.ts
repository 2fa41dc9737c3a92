/** Pushes the blocks of another network's peer through the embedded network's validation and commit path. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { common } from '@hyperledger/fabric-protos';
import { createChannel } from '@telemed-ledger/network/embedded/channel/channel.ts';
import type { NetworkConfig } from '@telemed-ledger/network/embedded/config.ts';
import { openLedger } from '@telemed-ledger/network/embedded/ledger/ledger.ts';
import { type Material, ORGANISATIONS } from './material.ts';
import { metadataOf, outcomesOf } from './messages.ts';
import { BATCH, CHANNEL } from './network.ts';

const { TRANSACTIONS_FILTER, COMMIT_HASH } = common.BlockMetadataIndex;

export interface Replay {
  transactions: number;
  /** How often each validation code occurs. */
  codes: Record<number, number>;
  /** In words: every transaction that is judged otherwise, every block with another commit hash. */
  differences: string[];
}

/** Whose certificates the blocks are judged by. */
export interface Authorities {
  organisations: { name: string; mspId: string; caCertificate: string }[];
  orderer: { mspId: string; caCertificate: string };
}

export function authoritiesOf({ organisations, orderer }: Material): Authorities {
  return {
    organisations: ORGANISATIONS.map((name) => {
      const { mspId, ca } = organisations[name];
      return { name, mspId, caCertificate: ca.certificate };
    }),
    orderer: { mspId: orderer.mspId, caCertificate: orderer.ca.certificate },
  };
}

/** `blocks` are all blocks of a channel, from the first. */
export async function replay(blocks: common.Block[], authorities: Authorities): Promise<Replay> {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-replay-'));
  try {
    return await replayIn(dir, blocks, authorities);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function replayIn(dir: string, blocks: common.Block[], authorities: Authorities): Promise<Replay> {
  const { organisations } = authorities;
  const channel = createChannel(configOf(authorities, dir), blocks[0]!.serializeBinary());
  const signer = { mspId: '', creator: new Uint8Array(), sign: () => new Uint8Array() };
  const ledger = await openLedger({ dir, channel, organisations, signer, durable: false });
  const result: Replay = { transactions: 0, codes: {}, differences: [] };
  for (const [number, block] of blocks.entries()) {
    if (number === 0) continue;
    const again = (await ledger.commit(block.getData()!.getDataList_asU8())).bytes;
    compare(block, common.Block.deserializeBinary(again), result);
  }
  await ledger.close();
  return result;
}

/** No peer and no orderer runs, so none has an identity. */
function configOf({ organisations, orderer }: Authorities, dataDir: string): NetworkConfig {
  const nobody = { certificate: '', privateKey: '' };
  const peer = { identity: nobody, tls: nobody, port: 0 };
  return {
    dataDir,
    channel: CHANNEL,
    organisations: organisations.map((each) => ({ ...each, tlsCaCertificate: each.caCertificate, peer })),
    orderer: { ...orderer, tlsCaCertificate: orderer.caCertificate, identity: nobody },
    batch: BATCH,
    chaincodes: [],
  };
}

function compare(block: common.Block, again: common.Block, result: Replay): void {
  const number = block.getHeader()!.getNumber();
  const codes = metadataOf(again, TRANSACTIONS_FILTER);
  for (const [index, { txId, code }] of outcomesOf(block).entries()) {
    result.transactions++;
    result.codes[code] = (result.codes[code] ?? 0) + 1;
    if (codes[index] === code) continue;
    result.differences.push(`block ${number}, transaction ${index} (${txId}): ${codes[index]} instead of ${code}`);
  }
  const hashes = [block, again].map((each) => Buffer.from(metadataOf(each, COMMIT_HASH)).toString('hex'));
  if (hashes[0] !== hashes[1]) result.differences.push(`block ${number} has another commit hash`);
}
