/**
 * `[type]/[id]/$erase`: the patient asks at the custodian, the provider whose record it is at its own gateway. R4 has no
 * operation for it; DELETE would say only that a resource is not current any more, and leaves its history.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import type { Answer } from '../../fhir/answers.ts';
import { outcomeOf, refuse } from '../../fhir/outcomes.ts';
import { supportedTypes } from '../../fhir/types.ts';
import type { ErasureSubject } from '../../index/read/erasures.ts';
import { viewOf } from '../records/views.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import type { ErasureStanding } from './requests.ts';

const RETRY_SECONDS = '2';
const placeOf = ({ id }: Pick<ErasureStanding, 'id'>): string => `/erasures/${id}`;

const DIAGNOSTICS: Record<ErasureStanding['status'], string> = {
  waiting: 'Kept. It is marked when another organisation has endorsed it; the record is shown until then.',
  marked: 'The record is shown nowhere any more. Its text is being purged.',
  erased: 'The record is erased.',
};

function answerOf(standing: ErasureStanding): Answer {
  const { status, mark } = standing;
  const isDone = status === 'erased';
  const diagnostics = isDone ? DIAGNOSTICS[status] : `${DIAGNOSTICS[status]} Its status is at ${placeOf(standing)}.`;
  return {
    status: isDone ? 200 : 202,
    resource: outcomeOf([{ severity: 'information', code: 'informational', diagnostics }]),
    headers: { Location: placeOf(standing), ...(isDone ? {} : { 'Retry-After': RETRY_SECONDS }) },
    ...(mark === undefined ? {} : { transactions: [mark.transaction_id] }),
  };
}

/** @throws {Refusal} 404 for what is not here, or of another patient */
async function subjectOf(type: string, id: string, caller: Caller, { index }: Services): Promise<ErasureSubject> {
  const compartment = compartmentOf(caller);
  const subject = await index.erasures.subject(type, id);
  if (subject !== undefined && (compartment === undefined || subject.patient === compartment)) return subject;
  const shown = await index.newest(type, id, viewOf(caller, type, 'r'));
  if (shown === undefined) return refuse(404, 'not-found', 'This server has no such resource.');
  throw new LedgerError('FORBIDDEN', 'this is no record of a provider that may be erased here');
}

/** The Patient goes last: her consents, and who saw what, are found by it. @throws {Refusal} 409 */
async function checkLast({ type, record, provider }: ErasureSubject, { index }: Services): Promise<void> {
  if (type !== 'Patient') return;
  for (const { type: other, id } of await index.erasures.others(provider, record)) {
    if (other === 'Consent' && (await index.state('consent', id))?.status === 'revoked') continue;
    refuse(409, 'business-rule', 'A Patient is erased after the other records, when no consent is in force.');
  }
}

const erase = (type: string, kind: SubjectOperation['kind']): SubjectOperation => ({
  ...{ kind, type, name: 'erase', level: 'instance', transaction: 'EraseRecord' },
  summary: `Erases a ${type}, all its versions and copies, for good.`,
  definition: definitionOf('erase'),
  async handle({ caller, id = '' }, services) {
    const subject = await subjectOf(type, id, caller, services);
    await checkLast(subject, services);
    // What she has shared by links was made of what is to go.
    if (subject.patient !== null) await services.healthLinks.end({ patient: subject.patient });
    return answerOf(await services.erasures.erase(subject, caller.role === 'patient' ? 'patient' : 'system'));
  },
});

/** Of every type that providers record. */
export const eraseRecord: readonly SubjectOperation[] = supportedTypes
  .filter(({ writer }) => writer === 'provider')
  .flatMap(({ name }) => [erase(name, 'custodian'), erase(name, 'provider')]);
