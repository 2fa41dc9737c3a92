/**
 * What regulators publish of lots, and what comes of a recall: counts alone, which a holder reports of itself and the custodian, which
 * holds the same dispenses and messages, reports beside it.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { RecallReport } from '../model/lot-transactions.ts';
import {
  type KnownProduct,
  type LotBucket,
  lotName,
  type Product,
  productName,
  type Recall,
  recallSchema,
} from '../model/lots.ts';
import { bucketOfNumber, type Register, rootWith } from '../model/registers.ts';
import { newestNumber } from '../model/series.ts';
import type { OutputOf } from '../model/transactions.ts';
import { loadLots, productsOf } from './lots.ts';

export class Recalls extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('recalls');
    this.#consortium = consortium;
  }

  PublishLots(ctx: Context, argument: string): Promise<string> {
    return run('PublishLots', this.#consortium, ctx, argument, publishLots);
  }

  PublishRecall(ctx: Context, argument: string): Promise<string> {
    return run('PublishRecall', this.#consortium, ctx, argument, publishRecall);
  }

  ReportRecall(ctx: Context, argument: string): Promise<string> {
    return run('ReportRecall', this.#consortium, ctx, argument, reportRecall);
  }
}

type Publishing = Call<'PublishLots'> | Call<'PublishRecall'>;
const NOTHING: KnownProduct = { lots: {}, recalls: {} };

async function publishLots(call: Call<'PublishLots'>): Promise<OutputOf<'PublishLots'>> {
  const { input, store } = call;
  const said = Object.fromEntries(input.lots.map(({ number, expiry }) => [lotName(number), expiry]));
  await change(call, input.product, ({ lots, recalls }) => ({ lots: { ...lots, ...said }, recalls }));
  store.emit(events.LotsPublished, { count: input.lots.length });
  return { time: store.time };
}

async function publishRecall(call: Call<'PublishRecall'>): Promise<OutputOf<'PublishRecall'>> {
  const { input, store, caller, private: hidden } = call;
  const { id, product, lots, status } = input;
  const before = await recallBefore(call);
  if (before !== undefined && productName(before.product) !== productName(product))
    throw new LedgerError('CONFLICT', 'a recall keeps its product', 'product');
  if (before !== undefined && before.by !== caller.organisation.name)
    throw new LedgerError('FORBIDDEN', 'another regulator published this', 'id');
  const publishedAt = before?.publishedAt ?? store.time;
  const recall: Omit<Recall, 'schema' | 'salt'> = {
    ...input,
    ...{ version: (before?.version ?? 0) + 1, by: caller.organisation.name, publishedAt, changedAt: store.time },
  };
  await change(call, product, ({ lots: known, recalls: { [id]: _, ...others } }) => ({
    lots: known,
    recalls: status === 'ended' ? others : { ...others, [id]: { lots, publishedAt } },
  }));
  const value: Recall = { schema: 1, ...recall, salt: hidden.salt };
  store.putPrivate(collections.registers, privateKeys.recall(id, recall.version), value);
  store.emit(events.RecallPublished, { id });
  return recall;
}

async function recallBefore({ input, store }: Call<'PublishRecall'>): Promise<Recall | undefined> {
  const version = await newestRecall(store, input.id);
  const key = privateKeys.recall(input.id, version);
  return version === 0 ? undefined : store.getPrivate(collections.registers, key, recallSchema);
}

const newestRecall = (store: Publishing['store'], id: string): Promise<number> =>
  newestNumber(async (n) => (await store.anchor(collections.registers, privateKeys.recall(id, n))) !== undefined);

/** The register's next generation, with what is known of a product changed. @throws LedgerError CONFLICT where another is shown */
async function change(
  { store, private: shown }: Publishing,
  product: Product,
  after: (known: KnownProduct) => KnownProduct,
): Promise<void> {
  const register = await loadLots(store, shown.register);
  const name = productName(product);
  const index = bucketOfNumber(name);
  const products = productsOf(register, index, shown.bucket, 'private.bucket');
  const changed = after(Object.hasOwn(products, name) ? products[name]! : NOTHING);
  const bucket: LotBucket = { schema: 1, products: { ...products, [name]: changed } };
  const root = rootWith([{ index, path: shown.bucket.path, text: canonicalJson(bucket) }]);
  const generation = register.generation + 1;
  const next: Register = { schema: 1, root, salt: shown.salt };
  store.putPrivate(collections.registers, privateKeys.lots(generation), next);
  await store.putOnce(collections.registers, privateKeys.lotBucket(index, generation), bucket, {
    expression: 'product',
  });
}

async function reportRecall(call: Call<'ReportRecall'>): Promise<OutputOf<'ReportRecall'>> {
  const { input, store, caller, consortium, private: said } = call;
  const { id, provider } = input;
  const { name: reporter, kind } = caller.organisation;
  if (organisationByName(consortium, provider)?.kind !== 'provider')
    throw new LedgerError('INVALID', 'is no provider of the consortium', 'provider');
  if (kind === 'provider' && provider !== reporter)
    throw new LedgerError('FORBIDDEN', 'a provider reports of itself alone', 'provider');
  const { counts, known, salt } = said;
  if (counts.reached > counts.patients || counts.patients > counts.dispenses)
    throw new LedgerError('INVALID', 'more were reached than found, or more patients than dispenses', 'private.counts');
  if ((await newestRecall(store, id)) === 0) throw new LedgerError('NOT_FOUND', 'there is no such recall', 'id');
  const keyOf = (n: number): string => privateKeys.recallReport({ id, provider, reporter }, n);
  const n = await newestNumber(
    async (one) => (await store.anchor(collections.reviews, keyOf(one))) !== undefined,
    known,
  );
  const report: RecallReport = { schema: 1, id, provider, reporter, ...counts, at: store.time, salt };
  store.putPrivate(collections.reviews, keyOf(n + 1), report);
  if (kind === 'provider') store.putPrivate(collections.care(provider), keyOf(n + 1), report);
  store.emit(events.RecallReported, { id });
  return { time: store.time };
}
