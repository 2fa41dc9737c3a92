/**
 * `[type]/[id]/$request-correction`, `$restrict` and `$lift-restriction`, at the patient's custodian. R4 has no operations for them;
 * what a correction comes to is a Task of HL7's patient requests for corrections (hl7.org/fhir/uv/patient-corrections).
 */
import { randomUUID } from 'node:crypto';
import type { CaretakerAct } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { restrictionHandle, wordsSchema } from '@telemed-ledger/chaincode/model/corrections.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { asSystem, type Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { Answer } from '../../fhir/answers.ts';
import { outcomeOf, refuse } from '../../fhir/outcomes.ts';
import { supportedTypes } from '../../fhir/types.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ErasureSubject } from '../../index/read/erasures.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { aboutOf } from '../reads/read-log.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { correctionOf, correctionsOf, taskOf } from './corrections.ts';

interface Parameter {
  name?: string;
  valueString?: string;
  valueBoolean?: boolean;
}

/** A provider's record that is here and the caller's to ask about. @throws {Refusal} 404 */
async function subjectOf(
  type: string,
  id: string,
  caller: Caller,
  { index }: Services,
  ...acts: CaretakerAct[]
): Promise<ErasureSubject & { patient: string }> {
  const compartment = compartmentOf(caller, ...acts);
  const subject = await index.erasures.subject(type, id);
  const patient = subject?.patient ?? undefined;
  const isHers = compartment === undefined || patient === compartment;
  if (subject === undefined || patient === undefined || !isHers)
    return refuse(404, 'not-found', 'This server has no such resource.');
  return { ...subject, patient };
}

/** Her words, and whether the record is to be restricted as well: Parameters, or the Task itself. @throws {LedgerError} INVALID */
function askedIn(body: Resource | undefined, type: string, id: string): { words: string; restricts: boolean } {
  if (body?.resourceType === 'Task')
    return { words: wordsIn(body['description'], 'Task.description'), restricts: restrictsIn(body, type, id) };
  if (body?.resourceType !== 'Parameters')
    throw new LedgerError('INVALID', 'is no Parameters and no Task', 'resourceType');
  const parameters = (body['parameter'] ?? []) as Parameter[];
  const other = parameters.findIndex(({ name }) => name !== 'text' && name !== 'restrict');
  if (other >= 0) throw new LedgerError('INVALID', 'is none of text, restrict', `Parameters.parameter[${other}].name`);
  const text = parameters.filter(({ name }) => name === 'text');
  if (text.length > 1) throw new LedgerError('INVALID', 'is there twice', "Parameters.parameter.where(name='text')");
  const restricts = parameters.some(({ name, valueBoolean }) => name === 'restrict' && valueBoolean === true);
  return { words: wordsIn(text[0]?.valueString, "Parameters.parameter.where(name='text')"), restricts };
}

function restrictsIn(task: Resource, type: string, id: string): false {
  const { reference = '' } = (task['focus'] ?? {}) as { reference?: string };
  if (!new RegExp(`(^|/)${type}/${id}(/_history/\\d+)?$`).test(reference))
    throw new LedgerError('INVALID', 'is another record', 'Task.focus');
  return false;
}

function wordsIn(words: unknown, expression: string): string {
  const { success, data } = wordsSchema.safeParse(words);
  if (!success) throw new LedgerError('INVALID', 'says in 1 to 4000 characters what is wrong', expression);
  return data;
}

const askedBy = ({ role }: Caller): 'patient' | 'caretaker' | 'system' =>
  role === 'patient' || role === 'caretaker' ? role : 'system';

async function demandNoOther(
  { record, patient }: ErasureSubject & { patient: string },
  services: Services,
): Promise<void> {
  const open = (await correctionsOf(patient, services)).some(
    ({ asked, answered }) => asked.record === record && answered === undefined,
  );
  if (open) refuse(409, 'business-rule', 'A correction of this record waits for its answer already.');
}

