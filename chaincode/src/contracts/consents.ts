/**
 * Consents: content in the collection that the patient's custodian shares with the governed provider, and a
 * public state, without the patient, that says whether it is in force.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { custodianAndAnyOther } from '@telemed-ledger/consortium/policies.ts';
import type { Context } from 'fabric-contract-api';
import { type Caller, userHashOf } from '../ledger/caller.ts';
import { parseValue } from '../ledger/parse.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { patientIdOf } from '../model/fhir.ts';
import { privateKeys, publicKeys } from '../model/keys.ts';
import { organisationNameOf } from '../model/organisations.ts';
import {
  type Anchored,
  anchoredSchema,
  type ConsentState,
  consentStateSchema,
  type Draft,
} from '../model/transactions.ts';
import { consentContentSchema } from '../rules/consents.ts';
import { enterConsent } from './consent-directory.ts';

export class Consents extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('consents');
    this.#consortium = consortium;
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

  GetConsent(ctx: Context, argument: string): Promise<string> {
    return run('GetConsent', this.#consortium, ctx, argument, getConsent);
  }
}

const RESOURCE = 'private.consent.resource';
/** Of a consent's text: it is read, and held against each record, whenever somebody asks for its patient's data. */
const MAX_LENGTH = 50_000;

async function grantConsent(call: Call<'GrantConsent'>): Promise<ConsentState> {
  const { input, caller, consortium, store } = call;
  const { consent } = call.private;
  const patientId = checkContent(call, consent);
  checkActsFor(caller, patientId);
  if (consent.version !== 1) throw new LedgerError('CONFLICT', 'begins at version 1', 'private.consent.version');
  await checkPatient(call, patientId);
  if ((await store.get(publicKeys.consent(input.id), consentStateSchema)) !== undefined)
    throw new LedgerError('CONFLICT', 'a consent with this id exists', 'id');
  await enterConsent(store, input.provider, patientId, input.id, consent.salt);
  putContent(call, consent);
  // By this key's hash a peer that may not read the consent can tell whose it is, when it is to be revoked.
  const owner = privateKeys.grantor(input.id, userOf(patientId));
  store.putPrivate(collections.consent(input.provider), owner, { salt: sha256Hex(`grantor/${consent.salt}`) });
  const state: ConsentState = {
    id: input.id,
    custodian: caller.organisation.name,
    provider: input.provider,
    status: 'active',
    version: 1,
    grantedAt: store.time,
    updatedAt: store.time,
  };
  store.put(publicKeys.consent(input.id), state, custodianAndAnyOther(consortium));
  store.emit(events.ConsentGranted, state);
  return state;
}

async function amendConsent(call: Call<'AmendConsent'>): Promise<ConsentState> {
  const { input, caller, store } = call;
  const { consent } = call.private;
  const patientId = checkContent(call, consent);
  checkActsFor(caller, patientId);
  const current = await loadState(call);
  if (current.provider !== input.provider)
    throw new LedgerError('INVALID', 'the consent governs another provider', 'provider');
  if (consent.version !== current.version + 1)
    throw new LedgerError('CONFLICT', 'not the next version', 'private.consent.version');
  await checkSamePatient(call, current, patientId);
  putContent(call, consent);
  const state: ConsentState = { ...current, version: consent.version, updatedAt: store.time };
  store.put(publicKeys.consent(input.id), state);
  store.emit(events.ConsentAmended, state);
  return state;
}

async function revokeConsent(call: Call<'RevokeConsent'>): Promise<ConsentState> {
  const { input, caller, store } = call;
  const current = await loadState(call);
  if (caller.role === 'patient') await checkGrantor(call, current);
  const state: ConsentState = { ...current, status: 'revoked', updatedAt: store.time };
  store.put(publicKeys.consent(input.id), state);
  store.emit(events.ConsentRevoked, state);
  return state;
}

async function getConsent({ input, store }: Call<'GetConsent'>): Promise<ConsentState> {
  const state = await store.get(publicKeys.consent(input.id), consentStateSchema);
  if (state === undefined) throw new LedgerError('NOT_FOUND', 'no such consent', 'id');
  return state;
}

