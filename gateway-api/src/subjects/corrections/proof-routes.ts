/** Restrictions as they stand, and receipts of corrections and restrictions: for whoever may read the records that they are about. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { patientNamed } from '../../http/patients.ts';
import { type Route, route } from '../../http/routes.ts';
import type { RestrictedRecord } from '../../index/read/restrictions.ts';
import { aboutOf } from '../reads/read-log.ts';
import { formOf, formSchema } from '../receipts/forms.ts';
import { asProof, ENCODINGS, PROOF_ANSWERS } from '../receipts/proof-routes.ts';
import type { Encoding } from '../receipts/proofs.ts';
import { correctionReceipt, restrictionReceipt } from '../receipts/what-is-proved.ts';
import type { Services } from '../services.ts';
import { correctionOf } from './corrections.ts';

const none = (): LedgerError => new LedgerError('NOT_FOUND', 'there is nothing here to give a receipt of');
const roles = ['patient', 'caretaker', 'system', 'practitioner'] as const;

const restrictionSchema = z
  .object({
    record: z.string().meta({ description: '`Type/id`' }),
    patient: z.string().meta({ description: '`Patient/<id>`' }),
    provider: z.string().meta({ description: 'Whose record it is.' }),
    status: z.enum(['restricted', 'lifted']),
    since: z.iso.datetime(),
    transactionId: z.string(),
  })
  .meta({ id: 'Restriction' });

/** At the custodian every provider's, at a provider its own. */
const isHere = ({ provider }: RestrictedRecord, { organisation: { kind, name } }: Services): boolean =>
  kind === 'custodian' || (kind === 'provider' && provider === name);

/** The newest mark of each record that is here and that whoever asks may read of. @throws {LedgerError} FORBIDDEN */
async function restrictionsFor(
  caller: Caller,
  whose: { patient: string } | { record: string },
  services: Services,
): Promise<RestrictedRecord[]> {
  const own = compartmentsOf(caller, 'read');
  const { restrictions } = services.index;
  const wanted = 'record' in whose ? whose : { patients: [whose.patient] };
  const all = await restrictions.about(wanted);
  const newest = new Map(all.map((one) => [one.record, one]));
  return [...newest.values()].filter((one) => isHere(one, services) && (own?.includes(one.patient) ?? true));
}

const shown = ({ type, record, patient, provider, n, at, transactionId }: RestrictedRecord) => ({
  ...{ record: `${type}/${record}`, patient: `Patient/${patient}`, provider },
  ...{ status: n % 2 === 1 ? ('restricted' as const) : ('lifted' as const), since: at, transactionId },
});

async function noteRestrictions(caller: Caller, found: readonly RestrictedRecord[], { readLog }: Services) {
  const about = aboutOf(
    'shown',
    found.map(({ patient, record: id }) => ({ patient, id })),
  );
  await readLog.note(caller, { interaction: 'read', type: 'Restriction', about });
}

export const listRestrictions = route({
  method: 'get',
  path: '/restrictions',
  summary: 'Which records of a patient she has restricted, or had lifted again, and since when.',
  roles: [...roles],
  query: z.object({
    patient: patientNamed,
  }),
  answers: { 200: { description: 'The records.', schema: z.object({ restrictions: z.array(restrictionSchema) }) } },
  async handle({ caller, query: { patient } }, services) {
    const own = compartmentsOf(caller, 'read');
    const named = patient === undefined ? (own ?? []) : [patient];
    if (named.length === 0) throw new LedgerError('INVALID', 'names no patient', 'patient');
    const found = (await Promise.all(named.map((one) => restrictionsFor(caller, { patient: one }, services)))).flat();
    await noteRestrictions(caller, found, services);
    return { body: { restrictions: found.map(shown) } };
  },
});

const correctionProof = (as: Encoding): Route =>
  route({
    method: 'get',
    path: `/corrections/:id/${as}`,
    summary:
      'Proof of what a patient asked to be corrected, or of the holder’s answer once it is given, with its words.',
    roles: [...roles],
    parameters: z.object({ id: z.string() }),
    query: formSchema,
    answers: PROOF_ANSWERS[as],
    async handle({ caller, parameters: { id }, query }, services) {
      const form = formOf(caller, query, { as, isContent: true });
      const own = compartmentsOf(caller, 'read');
      const found = await correctionOf(id, services);
      if (found === undefined) throw none();
      const { patient } = found.asked;
      const isShown = own?.includes(patient) ?? true;
      const about = aboutOf(isShown ? 'shown' : 'refused', [{ patient, id }]);
      await services.readLog.note(caller, { interaction: 'read', type: 'Task', about });
      const receipt = isShown ? await correctionReceipt(services, found, form) : undefined;
      if (receipt === undefined) throw none();
      return asProof(receipt, as);
    },
  });

const restrictionProof = (as: Encoding): Route =>
  route({
    method: 'get',
    path: `/restrictions/:record/${as}`,
    summary: 'Proof of the mark that restricts a record, or that lifts its restriction.',
    roles: [...roles],
    parameters: z.object({ record: z.string().meta({ description: 'Id of the record.' }) }),
    query: formSchema,
    answers: PROOF_ANSWERS[as],
    async handle({ caller, parameters: { record }, query }, services) {
      const form = formOf(caller, query, { as, isContent: true });
      const [found] = await restrictionsFor(caller, { record }, services);
      const receipt = found && (await restrictionReceipt(services, found, form));
      if (found === undefined || receipt === undefined) throw none();
      await noteRestrictions(caller, [found], services);
      return asProof(receipt, as);
    },
  });

export const correctionProofs: readonly Route[] = ENCODINGS.flatMap((as) => [
  correctionProof(as),
  restrictionProof(as),
]);
