/**
 * All versions of all records of one patient, as whoever asks may read them, each read written down as a search or a history is;
 * and what they refer to that is about no patient, as it stands.
 */

import type { Caller } from '../../auth/caller.ts';
import { RECORD_TYPES } from '../../fhir/everything.ts';
import type { SearchPage, StoredResource } from '../../fhir/repository.ts';
import { unlessForbidden } from '../../fhir/unless-forbidden.ts';
import type { Records } from '../records/records.ts';

const PAGE = 200;

export interface WholeRecord {
  /** Of each record the newest version, in the order of `$everything`. */
  newest: StoredResource[];
  /** The earlier versions, newest first. */
  earlier: StoredResource[];
  leftOut: { of: string; reason: string }[];
}

export async function recordOf(patient: string, caller: Caller, records: Records): Promise<WholeRecord> {
  const whole: WholeRecord = { newest: [], earlier: [], leftOut: [] };
  for (const type of RECORD_TYPES) {
    const found = await allOf(type, patient, caller, records, whole.leftOut);
    for (const one of found) await addVersions(one, type, caller, records, whole);
  }
  const { found, isCut } = await records.referredTo(caller, [...whole.newest, ...whole.earlier]);
  whole.newest.push(...found);
  if (isCut) whole.leftOut.push({ of: 'what records refer to', reason: 'more than goes into one file' });
  return whole;
}

/** The newest of a type, in pages to the end. */
async function allOf(
  type: string,
  patient: string,
  caller: Caller,
  records: Records,
  leftOut: WholeRecord['leftOut'],
): Promise<StoredResource[]> {
  const whose = type === 'Patient' ? { ids: [patient] } : { patients: [patient] };
  const found: StoredResource[] = [];
  let after: string | undefined;
  do {
    const search = { type, ...whose, count: PAGE, asRecorded: true, ...(after === undefined ? {} : { after }) };
    const page: SearchPage | undefined = await unlessForbidden(() => records.search(caller, search));
    if (page === undefined) {
      leftOut.push({ of: type, reason: 'not shown to whoever asked for this export' });
      return found;
    }
    found.push(...page.matches);
    if (after === undefined) leftOut.push(...lackingIn(type, page));
    after = page.next;
  } while (after !== undefined);
  return found;
}

function* lackingIn(
  of: string,
  { undelivered = 0, broken = 0, invalid = 0 }: SearchPage,
): Generator<{
  of: string;
  reason: string;
}> {
  if (undelivered > 0) yield { of, reason: `${undelivered} values are on the ledger and have not arrived here yet` };
  if (broken > 0) yield { of, reason: `${broken} are here and are not what was anchored on the ledger` };
  if (invalid > 0) yield { of, reason: `${invalid} are not valid FHIR R4, or not their author's to say` };
}

/** A consent that was revoked has one more version than were written: of it and of all others the history is asked. */
async function addVersions(
  one: StoredResource,
  type: string,
  caller: Caller,
  records: Records,
  { newest, earlier }: WholeRecord,
): Promise<void> {
  if (one.version === 1 && type !== 'Consent') {
    newest.push(one);
    return;
  }
  const [last, ...others] = await historyOf(type, one.resource.id ?? '', caller, records);
  newest.push(last ?? one);
  earlier.push(...others);
}

async function historyOf(type: string, id: string, caller: Caller, records: Records): Promise<StoredResource[]> {
  const found: StoredResource[] = [];
  let before: number | undefined;
  do {
    const page = await records.history(caller, type, id, {
      count: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    found.push(...page.versions);
    before = page.next;
  } while (before !== undefined);
  return found;
}
