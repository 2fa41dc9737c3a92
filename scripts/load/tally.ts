/** Counts what came of every entry, by resource type, and shows it as a table. */
import { table } from '../table.ts';

interface Row {
  loaded: number;
  there: number;
  refused: number;
}

export interface Refused {
  file: string;
  type: string;
  reason: string;
  count: number;
}

export class Tally {
  readonly #rows = new Map<string, Row>();
  readonly #refused = new Map<string, Refused>();

  add(type: string, status: keyof Row, count = 1): void {
    const row = this.#rows.get(type) ?? { loaded: 0, there: 0, refused: 0 };
    row[status] += count;
    this.#rows.set(type, row);
  }

  refuse(file: string, type: string, reason: string, count = 1): void {
    this.add(type, 'refused', count);
    const key = `${file}\n${type}\n${reason}`;
    const known = this.#refused.get(key);
    this.#refused.set(key, { file, type, reason, count: (known?.count ?? 0) + count });
  }

  get total(): Row {
    const total: Row = { loaded: 0, there: 0, refused: 0 };
    for (const row of this.#rows.values()) {
      total.loaded += row.loaded;
      total.there += row.there;
      total.refused += row.refused;
    }
    return total;
  }

  get refused(): Refused[] {
    return [...this.#refused.values()];
  }

  get done(): number {
    const { loaded, there, refused } = this.total;
    return loaded + there + refused;
  }

  toString(): string {
    const count = (n: number) => n.toLocaleString('en');
    const line = (name: string, row: Row) => [name, count(row.loaded), count(row.there), count(row.refused)];
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, row]) => line(type, row));
    return table([['resource type', 'loaded', 'already there', 'not loaded'], ...rows, line('all', this.total)]);
  }
}
