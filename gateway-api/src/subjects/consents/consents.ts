/**
 * Consents at the custodian: which provider's data a consent governs, and what a write of it is. That patients act for
 * themselves alone is checked here and nowhere else, because the custodian signs for all of them; what a consent permits
 * the chaincode alone decides.
 */

import { caretakersOf, isDelegation } from '@telemed-ledger/chaincode/model/delegations.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Reference, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByName, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf, compartmentsOf } from '../../auth/entitlement.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { onlyOne, type RecordServices, type Write } from '../records/records.ts';
import { demandGuardians } from './delegations.ts';
import { Kept } from './kept.ts';
import { demandOneMeaning } from './meaning.ts';
import { issuesTelling } from './telling.ts';
import type { Wanted } from './wishes.ts';

/** Statuses that end a consent. */
const ENDED = new Set(['inactive', 'rejected', 'entered-in-error']);

/**
 * Grants, amends or revokes.
 * @throws {Refusal} 422 for what can be read in two ways. @throws {LedgerError} FORBIDDEN for another patient's, CONFLICT for a stale version. @throws {Kept} 202
 */
export const writeConsent: Write = async (services, drafts, sending, caller) => {
  const { index, wishes, consortium } = services;
  const draft = onlyOne(drafts);
  const { id: consent, version } = draft;
  const resource = draft.resource as Resource;
  const patient = patientIdOf(resource);
  if (patient === undefined) throw new LedgerError('INVALID', 'a consent names its Patient', 'Consent.patient');
  checkPatient(patient, caller);
  const newest = await index.newest('Consent', consent);
  if (version !== (newest?.version ?? 0) + 1) throw new LedgerError('CONFLICT', 'this is not the next version');
  const hasEnded = ENDED.has(String(resource['status']));
  // Before it is kept for a provider that is away, whose endorsement would refuse it later.
  if (!hasEnded && resource['status'] !== 'active')
    throw new LedgerError('INVALID', 'a consent is given as active; nothing else is kept here', 'Consent.status');
  const about = { consent, patient };
  if (newest === undefined) {
    if (hasEnded) throw new LedgerError('INVALID', 'a new consent is active', 'Consent.status');
    await demandGiver(resource, patient, caller, index);
    const provider = await governedProvider(resource, patient, index, consortium);
    await demandOneMeaning(services, resource, provider, version);
    await noteAct(services, caller, 'grant', { patient, named: `${consent}/${version}` });
    return telling(wishes.write({ kind: 'grant', ...about, provider, draft }, sending), services, resource, provider);
  }
  const provider = await recordedProvider(consent, patient, caller, index, consortium);
  checkCaretaker(newest.resource, caller, hasEnded);
  if (!hasEnded) {
    await demandGiver(resource, patient, caller, index);
    await demandOneMeaning(services, resource, provider, version);
  }
  const act = hasEnded ? 'revoke' : 'amend';
  await noteAct(services, caller, act, { patient, named: `${consent}/${version}` });
  if (hasEnded) return wishes.write({ kind: 'revoke', ...about, provider } satisfies Wanted, sending);
  return telling(wishes.write({ kind: 'amend', ...about, provider, draft }, sending), services, resource, provider);
};

/** Who does it: the ledger has it from the custodian alone. */
const noteAct = (
  { readLog }: Pick<RecordServices, 'readLog'>,
  caller: Caller,
  interaction: 'grant' | 'amend' | 'revoke',
  { patient, named }: { patient: string; named: string },
) =>
  readLog.note(caller, {
    interaction,
    type: 'Consent',
    about: [{ outcome: 'shown', patient, access: null, records: [named] }],
  });

/** Who may give this: the patient, a caretaker of hers in his own name, or of a delegation two organisations. @throws {LedgerError} */
async function demandGiver(resource: Resource, patient: string, caller: Caller, index: ReadModel): Promise<void> {
  if (caller.role === 'caretaker') checkPerformer(resource, caller);
  if (caller.role === 'system') await demandGuardians(resource, patient, index);
}

/** Where in the Consent itself the chaincode found a fault, as it names the places of its own input. */
function inConsent(error: unknown): unknown {
  const place = error instanceof LedgerError ? /^private\.consent\.resource(.*)$/.exec(error.expression ?? '') : null;
  const { code, reason } = error as LedgerError;
  return place === null ? error : new LedgerError(code, reason, `Consent${place[1]}`);
}

