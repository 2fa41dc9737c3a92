/**
 * Caretakers at the patients' gateway: for whom one acts, and in what, by the delegations that are in force at that moment.
 * The token says who he is; nothing in the request says what he may do.
 */
import type { CaretakerAct } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { delegationAt, isDelegation } from '@telemed-ledger/chaincode/model/delegations.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { isGuardian } from '@telemed-ledger/chaincode/model/related-persons.ts';
import type { ConsentVersion } from '@telemed-ledger/chaincode/model/values.ts';
import type { RequestHandler } from 'express';
import { type ActsFor, type Caller, callerIn, setCaller } from '../../auth/caller.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Services } from '../services.ts';
import { isRevoked, isWithdrawn } from './ends.ts';

/** The patient for whom a caretaker of several acts in a request: `Patient/<id>`. */
const HEADER = 'X-Patient';
/** The most delegations to one caretaker that are looked at. */
const MOST = 200;

/** Where he asks for whom he acts: he need not say it. */
export const DELEGATIONS = '/delegations';

interface Held extends ActsFor {
  consent: ConsentVersion;
  /** Until when it is in force, where it ends. */
  end?: string;
}

/** Every delegation in force that names him. @throws {Failure} 503 where a part of it has not arrived */
export async function delegationsTo(caretaker: string, index: ReadModel): Promise<Held[]> {
  const values = [{ parameter: 'actor', anyOf: [{ value: caretaker }] }];
  const { matches } = await index.search(
    { type: 'Consent', values, count: MOST },
    { compartment: undefined, audience: '' },
  );
  const now = new Date().toISOString();
  const held: Held[] = [];
  for (const { resource, version } of matches) {
    const delegation = delegationAt(resource, now);
    if (delegation?.caretakers.includes(caretaker) !== true) continue;
    const consent = { id: resource.id, version };
    if ((await isRevoked(index, consent.id)) || (await isWithdrawn(index, consent))) continue;
    const patient = /^Patient\/(.+)$/.exec(String((resource['patient'] as { reference?: string }).reference))?.[1];
    const { end } = (resource['provision'] as { period?: { end?: string } } | undefined)?.period ?? {};
    if (patient !== undefined)
      held.push({ patient, acts: delegation.acts, consent, ...(end === undefined ? {} : { end }) });
  }
  return held;
}

/** What he may do for one patient: all that her delegations say together. @throws {LedgerError} FORBIDDEN */
function actsFor(held: readonly ActsFor[], stated: string | undefined): ActsFor {
  const patients = [...new Set(held.map(({ patient }) => patient))];
  const named = stated === undefined ? undefined : /^Patient\/(.+)$/.exec(stated)?.[1];
  if (stated === undefined && patients.length > 1)
    throw new LedgerError('FORBIDDEN', `acts for several patients: name one as Patient/<id> in ${HEADER}`, HEADER);
  const patient = stated === undefined ? patients[0] : named;
  const hers = held.filter((one) => one.patient === patient);
  if (patient === undefined || hers.length === 0)
    throw new LedgerError('FORBIDDEN', 'no delegation in force names this caretaker');
  return { patient, acts: [...new Set(hers.flatMap(({ acts }) => acts))] };
}

/** One by which a caretaker does all of these for a patient, as a transaction shows it. @throws {LedgerError} FORBIDDEN */
export async function delegationFor(
  { fhirUser = '', actsFor }: Caller,
  index: ReadModel,
  acts: readonly CaretakerAct[],
): Promise<ConsentVersion> {
  const held = await delegationsTo(fhirUser, index);
  const one = held.find(
    ({ patient, acts: given }) => patient === actsFor?.patient && acts.every((act) => given.includes(act)),
  );
  if (one === undefined) throw new LedgerError('FORBIDDEN', `this is not delegated: it takes ${acts.join(' and ')}`);
  return one.consent;
}

/** Puts on a caretaker's request for whom he acts. To be mounted behind what says who is calling. */
export const caretaking =
  ({ index }: Pick<Services, 'index'>): RequestHandler =>
  async (request, response, next) => {
    // FHIR's metadata is open to anybody.
    const caller = callerIn(response);
    const isAsking = request.originalUrl.split('?')[0] === DELEGATIONS;
    if (caller?.role === 'caretaker' && !isAsking)
      setCaller(response, await acting(caller, request.get(HEADER), index));
    next();
  };

async function acting(caller: Caller, stated: string | undefined, index: ReadModel): Promise<Caller> {
  const held = caller.fhirUser === undefined ? [] : await delegationsTo(caller.fhirUser, index);
  return { ...caller, actsFor: actsFor(held, stated) };
}

/** Whether a caretaker still acts for the patient for whom he did when he asked, in one of these. */
export async function isActing(
  { fhirUser = '', actsFor: before }: Caller,
  index: ReadModel,
  ...acts: readonly CaretakerAct[]
): Promise<boolean> {
  const held = await delegationsTo(fhirUser, index);
  return held.some(({ patient, acts: now }) => patient === before?.patient && acts.some((act) => now.includes(act)));
}

/**
 * Holds a delegation that no patient gives herself to what two organisations say: the custodian sends it, and a provider has
 * recorded each caretaker as the patient's parent, guardian or attorney. @throws {LedgerError} FORBIDDEN
 */
export async function demandGuardians(consent: Resource, patient: string, index: ReadModel): Promise<void> {
  if (!isDelegation(consent)) return;
  const { actor = [] } = (consent['provision'] ?? {}) as { actor?: { reference?: { reference?: string } }[] };
  for (const [at, { reference }] of actor.entries()) {
    const id = /^RelatedPerson\/(.+)$/.exec(reference?.reference ?? '')?.[1];
    const found = id === undefined ? undefined : await index.newest('RelatedPerson', id);
    if (
      found !== undefined &&
      isGuardian(found.resource) &&
      patientIdOf({ patient: found.resource['patient'] }) === patient
    )
      continue;
    const reason =
      'a delegation that the patient does not give herself takes a RelatedPerson that a provider has recorded as her parent, guardian or attorney';
    throw new LedgerError('FORBIDDEN', reason, `Consent.provision.actor[${at}].reference`);
  }
}
