/** The fee schedules that a payer gives a provider. */
import { feeScheduleSchema } from '@telemed-ledger/chaincode/model/claims.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Contracting, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { daySchema } from '@telemed-ledger/chaincode/model/texts.ts';
import { transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { textOf } from '../claims/claims.ts';
import { bookShown, pricesShown } from '../claims/prices.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';

const feeScheduleBody = transactions.LoadFeeSchedule.private!.omit({ salt: true, known: true, before: true });

/**
 * Gives a provider its next fee schedule.
 * @param after generation of the newest that it was made of; what came since is not lost
 * @throws {LedgerError} CONFLICT where there is a newer one
 */
export const sendFeeSchedule = (
  { index, ledger, organisation }: Pick<Services, 'index' | 'ledger' | 'organisation'>,
  provider: string,
  schedule: z.infer<typeof feeScheduleBody>,
  sending: Sending,
  after?: number,
): Promise<Outcome> =>
  upToDate(async () => {
    const between = { payer: organisation.name, provider };
    const own = collections.billing(organisation.name);
    const known = await index.evidence.newest(own, privateKeys.feeSchedule(between, 0).slice(0, -1));
    if (after !== undefined && known !== after)
      throw new LedgerError('CONFLICT', 'another fee schedule was given since', 'version');
    const before = await bookShown(index, own, between);
    const hints = { salt: newSalt(), known, ...(before === undefined ? {} : { before }) };
    return ledger.submit('LoadFeeSchedule', { provider }, { ...schedule, ...hints }, sending);
  });

export const loadFeeSchedule = route({
  method: 'put',
  path: '/fee-schedules/:provider',
  summary: 'Gives a provider its fee schedule (payer).',
  parameters: z.object({ provider: z.string() }),
  body: feeScheduleBody,
  large: true,
  transaction: 'LoadFeeSchedule',
  answers: {
    200: {
      description: 'What was loaded.',
      schema: z.object({ provider: z.string(), version: feeScheduleBody.shape.version, transactionId: z.string() }),
    },
  },
  async handle({ caller, parameters: { provider }, body, idempotency }, services) {
    const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => sendFeeSchedule(services, provider, body, sending),
    }));
    const { transactionId } = outcome;
    return { body: { provider, version: body.version, transactionId }, transactionId };
  },
});

const shownSchema = feeScheduleSchema
  .omit({ schema: true, salt: true, names: true })
  .extend({ payer: z.string(), provider: z.string() })
  .meta({ id: 'FeeSchedule' });

/** The newest of them, or the newest of that version, or what is in force on a day of service. @throws LedgerError NOT_FOUND; {Failure} 503 while it is on its way */
async function feeScheduleOf(
  index: ReadModel,
  own: string,
  between: Contracting,
  { version, date }: { version?: string | undefined; date?: string | undefined },
): Promise<object> {
  if (date !== undefined) return inForce(index, own, between, date);
  const series = privateKeys.feeSchedule(between, 0).slice(0, -1);
  for (let generation = await index.evidence.newest(own, series); generation > 0; generation -= 1) {
    const text = await textOf(index, own, privateKeys.feeSchedule(between, generation));
    const shown = shownOf(between, text);
    if (version === undefined || shown.version === version) return shown;
  }
  throw new LedgerError('NOT_FOUND', 'there is no such fee schedule');
}

function shownOf(between: Contracting, text: string) {
  const { schema: _, salt: __, names: ___, ...shown } = feeScheduleSchema.parse(JSON.parse(text));
  return { ...between, ...shown };
}

async function inForce(index: ReadModel, own: string, between: Contracting, day: string): Promise<object> {
  const { prices, feeSchedule = prices?.schedules[0] } = await pricesShown(index, own, between, [day]);
  if (feeSchedule === undefined) throw new LedgerError('NOT_FOUND', 'there is no such fee schedule');
  return shownOf(between, feeSchedule.text);
}

/** Of a payer its own, of a provider those that a payer has given it. */
export const getFeeSchedule = route({
  method: 'get',
  path: '/fee-schedules/:provider',
  summary: 'The fee schedule that a payer has given a provider: for either of them.',
  roles: ['system', 'adjudicator'],
  parameters: z.object({ provider: z.string() }),
  query: z.strictObject({
    payer: z.string().optional().meta({ description: 'At a provider: whose; needed where it has several payers.' }),
    version: z
      .string()
      .optional()
      .meta({ description: 'The newest of that version; the newest of all where it is left out.' }),
    date: daySchema.optional().meta({ description: 'What is in force for services of that day, instead.' }),
  }),
  answers: { 200: { description: 'Prices in minor units of the currency.', schema: shownSchema } },
  async handle({ parameters: { provider }, query: { payer, ...which } }, { index, organisation, consortium }) {
    const payers = consortium.organisations.filter(({ kind }) => kind === 'payer').map(({ name }) => name);
    const [only] = payers.length === 1 ? payers : [];
    const whose = organisation.kind === 'payer' ? organisation.name : (payer ?? only);
    if (whose === undefined) throw new LedgerError('INVALID', 'there are several payers', 'payer');
    const between = { payer: whose, provider: organisation.kind === 'provider' ? organisation.name : provider };
    if (between.provider !== provider) throw new LedgerError('NOT_FOUND', 'there is no such fee schedule');
    return { body: await feeScheduleOf(index, collections.billing(organisation.name), between, which) };
  },
});
