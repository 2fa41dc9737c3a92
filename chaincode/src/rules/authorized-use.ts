/** What one claim uses of what was authorized: its parts in their order, beside what other claims have used. */
import { nothingUsed, plus, type Sums, usedBy } from '../model/accumulators.ts';
import type { BillItem, BillPart } from '../model/bill.ts';
import { type Authorizations, type AuthorizedLine, holdsOn, isFor } from './authorized-services.ts';

interface Billing {
  item: BillItem;
  part: BillPart;
}

export class AuthorizedUse {
  readonly #authorizations: Authorizations;
  readonly #before: ReadonlyMap<string, Sums>;
  readonly #taken = new Map<string, Sums>();
  readonly #linked = new Map<string, AuthorizedLine>();

  /** @param before what other claims have used of each, by the ids of the requests */
  constructor(authorizations: Authorizations, before: ReadonlyMap<string, Sums>) {
    this.#authorizations = authorizations;
    this.#before = before;
  }

  /**
   * Why a part is not authorized, as a name of ADJUSTMENTS; undefined where it is, however much of it.
   * @param kind names of the services of the plan's category
   */
  denies(billed: Billing, kind: ReadonlySet<string>): string | undefined {
    const lines = this.#linesFor(billed, kind);
    for (const line of lines) if (!line.isDenied) this.#linked.set(`${line.authorization} ${line.number ?? ''}`, line);
    const numbered = lines.filter(({ number }) => number !== undefined);
    if (numbered.some((line) => holdsOn(line, billed.item))) return undefined;
    if (numbered.length > 0) return 'authorization-exceeded';
    if (lines.some(({ isDenied }) => isDenied)) return 'authorization-denied';
    return this.#authorizations.isNamed ? 'authorization-invalid' : 'no-authorization';
  }

  /** Units of a part's service that are left. */
  left(billed: Billing, kind: ReadonlySet<string>): number {
    return this.#linesHolding(billed, kind).reduce((sum, line) => sum + this.#leftOf(line), 0);
  }

  /** @param units at most as many as are left */
  take(billed: Billing, kind: ReadonlySet<string>, units: number): void {
    let open = units;
    for (const line of this.#linesHolding(billed, kind)) {
      const taken = Math.min(open, this.#leftOf(line));
      if (taken === 0) continue;
      open -= taken;
      const used = { [String(line.sequence)]: { units: taken, amount: 0 } };
      const mine = this.#taken.get(line.authorization) ?? nothingUsed();
      this.#taken.set(line.authorization, plus(mine, { ...nothingUsed(), used }));
    }
  }

  /** What the parts so far took, by the ids of the requests. */
  taken(): ReadonlyMap<string, Sums> {
    return this.#taken;
  }

  /** Lines that are for what the parts so far bill, one for each request and number. */
  linked(): readonly AuthorizedLine[] {
    return [...this.#linked.values()];
  }

  #linesFor({ item, part }: Billing, kind: ReadonlySet<string>): AuthorizedLine[] {
    return this.#authorizations.all.flatMap(({ on }) => on(item.first).filter((line) => isFor(line, part, kind)));
  }

  #linesHolding(billed: Billing, kind: ReadonlySet<string>): AuthorizedLine[] {
    return this.#linesFor(billed, kind).filter((line) => line.number !== undefined && holdsOn(line, billed.item));
  }

  #leftOf({ authorization, sequence, units }: AuthorizedLine): number {
    if (units === undefined) return Number.MAX_SAFE_INTEGER;
    const sums = [this.#before.get(authorization), this.#taken.get(authorization)];
    const used = sums.reduce((sum, one) => sum + (one === undefined ? 0 : usedBy(one, String(sequence)).units), 0);
    return Math.max(0, units - used);
  }
}
