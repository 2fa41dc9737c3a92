/**
 * Consents: each version stands in the collection that the patient's custodian shares with the governed provider. A
 * version is in force while no later one stands there and no mark, which every member holds, revokes it.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkRecord, checkRecords } from '../ledger/evidence.ts';
import { putMark } from '../ledger/marks.ts';
import { parseValue } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson } from '../model/canonical.ts';
import { CONSENT_REFUSALS, type Doubt } from '../model/consent-refusals.ts';
import { delegationNamedIn } from '../model/consent-signature.ts';
import { isDelegation } from '../model/delegations.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { organisationNameOf } from '../model/organisations.ts';
import { keyNow } from '../model/patient-keys.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import type { OutputOf } from '../model/transactions.ts';
import {
  type Anchored,
  anchoredSchema,
  type ConsentState,
  type ConsentVersion,
  type Draft,
  type Mark,
} from '../model/values.ts';
import { unrecordedCaretakers } from '../rules/caretakers.ts';
import { unknownActors } from '../rules/consent-actors.ts';
import type { BoundActors, ConsentContent } from '../rules/consent-content.ts';
import { doubtsOf, isOfPrivacy } from '../rules/consent-meaning.ts';
import { signatureDoubts } from '../rules/consent-signatures.ts';
import { consentContentSchema } from '../rules/consents.ts';
import { beyondOuter } from '../rules/nested-provisions.ts';
import { bindActors } from './bound-actors.ts';
import {
  delegationSigned,
  endOfConsent,
  enterConsent,
  type FoundDirectory,
  loadDirectory,
} from './consent-directory.ts';
import { evaluateFor } from './foreseeing.ts';

export class Consents extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('consents');
    this.#consortium = consortium;
  }

  CheckConsent(ctx: Context, argument: string): Promise<string> {
    return run('CheckConsent', this.#consortium, ctx, argument, checkConsent);
  }

  EvaluateConsents(ctx: Context, argument: string): Promise<string> {
    return run('EvaluateConsents', this.#consortium, ctx, argument, evaluateFor);
  }

  GrantConsent(ctx: Context, argument: string): Promise<string> {
    return run('GrantConsent', this.#consortium, ctx, argument, grantConsent);
  }

  AmendConsent(ctx: Context, argument: string): Promise<string> {
    return run('AmendConsent', this.#consortium, ctx, argument, amendConsent);
  }

  RevokeConsent(ctx: Context, argument: string): Promise<string> {
    return run('RevokeConsent', this.#consortium, ctx, argument, revokeConsent);
  }

  WithdrawConsentVersion(ctx: Context, argument: string): Promise<string> {
    return run('WithdrawConsentVersion', this.#consortium, ctx, argument, withdrawVersion);
  }
}

const RESOURCE = 'private.consent.resource';
/** Of a consent's text: it is read, and held against each record, whenever somebody asks for its patient's data. */
const MAX_LENGTH = 50_000;

async function checkConsent(call: Call<'CheckConsent'>): Promise<OutputOf<'CheckConsent'>> {
  const { provider } = call.input;
  const { resource, actors: shown = [], signing } = call.private;
  const content = contentOf(resource);
  const actors = await bindActors(call, provider, content, shown);
  const doubts = doubtsAbout(call, provider, content, actors);
  const patientId = patientIdOf(resource);
  if (signing === undefined || patientId === undefined) return { doubts, actors };
  const found = await loadDirectory(call.store, provider, patientId, signing.directory);
  // What is no delegation by its form is not looked for among anybody's records.
  if (doubts.some(({ rule }) => rule.startsWith('delegation-'))) return { doubts, actors };
  const ofGiver = await giverDoubts(call, { ...signing, resource }, found, 'private.signing');
  return { doubts: [...doubts, ...ofGiver], actors };
}

/** What keeps it from being taken for its patient's own. @param place where what shows it stands in the private input */
async function giverDoubts(
  { store }: Pick<Call<'CheckConsent'>, 'store'>,
  { resource, version, delegation: named, caretakers = [] }: Pick<Draft, 'resource' | 'version'> & Shown,
  found: FoundDirectory,
  place: string,
): Promise<Doubt[]> {
  const { provider, patientId: patient, ring = [] } = found;
  if (isDelegation(resource) && keyNow(ring, store.time) === undefined) {
    const recorded = await checkRecords(store, provider, caretakers, `${place}.caretakers`);
    const doubts = unrecordedCaretakers(resource, patient, recorded);
    if (doubts.length > 0) return doubts;
  }
  const isOver = named !== undefined && (await endOfConsent(store, provider, named)) !== undefined;
  const delegation = isOver ? undefined : await delegationSigned(store, found, named);
  return signatureDoubts(resource, { id: resource.id, version, provider, patient, now: store.time, ring, delegation });
}

