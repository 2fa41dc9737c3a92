/** Routes by which a patient links her records at several providers, sees what is linked, and ends it. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { asSystem, type Caller } from '../../auth/caller.ts';
import { compartmentOf, compartmentsOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
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

const idText = z.string().max(64);

/** It is on the ledger, and what is linked now could not be read. */
const NOT_READ = { patients: [] };

const ownOf = (caller: Caller): string => {
  const own = compartmentOf(caller);
  if (own === undefined) throw new LedgerError('FORBIDDEN', 'a patient links her own records by a code');
  return own;
};

/** Whoever sees all that the organisation has. @throws {LedgerError} FORBIDDEN */
function demandCustodian<T>(caller: Caller, named: T): T {
  if (compartmentOf(caller) !== undefined)
    throw new LedgerError('FORBIDDEN', 'a patient links her records by a code: she names no others');
  return named;
}

/** Both records' logs have it. */
async function noteLink(
  caller: Caller,
  interaction: 'link' | 'unlink',
  patients: readonly string[],
  { readLog }: Pick<Services, 'readLog'>,
) {
  const about = patients.map((patient) => ({ outcome: 'shown' as const, patient, access: null, records: [patient] }));
  await readLog.note(caller, { interaction, type: 'Patient', about });
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
    return { status: 201, headers: { 'Cache-Control': 'no-store' }, body: await linkCodes.take(ownOf(caller)) };
  },
});

export const linkPatients = route({
  method: 'post',
  path: '/links',
  summary:
    'Links two records that identify one person: a patient’s with the one whose code this is; in trust, for who has no key of her own, the two that the custodian names.',
  kind: 'custodian',
  roles: ['patient', 'system'],
  transaction: 'LinkPatient',
  body: z.union([
    z.strictObject({ code: z.string().max(64) }),
    z.strictObject({
      patients: z.tuple([idText, idText]).meta({ description: 'Ids of two Patients, of the custodian.' }),
    }),
  ]),
  answers: {
    403: { description: 'A patient names no others; the custodian none who has a key of her own.' },
    201: { description: 'All records that are linked now.', schema: linkedSchema },
    404: { description: 'There is no such code, or the records do not identify one person: which, is not said.' },
  },
  async handle({ caller, body, idempotency }, services) {
    const own = 'code' in body ? ownOf(caller) : demandCustodian(caller, body.patients)[0];
    const { outcome } = await services.idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: (sending) =>
        'code' in body
          ? linkedBy(body.code, own, services, sending)
          : linked(body.patients, 'custodian', services, sending),
    }));
    const shown = await afterCommit(async () => {
      const all = [own, ...(await services.index.links.of(own))];
      await noteLink(caller, 'link', all, services);
      return shownLinks(all, services);
    });
    return { status: 201, body: shown ?? NOT_READ, transactionId: outcome.transactionId };
  },
});

/** A code counts once: it is spent by what came of it, and kept where it is to be tried again. */
async function linkedBy(code: string, own: string, services: Services, sending: Sending): Promise<Outcome> {
  const { linkCodes } = services;
  const other = await linkCodes.redeem(code, own);
  try {
    const outcome = await linked([own, other], 'patient', services, sending);
    await linkCodes.spend(code);
    return outcome;
  } catch (error) {
    const isUseless = error instanceof LedgerError && error.code === 'NOT_FOUND';
    // Somebody else's is not to be spent by whoever has seen it.
    if (isUseless && other !== undefined) await linkCodes.spend(code);
    throw error;
  }
}

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
      await noteLink(caller, 'unlink', [patient], services);
      return shownLinks([patient], services);
    });
    return { body: body ?? NOT_READ, transactionId: outcome.transactionId };
  },
});
