/** Routes by which a patient links her records at several providers, sees what is linked, and ends it. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf, compartmentsOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
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
  async handle({ caller, body: { code } }, services) {
    const own = ownOf(caller);
    const other = services.linkCodes.redeem(code);
    const transactionId = await linked(own, other, services);
    await noteLink(caller, [own, other!], services);
    const all = [own, ...(await services.index.links.of(own))];
    return { status: 201, body: await shownLinks(all, services), transactionId };
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
  async handle({ caller, parameters: { patient } }, services) {
    const own = compartmentsOf(caller);
    if (own !== undefined && !own.includes(patient)) throw new LedgerError('NOT_FOUND', 'nothing links this record');
    const transactionId = await unlinked(patient, own === undefined ? 'custodian' : 'patient', services);
    await noteLink(caller, [patient], services);
    return { body: await shownLinks([patient], services), transactionId };
  },
});
