/**
 * Cuts a Bundle into parts that a gateway takes. A transaction that is within the limits stays whole, and so
 * all or nothing; a longer one is cut along its references, so that a part only refers to itself and to earlier
 * parts. The entries of a batch do not depend on each other and are grouped, a transaction per group.
 */
import { type Bundle, providedKeys, requiredKeys } from './bundle.ts';
import { referenceOrder } from './references.ts';

export interface Limits {
  entries: number;
  /** Of the entries as compact JSON. */
  bytes: number;
}

/** Entries that cannot be sent in any part, by their index in the Bundle. */
export class TooLarge extends Error {
  readonly indexes: number[];

  constructor(indexes: number[]) {
    super(
      indexes.length === 1
        ? 'is over the size limit by itself'
        : `${indexes.length} entries refer to each other in a circle and are over the size limit together`,
    );
    this.indexes = indexes;
  }
}

/** Indexes of the Bundle's entries, part by part. Throws TooLarge. */
export function partsOf(bundle: Bundle, limits: Limits): number[][] {
  const sizes = bundle.entry.map((entry) => Buffer.byteLength(JSON.stringify(entry)));
  if (bundle.type === 'batch')
    return pack(
      bundle.entry.map((_, index) => [index]),
      sizes,
      limits,
      conflicts(bundle),
    );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (bundle.entry.length <= limits.entries && total <= limits.bytes) return [[...bundle.entry.keys()]];
  return pack(referenceOrder(bundle.entry), sizes, limits, () => false);
}

/** Fills parts with groups in their order; a group is never divided. */
function pack(
  groups: number[][],
  sizes: number[],
  limits: Limits,
  conflict: (part: readonly number[], index: number) => boolean,
): number[][] {
  const parts: number[][] = [];
  let part: number[] = [];
  let bytes = 0;
  for (const group of groups) {
    const size = group.reduce((sum, index) => sum + (sizes[index] ?? 0), 0);
    if (group.length > limits.entries || size > limits.bytes) throw new TooLarge(group);
    const full = part.length + group.length > limits.entries || bytes + size > limits.bytes;
    if (part.length > 0 && (full || group.some((index) => conflict(part, index)))) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part = [...part, ...group];
    bytes += size;
  }
  return part.length > 0 ? [...parts, part] : parts;
}

/** Whether a batch's entry needs, or would create again, what an entry of the same part creates. */
function conflicts({ entry }: Bundle): (part: readonly number[], index: number) => boolean {
  const provided = entry.map(providedKeys);
  const needed = entry.map((one, index) => [...requiredKeys(one), ...(provided[index] ?? [])]);
  let current: readonly number[] = [];
  let keys = new Set<string>();
  return (part, index) => {
    if (part.length === 0 || part[0] !== current[0]) keys = new Set(part.flatMap((one) => provided[one] ?? []));
    else for (const one of part.slice(current.length)) for (const key of provided[one] ?? []) keys.add(key);
    current = part;
    return (needed[index] ?? []).some((key) => keys.has(key));
  };
}
