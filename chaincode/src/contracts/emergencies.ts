/**
 * Emergencies. The custodian's own peer says what the patient has denied, which nobody else may read; then it opens a review
 * and, with the holder or else the requestor, delivers for a day. Both see the licence, the request and the records' place on
 * the holder's sheets by hash, so a holder that is away stops nobody's treatment.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented, type ShownRecord } from '../ledger/evidence.ts';
import { licenceShown, loadRules } from '../ledger/register.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import {
  EMERGENCY_HOURS,
  isEmergency,
  isEmergencyPurpose,
  REVIEW_STEPS,
  type Review,
  type ReviewOutcome,
  reviewSchema,
} from '../model/emergencies.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { LicenceRefusal } from '../model/licences.ts';
import { lifetimeEnd } from '../model/renewals.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { AccessRequest, AccessState } from '../model/values.ts';
import { comingAlong } from '../rules/companions.ts';
import { decideEmergency } from '../rules/emergencies.ts';
import { licenceRefusal } from '../rules/licences.ts';
import {
  audienceOf,
  companionsIn,
  partOfStep,
  presentedRequest,
  presentedStep,
  putCopies,
  putStep,
  restrictionOf,
} from './access-steps.ts';
import { groundsOf, withPatient } from './deciding.ts';
import { checkCompanions, checkHeldRecords, checkPatient } from './held-records.ts';

export class Emergencies extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('emergencies');
    this.#consortium = consortium;
  }

  EvaluateEmergency(ctx: Context, argument: string): Promise<string> {
    return run('EvaluateEmergency', this.#consortium, ctx, argument, evaluateEmergency);
  }

  OpenReview(ctx: Context, argument: string): Promise<string> {
    return run('OpenReview', this.#consortium, ctx, argument, openReview);
  }

  BreakGlass(ctx: Context, argument: string): Promise<string> {
    return run('BreakGlass', this.#consortium, ctx, argument, breakGlass);
  }

  CloseReview(ctx: Context, argument: string): Promise<string> {
    return run('CloseReview', this.#consortium, ctx, argument, closeReview);
  }
}

type Done = OutputOf<'BreakGlass'>;
type Licensed = Call<'OpenReview' | 'BreakGlass'>;

async function evaluateEmergency(call: Call<'EvaluateEmergency'>): Promise<OutputOf<'EvaluateEmergency'>> {
  const { store, private: shown } = call;
  const { current, request } = await asked(call);
  const refusal = await refusalByLicence(call, request);
  if (refusal !== undefined) return { outcome: 'deny', reason: refusal };
  const grounds = await groundsOf(store, current, request, shown);
  if (grounds === undefined) return { outcome: 'deny', reason: 'patient-unknown' };
  const { consents, who, considered } = grounds;
  const { emergencyHours } = await loadRules(store);
  const latest = lifetimeEnd(request, store.time, emergencyHours);
  const decision = decideEmergency(consents, who, considered, { now: store.time, latest });
  if (decision.outcome === 'deny') return decision;
  const { companions, ...permission } = decision;
  return { ...permission, ...companionsIn({ companions }) };
}

async function openReview(call: Call<'OpenReview'>): Promise<Done> {
  const { input, store, private: shown } = call;
  const { current, request } = await asked(call);
  await checkLicence(call, request);
  const review: Review = {
    schema: 1,
    id: input.id,
    licence: shown.licence.number,
    requestor: current.requestor,
    holder: current.holder,
    purpose: request.purpose,
    reason: request.reason,
    openedAt: store.time,
    salt: sha256Hex(`review/${shown.salt}`),
  };
  const key = privateKeys.review(input.id, REVIEW_STEPS.opened);
  await store.putOnce(collections.reviews, key, review, { expression: 'id' });
  store.emit(events.ReviewOpened, { id: input.id });
  return { time: store.time };
}

async function breakGlass(call: Call<'BreakGlass'>): Promise<Done> {
  const { input, store, private: shown } = call;
  const { current, request } = await asked(call);
  await checkReview(call);
  await checkLicence(call, request);
  const patient = await checkPatient(store, input.holder, shown.patient, request);
  const { emergencyHours, restrictedInEmergencies } = await loadRules(store);
  const { id } = patient.anchored;
  const records = await checkHeldRecords(store, input.holder, id, shown.records, request, restrictedInEmergencies);
  const companions = await checkCompanions(store, input.holder, shown.companions);
  const latest = lifetimeEnd(request, store.time, emergencyHours);
  const [expiresAt] = [latest, ...(shown.until === undefined ? [] : [shown.until])].sort();
  const delivered = withPatient(patient, records);
  const along = goingWith(delivered, companions, input.holder);
  const decided: AccessState = {
    ...current,
    status: 'granted',
    ...audienceOf(request),
    patient: id,
    ...partOfStep(delivered, delivered, shown, along),
    ...(await restrictionOf(store, input.holder, delivered, shown.restricted)),
    expiresAt: expiresAt!,
    // What goes on from it lasts no longer, whatever the rules say by then.
    ...(emergencyHours === EMERGENCY_HOURS ? {} : { lastsUntil: latest }),
    decidedAt: store.time,
    salt: sha256Hex(`decided/${shown.salt}`),
  };
  await putCopies(store, decided, [...delivered, ...along], shown.salt);
  await putStep(store, collections.inbox(input.requestor), decided);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

/** Nobody here may see what the patient has denied: which of them are denied is the custodian's word, as of the records. */
const goingWith = (delivered: ShownRecord[], companions: ShownRecord[], holder: string): ShownRecord[] => {
  const resourcesOf = (all: ShownRecord[]) => all.map(({ anchored }) => anchored.resource);
  const places = comingAlong(resourcesOf(delivered), resourcesOf(companions), holder, () => true);
  return places.map((place) => companions[place]!);
};

