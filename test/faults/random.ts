/** Random numbers from a seed, so that a run's draws can be repeated: mulberry32, and what is drawn with it. */

export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** True in so many of a hundred cases. */
  percent(chance: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** @param seed a whole number; one seed gives one sequence */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    between,
    percent: (chance) => next() * 100 < chance,
    pick: (from) => from[between(0, from.length - 1)]!,
  };
}

/** A seed of its own for a part of the run: what one part draws does not depend on how often another one draws. */
export const seedOf = (seed: number, part: string): number =>
  [...part].reduce((mixed, letter) => Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0, seed >>> 0);
