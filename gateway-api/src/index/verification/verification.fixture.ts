/** Compares a fixture's read model with a chain, as the thread of a gateway does with its peer's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { peer } from '@hyperledger/fabric-protos';
import { type ParsedBlock, parseBlock } from '../../ledger/block.ts';
import { checked } from '../../ledger/whole-chain.ts';
import { type FixtureIndex, seals, silent } from '../index.fixture.ts';
import type { Judge } from '../write/judging.ts';
import type { Difference, VerifyReport } from './report.ts';
import { verifyReadModel } from './verify.ts';

/** What the peer delivers now of each block; it waits for those that are not there yet. */
export type Chain = readonly peer.BlockAndPrivateData[];

export async function verify(
  fixture: FixtureIndex,
  chain: Chain,
  options: { pause?: () => Promise<void>; position?: number; judge?: Judge } = {},
): Promise<VerifyReport> {
  const directory = mkdtempSync(join(tmpdir(), 'verification-'));
  const { scope, consortium } = fixture;
  async function* blocks(): AsyncGenerator<ParsedBlock> {
    let previous: ParsedBlock | undefined;
    for (let number = 0; ; number += 1) {
      while (chain.length <= number) await new Promise((next) => setTimeout(next, 5));
      previous = checked(chain[number]!, scope, previous);
      yield previous;
    }
  }
  try {
    return await verifyReadModel({
      ...{ live: fixture.stores.reading, isPostgres: fixture.isPostgres, member: fixture.member, consortium },
      ...{ seals, log: silent, judge: options.judge },
      ledger: { blocks, block: async (number) => parseBlock(chain[number]!, scope) },
      file: join(directory, 'index.sqlite'),
      position: options.position ?? fixture.projector.checkpoint()?.block ?? -1,
      stop: new AbortController().signal,
      ...(options.pause === undefined ? {} : { pause: options.pause }),
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A difference as text: kind, table, place and columns. */
export const named = ({ kind, table, place, columns = [] }: Difference): string =>
  [kind, table, place, columns.length === 0 ? undefined : `(${columns.join(', ')})`].filter(Boolean).join(' ');
