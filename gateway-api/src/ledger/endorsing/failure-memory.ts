/** Remembers for a while whose peer was away or slow, so that not every transaction finds it out anew. */
export class FailureMemory {
  readonly #forMs: number;
  readonly #until = new Map<string, number>();

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  failed(organisation: string): void {
    this.#until.set(organisation, Date.now() + this.#forMs);
  }

  answered(organisation: string): void {
    this.#until.delete(organisation);
  }

  has(organisation: string): boolean {
    return (this.#until.get(organisation) ?? 0) > Date.now();
  }

  /** In their order, those that failed lately last. */
  sorted(organisations: readonly string[]): string[] {
    const late = (organisation: string): boolean => this.has(organisation);
    return [...organisations.filter((one) => !late(one)), ...organisations.filter(late)];
  }
}
