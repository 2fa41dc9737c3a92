/** Records that a transaction writes, and the versions that they follow. */
import { checkStanding } from '../ledger/evidence.ts';
import type { Call } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import type { RecordDraft, RecordEvidence } from '../model/sheets.ts';
import type { Anchored } from '../model/values.ts';

/** A record that the transaction writes. */
export interface Recorded {
  draft: RecordDraft;
  resource: Resource;
  /** Where in the input it stands, for errors. */
  at: string;
}

/**
 * The version before, as it was shown; undefined of a new record.
 * @param root where in the input what is shown for it stands, for errors
 * @throws LedgerError INVALID where it is another, or none is shown; as checkRecord
 */
export async function previousOf(
  { caller, store }: Call<'RecordVersions'>,
  { draft, at }: Recorded,
  previous: RecordEvidence | undefined,
  root: string,
): Promise<Anchored | undefined> {
  if (draft.version === 1) return undefined;
  if (previous === undefined) throw new LedgerError('INVALID', 'does not show the version before', `${at}.version`);
  if (previous.id !== draft.id || previous.version !== draft.version - 1)
    throw new LedgerError('INVALID', 'is another record or version', `${root}.previous`);
  return (await checkStanding(store, caller.organisation.name, previous, `${root}.previous`)).anchored;
}
