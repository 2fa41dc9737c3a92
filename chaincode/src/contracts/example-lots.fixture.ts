/** For tests of contracts: the register of lots as a gateway puts its changes and its evidence together. */
import type { MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import { bucketsOf } from '../ledger/register.ts';
import { EMPTY_LOT_BUCKET, type Product, productName, type RecallInput } from '../model/lots.ts';
import { type BucketEvidence, bucketPaths } from '../model/registers.ts';
import type { InputOf } from '../model/transactions.ts';

const SALT = 'ab'.repeat(32);

/** The buckets that these products lie in, as the register stands. */
export function lotEvidence(
  ledger: MemoryLedger,
  products: readonly Product[],
): { register: number; buckets: BucketEvidence[] } {
  const texts = new Map<number, string>();
  let register = 0;
  for (const [name, text] of ledger.private) {
    const [kind, index = ''] = name.split('/');
    if (kind === 'registers lots') register = Math.max(register, Number(index));
    if (kind === 'registers lot-bucket') texts.set(Number(index), text);
  }
  const paths = bucketPaths(texts, EMPTY_LOT_BUCKET);
  const buckets = bucketsOf(products.map(productName)).map((index) => ({
    text: texts.get(index) ?? EMPTY_LOT_BUCKET,
    path: paths[index]!,
  }));
  return { register, buckets };
}

const from = { from: 'regulator', role: 'system' } as const;
const shownFor = (ledger: MemoryLedger, product: Product) => {
  const { register, buckets } = lotEvidence(ledger, [product]);
  return { salt: SALT, register, bucket: buckets[0]! };
};
export const publishing = (ledger: MemoryLedger, input: InputOf<'PublishLots'>) => ({
  ...{ ...from, input, private: shownFor(ledger, input.product) },
});
export const recalling = (ledger: MemoryLedger, input: RecallInput) => ({
  ...{ ...from, input, private: shownFor(ledger, input.product) },
});
