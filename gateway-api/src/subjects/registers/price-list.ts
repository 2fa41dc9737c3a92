/**
 * A provider's prices row by row, CSV (RFC 4180): a next fee schedule of the newest one and what the rows change of it. What that is,
 * is shown first where that is asked for.
 */
import { type FeeSchedule, feeScheduleSchema } from '@telemed-ledger/chaincode/model/claims.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseMoney } from '@telemed-ledger/chaincode/model/money.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { serviceNameOf } from '@telemed-ledger/chaincode/model/plans.ts';
import { currencySchema, daySchema, line } from '@telemed-ledger/chaincode/model/texts.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';
import { sendFeeSchedule } from './fee-schedules.ts';
import { rowsOf, takingList } from './register-csv.ts';

const units = z.int().meta({ description: 'In minor units of the currency; absent where there is none.' });
const answerSchema = z
  .object({
    ...{ preview: z.boolean(), provider: z.string(), version: z.string(), currency: z.string() },
    changes: z.array(z.object({ line: z.int(), code: z.string(), before: units.optional(), after: units.optional() })),
    unchanged: z.int().meta({ description: 'Rows whose price is what it was.' }),
    unusable: z.array(z.object({ line: z.int(), reason: z.string(), expression: z.string() })),
    transactionIds: z.array(z.string()),
  })
  .meta({ id: 'PricesImported' });

export const importPrices = route({
  ...takingList,
  transaction: 'LoadFeeSchedule',
  path: '/fee-schedules/:provider/list',
  summary:
    'Changes single prices of a provider, CSV with CODE and PRICE (an empty one takes it away): a next fee schedule (payer).',
  parameters: z.object({ provider: z.string() }),
  query: takingList.query.extend({
    version: line(64).meta({ description: 'Of the fee schedule that comes of it.' }),
    currency: currencySchema.optional().meta({ description: 'Needed where there is no fee schedule before.' }),
    first: daySchema.optional().meta({ description: 'First day of service on which it counts.' }),
    last: daySchema.optional(),
  }),
  answers: { 200: { description: 'What was, or would be, changed.', schema: answerSchema } },
  async handle({ caller, query, body, parameters: { provider }, idempotency }, services) {
    const { version, first, last } = query;
    const { generation, before } = await newestOf(services, provider);
    const currency = before?.currency ?? query.currency;
    if (currency === undefined) throw new LedgerError('INVALID', 'there is no fee schedule before: say it', 'currency');
    if (query.currency !== undefined && query.currency !== currency)
      throw new LedgerError('INVALID', `the prices before are in ${currency}`, 'currency');
    const { prices, ...told } = changed(before?.prices ?? {}, rowsOf(body, ['CODE', 'PRICE']), currency);
    const preview = query.preview === 'true';
    const answer = { preview, provider, version, currency, ...told };
    if (preview || told.changes.length === 0) return { body: { ...answer, transactionIds: [] } };
    const { unlisted, unlistedLimit, defaultPrice } = before ?? {};
    const schedule = {
      ...{ version, currency, prices },
      ...(unlisted === undefined ? {} : { unlisted }),
      ...(unlistedLimit === undefined ? {} : { unlistedLimit }),
      ...(defaultPrice === undefined ? {} : { defaultPrice }),
      ...(first === undefined ? {} : { first }),
      ...(last === undefined ? {} : { last }),
    };
    const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => sendFeeSchedule(services, provider, schedule, sending, generation),
    }));
    const { transactionId } = outcome;
    return { body: { ...answer, transactionIds: [transactionId] }, transactionId };
  },
});

async function newestOf(
  { index, organisation }: Services,
  provider: string,
): Promise<{ generation: number; before?: FeeSchedule }> {
  const own = collections.billing(organisation.name);
  const between = { payer: organisation.name, provider };
  const generation = await index.evidence.newest(own, privateKeys.feeSchedule(between, 0).slice(0, -1));
  if (generation === 0) return { generation };
  const text = await textOf(index, own, privateKeys.feeSchedule(between, generation));
  return { generation, before: feeScheduleSchema.parse(JSON.parse(text)) };
}

interface Changed extends Pick<z.infer<typeof answerSchema>, 'changes' | 'unchanged' | 'unusable'> {
  prices: FeeSchedule['prices'];
}

/** Pure. @param prices minor units by the names of services */
export function changed(prices: FeeSchedule['prices'], rows: ReturnType<typeof rowsOf>, currency: string): Changed {
  const next = new Map(Object.entries(prices));
  const found: Changed = { prices, changes: [], unchanged: 0, unusable: [] };
  const lines = new Map<string, number>();
  for (const { record, info } of rows) {
    const at = info.lines;
    const unusable = (reason: string, expression: string) => found.unusable.push({ line: at, reason, expression });
    const code = serviceNameOf((record['CODE'] ?? '').trim());
    const after = unitsOf((record['PRICE'] ?? '').trim(), currency);
    const other = lines.get(code);
    if (code === '' || code.length > 200) unusable('missing or too long', 'CODE');
    else if (after === 'unreadable') unusable(`is no amount of ${currency}`, 'PRICE');
    else if (other !== undefined) unusable(`its code stands in line ${other} too`, 'CODE');
    else {
      lines.set(code, at);
      const before = next.get(code);
      if (before === after) found.unchanged += 1;
      else
        found.changes.push({
          ...{ line: at, code },
          ...(before === undefined ? {} : { before }),
          ...(after === undefined ? {} : { after }),
        });
      if (after === undefined) next.delete(code);
      else next.set(code, after);
    }
  }
  return { ...found, prices: Object.fromEntries(next) };
}

const PRICE = /^\d{1,13}(\.\d{1,4})?$/;

function unitsOf(text: string, currency: string): number | undefined | 'unreadable' {
  if (text === '') return undefined;
  if (!PRICE.test(text)) return 'unreadable';
  try {
    return parseMoney({ value: parseExact(text.replace(/^0+(?=\d)/, '')), currency }, 'PRICE').units;
  } catch (error) {
    if (error instanceof LedgerError) return 'unreadable';
    throw error;
  }
}
