/**
 * The order in which Bundles are sent: one that holds what another refers to conditionally (or creates only if
 * it does not exist) goes first. Content decides, not file names.
 */
import { type Bundle, providedKeys, requiredKeys, typeOf } from './bundle.ts';

/** What is kept of a Bundle between the first look at the files and the sending. */
export interface Summary {
  /** One, or those of lines that belong together. */
  files: readonly string[];
  hash: string;
  entries: number;
  /** Number of entries by resource type. */
  types: Map<string, number>;
  provides: Set<string>;
  requires: Set<string>;
}

export function summarise(files: readonly string[], hash: string, bundle: Bundle): Summary {
  const types = new Map<string, number>();
  for (const entry of bundle.entry) types.set(typeOf(entry), (types.get(typeOf(entry)) ?? 0) + 1);
  const provides = new Set(bundle.entry.flatMap(providedKeys));
  const requires = new Set(bundle.entry.flatMap(requiredKeys).filter((key) => !provides.has(key)));
  return { files, hash, entries: bundle.entry.length, types, provides, requires };
}

/**
 * For each summary the indexes of those that must be over before it is sent: those that provide what it requires,
 * and those before it in the list that provide the same, so that a conditional create is not raced by its twin.
 */
export function dependencies(summaries: readonly Summary[]): Set<number>[] {
  const providers = new Map<string, number[]>();
  summaries.forEach(({ provides }, index) => {
    for (const key of provides) providers.set(key, [...(providers.get(key) ?? []), index]);
  });
  return summaries.map(({ provides, requires }, index) => {
    const before = new Set<number>();
    for (const key of requires) for (const provider of providers.get(key) ?? []) before.add(provider);
    for (const key of provides) {
      for (const provider of providers.get(key) ?? []) if (provider < index) before.add(provider);
    }
    before.delete(index);
    return before;
  });
}

/**
 * Calls `send` for every index, at most `concurrency` at a time, each after the ones it depends on. Bundles that
 * wait for each other in a circle are sent in the order given. Starts no more when `stopped` returns true.
 */
export async function inOrder(
  before: readonly ReadonlySet<number>[],
  concurrency: number,
  send: (index: number) => Promise<void>,
  stopped: () => boolean,
): Promise<void> {
  const waiting = new Set(before.keys());
  const over = new Set<number>();
  const running = new Map<number, Promise<void>>();
  const next = (): number | undefined => {
    for (const index of waiting) if (before[index]?.isSubsetOf(over)) return index;
    return running.size === 0 ? waiting.values().next().value : undefined;
  };
  const start = (index: number) => {
    waiting.delete(index);
    const done = send(index).finally(() => {
      running.delete(index);
      over.add(index);
    });
    running.set(index, done);
  };
  while (!stopped() && (waiting.size > 0 || running.size > 0)) {
    const index = running.size < concurrency ? next() : undefined;
    if (index !== undefined) start(index);
    else await Promise.race(running.values());
  }
  await Promise.all(running.values());
}