/** A consent that is in force; a revoked one is final. */
async function loadState(call: Call<'AmendConsent' | 'RevokeConsent'>): Promise<ConsentState> {
  const { input, store } = call;
  const state = await store.get(publicKeys.consent(input.id), consentStateSchema);
  if (state === undefined) throw new LedgerError('NOT_FOUND', 'no such consent', 'id');
  if (state.custodian !== call.caller.organisation.name)
    throw new LedgerError('FORBIDDEN', 'the consent is kept by another custodian', 'id');
  if (state.status !== 'active') throw new LedgerError('CONFLICT', 'the consent is revoked', 'id');
  return state;
}

/** Checks what a consent's content must agree with, and answers the id of its patient. */
function checkContent({ input, consortium }: Call<'GrantConsent' | 'AmendConsent'>, consent: Draft): string {
  const { resource } = consent;
  if (organisationByName(consortium, input.provider)?.kind !== 'provider')
    throw new LedgerError('INVALID', 'is no provider of the consortium', 'provider');
  if (consent.id !== input.id) throw new LedgerError('INVALID', 'is not the id of the argument', 'private.consent.id');
  if (resource.id !== input.id) throw new LedgerError('INVALID', 'is not the id of the consent', `${RESOURCE}.id`);
  if (canonicalJson(resource).length > MAX_LENGTH) throw new LedgerError('INVALID', 'is too large', RESOURCE);
  const { status, organization: governed = [] } = parseValue(consentContentSchema, resource, RESOURCE);
  if (status !== 'active') throw new LedgerError('INVALID', 'must be active', `${RESOURCE}.status`);
  if (governed.length > 0 && !governed.some((reference) => organisationNameOf(reference) === input.provider))
    throw new LedgerError('INVALID', 'does not name the provider of the argument', `${RESOURCE}.organization`);
  const patientId = patientIdOf({ patient: resource['patient'] });
  if (patientId === undefined) throw new LedgerError('INVALID', 'must refer to a Patient', `${RESOURCE}.patient`);
  return patientId;
}

const userOf = (patientId: string): string => sha256Hex(`Patient/${patientId}`);

/** A patient speaks for nobody else. */
function checkActsFor(caller: Caller, patientId: string): void {
  if (caller.role === 'patient' && userHashOf(caller) !== userOf(patientId))
    throw new LedgerError('FORBIDDEN', 'a patient acts only for themselves', `${RESOURCE}.patient`);
}

/** The patient is one of the governed provider's own records. */
async function checkPatient({ input, store }: Call<'GrantConsent'>, patientId: string): Promise<void> {
  const key = privateKeys.record(patientId, 1);
  const record = await store.getPrivate(collections.care(input.provider), key, anchoredSchema);
  if (record?.resource.resourceType !== 'Patient')
    throw new LedgerError('INVALID', 'is no Patient of this provider', `${RESOURCE}.patient`);
}

async function checkSamePatient(call: Call<'AmendConsent'>, state: ConsentState, patientId: string): Promise<void> {
  const key = privateKeys.consent(state.id, state.version);
  const previous = await call.store.getPrivate(collections.consent(state.provider), key, anchoredSchema);
  if (previous === undefined) throw new Error('a consent in force has no content');
  if (patientIdOf(previous.resource) !== patientId)
    throw new LedgerError('INVALID', 'a consent keeps its patient', `${RESOURCE}.patient`);
}

/** Works on any peer: it asks only whether a private key is there. */
async function checkGrantor({ caller, store }: Call<'RevokeConsent'>, state: ConsentState): Promise<void> {
  const owner = privateKeys.grantor(state.id, userHashOf(caller) ?? '');
  if ((await store.anchor(collections.consent(state.provider), owner)) === undefined)
    throw new LedgerError('FORBIDDEN', 'a patient acts only for themselves', 'id');
}

function putContent({ input, caller, store }: Call<'GrantConsent' | 'AmendConsent'>, consent: Draft): void {
  const content: Anchored = { ...consent, author: caller.mspId, recordedAt: store.time };
  store.putPrivate(collections.consent(input.provider), privateKeys.consent(consent.id, consent.version), content);
}