/** Where the wish is kept, the answer says what it will come to as well. */
async function telling<T>(
  written: Promise<T>,
  { index }: Pick<RecordServices, 'index'>,
  resource: Resource,
  provider: string,
): Promise<T> {
  try {
    return await written;
  } catch (error) {
    if (error instanceof Kept) error.issues.push(...(await issuesTelling(index, resource, provider)));
    throw inConsent(error);
  }
}

/**
 * A caretaker gives and changes consents in his own name, and no delegations: he would make himself, or others, more of a
 * caretaker than he is. @throws {LedgerError} FORBIDDEN, INVALID
 */
function checkPerformer(resource: Resource, caller: Caller): void {
  compartmentOf(caller, 'answer');
  if (isDelegation(resource)) throw new LedgerError('FORBIDDEN', 'a caretaker delegates nothing', 'Consent.scope');
  const performers = [resource['performer'] ?? []].flat() as Reference[];
  if (performers.length !== 1 || performers[0]?.reference !== caller.fhirUser)
    throw new LedgerError('INVALID', 'a caretaker agrees in his own name: write his reference', 'Consent.performer');
}

/** Whoever may revoke may also change. Of delegations a caretaker may end his own. @throws {LedgerError} FORBIDDEN */
function checkCaretaker(recorded: Resource, caller: Caller, hasEnded: boolean): void {
  if (caller.role !== 'caretaker') return;
  if (!isDelegation(recorded)) return void compartmentOf(caller, 'revoke');
  const names = caretakersOf(recorded);
  if (!hasEnded || names.length !== 1 || names[0] !== caller.fhirUser)
    throw new LedgerError('FORBIDDEN', 'a caretaker ends his own delegation alone', 'Consent.id');
}

/** @throws {LedgerError} FORBIDDEN */
function checkPatient(patient: string, caller: Caller): void {
  const own = caller.actsFor === undefined ? compartmentsOf(caller) : [caller.actsFor.patient];
  if (own !== undefined && !own.includes(patient))
    throw new LedgerError('FORBIDDEN', 'a patient acts on consents of their own only', 'Consent.patient');
}

/** The provider that Consent.organization names, if it does. @throws {LedgerError} INVALID */
function statedProvider(resource: Resource, consortium: Consortium): string | undefined {
  const references = [resource['organization'] ?? []].flat() as Reference[];
  if (references.length === 0) return undefined;
  const name = references.map(organisationNameOf).find((one) => one !== undefined);
  if (organisationByName(consortium, name ?? '')?.kind !== 'provider') {
    throw new LedgerError('INVALID', 'names no provider of the consortium', 'Consent.organization');
  }
  return name;
}

/** The provider whose data a new consent governs: the one it names, else the one whose Patient it is of. */
async function governedProvider(
  resource: Resource,
  patient: string,
  index: ReadModel,
  consortium: Consortium,
): Promise<string> {
  const row = await index.newestRow('Patient', patient);
  const holder = organisationsOfKind(consortium, 'provider').find(({ mspId }) => mspId === row?.author)?.name;
  if (holder === undefined) {
    throw new LedgerError('INVALID', 'no provider has recorded the Patient this names', 'Consent.patient');
  }
  const stated = statedProvider(resource, consortium);
  if (stated !== undefined && stated !== holder) {
    throw new LedgerError(
      'INVALID',
      'the Patient is not of the provider this consent names',
      'Consent.organization[0]',
    );
  }
  return holder;
}

/**
 * The provider in whose collection a consent stands.
 * @throws {LedgerError} NOT_FOUND, FORBIDDEN where it is another patient's than who calls, INVALID where it is not this one's
 */
async function recordedProvider(
  id: string,
  patient: string,
  caller: Caller,
  index: ReadModel,
  consortium: Consortium,
): Promise<string> {
  const row = await index.newestRow('Consent', id);
  const providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  const provider = providers.find((name) => collections.care(name) === row?.collection);
  if (provider === undefined) throw new LedgerError('NOT_FOUND', 'there is no such consent', 'Consent.id');
  checkPatient(row?.patient ?? '', caller);
  if (row?.patient !== patient) throw new LedgerError('INVALID', 'a consent keeps its patient', 'Consent.patient');
  return provider;
}
