/** Which versions of one resource a history asks for, by when they were made and when they stood. */
import type { HistoryPage } from './repository.ts';
import { stoodIn } from './search/dates.ts';

interface Row {
  fault: string | null;
  last_updated: string;
}

export class AskedVersions {
  readonly #since: number | undefined;
  readonly #at: HistoryPage['at'];

  constructor({ since, at }: { since?: number | undefined; at?: HistoryPage['at'] | undefined }) {
    this.#since = since;
    this.#at = at;
  }

  /** @param made when the version was made @param replaced when the next one was */
  isAsked(made: string, replaced?: string): boolean {
    const isSince = this.#since === undefined || Date.parse(made) >= this.#since;
    return isSince && (this.#at === undefined || stoodIn(made, replaced, this.#at));
  }

  /** Of all rows of a resource, the newest first, those that are shown and asked for. */
  of<R extends Row>(rows: readonly R[]): R[] {
    return rows.filter(
      (row, place) => row.fault === null && this.isAsked(row.last_updated, rows[place - 1]?.last_updated),
    );
  }

  /** Whether the newest version is not asked for, since it had ended before. */
  isOver(ended: string): boolean {
    return this.#at !== undefined && Date.parse(ended) <= this.#at.low;
  }
}
