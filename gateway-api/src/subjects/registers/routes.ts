/** Practitioner licences, which every member may read, and the fee schedules that a payer gives a provider. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { licenceStateSchema, transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { newSalt } from '../../ledger/sender.ts';
import { upToDate } from '../up-to-date.ts';

const licenceSchema = licenceStateSchema.meta({ id: 'Licence' });
const licenceBody = licenceStateSchema.omit({ updatedAt: true, number: true });
const numberSchema = licenceStateSchema.pick({ number: true });
const feeScheduleBody = transactions.LoadFeeSchedule.private!.omit({ salt: true, known: true });

export const setLicence = route({
  method: 'put',
  path: '/licences/:number',
  summary: "Sets a practitioner's licence (regulator).",
  parameters: numberSchema,
  body: licenceBody,
  transaction: 'SetLicence',
  answers: { 200: { description: 'The licence as it stands.', schema: licenceSchema } },
  async handle({ caller, parameters: { number }, body, idempotency }, { index, ledger, idempotent }) {
    const { outcome, submitted } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) =>
        upToDate(async () => {
          const { register, buckets } = await index.register.bucketsOf([number]);
          const [bucket] = buckets;
          if (bucket === undefined) throw new Error('a number lies in a bucket');
          return ledger.submit('SetLicence', { ...body, number }, { salt: newSalt(), register, bucket }, sending);
        }),
    }));
    // The same request wrote the same licence, whichever of them it was; whom it left out, the register goes on naming.
    const licence = submitted?.result ?? {
      ...(await afterCommit(() => index.register.licence(number))),
      ...{ ...body, number, updatedAt: outcome.time },
    };
    return { body: licence, transactionId: outcome.transactionId };
  },
});

export const getLicence = route({
  method: 'get',
  path: '/licences/:number',
  summary: "A practitioner's licence.",
  parameters: z.object({ number: z.string() }),
  answers: { 200: { description: 'The licence.', schema: licenceSchema } },
  async handle({ parameters: { number } }, { index }) {
    const licence = await index.register.licence(number);
    if (licence === undefined) throw new LedgerError('NOT_FOUND', 'no such licence', 'number');
    return { body: licence };
  },
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
  async handle({ caller, parameters: { provider }, body, idempotency }, { index, ledger, idempotent, organisation }) {
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        const series = privateKeys.feeSchedule({ payer: organisation.name, provider }, 0).slice(0, -1);
        const own = collections.billing(organisation.name);
        const known = await index.evidence.newest(own, series);
        return ledger.submit('LoadFeeSchedule', { provider }, { ...body, salt: newSalt(), known }, sending);
      },
    }));
    const { transactionId } = outcome;
    return { body: { provider, version: body.version, transactionId }, transactionId };
  },
});
