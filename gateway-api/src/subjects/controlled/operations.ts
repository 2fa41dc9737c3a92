/**
 * `MedicationRequest/[id]/$sign` at its provider: a practitioner signs a prescription of a controlled substance by his own certificate. R4
 * has no operation for it. Who prescribed signs first, then another one; nothing is handed out before.
 */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { medicationIdOf } from '@telemed-ledger/chaincode/model/lots.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { outcomeOf, refuse } from '../../fhir/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { licenceNaming } from '../registers/licence-shown.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { upToDate } from '../up-to-date.ts';

const TYPE = 'MedicationRequest';

/** What a signature rests on. @throws {Refusal} 404 */
async function shownFor(
  { index, organisation }: Services,
  id: string,
  signer: string,
): Promise<Omit<PrivateOf<'SignPrescription'>, 'id' | 'salt'>> {
  const row = await index.newestRow(TYPE, id);
  if (row === undefined || row.source !== null)
    return refuse(404, 'not-found', 'This server has no such prescription of its own.');
  const { resource } = parseExact(row.value) as Anchored;
  const medication = medicationIdOf(resource as Resource);
  const held = medication === undefined ? undefined : await index.newestRow('Medication', medication);
  const { reference } = (resource['requester'] ?? {}) as Reference;
  const of = async (practitioner: string | undefined) =>
    practitioner === undefined
      ? undefined
      : (await licenceNaming(index, { organisation: organisation.name, practitioner })).licence;
  const [licence, prescriber] = await Promise.all([of(signer), of(reference)]);
  return {
    prescription: await index.evidence.ofRecord(row),
    ...(held === undefined ? {} : { medication: await index.evidence.ofRecord(held) }),
    ...(licence === undefined ? {} : { licence }),
    ...(prescriber === undefined ? {} : { prescriber }),
  };
}

export const signPrescription: SubjectOperation = {
  ...{ kind: 'provider', type: TYPE, name: 'sign', level: 'instance', transaction: 'SignPrescription' },
  summary: 'A practitioner signs a prescription of a controlled substance: who prescribed it, then another one.',
  definition: definitionOf('sign-prescription'),
  async handle({ caller, id = '', idempotency }, services) {
    const { fhirUser } = caller;
    if (fhirUser === undefined) throw new LedgerError('FORBIDDEN', 'a practitioner signs in his own name');
    const { outcome } = await services.idempotent.write(caller, idempotency, () => {
      const own = { id: randomUUID(), salt: newSalt() };
      return {
        answer: {},
        submit: (sending) =>
          upToDate(async () => {
            const shown = await shownFor(services, id, fhirUser);
            return services.ledger.submit('SignPrescription', {}, { ...shown, ...own }, sending);
          }),
      };
    });
    const said = { severity: 'information', code: 'informational', diagnostics: 'Signed.' } as const;
    return { status: 200, resource: outcomeOf([said]), transactions: [outcome.transactionId] };
  },
};
