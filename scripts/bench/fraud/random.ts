/** Chance that is the same for the same seed: what a run did can be done again. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Chance {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** A whole number, both ends among them. */
  between(least: number, most: number): number {
    return uniformInt(this.#generator, least, most);
  }

  /** One of these. @throws Error of none */
  of<T>(all: readonly T[]): T {
    if (all.length === 0) throw new Error('there is nothing to choose from');
    return all[this.between(0, all.length - 1)]!;
  }

  /** The same in another order (Fisher and Yates). */
  shuffled<T>(all: readonly T[]): T[] {
    const mixed = [...all];
    for (let last = mixed.length - 1; last > 0; last -= 1) {
      const other = this.between(0, last);
      [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
    }
    return mixed;
  }
}
