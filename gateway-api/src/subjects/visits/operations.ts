/**
 * `Encounter/[id]/$confirm` at the patient's custodian: she says that a visit took place, or that it did not. R4 has no operation for
 * it. A payer sees with each claim whether she has: of a visit by video nobody else but its provider says that it took place.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type VisitWord, visitHandle } from '@telemed-ledger/chaincode/model/visits.ts';
import { asSystem } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { outcomeOf, refuse } from '../../fhir/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { definitionOf, type SubjectOperation } from '../services.ts';

/** `took-place`, true where it is left out. @throws LedgerError INVALID for anything else */
function wordIn(body: Resource | undefined): VisitWord {
  if (body === undefined) return 'confirmed';
  if (body.resourceType !== 'Parameters') throw new LedgerError('INVALID', 'is no Parameters', 'resourceType');
  const parameters = (body['parameter'] ?? []) as { name?: string; valueBoolean?: unknown }[];
  const [first, more] = parameters;
  if (first === undefined) return 'confirmed';
  if (first.name !== 'took-place' || more !== undefined)
    throw new LedgerError('INVALID', 'is not took-place alone', 'Parameters.parameter.name');
  if (typeof first.valueBoolean !== 'boolean')
    throw new LedgerError('INVALID', 'is true or false', 'Parameters.parameter[0].valueBoolean');
  return first.valueBoolean ? 'confirmed' : 'disputed';
}

/** As her log has it. */
const SAID = { confirmed: 'confirm', disputed: 'dispute' } as const;
const SAYS = {
  confirmed: 'The visit is confirmed: whoever is billed for it sees that.',
  disputed: 'The visit is disputed: a claim for it waits until somebody has looked at it.',
} as const;

export const confirmVisit: SubjectOperation = {
  ...{ kind: 'custodian', type: 'Encounter', name: 'confirm', level: 'instance', transaction: 'SayOfVisit' },
  summary: 'The patient says that a visit took place, or with `took-place` false that it did not; each once.',
  definition: definitionOf('confirm-visit'),
  async handle({ caller, body, id = '', idempotency }, { index, idempotent, ledger, readLog }) {
    const compartment = compartmentOf(caller, 'read');
    const word = wordIn(body);
    const subject = await index.erasures.subject('Encounter', id);
    if (subject?.patient == null || (compartment !== undefined && subject.patient !== compartment))
      return refuse(404, 'not-found', 'This server has no such resource.');
    const { provider, record, patient } = subject;
    const { outcome } = await idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        // On the disk before it is sent: the ledger has it from the custodian alone.
        const about = [{ outcome: 'shown' as const, patient, access: null, records: [record] }];
        await readLog.note(caller, { interaction: SAID[word], type: 'Encounter', about });
        const mark = { handle: visitHandle(provider, record), word, salt: newSalt() };
        return ledger.submit('SayOfVisit', { provider }, mark, sending);
      },
    }));
    const said = { severity: 'information', code: 'informational', diagnostics: SAYS[word] } as const;
    return { status: 200, resource: outcomeOf([said]), transactions: [outcome.transactionId] };
  },
};
