/**
 * Medical records: the versions of one transaction stand on sheets in the provider's care collection, which the provider
 * and the custodian both hold. There is no public state for a record; its path to the sheet is its anchor.
 */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { licenceShown, loadRules } from '../ledger/register.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import type { OutputOf } from '../model/transactions.ts';
import { licenceRefusal } from '../rules/licences.ts';
import { book } from './bookings.ts';
import { holdControlled } from './controlled.ts';
import { countDispenses } from './dispensing.ts';
import { laid, putLaid, recordsOn } from './laying.ts';
import { holdVisits } from './live-visits.ts';
import { checkLots } from './lots.ts';
import { holdChecks, noteAlerts } from './medication-checks.ts';
import { recordByPatient } from './patient-records.ts';
import { holdAnswers } from './referrals.ts';

export class Records extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('records');
    this.#consortium = consortium;
  }

  RecordVersions(ctx: Context, argument: string): Promise<string> {
    return run('RecordVersions', this.#consortium, ctx, argument, recordVersions);
  }

  RecordByPatient(ctx: Context, argument: string): Promise<string> {
    return run('RecordByPatient', this.#consortium, ctx, argument, recordByPatient);
  }

  GetAnchors(ctx: Context, argument: string): Promise<string> {
    return run('GetAnchors', this.#consortium, ctx, argument, getAnchors);
  }

  GetHeld(ctx: Context, argument: string): Promise<string> {
    return run('GetHeld', this.#consortium, ctx, argument, getHeld);
  }
}

async function recordVersions(call: Call<'RecordVersions'>): Promise<OutputOf<'RecordVersions'>> {
  const { store, caller, private: hidden } = call;
  await checkRecorder(call);
  const recording = { ...call, provider: caller.organisation.name };
  const sheets = await laid(recording, hidden.sheets);
  const all = recordsOn(sheets);
  await countDispenses(recording, all);
  await checkLots(recording, all);
  await holdControlled(recording, all);
  await book(recording, all);
  await holdVisits(recording, all);
  await holdAnswers(recording, all);
  await holdChecks(recording, all);
  await noteAlerts(recording, all);
  putLaid(recording, sheets);
  return { time: store.time };
}

/** @throws LedgerError FORBIDDEN where a practitioner lacks the licence that the rules ask for */
async function checkRecorder({ caller, store, private: { licence } }: Call<'RecordVersions'>): Promise<void> {
  const { role, fhirUser: practitioner, organisation } = caller;
  if (role !== 'practitioner') return;
  const { recordingLicence } = await loadRules(store);
  if (licence === undefined && recordingLicence === 'named') return;
  const held = licence && (await licenceShown(store, licence));
  const person = { organisation: organisation.name, practitioner: practitioner ?? '' };
  const refusal = licenceRefusal(held, person, store.time);
  if (refusal !== undefined) throw new LedgerError('FORBIDDEN', refusal, 'private.licence');
}

async function getAnchors({ input, store }: Call<'GetAnchors'>): Promise<OutputOf<'GetAnchors'>> {
  const hashes = await Promise.all(input.entries.map(({ collection, key }) => store.anchor(collection, key)));
  return { hashes: hashes.map((hash) => hash ?? '') };
}

/** One value that the peer cannot give keeps nobody from the others. */
async function getHeld({ input, store }: Call<'GetHeld'>): Promise<OutputOf<'GetHeld'>> {
  const ask = ({ collection, key }: { collection: string; key: string }): Promise<string> =>
    store.held(collection, key).then(
      (hash) => hash ?? '',
      () => 'unavailable',
    );
  return { hashes: await Promise.all(input.entries.map(ask)) };
}
