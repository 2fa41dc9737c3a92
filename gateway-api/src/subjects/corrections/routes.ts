/** Corrections over HTTP: what patient, custodian and holder see of them, and the holder's answer. */

import { wordsSchema } from '@telemed-ledger/chaincode/model/corrections.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { asSystem, type Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { refuse } from '../../fhir/outcomes.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { newSalt } from '../../ledger/sender.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { type Correction, correctionOf, correctionsOf, taskOf } from './corrections.ts';

const taskSchema = z.looseObject({ resourceType: z.literal('Task') }).meta({ id: 'CorrectionTask' });
const none = (): LedgerError => new LedgerError('NOT_FOUND', 'there is no such correction');

/** Before it is answered that they stand so. */
async function note(caller: Caller, shown: readonly Correction[], outcome: 'shown' | 'refused', { readLog }: Services) {
  const about = aboutOf(
    outcome,
    shown.map(({ asked: { patient, id } }) => ({ patient, id })),
  );
  await readLog.note(caller, { interaction: 'read', type: 'Task', about });
}

export const corrections = route({
  method: 'get',
  path: '/corrections',
  summary:
    'What patients ask to be corrected and what came of it, as Tasks, newest first: a patient’s own, a holder’s.',
  roles: ['patient', 'caretaker', 'system', 'practitioner'],
  query: z.object({
    status: z.enum(['requested', 'completed', 'rejected']).optional(),
    patient: patientNamed,
  }),
  answers: { 200: { description: 'The Tasks.', schema: z.object({ corrections: z.array(taskSchema) }) } },
  async handle({ caller, query: { status, patient } }, services) {
    const own = compartmentOf(caller, 'read');
    if (own !== undefined && patient !== undefined && patient !== own) return { body: { corrections: [] } };
    const all = await correctionsOf(own ?? patient, services);
    const shown = all.filter((one) => status === undefined || (taskOf(one) as { status: string }).status === status);
    await note(caller, shown, 'shown', services);
    return { body: { corrections: shown.map(taskOf) } };
  },
});

export const correction = route({
  method: 'get',
  path: '/corrections/:id',
  summary: 'A correction that a patient has asked for, as a Task.',
  roles: ['patient', 'caretaker', 'system', 'practitioner'],
  parameters: z.object({ id: z.string() }),
  answers: { 200: { description: 'The Task as it stands.', schema: taskSchema } },
  async handle({ caller, parameters: { id } }, services) {
    const own = compartmentOf(caller, 'read');
    const found = await correctionOf(id, services);
    const isOthers = own !== undefined && found?.asked.patient !== own;
    if (found !== undefined) await note(caller, [found], isOthers ? 'refused' : 'shown', services);
    if (found === undefined || isOthers) throw none();
    return { body: taskOf(found), headers: { 'X-Transaction-Id': found.transactionId } };
  },
});

export const answerCorrection = route({
  method: 'post',
  kind: 'provider',
  path: '/corrections/:id/answer',
  summary: 'The holder’s answer: the version that corrects the record, or why it stays as it is.',
  roles: ['system', 'practitioner'],
  transaction: 'AnswerCorrection',
  parameters: z.object({ id: z.string() }),
  body: z.discriminatedUnion('outcome', [
    z.strictObject({
      outcome: z.literal('accepted'),
      reason: wordsSchema.optional().meta({ description: 'What was corrected, in words.' }),
    }),
    z.strictObject({ outcome: z.literal('refused'), reason: wordsSchema }),
  ]),
  answers: {
    200: { description: 'The Task as it stands.', schema: taskSchema },
    409: { description: 'It is answered already, or accepted while the record is as it was: correct it first.' },
  },
  async handle({ caller, parameters: { id }, body, idempotency }, services) {
    const { index, ledger, idempotent } = services;
    const found = await correctionOf(id, services);
    if (found === undefined) throw none();
    await note(caller, [found], 'shown', services);
    const { outcome } = await idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        if (found.answered !== undefined) refuse(409, 'conflict', 'This correction is answered already.');
        const { type, record, version } = found.asked;
        const row = body.outcome === 'accepted' ? await index.newestRow(type, record) : undefined;
        if (body.outcome === 'accepted' && (row === undefined || row.version <= version))
          refuse(
            409,
            'business-rule',
            'The record is as it was when this was asked: record its corrected version first.',
          );
        const said = {
          ...(row === undefined ? {} : { corrected: await index.evidence.ofRecord(row) }),
          ...(body.reason === undefined ? {} : { reason: body.reason }),
        };
        return ledger.submit('AnswerCorrection', {}, { id, ...said, salt: newSalt() }, sending);
      },
    }));
    const answered = await afterCommit(() => correctionOf(id, services));
    return { body: taskOf(answered ?? found), transactionId: outcome.transactionId };
  },
});
