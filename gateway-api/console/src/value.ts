/** A value that pages watch: what changes it tells them, and they draw themselves anew. */
import { useEffect, useState } from 'preact/hooks';

export class Value<T> {
  #now: T;
  readonly #watching = new Set<() => void>();

  constructor(first: T) {
    this.#now = first;
  }

  get now(): T {
    return this.#now;
  }

  set(next: T): void {
    this.#now = next;
    for (const watch of [...this.#watching]) watch();
  }

  /** @returns what ends it */
  watch(watch: () => void): () => void {
    this.#watching.add(watch);
    return () => this.#watching.delete(watch);
  }
}

/** What it is, in a component that is drawn anew with it. */
export function useValue<T>(value: Value<T>): T {
  const [, draw] = useState(0);
  useEffect(() => value.watch(() => draw((count) => count + 1)), [value]);
  return value.now;
}
