/** Which substances are controlled, as a regulator sets it, and the prescriptions of them as a regulator sees them: by random ids. */
import {
  controlledListSchema,
  controlledPrescriptionSchema,
  substancesSchema,
} from '@telemed-ledger/chaincode/model/controlled.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { notHereYet } from '../../http/failures.ts';
import { route } from '../../http/routes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { upToDate } from '../up-to-date.ts';

const listSchema = z.object({ substances: substancesSchema });

export const setControlled = route({
  method: 'put',
  path: '/controlled-substances',
  summary: 'Sets which substances are controlled, by their codes: their prescriptions take two signatures (regulator).',
  body: listSchema.meta({ id: 'ControlledSubstances' }),
  large: true,
  transaction: 'SetControlled',
  answers: { 200: { description: 'When.', schema: z.object({ time: z.iso.datetime() }) } },
  async handle({ caller, body, idempotency }, { ledger, idempotent }) {
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => upToDate(() => ledger.submit('SetControlled', body, { salt: newSalt() }, sending)),
    }));
    return { body: { time: outcome.time }, transactionId: outcome.transactionId };
  },
});

export const getControlled = route({
  method: 'get',
  path: '/controlled-substances',
  summary: 'Which substances are controlled.',
  answers: { 200: { description: 'The list as it stands.', schema: listSchema } },
  async handle(_, { index: { evidence } }) {
    const generation = await evidence.newest(collections.registers, 'controlled/');
    if (generation === 0) return { body: { substances: [] } };
    const text = await evidence.text(collections.registers, privateKeys.controlled(generation));
    if (text === undefined) throw notHereYet(1);
    return { body: { substances: controlledListSchema.parse(JSON.parse(text)).substances } };
  },
});

const shownSchema = controlledPrescriptionSchema
  .omit({ schema: true, salt: true })
  .meta({ id: 'ControlledPrescription' });

export const controlledPrescriptions = route({
  method: 'get',
  path: '/controlled-prescriptions',
  summary: 'Prescriptions of controlled substances that were signed, the newest first; no patient (regulators).',
  roles: ['system', 'auditor'],
  query: z.object({ since: z.iso.date().optional().meta({ description: 'Signed on that day or later.' }) }),
  answers: {
    200: { description: 'Prescriptions.', schema: z.object({ prescriptions: z.array(shownSchema) }) },
  },
  async handle({ query: { since = '' } }, { index, organisation }) {
    if (organisation.kind !== 'regulator') throw new LedgerError('FORBIDDEN', 'these are the regulators’');
    const all = await index.evidence.values(collections.reviews, 'controlled-prescription');
    const prescriptions = all
      .map(({ value }) => controlledPrescriptionSchema.parse(JSON.parse(value)))
      .filter(({ signedAt }) => signedAt >= since)
      .map(({ schema: _, salt: __, ...one }) => one);
    return { body: { prescriptions: prescriptions.reverse() } };
  },
});
