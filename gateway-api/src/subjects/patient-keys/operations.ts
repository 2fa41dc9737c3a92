/**
 * Patients' own keys over FHIR: `Patient/<id>/$issue-key-code` at her provider, who hands the code to her in person, and
 * `$enrol-key` and `$change-key` at the patients' gateway, which passes on what she has signed.
 */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import {
  oneTimeSignatureSchema,
  requestSchema,
  statementTextSchema,
} from '@telemed-ledger/chaincode/model/patient-keys.ts';
import { idSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import { newCode, readCode } from '@telemed-ledger/patient-client/code.ts';
import { asSystem, type Caller } from '../../auth/caller.ts';
import { compartmentOf, compartmentsOf } from '../../auth/entitlement.ts';
import type { Answer } from '../../fhir/answers.ts';
import { refuse } from '../../fhir/outcomes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { newSalt } from '../../ledger/sender.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { demanded, valuesIn } from './parameters.ts';
import { enteredOf, type PatientAt, patientAt } from './ring.ts';
import { standingOf } from './standing.ts';

/** It is shown this once, and stored nowhere. */
const ONCE = { 'Cache-Control': 'no-store' };

export const issueKeyCode: SubjectOperation = {
  ...{ kind: 'provider', type: 'Patient', name: 'issue-key-code', level: 'instance', transaction: 'IssueKeyCode' },
  summary: 'A code for a patient’s own key, shown once: to be handed to her in person.',
  definition: definitionOf('Patient-issue-key-code'),
  async handle({ caller, id = '', idempotency }, services) {
    compartmentOf(caller);
    const { index, consortium, organisation, idempotent, ledger } = services;
    const { provider, row } = await patientAt(index, consortium, id);
    if (provider !== organisation.name) throw new LedgerError('FORBIDDEN', 'this is no patient of this organisation');
    const code = newCode();
    const { id: codeId, publicKey } = await readCode(code);
    const { outcome, submitted } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        const hidden = { patient: await index.evidence.ofRecord(row), publicKey, salt: newSalt() };
        return ledger.submit('IssueKeyCode', { id: codeId }, hidden, sending);
      },
    }));
    if (submitted === undefined) return refuse(409, 'conflict', 'This code was shown once. Issue another.');
    const parameter = [
      { name: 'code', valueString: code },
      { name: 'patient', valueReference: { reference: `Patient/${id}` } },
      { name: 'expires', valueInstant: submitted.result.expiresAt },
    ];
    const resource = { resourceType: 'Parameters', parameter };
    return { status: 200, resource, transactions: [outcome.transactionId], headers: ONCE };
  },
};

export const enrolPatientKey: SubjectOperation = {
  ...{ kind: 'custodian', type: 'Patient', name: 'enrol-key', level: 'instance', transaction: 'EnrolPatientKey' },
  summary: 'Enrols the patient’s own key by the code of her provider: what she has signed, and never the code.',
  definition: definitionOf('Patient-enrol-key'),
  async handle({ caller, id = '', body, idempotency }, services) {
    const patient = await ownPatient(id, caller, services);
    const elements = { 'code-id': 'valueString', request: 'valueBase64Binary', signature: 'valueString' } as const;
    const values = valuesIn(body, elements);
    const hidden = {
      request: demanded(values.request, 'request', requestSchema),
      signature: demanded(values.signature, 'signature', oneTimeSignatureSchema),
    };
    const input = { id: demanded(values['code-id'], 'code-id', idSchema), provider: patient.provider };
    const { index, ledger, idempotent } = services;
    const { outcome } = await idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: (sending) =>
        upToDate(async () => {
          const { directory } = await enteredOf(index, patient);
          const shown = { patient: id, directory, ...hidden, salt: newSalt() };
          return ledger.submit('EnrolPatientKey', input, shown, sending);
        }),
    }));
    return answerOf(patient, outcome.transactionId, services);
  },
};

export const changePatientKey: SubjectOperation = {
  ...{ kind: 'custodian', type: 'Patient', name: 'change-key', level: 'instance', transaction: 'ChangePatientKey' },
  summary:
    'What the patient says of her keys, signed by the one in force: another one, its end, the end of a recovery.',
  definition: definitionOf('Patient-change-key'),
  async handle({ caller, id = '', body, idempotency }, services) {
    const patient = await ownPatient(id, caller, services);
    const values = valuesIn(body, { statement: 'valueString', request: 'valueBase64Binary' });
    const statement = demanded(values.statement, 'statement', statementTextSchema);
    const more = values.request === undefined ? {} : { request: demanded(values.request, 'request', requestSchema) };
    const { index, ledger, idempotent } = services;
    const input = { id: randomUUID(), provider: patient.provider };
    const { outcome } = await idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: (sending) =>
        upToDate(async () => {
          const { directory } = await enteredOf(index, patient);
          const shown = { patient: id, directory, statement, ...more, salt: newSalt() };
          return ledger.submit('ChangePatientKey', input, shown, sending);
        }),
    }));
    return answerOf(patient, outcome.transactionId, services);
  },
};

/** Her keys are a patient's own: neither a caretaker nor a system acts in them. @throws {LedgerError} FORBIDDEN */
async function ownPatient(
  id: string,
  caller: Caller,
  { index, consortium }: Pick<Services, 'index' | 'consortium'>,
): Promise<PatientAt> {
  if (caller.role !== 'patient' || compartmentsOf(caller)?.includes(id) !== true)
    throw new LedgerError('FORBIDDEN', 'a patient acts on keys of their own only');
  return patientAt(index, consortium, id);
}

async function answerOf(patient: PatientAt, transactionId: string, { index }: Services): Promise<Answer> {
  const standing = await afterCommit(async () => standingOf((await enteredOf(index, patient)).ring));
  const { inForce, pending } = standing ?? {};
  const parameter = [
    { name: 'provider', valueString: patient.provider },
    ...(inForce === undefined ? [] : [{ name: 'in-force', valueString: inForce }]),
    ...(pending === undefined ? [] : [{ name: 'pending', valueString: pending.thumbprint }]),
    ...(pending === undefined ? [] : [{ name: 'pending-from', valueInstant: pending.from }]),
  ];
  return { status: 200, resource: { resourceType: 'Parameters', parameter }, transactions: [transactionId] };
}
