/** Which transactions of one patient something links that no other patient's have. */
import type { Clue, Seen } from './clues.ts';

type Transaction = Seen & { patient: number };

export interface Links {
  /** Pairs of transactions of one patient. */
  pairs: number;
  /** Of them, linked: directly, or over others. */
  linked: number;
  /** The same by the names of the two, in alphabetical order. */
  byNames: Map<string, { pairs: number; linked: number }>;
  /** What the transactions fall into when everything that links is followed. */
  groups: number;
  /** Patients who share a clue that several patients share, on average: among so many each hides. */
  crowd?: number;
}

/** By clues of these kinds. */
export function linksAmong(transactions: readonly Transaction[], kinds: readonly Clue['kind'][]): Links {
  const groupOf = new Groups(transactions.length);
  const crowds: number[] = [];
  for (const places of shared(placesOf(transactions, kinds))) {
    const patients = new Set(places.map((place) => transactions[place]?.patient));
    if (patients.size > 1) crowds.push(patients.size);
    else for (const place of places) groupOf.join(place, places[0]!);
  }
  const links: Links = { pairs: 0, linked: 0, byNames: new Map(), groups: groupOf.count };
  if (crowds.length > 0) links.crowd = crowds.reduce((sum, size) => sum + size, 0) / crowds.length;
  for (const all of Map.groupBy(transactions.entries(), ([, { patient }]) => patient).values()) {
    for (const [index, [one, { name }]] of all.entries()) {
      for (const [other, { name: otherName }] of all.slice(index + 1)) {
        count(links, [name, otherName].sort().join(' – '), groupOf.of(one) === groupOf.of(other));
      }
    }
  }
  return links;
}

function count(links: Links, names: string, isLinked: boolean): void {
  const named = links.byNames.get(names) ?? { pairs: 0, linked: 0 };
  links.byNames.set(names, named);
  for (const sum of [links, named]) {
    sum.pairs += 1;
    if (isLinked) sum.linked += 1;
  }
}

type Places = Map<string, number[]>;

/** In which transactions each clue is. */
function placesOf(transactions: readonly Transaction[], kinds: readonly Clue['kind'][]): Places {
  const places: Places = new Map();
  for (const [place, { clues }] of transactions.entries()) {
    const own = clues.filter(({ kind }) => kinds.includes(kind)).map(({ value }) => value);
    for (const value of new Set(own)) {
      const known = places.get(value);
      if (known === undefined) places.set(value, [place]);
      else known.push(place);
    }
  }
  return places;
}

/** Those of more than one transaction. */
const shared = (places: Places): number[][] => [...places.values()].filter(({ length }) => length > 1);

/** Disjoint sets of places. */
class Groups {
  readonly #above: number[];
  count: number;

  constructor(size: number) {
    this.#above = Array.from({ length: size }, (_, place) => place);
    this.count = size;
  }

  of(place: number): number {
    let top = place;
    while (this.#above[top] !== top) top = this.#above[top]!;
    return top;
  }

  join(one: number, other: number): void {
    const [first, second] = [this.of(one), this.of(other)];
    if (first === second) return;
    this.#above[first] = second;
    this.count -= 1;
  }
}
