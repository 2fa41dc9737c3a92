/** Routes by which a patient links her records at several providers, sees what is linked, and ends it. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { asSystem, type Caller } from '../../auth/caller.ts';
import { compartmentOf, compartmentsOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { Services } from '../services.ts';
import { linked, unlinked } from './links.ts';

const linkedSchema = z
  .object({
    patients: z.array(
      z.object({
        patient: z.string().meta({ description: '`Patient/<id>`' }),
        provider: z.string(),
        linkedAt: z.iso.datetime().optional(),
      }),
    ),
  })
  .meta({ id: 'LinkedPatients' });

/** It is on the ledger, and what is linked now could not be read. */
const NOT_READ = { patients: [] };

const ownOf = (caller: Caller): string => {
  const own = compartmentOf(caller);
  if (own === undefined) throw new LedgerError('FORBIDDEN', 'a patient links her own records');
  return own;
};

/** Both records' logs have it. */
async function noteLink(caller: Caller, patients: readonly string[], { readLog }: Pick<Services, 'readLog'>) {
  const about = patients.map((patient) => ({ outcome: 'shown' as const, patient, access: null, records: [patient] }));
  await readLog.note(caller, { interaction: 'link', type: 'Patient', about });
}

async function shownLinks(patients: readonly string[], { index }: Pick<Services, 'index'>): Promise<object> {
  const shown: object[] = [];
  for (const patient of patients) {
    const known = await index.links.linkOf(patient);
    const row = await index.newestRow('Patient', patient);
    const provider = row?.collection.slice(collections.care('').length);
    const linkedAt = known?.link.status === 'linked' ? { linkedAt: known.link.at } : {};
    if (provider !== undefined) shown.push({ patient: `Patient/${patient}`, provider, ...linkedAt });
  }
  return { patients: shown };
}

export const takeLinkCode = route({
  method: 'post',
  path: '/links/codes',
  summary:
    'A code by which another record of the same person is linked with the caller’s: it is given back with that record’s token.',
  kind: 'custodian',
  roles: ['patient'],
  answers: {
    201: {
      description: 'Counts once, for ten minutes.',
      schema: z.object({ code: z.string(), expiresAt: z.iso.datetime() }),
    },
  },
  async handle({ caller }, { linkCodes }) {
    return { status: 201, headers: { 'Cache-Control': 'no-store' }, body: linkCodes.take(ownOf(caller)) };
  },
});

export const linkPatients = route({
  method: 'post',
  path: '/links',
  summary: 'Links the record whose code this is with the caller’s, where both identify one person.',
  kind: 'custodian',
  roles: ['patient'],
  transaction: 'LinkPatient',
  body: z.strictObject({ code: z.string().max(64) }),
  answers: {
    201: { description: 'All records that are linked now.', schema: linkedSchema },
    404: { description: 'There is no such code, or the records do not identify one person: which, is not said.' },
  },
  async handle({ caller, body: { code }, idempotency }, services) {
    const own = ownOf(caller);
    const { outcome } = await services.idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: (sending) => linked(own, services.linkCodes.redeem(code), services, sending),
    }));
    const body = await afterCommit(async () => {
      const all = [own, ...(await services.index.links.of(own))];
      await noteLink(caller, all, services);
      return shownLinks(all, services);
    });
    return { status: 201, body: body ?? NOT_READ, transactionId: outcome.transactionId };
  },
});

export const listLinks = route({
  method: 'get',
  path: '/links',
  summary: 'The records that are linked with the caller’s, hers among them.',
  kind: 'custodian',
  roles: ['patient'],
  answers: { 200: { description: 'The records.', schema: linkedSchema } },
  async handle({ caller }, services) {
    return { body: await shownLinks(compartmentsOf(caller) ?? [], services) };
  },
});

export const endLink = route({
  method: 'post',
  path: '/links/:patient/end',
  summary: 'Takes a record out of what is linked: the patient one of hers, the custodian’s system any.',
  kind: 'custodian',
  roles: ['patient', 'system'],
  transaction: 'LinkPatient',
  parameters: z.object({ patient: z.string().meta({ description: 'Id of the Patient.' }) }),
  answers: { 200: { description: 'What is still linked with it: itself alone.', schema: linkedSchema } },
  async handle({ caller, parameters: { patient }, idempotency }, services) {
    const own = compartmentsOf(caller);
    const by = own === undefined ? 'custodian' : 'patient';
    const { outcome, submitted } = await services.idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        if (own?.includes(patient) === false) throw new LedgerError('NOT_FOUND', 'nothing links this record');
        return unlinked(patient, by, services, sending);
      },
    }));
    const body = await afterCommit(async () => {
      // The same request again: the record may be nobody's of hers by now.
      if (submitted === undefined && own?.includes(patient) === false) return undefined;
      await noteLink(caller, [patient], services);
      return shownLinks([patient], services);
    });
    return { body: body ?? NOT_READ, transactionId: outcome.transactionId };
  },
});
