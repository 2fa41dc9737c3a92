/**
 * Patients' own keys. A provider hands out a code, and the custodian passes on what the patient signs with it: neither puts a key
 * in alone. What follows is signed by the key in force; a code while one is in force brings a recovery, which takes its time.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import type { Caller } from '../ledger/caller.ts';
import { checkRecord } from '../ledger/evidence.ts';
import { loadRules } from '../ledger/register.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { RECOVERY_HOURS } from '../model/consortium-rules.ts';
import { keyInRequest } from '../model/csr.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import type { PublicKey } from '../model/jws.ts';
import { privateKeys } from '../model/keys.ts';
import {
  CODE_HOURS,
  enrolmentText,
  isSignedOnce,
  KEY_CODE_STEPS,
  type KeyChange,
  type KeyCode,
  type KeyCodeCancelled,
  type KeyCodeUse,
  keyCodeSchema,
  type PatientKey,
} from '../model/patient-keys.ts';
import { userSchema } from '../model/texts.ts';
import type { OutputOf } from '../model/transactions.ts';
import { changed, enrolled, type Next } from '../rules/patient-keys.ts';
import { enterKeys, loadDirectory } from './consent-directory.ts';
import { putKeyMark } from './key-marks.ts';

export class PatientKeys extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('patient-keys');
    this.#consortium = consortium;
  }

  IssueKeyCode(ctx: Context, argument: string): Promise<string> {
    return run('IssueKeyCode', this.#consortium, ctx, argument, issueKeyCode);
  }

  CancelKeyCode(ctx: Context, argument: string): Promise<string> {
    return run('CancelKeyCode', this.#consortium, ctx, argument, cancelKeyCode);
  }

  EnrolPatientKey(ctx: Context, argument: string): Promise<string> {
    return run('EnrolPatientKey', this.#consortium, ctx, argument, enrolPatientKey);
  }

  ChangePatientKey(ctx: Context, argument: string): Promise<string> {
    return run('ChangePatientKey', this.#consortium, ctx, argument, changePatientKey);
  }
}

const HOUR_MS = 3_600_000;
const { issued, used } = KEY_CODE_STEPS;

async function issueKeyCode(call: Call<'IssueKeyCode'>): Promise<OutputOf<'IssueKeyCode'>> {
  const { input, caller, store, private: shown } = call;
  const provider = caller.organisation.name;
  const { anchored } = await checkRecord(store, provider, shown.patient, 'private.patient');
  if (anchored.resource.resourceType !== 'Patient')
    throw new LedgerError('INVALID', 'is no Patient', 'private.patient');
  const expiresAt = new Date(Date.parse(store.time) + CODE_HOURS * HOUR_MS).toISOString();
  const code: KeyCode = {
    schema: 1,
    id: input.id,
    patient: anchored.id,
    publicKey: shown.publicKey,
    issuedBy: issuerOf(caller),
    issuedAt: store.time,
    expiresAt,
    salt: shown.salt,
  };
  await store.putOnce(collections.care(provider), privateKeys.keyCode(input.id, issued), code, { expression: 'id' });
  store.emit(events.KeyCodeIssued, { id: input.id });
  return { time: store.time, expiresAt };
}

/** Who hands it out, as the organisation certified him. @throws LedgerError FORBIDDEN where that names nobody */
function issuerOf({ fhirUser, role }: Caller): KeyCode['issuedBy'] {
  if (fhirUser !== undefined && !userSchema.safeParse(fhirUser).success)
    throw new LedgerError('FORBIDDEN', "the certificate's fhirUser names nobody");
  return { role: role as KeyCode['issuedBy']['role'], ...(fhirUser === undefined ? {} : { user: fhirUser }) };
}

