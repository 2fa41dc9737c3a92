/** Recalls of medicines: published by a regulator, seen by every member, and to the regulators how many they reached. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type RecallCounts, recallCountsSchema } from '@telemed-ledger/chaincode/model/lot-transactions.ts';
import {
  productName,
  productSchema,
  type Recall,
  recallInputSchema,
  recallSchema,
  releasedLotsSchema,
} from '@telemed-ledger/chaincode/model/lots.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { isSame, recallsNow, reportName, reportsOf } from './recalls.ts';

const shownRecall = recallSchema.omit({ schema: true, salt: true }).meta({ id: 'Recall' });
const idParameter = z.object({ id: recallInputSchema.shape.id.meta({ description: 'Chosen by the regulator.' }) });
const countedSchema = recallCountsSchema.extend({ at: z.iso.datetime() });
const holderSchema = z.object({
  provider: z.string(),
  reported: countedSchema.optional().meta({ description: 'What the provider says of itself.' }),
  counted: countedSchema.optional().meta({ description: 'What the custodian counts of what it holds with it.' }),
  differs: z.boolean().meta({ description: 'Whether these are not the same.' }),
});
const followedSchema = shownRecall
  .extend({
    holders: z.array(holderSchema).meta({ description: 'To regulators and the custodian; a provider sees itself.' }),
  })
  .meta({ id: 'FollowedRecall' });

const told = ({ schema: _, salt: __, ...recall }: Recall) => recall;
/** What is published of a product, as it is changed. */
async function shownOf({ index }: Services, product: Recall['product']) {
  const { register, buckets } = await index.lots.bucketsOf([productName(product)]);
  return { salt: newSalt(), register, bucket: buckets[0]! };
}

export const publishLots = route({
  method: 'post',
  path: '/lots',
  summary:
    'Says which lots of a product were released, and when they expire: it is handed out of these alone (regulator).',
  body: z.object({ product: productSchema, lots: releasedLotsSchema }).meta({ id: 'ReleasedLots' }),
  large: true,
  transaction: 'PublishLots',
  answers: { 200: { description: 'When.', schema: z.object({ time: z.iso.datetime() }) } },
  async handle({ caller, body, idempotency }, services) {
    const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) =>
        upToDate(async () =>
          services.ledger.submit('PublishLots', body, await shownOf(services, body.product), sending),
        ),
    }));
    return { body: { time: outcome.time }, transactionId: outcome.transactionId };
  },
});

export const publishRecall = route({
  method: 'put',
  path: '/recalls/:id',
  summary: 'Recalls lots of a product, or all of it, changes which, or ends the recall (regulator).',
  parameters: idParameter,
  body: recallInputSchema.omit({ id: true }).meta({ id: 'RecallInput' }),
  large: true,
  transaction: 'PublishRecall',
  answers: { 200: { description: 'The recall.', schema: z.object({ id: z.string(), changedAt: z.iso.datetime() }) } },
  async handle({ caller, parameters: { id }, body, idempotency }, services) {
    const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) =>
        upToDate(async () =>
          services.ledger.submit('PublishRecall', { ...body, id }, await shownOf(services, body.product), sending),
        ),
    }));
    return { body: { id, changedAt: outcome.time }, transactionId: outcome.transactionId };
  },
});

export const recalls = route({
  method: 'get',
  path: '/recalls',
  summary: 'Recalls of medicines, the newest first.',
  query: z.object({ status: recallInputSchema.shape.status.optional() }),
  answers: { 200: { description: 'Recalls.', schema: z.object({ recalls: z.array(shownRecall) }) } },
  async handle({ query: { status } }, { index }) {
    const all = (await recallsNow(index)).filter((one) => status === undefined || one.status === status);
    return { body: { recalls: all.reverse().map(told) } };
  },
});

export const recall = route({
  method: 'get',
  path: '/recalls/:id',
  summary: 'A recall, and how many it concerns and reached at each provider: counts alone.',
  roles: ['system', 'auditor', 'practitioner', 'operator'],
  parameters: idParameter,
  answers: { 200: { description: 'The recall.', schema: followedSchema } },
  async handle({ parameters: { id } }, services) {
    const found = (await recallsNow(services.index)).find((one) => one.id === id);
    if (found === undefined) throw new LedgerError('NOT_FOUND', 'there is no such recall', 'id');
    return { body: { ...told(found), holders: await holdersOf(services, id) } };
  },
});

type Counted = z.infer<typeof countedSchema>;

/** What this organisation may see of what came of a recall. */
async function holdersOf({ index, organisation, consortium }: Services, id: string) {
  const { kind, name } = organisation;
  if (!['regulator', 'custodian', 'provider'].includes(kind)) return [];
  const collection = kind === 'provider' ? collections.care(name) : collections.reviews;
  const reports = await reportsOf(index, collection, id);
  const custodian = consortium.organisations.find((one) => one.kind === 'custodian')!.name;
  const countsBy = (provider: string, reporter: string): Counted | undefined => {
    const { report } = reports.get(reportName(provider, reporter)) ?? {};
    if (report === undefined) return undefined;
    const { dispenses, patients, reached, at } = report;
    return { dispenses, patients, reached, at };
  };
  const providers = new Set([...reports.values()].map(({ report }) => report.provider));
  return [...providers].sort().map((provider) => {
    const [reported, counted] = [countsBy(provider, provider), countsBy(provider, custodian)];
    const differs = kind !== 'provider' && !isSame(countsIn(reported), counted);
    return {
      ...{ provider, differs },
      ...(reported === undefined ? {} : { reported }),
      ...(counted === undefined ? {} : { counted }),
    };
  });
}

const countsIn = (one: Counted | undefined): RecallCounts => one ?? { dispenses: 0, patients: 0, reached: 0 };
