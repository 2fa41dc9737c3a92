/**
 * `Encounter/[id]/$confirm` at the patient's custodian: she says that a visit took place, or that it did not. R4 has no operation for
 * it. A payer sees with each claim whether she has: of a visit by video nobody else but its provider says that it took place.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { confirmationOf, type VisitWord, visitHandle } from '@telemed-ledger/chaincode/model/visits.ts';
import { asSystem } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { outcomeOf, refuse } from '../../fhir/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { signedBy } from '../patient-keys/statements.ts';
import { definitionOf, type SubjectOperation } from '../services.ts';

interface Said {
  word: VisitWord;
  /** What she has signed, as it was sent. */
  statement?: string;
}

/** `took-place`, true where it is left out, and `statement`. @throws LedgerError INVALID for anything else */
function saidIn(body: Resource | undefined): Said {
  const said: Said = { word: 'confirmed' };
  if (body === undefined) return said;
  if (body.resourceType !== 'Parameters') throw new LedgerError('INVALID', 'is no Parameters', 'resourceType');
  const parameters = (body['parameter'] ?? []) as { name?: string; valueBoolean?: unknown; valueString?: unknown }[];
  const seen = new Set<string>();
  for (const [index, { name = '', valueBoolean, valueString }] of parameters.entries()) {
    const at = `Parameters.parameter[${index}]`;
    if (seen.has(name) || !['took-place', 'statement'].includes(name))
      throw new LedgerError('INVALID', 'is not took-place or statement, once', `${at}.name`);
    seen.add(name);
    if (name === 'statement') {
      if (typeof valueString !== 'string') throw new LedgerError('INVALID', 'is a JWS', `${at}.valueString`);
      said.statement = valueString;
    } else {
      if (typeof valueBoolean !== 'boolean') throw new LedgerError('INVALID', 'is true or false', `${at}.valueBoolean`);
      said.word = valueBoolean ? 'confirmed' : 'disputed';
    }
  }
  if (said.word === 'disputed' && said.statement !== undefined)
    throw new LedgerError('INVALID', 'a dispute takes no signature', 'Parameters.parameter');
  return said;
}

/** As her log has it. */
const SAID = { confirmed: 'confirm', disputed: 'dispute' } as const;
const SAYS = {
  confirmed: 'The visit is confirmed: whoever is billed for it sees that.',
  disputed: 'The visit is disputed: a claim for it waits until somebody has looked at it.',
} as const;

export const confirmVisit: SubjectOperation = {
  ...{ kind: 'custodian', type: 'Encounter', name: 'confirm', level: 'instance', transaction: 'SayOfVisit' },
  summary:
    'The patient says that a visit took place, or with `took-place` false that it did not; each once, the first signed where she has a key.',
  definition: definitionOf('confirm-visit'),
  async handle({ caller, body, id = '', idempotency }, { index, idempotent, ledger, readLog }) {
    const compartment = compartmentOf(caller, 'read');
    const { word, statement } = saidIn(body);
    const subject = await index.erasures.subject('Encounter', id);
    if (subject?.patient == null || (compartment !== undefined && subject.patient !== compartment))
      return refuse(404, 'not-found', 'This server has no such resource.');
    const { provider, record, patient } = subject;
    const confirmed = confirmationOf({ provider, patient }, record);
    const signed = word === 'confirmed' ? await signedBy(index, confirmed, statement) : undefined;
    const signature = signed === undefined ? {} : { signed };
    const { outcome } = await idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        // On the disk before it is sent: the ledger has it from the custodian alone.
        const about = [{ outcome: 'shown' as const, patient, access: null, records: [record] }];
        await readLog.note(caller, { interaction: SAID[word], type: 'Encounter', about });
        const mark = { handle: visitHandle(provider, record), word, salt: newSalt(), ...signature };
        return ledger.submit('SayOfVisit', { provider }, mark, sending);
      },
    }));
    const said = { severity: 'information', code: 'informational', diagnostics: SAYS[word] } as const;
    return { status: 200, resource: outcomeOf([said]), transactions: [outcome.transactionId] };
  },
};