interface Shown {
  /** By which a caretaker gives it. */
  delegation?: ConsentVersion | undefined;
  /** Records of those to whom it delegates. */
  caretakers?: RecordEvidence[] | undefined;
}

/** What keeps a consent from being taken: two meanings, or somebody whom nobody knows. */
function doubtsAbout(
  { consortium }: Pick<Call<'CheckConsent'>, 'consortium'>,
  provider: string,
  content: ConsentContent,
  bound: BoundActors,
): Doubt[] {
  const doubts = doubtsOf(content);
  if (!isOfPrivacy(content)) return doubts;
  const doubtful = new Set(doubts.map(({ expression }) => expression));
  const unknown = unknownActors(content, { consortium, provider, bound });
  const named = [...doubts, ...unknown.filter(({ expression }) => !doubtful.has(expression))];
  return [...named, ...beyondOuter(content, { provider, bound }, named)];
}

/** @throws LedgerError INVALID for a consent that can be read in two ways, with how to write each */
function checkMeaning(call: Call<'GrantConsent' | 'AmendConsent'>, content: ConsentContent, bound: BoundActors): void {
  refuseDoubts(doubtsAbout(call, call.input.provider, content, bound));
}

/**
 * Where she has a key, nobody else gives or changes a consent in her name; where she has none, nobody alone says who acts for
 * her. @throws LedgerError INVALID; as `checkRecords` for records of caretakers
 */
async function checkGiver(call: Call<'GrantConsent' | 'AmendConsent'>, found: FoundDirectory): Promise<void> {
  const { consent, delegation, caretakers } = call.private;
  refuseDoubts(await giverDoubts(call, { ...consent, delegation, caretakers }, found, 'private'));
}

function refuseDoubts([doubt]: readonly Doubt[]): void {
  if (doubt === undefined) return;
  throw new LedgerError('INVALID', CONSENT_REFUSALS[doubt.rule], doubt.expression.replace(/^Consent/, RESOURCE));
}

async function grantConsent(call: Call<'GrantConsent'>): Promise<ConsentState> {
  const { input, store } = call;
  const { consent, directory } = call.private;
  const { patientId, content } = checkContent(call, consent);
  const actors = await boundIn(call, content);
  if (consent.version !== 1) throw new LedgerError('CONFLICT', 'begins at version 1', 'private.consent.version');
  await checkPatient(call, patientId);
  const found = await loadDirectory(store, input.provider, patientId, directory);
  await checkGiver(call, found);
  await putVersion(call, consent, actors);
  enterConsent(store, found, consent);
  store.emit(events.ConsentGranted, { id: input.id });
  return stateOf(call, 'active', 1);
}

async function amendConsent(call: Call<'AmendConsent'>): Promise<ConsentState> {
  const { input, store } = call;
  const { consent, directory = 0 } = call.private;
  const { patientId, content } = checkContent(call, consent);
  const actors = await boundIn(call, content);
  const previous = { id: input.id, version: consent.version - 1 };
  await checkNotRevoked(store, input.id);
  await checkSamePatient(call, previous, patientId);
  await checkGiver(call, await loadDirectory(store, input.provider, patientId, directory));
  await putVersion(call, consent, actors);
  store.emit(events.ConsentAmended, { id: input.id });
  return stateOf(call, 'active', consent.version);
}

async function revokeConsent(call: Call<'RevokeConsent'>): Promise<ConsentState> {
  const { input, store } = call;
  await checkExists(call);
  await mark(call, privateKeys.revoked(input.id));
  store.emit(events.ConsentRevoked, { id: input.id });
  return stateOf(call, 'revoked', input.version);
}

async function withdrawVersion(call: Call<'WithdrawConsentVersion'>): Promise<OutputOf<'WithdrawConsentVersion'>> {
  const { input, store } = call;
  await checkExists(call);
  await mark(call, privateKeys.withdrawn(input.id, input.version));
  store.emit(events.ConsentAmended, { id: input.id });
  return { time: store.time };
}

const stateOf = (
  { input, store }: { input: { id: string; provider: string }; store: Store },
  status: ConsentState['status'],
  version: number,
): ConsentState => ({ id: input.id, provider: input.provider, status, version, updatedAt: store.time });

/** Works on any peer: it asks only whether the version is there. @throws LedgerError NOT_FOUND */
async function checkExists({ input, store }: Call<'RevokeConsent' | 'WithdrawConsentVersion'>): Promise<void> {
  const key = privateKeys.consent(input.id, input.version);
  if ((await store.anchor(collections.care(input.provider), key)) === undefined)
    throw new LedgerError('NOT_FOUND', 'no such version of a consent', 'id');
}

/** @throws LedgerError CONFLICT where it is marked already */
async function mark(
  { consortium, store, private: { salt } }: Call<'RevokeConsent' | 'WithdrawConsentVersion'>,
  key: string,
): Promise<void> {
  await putMark(store, consortium, key, { schema: 1, at: store.time, salt } satisfies Mark, 'id');
}

