/** For tests of contracts: a register of licences as a gateway puts its changes and its evidence together. */
import type { MemoryLedger, Request } from '../ledger/memory-ledger.fixture.ts';
import { bucketsOf } from '../ledger/register.ts';
import { type BucketEvidence, bucketPaths, EMPTY_BUCKET } from '../model/registers.ts';
import type { InputOf } from '../model/transactions.ts';

interface Standing {
  generation: number;
  texts: Map<number, string>;
}

/** The newest generation and the newest text of each bucket. */
function standing(ledger: MemoryLedger): Standing {
  const texts = new Map<number, string>();
  let generation = 0;
  for (const [name, text] of ledger.private) {
    const [kind, index = '', at = ''] = name.split('/');
    if (kind === 'registers register') generation = Math.max(generation, Number(index));
    if (kind === 'registers bucket' && at !== '') texts.set(Number(index), text);
  }
  return { generation, texts };
}

/** The buckets that these numbers lie in, with their paths. */
export function bucketEvidence(
  ledger: MemoryLedger,
  numbers: readonly string[],
): { register: number; buckets: BucketEvidence[] } {
  const { generation, texts } = standing(ledger);
  const paths = bucketPaths(texts);
  const buckets = bucketsOf(numbers).map((index) => ({ text: texts.get(index) ?? EMPTY_BUCKET, path: paths[index]! }));
  return { register: generation, buckets };
}

/** The transaction that sets a licence. */
export function licensing(ledger: MemoryLedger, licence: InputOf<'SetLicence'>): Request<'SetLicence'> {
  const { register, buckets } = bucketEvidence(ledger, [licence.number]);
  const [bucket] = buckets;
  return {
    ...{ from: 'regulator', role: 'system', input: licence },
    private: { salt: 'ab'.repeat(32), register, bucket: bucket! },
  };
}