const requestCorrection = (type: string): SubjectOperation => ({
  ...{ kind: 'custodian', type, name: 'request-correction', level: 'instance', transaction: 'AskCorrection' },
  summary: `Asks the holder of a ${type} to correct it, in the patient’s words.`,
  definition: definitionOf('request-correction'),
  async handle({ caller, body, id: at = '', idempotency }, services) {
    const { words, restricts } = askedIn(body, type, at);
    const subject = await subjectOf(type, at, caller, services, 'read');
    const { provider, record, patient } = subject;
    const { outcome, answer } = await services.idempotent.write(asSystem(caller), idempotency, () => {
      const id = randomUUID();
      return {
        answer: { id },
        submit: async (sending) => {
          await demandNoOther(subject, services);
          const newest = await services.index.newestRow(type, at);
          if (newest === undefined) return refuse(410, 'deleted', 'This resource has been erased.');
          if (restricts) await setRestricted(subject, true, { caller, services }, AS_SYSTEM);
          const asked = { id, record, type, version: newest.version, patient, words, askedBy: askedBy(caller) };
          return services.ledger.submit('AskCorrection', { provider }, { ...asked, salt: newSalt() }, sending);
        },
      };
    });
    const correction = await afterCommit(async () => {
      const about = aboutOf('shown', [{ patient, id: answer.id }]);
      await services.readLog.note(caller, { interaction: 'read', type: 'Task', about });
      return correctionOf(answer.id, services);
    });
    return {
      ...{ status: 201, headers: { Location: `/corrections/${answer.id}` }, transactions: [outcome.transactionId] },
      ...(correction === undefined ? {} : { resource: taskOf(correction) }),
    };
  },
});

/** Undefined where it stands so already. */
async function setRestricted(
  { provider, record, patient }: ErasureSubject & { patient: string },
  isWanted: boolean,
  { caller, services: { index, ledger, readLog } }: { caller: Caller; services: Services },
  sending: Pick<Sending, 'as'>,
): Promise<Outcome | undefined> {
  const newest = await index.restrictions.newest(provider, record);
  if ((newest % 2 === 1) === isWanted) return undefined;
  // Who does it: the ledger has it from the custodian alone.
  const act = { outcome: 'shown', patient, access: null, records: [`${record}/${newest + 1}`] } as const;
  const interaction = isWanted ? 'restrict' : 'lift-restriction';
  await readLog.note(caller, { interaction, type: 'Restriction', about: [{ ...act, records: [...act.records] }] });
  const mark = { handle: restrictionHandle(provider, record), n: newest + 1, salt: newSalt() };
  return ledger.submit('RestrictRecord', { provider }, mark, sending);
}

/** Nothing is to be written, so nothing is kept under the request's key. */
class StandsSo extends Error {}

const SAYS = {
  restrict:
    'The record is restricted: it is delivered to nobody until that is lifted, in an emergency as the consortium’s rules say. What was delivered stays where it is.',
  'lift-restriction': 'The record is not restricted any more.',
} as const;

const restriction = (type: string, name: keyof typeof SAYS): SubjectOperation => ({
  ...{ kind: 'custodian', type, name, level: 'instance', transaction: 'RestrictRecord' },
  summary:
    name === 'restrict'
      ? `Has a ${type} delivered to nobody while it is disputed.`
      : `Ends the restriction of a ${type}.`,
  definition: definitionOf(name),
  async handle({ caller, id = '', idempotency }, services): Promise<Answer> {
    const subject = await subjectOf(type, id, caller, services);
    const written = await services.idempotent
      .write(asSystem(caller), idempotency, () => ({
        answer: {},
        submit: async (sending) => {
          const outcome = await setRestricted(subject, name === 'restrict', { caller, services }, sending);
          if (outcome === undefined) throw new StandsSo();
          return outcome;
        },
      }))
      .catch((error: unknown) => {
        if (error instanceof StandsSo) return undefined;
        throw error;
      });
    return {
      status: 200,
      resource: outcomeOf([{ severity: 'information', code: 'informational', diagnostics: SAYS[name] }]),
      ...(written === undefined ? {} : { transactions: [written.outcome.transactionId] }),
    };
  },
});

/** Of every type that providers record. */
export const correctRecord: readonly SubjectOperation[] = supportedTypes
  .filter(({ writer }) => writer === 'provider')
  .flatMap(({ name }) => [
    requestCorrection(name),
    restriction(name, 'restrict'),
    restriction(name, 'lift-restriction'),
  ]);
