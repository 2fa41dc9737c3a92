/** Practitioner licences, which every member may read, and the fee schedules that a payer gives a provider. */
import { licenceStateSchema, transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { newSalt } from '../../ledger/sender.ts';

const licenceSchema = licenceStateSchema.meta({ id: 'Licence' });
const licenceBody = licenceStateSchema.omit({ updatedAt: true, number: true });
const numberSchema = licenceStateSchema.pick({ number: true });
const feeScheduleBody = transactions.LoadFeeSchedule.private!.omit({ salt: true });

export const setLicence = route({
  method: 'put',
  path: '/licences/:number',
  summary: "Sets a practitioner's licence (regulator).",
  parameters: numberSchema,
  body: licenceBody,
  transaction: 'SetLicence',
  answers: { 200: { description: 'The licence as it stands.', schema: licenceSchema } },
  async handle({ caller, parameters: { number }, body, idempotency }, { ledger, idempotent }) {
    const { outcome, submitted } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => ledger.submit('SetLicence', { ...body, number }, undefined, sending),
    }));
    // The same request wrote the same licence, whichever of them it was.
    const licence = submitted?.result ?? { ...body, number, updatedAt: outcome.time };
    return { body: licence, transactionId: outcome.transactionId };
  },
});

export const getLicence = route({
  method: 'get',
  path: '/licences/:number',
  summary: "A practitioner's licence.",
  parameters: z.object({ number: z.string() }),
  answers: { 200: { description: 'The licence.', schema: licenceSchema } },
  async handle({ parameters: { number } }, { ledger }) {
    return { body: await ledger.evaluate('GetLicence', { number }) };
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
  async handle({ caller, parameters: { provider }, body, idempotency }, { ledger, idempotent }) {
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => ledger.submit('LoadFeeSchedule', { provider }, { ...body, salt: newSalt() }, sending),
    }));
    const { transactionId } = outcome;
    return { body: { provider, version: body.version, transactionId }, transactionId };
  },
});