async function closeReview({ input, store, private: closed }: Call<'CloseReview'>): Promise<Done> {
  const opened = privateKeys.review(input.id, REVIEW_STEPS.opened);
  if ((await store.anchor(collections.reviews, opened)) === undefined)
    throw new LedgerError('NOT_FOUND', 'there is no such review', 'id');
  const outcome: ReviewOutcome = {
    schema: 1,
    id: input.id,
    outcome: closed.outcome,
    text: closed.text,
    closedAt: store.time,
    salt: closed.salt,
  };
  const key = privateKeys.review(input.id, REVIEW_STEPS.closed);
  await store.putOnce(collections.reviews, key, outcome, { expression: 'id' });
  store.emit(events.ReviewClosed, { id: input.id });
  return { time: store.time };
}

/** A request for an emergency: who asks is named, and says why. */
type EmergencyRequest = AccessRequest & Pick<Review, 'purpose' | 'reason'> & { practitioner: string };

interface Asked {
  current: AccessState;
  request: EmergencyRequest;
}

/** The request as it was made. @throws LedgerError NOT_FOUND, CONFLICT, INVALID for what is no emergency */
async function asked(call: Call<'EvaluateEmergency' | 'OpenReview' | 'BreakGlass'>): Promise<Asked> {
  const { input, store, private: shown } = call;
  const current = await presentedStep(call, input.requestor, 'requested');
  const request = await presentedRequest(store, current, shown.request);
  if (!isOfEmergency(request)) throw new LedgerError('INVALID', 'is no emergency', 'private.request');
  return { current, request };
}

const isOfEmergency = (request: AccessRequest): request is EmergencyRequest =>
  isEmergency(request) && isEmergencyPurpose(request.purpose) && request.practitioner !== undefined;

/** Why whoever asks has no licence for this; undefined where he has. */
async function refusalByLicence(
  { input, store, private: { licence } }: Call<'EvaluateEmergency'> | Licensed,
  { practitioner }: EmergencyRequest,
): Promise<LicenceRefusal | undefined> {
  const held = licence && (await licenceShown(store, licence));
  return licenceRefusal(held, { organisation: input.requestor, practitioner }, store.time);
}

/** @throws LedgerError CONFLICT where the licence does not hold: the custodian refuses the request then */
async function checkLicence(call: Licensed, request: EmergencyRequest): Promise<void> {
  const refusal = await refusalByLicence(call, request);
  if (refusal !== undefined) throw new LedgerError('CONFLICT', refusal, 'private.licence');
}

/** Nothing is shown before the regulators can see that it will be. @throws LedgerError NOT_FOUND, INVALID */
async function checkReview({ input, store, private: shown }: Call<'BreakGlass'>): Promise<void> {
  const key = privateKeys.review(input.id, REVIEW_STEPS.opened);
  await checkPresented(store, collections.reviews, key, shown.review, reviewSchema, 'private.review');
}
