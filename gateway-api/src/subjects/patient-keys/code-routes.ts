/** Routes by which a provider and a patient see which codes for her key are open, and end one that nobody has used. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Organisation, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { asSystem, type Caller } from '../../auth/caller.ts';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { refuse } from '../../fhir/outcomes.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { newSalt } from '../../ledger/sender.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { type CodeShown, codesAt } from './codes.ts';

const codeSchema = z
  .object({
    id: z.string(),
    patient: z.string().meta({ description: '`Patient/<id>`' }),
    provider: z.string(),
    issuedBy: z.object({ role: z.string(), user: z.string().optional() }),
    issuedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    status: z.enum(['open', 'used', 'cancelled', 'over']),
    endedAt: z.iso.datetime().optional(),
    cancelledBy: z.enum(['patient', 'provider']).optional(),
  })
  .meta({ id: 'KeyCode' });

const shown = (code: CodeShown) => ({ ...code, patient: `Patient/${code.patient}` });

/** Providers whose codes are here. */
const providersOf = ({ kind, name }: Organisation, { consortium }: Services): string[] =>
  kind === 'provider' ? [name] : organisationsOfKind(consortium, 'provider').map((one) => one.name);

/** Those that whoever asks may see, the newest first, and which patients they are of. @throws {LedgerError} FORBIDDEN */
async function codesFor(caller: Caller, patient: string | undefined, services: Services): Promise<CodeShown[]> {
  const { organisation, index } = services;
  if (organisation.kind !== 'provider' && organisation.kind !== 'custodian')
    throw new LedgerError('FORBIDDEN', 'codes are their provider’s and the patient’s');
  const own = compartmentsOf(caller);
  if (own === undefined && organisation.kind === 'custodian')
    throw new LedgerError('FORBIDDEN', 'at the custodian a patient sees her own codes, and nobody else');
  const all = await Promise.all(providersOf(organisation, services).map((name) => codesAt(index, name)));
  return all
    .flat()
    .filter((one) => (own?.includes(one.patient) ?? true) && (patient === undefined || one.patient === patient));
}

async function noteCodes(caller: Caller, codes: readonly CodeShown[], { readLog }: Services): Promise<void> {
  const about = aboutOf('shown', codes);
  await readLog.note(caller, { interaction: 'read', type: 'KeyCode', about });
}

export const keyCodes = route({
  method: 'get',
  path: '/patient-keys/codes',
  summary: 'Codes that were handed out for a key: at her provider, or hers to a patient; never the codes themselves.',
  roles: ['patient', 'system', 'practitioner'],
  query: z.object({
    patient: patientNamed,
    status: codeSchema.shape.status.optional(),
  }),
  answers: { 200: { description: 'The newest first.', schema: z.object({ codes: z.array(codeSchema) }) } },
  async handle({ caller, query: { patient, status } }, services) {
    const found = await codesFor(caller, patient, services);
    const codes = found.filter((one) => status === undefined || one.status === status);
    await noteCodes(caller, codes, services);
    return { body: { codes: codes.map(shown) } };
  },
});

export const cancelKeyCode = route({
  method: 'post',
  path: '/patient-keys/codes/:id/cancellation',
  summary: 'Ends a code that nobody has used: its provider takes it back, or the patient whom it is for ends it.',
  roles: ['patient', 'system', 'practitioner'],
  transaction: 'CancelKeyCode',
  parameters: z.object({ id: z.string().max(64) }),
  answers: {
    200: { description: 'The code as it stands.', schema: codeSchema },
    404: { description: 'There is no such code, or it is another’s.' },
    409: { description: 'It is used, cancelled or over.' },
  },
  async handle({ caller, parameters: { id }, idempotency }, services) {
    const { ledger, idempotent } = services;
    const found = (await codesFor(caller, undefined, services)).find((one) => one.id === id);
    if (found === undefined) throw new LedgerError('NOT_FOUND', 'there is no such code');
    const by = services.organisation.kind === 'provider' ? caller : asSystem(caller);
    const { outcome } = await idempotent.write(by, idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        if (found.status !== 'open') refuse(409, 'conflict', `This code is ${found.status}.`);
        return ledger.submit('CancelKeyCode', { id, provider: found.provider }, { salt: newSalt() }, sending);
      },
    }));
    const now = await afterCommit(async () => {
      const after = (await codesFor(caller, undefined, services)).find((one) => one.id === id);
      if (after !== undefined) await noteCodes(caller, [after], services);
      return after;
    });
    return { body: shown(now ?? found), transactionId: outcome.transactionId };
  },
});
