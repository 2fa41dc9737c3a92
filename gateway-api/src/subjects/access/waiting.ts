/** What a patient is asked: a stream of the requests for her records, and her answer that refuses one. */
import { isEmergencyPurpose } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf, compartmentsOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { newSalt } from '../../ledger/sender.ts';
import { isActing } from '../consents/delegations.ts';
import { within } from '../consents/tries.ts';
import type { Services } from '../services.ts';
import { sendRefusal } from './refusals.ts';
import { notFound, shown, stateSchema } from './shown.ts';

export const refuseAccess = route({
  method: 'post',
  path: '/access-requests/:id/refusal',
  summary: 'The patient says no to a request that is not decided. It is kept until the ledger has it, whoever is away.',
  transaction: 'RefuseAccess',
  roles: ['patient', 'caretaker'],
  parameters: z.object({ id: z.string().meta({ description: 'Id of the request.' }) }),
  answers: {
    202: {
      description: 'Kept: how the request stands, `pending` being `refusal` until it is refused.',
      schema: stateSchema,
    },
  },
  async handle({ caller, parameters: { id } }, services) {
    const { disclosures, refusals } = services;
    const own = compartmentsOf(caller, 'answer');
    const found = own === undefined ? undefined : await disclosures.find(id, own);
    const patient = found?.patient;
    if (found === undefined) throw notFound();
    const { status, purpose } = found.state;
    if (status === 'requested' && isEmergencyPurpose(purpose))
      throw new LedgerError('CONFLICT', 'an emergency waits for nobody: a consent denies it');
    if (status !== 'requested' && status !== 'refused') throw new LedgerError('CONFLICT', `the request is ${status}`);
    const headers = { Location: `/access-requests/${id}` };
    if (status === 'refused') return { status: 202, headers, body: shown(found), transactionId: found.transactionId };
    const noted = {
      access: id,
      reason: caller.role === 'caretaker' ? 'caretaker-refused' : 'patient-refused',
      patient: patient ?? null,
      consent: null,
      consent_version: null,
    };
    const said = [{ outcome: 'shown' as const, patient: patient ?? null, access: id, records: [id] }];
    await services.readLog.note(caller, { interaction: 'refuse', type: 'AccessRequest', about: said });
    await refusals.add({ ...noted, salt: newSalt(), due_at: new Date().toISOString() });
    const sent = sendRefusal(found.state, services).catch(() => undefined);
    // Until the next endorser would be asked, and once more that long; it goes on after the answer.
    const transactionId = await within(sent, 2 * services.ledger.hedgeMs);
    const body = shown((await afterCommit(() => disclosures.find(id, patient))) ?? { ...found, pending: 'refusal' });
    return { status: 202, headers, body, ...(transactionId === undefined ? {} : { transactionId }) };
  },
});

/** A token of one record counts for the others of a person as long as they are linked. */
async function isLinkedStill({ linked = [] }: Caller, patient: string, index: Services['index']): Promise<boolean> {
  if (linked.length === 0) return true;
  const still = await index.links.of(patient);
  return linked.every((one) => still.includes(one));
}

/** What of what is delegated listening is. */
const LISTENING = ['read', 'answer'] as const;

export const accessEvents = route({
  method: 'get',
  path: '/access-requests/events',
  summary:
    'Server-sent events to the patient: `requested`, what is not decided yet, `decided`, what became of it, and `patient-key`, that her keys change.',
  roles: ['patient', 'caretaker'],
  answers: {
    200: {
      description:
        'text/event-stream; each event has the access as data. Last-Event-ID resumes. It ends with the token.',
      schema: z.string(),
    },
  },
  async handle({ caller }, { accessStreams, index, organisation, readLog }) {
    const patient = compartmentOf(caller, ...LISTENING);
    if (patient === undefined || organisation.kind !== 'custodian') throw notFound();
    accessStreams.demandRoom(caller.subject);
    const about = [{ outcome: 'shown' as const, patient, access: null, records: [] }];
    await readLog.note(caller, { interaction: 'events', type: 'AccessRequest', about });
    return {
      headers: {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      },
      body: '',
      async stream(request, response) {
        const { 'last-event-id': last, authorization = '' } = request.headers;
        const since = typeof last === 'string' && /^\d{1,15}$/.test(last) ? Number(last) : undefined;
        // It was verified when the request came.
        const endsAt = Number(decodeJwt(authorization.replace(/^bearer +/i, '')).exp) * 1_000;
        const isHers = caller.role === 'patient';
        const mayGoOn = isHers
          ? () => isLinkedStill(caller, patient, index)
          : () => isActing(caller, index, ...LISTENING);
        await accessStreams.add({ client: caller.subject, patient, response, mayGoOn, isHers }, { since, endsAt });
      },
    };
  },
});
