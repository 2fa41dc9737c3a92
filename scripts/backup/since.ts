/** What happened between a backup and now, by the blocks that a peer has got since. */
import { collectionsOf } from '@telemed-ledger/consortium/collections.ts';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { TRANSACTIONS_FILTER } from '@telemed-ledger/formats/blocks/block.ts';
import { decodePrivateSet } from '@telemed-ledger/formats/blocks/rwset.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { mspIdOf } from '@telemed-ledger/formats/identity.ts';
import { parseTransaction } from '@telemed-ledger/network/embedded/ledger/blocks/transaction.ts';
import { deliver } from '../verification/channel/deliver.ts';
import type { Reach } from '../verification/channel/reach.ts';
import { readSets } from '../verification/channel/values-check.ts';

export interface Since {
  blocks: number;
  /** Valid transactions that the organisation's own clients had made. */
  own: number;
  /** Private values that its peer holds of these blocks, by the names of those who hold them too. */
  values: Map<string, number>;
}

/** @throws PeerAway, PeerRefuses, PeerFault */
export async function sinceBlock(reach: Reach, from: number, consortium: ConsortiumDefinition): Promise<Since> {
  const since: Since = { blocks: 0, own: 0, values: new Map() };
  const holders = new Map(collectionsOf(consortium).map(({ name, members }) => [name, members]));
  const { mspId, chaincode } = reach.connection;
  try {
    for await (const { block, privateSets } of deliver(reach, { from, to: 'newest', withPrivateData: true })) {
      since.blocks += 1;
      const codes = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
      for (const [tx, envelope] of block.envelopes.entries()) {
        if (codes[tx] !== VALID) continue;
        const creator = parseTransaction(envelope).header?.creator;
        if (creator !== undefined && mspIdOf(creator) === mspId) since.own += 1;
        for (const [collection, set] of readSets(privateSets.get(tx), chaincode)) {
          const others = (holders.get(collection) ?? []).filter(({ name }) => name !== reach.organisation);
          const names = others.map(({ name }) => name).join(', ') || 'nobody else';
          since.values.set(names, (since.values.get(names) ?? 0) + decodePrivateSet(set).writes.length);
        }
      }
    }
  } catch (error) {
    // No block has come since.
    if (since.blocks > 0) throw error;
  }
  return since;
}
