/**
 * A resource as FHIRPath sees it: numbers that keep the digits they were sent with are doubles here, which compare as
 * closely as doubles do. What is recorded is the resource itself.
 */
import { isExactNumber, numberOf } from '@telemed-ledger/chaincode/model/numbers.ts';

/** Copies what holds such a number, each object once, and answers the rest as it is. */
export class Compared {
  readonly #known = new Map<object, object>();

  of<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    if (isExactNumber(value)) return numberOf(value) as T;
    const known = this.#known.get(value);
    if (known !== undefined) return known as T;
    const copy = this.#copyOf(value);
    this.#known.set(value, copy);
    return copy as T;
  }

  #copyOf(value: object): object {
    if (Array.isArray(value)) {
      const items = value.map((item) => this.of(item));
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    const members = Object.entries(value);
    const compared = members.map(([key, member]): [string, unknown] => [key, this.of(member)]);
    return compared.some(([, member], index) => member !== members[index]![1]) ? Object.fromEntries(compared) : value;
  }
}
