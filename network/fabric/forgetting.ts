/**
 * Takes off a peer's disk what its ledger has purged. Fabric removes the entries, and LevelDB keeps what they held, in its
 * log and its tables, until it happens to rewrite those; no command of Fabric's asks for it. While the peer is stopped, what
 * is left in a store is written into a new one, and that takes its place. May be killed at any moment and repeated.
 */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';
import type { PeerLayout } from './layout.ts';
import { takenPorts } from './ports.ts';

const ENTRIES_AT_ONCE = 1000;
const GONE_TIMEOUT_MS = 3_000;
const POLL_MS = 25;

/** Where a peer keeps private values: in its state, for other peers, and before their transactions are ordered. */
const storesOf = ({ directory }: PeerLayout): string[] =>
  [['ledgersData', 'stateLeveldb'], ['ledgersData', 'pvtdataStore'], ['transientstore']].map((path) =>
    join(directory, 'data', ...path),
  );

const formerOf = (store: string): string => `${store}.former`;
const freshOf = (store: string): string => `${store}.fresh`;

/**
 * The peer must not run: LevelDB in Go and in C++ do not see each other's locks.
 * @throws Error where it does, or a store is damaged; then it is as it was
 */
export async function forgetPurged(peer: PeerLayout, patienceMs = GONE_TIMEOUT_MS): Promise<void> {
  await untilGone(peer, patienceMs);
  await settleStores(peer);
  for (const store of storesOf(peer)) if (existsSync(store)) await rewriteStore(store);
}

/** A process that has ended may have its port, and its files, for a moment more. */
async function untilGone({ port, process: name }: PeerLayout, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while ((await takenPorts([{ port, process: name, use: 'peer' }])).length > 0) {
    if (Date.now() > deadline)
      throw new Error(`${name} still runs: its stores are not touched while something has port ${port}`);
    await delay(POLL_MS);
  }
}

/** Before the peer starts: whichever store it had when a rewriting was interrupted. */
export async function settleStores(peer: PeerLayout): Promise<void> {
  await Promise.all(storesOf(peer).map(settleStore));
}

/** Holds the same entries afterwards, and of what was removed from it nothing. */
export async function rewriteStore(store: string): Promise<void> {
  await settleStore(store);
  await copyEntries(store, freshOf(store));
  await rename(store, formerOf(store));
  await rename(freshOf(store), store);
  await rm(formerOf(store), { recursive: true });
}

/** Leaves the store alone: the old one where the new one had not taken its place yet. */
export async function settleStore(store: string): Promise<void> {
  if (!existsSync(store) && existsSync(formerOf(store))) await rename(formerOf(store), store);
  for (const other of [formerOf(store), freshOf(store)]) await rm(other, { recursive: true, force: true });
}

async function copyEntries(from: string, to: string): Promise<void> {
  const source = await opened(from, { createIfMissing: false });
  try {
    const target = await opened(to, { errorIfExists: true });
    try {
      const entries = source.iterator({ fillCache: false });
      for (
        let some = await entries.nextv(ENTRIES_AT_ONCE);
        some.length > 0;
        some = await entries.nextv(ENTRIES_AT_ONCE)
      )
        await target.batch(
          some.map(([key, value]) => ({ type: 'put' as const, key, value })),
          { sync: true },
        );
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function opened(dir: string, options: object): Promise<ClassicLevel<Buffer, Buffer>> {
  const database = new ClassicLevel<Buffer, Buffer>(dir, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    await database.open(options);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new Error(`${dir} cannot be opened${cause}`, { cause: error });
  }
  return database;
}
