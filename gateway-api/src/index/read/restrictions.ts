/** Which records their patients have restricted, as the marks that every member holds say. */
import { restrictionHandle } from '@telemed-ledger/chaincode/model/corrections.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Evidence } from './evidence.ts';

const KIND = 'restricted';

export class Restrictions {
  readonly #evidence: Pick<Evidence, 'values' | 'newest'>;

  constructor(evidence: Pick<Evidence, 'values' | 'newest'>) {
    this.#evidence = evidence;
  }

  /** Number of the newest mark of a record, 0 where there is none: odd while it is restricted. */
  newest(provider: string, record: string): Promise<number> {
    const series = privateKeys.restricted(restrictionHandle(provider, record), 0).replace(/0$/, '');
    return this.#evidence.newest(collections.marks, series);
  }

  /** Whether records of a provider are restricted now, asked once for many of them. */
  async of(provider: string): Promise<(record: string) => boolean> {
    const newest = new Map<string, number>();
    for (const { key } of await this.#evidence.values(collections.marks, KIND)) {
      const [handle = '', n] = parsePrivateKey(key).segments;
      newest.set(handle, Math.max(newest.get(handle) ?? 0, Number(n)));
    }
    if (newest.size === 0) return () => false;
    return (record) => (newest.get(restrictionHandle(provider, record)) ?? 0) % 2 === 1;
  }
}