/** A revocation is final. */
async function checkNotRevoked(store: Store, id: string): Promise<void> {
  if ((await store.anchor(collections.marks, privateKeys.revoked(id))) !== undefined)
    throw new LedgerError('CONFLICT', 'the consent is revoked', 'id');
}

/** Whom the actors are, once the consent has one meaning. */
async function boundIn(call: Call<'GrantConsent' | 'AmendConsent'>, content: ConsentContent): Promise<BoundActors> {
  const bound = await bindActors(call, call.input.provider, content, call.private.actors ?? []);
  checkMeaning(call, content, bound);
  return bound;
}

const contentOf = (resource: Resource): ConsentContent => parseValue(consentContentSchema, resource, RESOURCE);

interface CheckedContent {
  patientId: string;
  content: ConsentContent;
}

/** Checks what a consent's content must agree with, but for what it means. */
function checkContent(call: Call<'GrantConsent' | 'AmendConsent'>, consent: Draft): CheckedContent {
  const { input, consortium } = call;
  const { resource } = consent;
  if (organisationByName(consortium, input.provider)?.kind !== 'provider')
    throw new LedgerError('INVALID', 'is no provider of the consortium', 'provider');
  if (consent.id !== input.id) throw new LedgerError('INVALID', 'is not the id of the argument', 'private.consent.id');
  if (resource.id !== input.id) throw new LedgerError('INVALID', 'is not the id of the consent', `${RESOURCE}.id`);
  if (canonicalJson(resource).length > MAX_LENGTH) throw new LedgerError('INVALID', 'is too large', RESOURCE);
  const content = contentOf(resource);
  const { status, organization: governed = [] } = content;
  if (status !== 'active') throw new LedgerError('INVALID', 'must be active', `${RESOURCE}.status`);
  checkGoverned(governed.map(organisationNameOf), call);
  const patientId = patientIdOf({ patient: resource['patient'] });
  if (patientId === undefined) throw new LedgerError('INVALID', 'must refer to a Patient', `${RESOURCE}.patient`);
  return { patientId, content };
}

/** It names no provider, or this one: whoever reads two there would take both to keep to it. @throws LedgerError INVALID */
function checkGoverned(
  names: readonly (string | undefined)[],
  { input, consortium }: Pick<Call<'GrantConsent' | 'AmendConsent'>, 'input' | 'consortium'>,
): void {
  const at = `${RESOURCE}.organization`;
  if (names.length > 0 && !names.includes(input.provider))
    throw new LedgerError('INVALID', 'does not name the provider of the argument', at);
  const other = names.findIndex((name) => name !== input.provider && organisationByName(consortium, name ?? ''));
  if (other >= 0)
    throw new LedgerError('INVALID', 'governs the data of one provider: give one consent for each', `${at}[${other}]`);
}

/** The patient is one of the governed provider's own records. */
async function checkPatient({ input, store, private: hidden }: Call<'GrantConsent'>, patientId: string): Promise<void> {
  const { anchored } = await checkRecord(store, input.provider, hidden.patient, 'private.patient');
  if (anchored.resource.resourceType !== 'Patient' || anchored.id !== patientId)
    throw new LedgerError('INVALID', 'is no Patient of this provider', `${RESOURCE}.patient`);
}

async function checkSamePatient(
  { input, store }: Call<'AmendConsent'>,
  { id, version }: ConsentVersion,
  patientId: string,
): Promise<void> {
  const key = privateKeys.consent(id, version);
  const previous =
    version < 1 ? undefined : await store.getPrivate(collections.care(input.provider), key, anchoredSchema);
  if (previous === undefined) throw new LedgerError('CONFLICT', 'not the next version', 'private.consent.version');
  if (patientIdOf(previous.resource) !== patientId)
    throw new LedgerError('INVALID', 'a consent keeps its patient', `${RESOURCE}.patient`);
}

/** @throws LedgerError CONFLICT where this version, or another consent of this id, is there already */
async function putVersion(
  { input, caller, store, private: { delegation: named } }: Call<'GrantConsent' | 'AmendConsent'>,
  consent: Draft,
  bound: BoundActors,
): Promise<void> {
  const actors = Object.keys(bound).length === 0 ? {} : { actors: bound };
  const isByDelegation = named !== undefined && delegationNamedIn(consent.resource) === named.id;
  const by = isByDelegation ? { delegation: named } : {};
  const content: Anchored = { schema: 1, ...consent, ...actors, ...by, author: caller.mspId, recordedAt: store.time };
  const key = privateKeys.consent(consent.id, consent.version);
  await store.putOnce(collections.care(input.provider), key, content, { expression: 'private.consent.version' });
}
