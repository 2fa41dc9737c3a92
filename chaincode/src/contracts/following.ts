/** Records that a transaction writes, and the versions that they follow. */
import { checkStanding } from '../ledger/evidence.ts';
import type { Call } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import type { RecordDraft, RecordEvidence } from '../model/sheets.ts';
import type { Anchored } from '../model/values.ts';

/** What a transaction that writes records works with. */
export interface Recording extends Pick<Call<'RecordVersions'>, 'caller' | 'consortium' | 'store'> {
  /** Name of the provider in whose collection they stand. */
  provider: string;
}

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
  { provider, store }: Recording,
  { draft, at }: Recorded,
  previous: RecordEvidence | undefined,
  root: string,
): Promise<Anchored | undefined> {
  if (draft.version === 1) return undefined;
  if (previous === undefined) throw new LedgerError('INVALID', 'does not show the version before', `${at}.version`);
  if (previous.id !== draft.id || previous.version !== draft.version - 1)
    throw new LedgerError('INVALID', 'is another record or version', `${root}.previous`);
  return (await checkStanding(store, provider, previous, `${root}.previous`)).anchored;
}

/** What each list of the private input is shown for. */
const NAMES = {
  dispenses: 'dispense',
  bookings: 'appointment',
  visits: 'visit',
  answers: 'answer',
  checks: 'medication',
  lots: 'dispense',
} as const;

/** What is shown for a record, and where in the input. */
export interface Shown<T> {
  shown: T | undefined;
  root: string;
}

/**
 * The records of a type, or of several, each with what is shown for it.
 * @param name of the list in the private input
 * @throws LedgerError INVALID where something is shown for none of them, or twice for one
 */
export function withShown<T extends { id: string }>(
  entries: readonly Recorded[],
  types: string | readonly string[],
  name: keyof typeof NAMES,
  all: readonly T[] = [],
): (Shown<T> & { entry: Recorded })[] {
  const places = new Map(all.map(({ id }, index) => [id, index] as const));
  const found = entries.filter(({ resource }) => [types].flat().includes(resource.resourceType));
  const ids = new Set(found.map(({ draft }) => draft.id));
  const stray = all.findIndex(({ id }, index) => !ids.has(id) || places.get(id) !== index);
  if (stray >= 0)
    throw new LedgerError(
      'INVALID',
      `is of no ${NAMES[name]} that is recorded, or of one twice`,
      `private.${name}[${stray}]`,
    );
  return found.map((entry) => {
    const index = places.get(entry.draft.id);
    return { entry, shown: index === undefined ? undefined : all[index], root: `private.${name}[${index}]` };
  });
}