async function cancelKeyCode(call: Call<'CancelKeyCode'>): Promise<OutputOf<'CancelKeyCode'>> {
  const { input, caller, store, private: hidden } = call;
  const { kind, name } = caller.organisation;
  if (kind === 'provider' && name !== input.provider)
    throw new LedgerError('FORBIDDEN', 'another provider issued it', 'provider');
  const collection = collections.care(input.provider);
  const code = await store.getPrivate(collection, privateKeys.keyCode(input.id, issued), keyCodeSchema);
  if (code === undefined) throw new LedgerError('NOT_FOUND', 'there is no such code', 'id');
  if (code.expiresAt <= store.time) throw new LedgerError('CONFLICT', 'the code is over', 'id');
  const cancelledBy = kind === 'provider' ? 'provider' : 'patient';
  const end: KeyCodeCancelled = { schema: 1, id: input.id, cancelledBy, cancelledAt: store.time, salt: hidden.salt };
  await store.putOnce(collection, privateKeys.keyCode(input.id, used), end, { expression: 'id' });
  store.emit(events.KeyCodeCancelled, { id: input.id });
  return { time: store.time };
}

async function enrolPatientKey(call: Call<'EnrolPatientKey'>): Promise<OutputOf<'EnrolPatientKey'>> {
  const { input, store, private: hidden } = call;
  const { request, signature, patient, directory, salt } = hidden;
  const collection = collections.care(input.provider);
  await checkCode(call);
  const key = keyOf(request);
  const found = await loadDirectory(store, input.provider, patient, directory);
  const { keyRecoveryHours = RECOVERY_HOURS } = await loadRules(store);
  const ring = ringOf(enrolled(found.ring ?? [], key, { now: store.time, via: input.id }, keyRecoveryHours));
  const { from } = ring.at(-1)!;
  const use: KeyCodeUse = { schema: 1, id: input.id, request, signature, usedAt: store.time, from, salt };
  await store.putOnce(collection, privateKeys.keyCode(input.id, used), use, { expression: 'id' });
  enterKeys(store, found, ring, salt);
  await putKeyMark(store, call.consortium, { provider: input.provider, patient }, ring, salt);
  store.emit(events.PatientKeyEnrolled, { id: input.id });
  return { time: store.time };
}

/** That the code is this patient's, counts still, and that whoever has it asks for this key. @throws LedgerError */
async function checkCode({ input, store, private: shown }: Call<'EnrolPatientKey'>): Promise<void> {
  const place = privateKeys.keyCode(input.id, issued);
  const code = await store.getPrivate(collections.care(input.provider), place, keyCodeSchema);
  if (code === undefined || code.patient !== shown.patient)
    throw new LedgerError('NOT_FOUND', 'there is no such code of this patient', 'id');
  if (code.expiresAt <= store.time) throw new LedgerError('CONFLICT', 'the code is over', 'id');
  const text = enrolmentText(code, input.provider, Buffer.from(shown.request, 'base64'));
  if (!isSignedOnce(text, shown.signature, code.publicKey))
    throw new LedgerError('INVALID', 'this request is not signed with the code', 'private.signature');
}

async function changePatientKey(call: Call<'ChangePatientKey'>): Promise<OutputOf<'ChangePatientKey'>> {
  const { input, store, private: hidden } = call;
  const { patient, directory, statement, request, salt } = hidden;
  const found = await loadDirectory(store, input.provider, patient, directory);
  const other = request === undefined ? undefined : keyOf(request);
  const owner = { provider: input.provider, patient };
  const ring = ringOf(changed(found.ring ?? [], statement, other, owner, { now: store.time, via: input.id }));
  const change: KeyChange = {
    ...{ schema: 1, id: input.id, patient, statement, changedAt: store.time, salt },
    ...(request === undefined ? {} : { request }),
  };
  const key = privateKeys.keyChange(input.id);
  await store.putOnce(collections.care(input.provider), key, change, { expression: 'id' });
  enterKeys(store, found, ring, salt);
  await putKeyMark(store, call.consortium, owner, ring, salt);
  store.emit(events.PatientKeyChanged, { id: input.id });
  return { time: store.time };
}

/** @throws LedgerError INVALID */
function keyOf(request: string): PublicKey {
  const key = keyInRequest(Buffer.from(request, 'base64'));
  if (key !== undefined) return key;
  const reason = 'is no certificate signing request by a key on P-256 that has signed it';
  throw new LedgerError('INVALID', reason, 'private.request');
}

/** @throws LedgerError CONFLICT */
function ringOf(next: Next): PatientKey[] {
  if ('refusal' in next) throw new LedgerError('CONFLICT', next.refusal, 'private');
  return next.ring;
}
