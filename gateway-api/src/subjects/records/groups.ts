/** Records of several callers in one RecordVersions: how they lie on sheets, and which of them a refusal names. */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { LicenceShown } from '@telemed-ledger/chaincode/model/registers.ts';
import { GroupCommit, type GroupCommitOptions } from '../../group-commit/group-commit.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { demandChecked } from '../medication/checks.ts';
import { upToDate } from '../up-to-date.ts';
import { isAnswer, withAnswers } from './answers.ts';
import { isAppointment, withBookings } from './bookings.ts';
import { withChecks } from './checks.ts';
import { isOfMedication, withDispensing } from './dispenses.ts';
import { atResource, recordItems } from './items.ts';
import { withLots } from './lots.ts';
import type { Write } from './records.ts';
import { LIST_NAMES, lengthShown, type RecordItem, sheetsOf, shownIn } from './sheets.ts';
import { isVisit, withVisits } from './visits.ts';

/** The chaincode names a record by its place in the private input; see contracts/records.ts. */
const RECORD = /^private\.sheets\[(\d+)\]\.records\[(\d+)\]/;

const SHOWN = new RegExp(`^private\\.(${LIST_NAMES})\\[(\\d+)\\]`);

/** The place among the items of a record that a refusal names. */
export function recordAtFault(
  { expression }: Pick<LedgerError, 'expression'>,
  items: readonly RecordItem[],
): number | undefined {
  const [, list, place] = SHOWN.exec(expression ?? '') ?? [];
  if (list !== undefined) return items.indexOf(shownIn(list, items)[Number(place)] as RecordItem);
  const [, sheet, record] = RECORD.exec(expression ?? '') ?? [];
  if (sheet === undefined) return undefined;
  const before = sheetsOf(items).laid.sheets.slice(0, Number(sheet));
  return before.reduce((sum, { records }) => sum + records.length, Number(record));
}

/** The licence that names a practitioner, where one does. */
type LicenceOf = (fhirUser: string) => Promise<{ licence?: LicenceShown }>;

export const recordGroups = (
  ledger: Pick<LedgerClient, 'submit'>,
  licenceOf: LicenceOf,
  options: Omit<GroupCommitOptions<RecordItem>, 'send' | 'itemAtFault'>,
): GroupCommit<RecordItem> =>
  new GroupCommit<RecordItem>({
    ...options,
    itemAtFault: recordAtFault,
    send: async (as, items, { beforeSubmit, ...sending }) => {
      const { laid, renamed } = sheetsOf(items);
      const stored =
        beforeSubmit === undefined
          ? undefined
          : (transactionId: string, signed: Uint8Array) => beforeSubmit(transactionId, signed, renamed);
      const submit = (licence: Awaited<ReturnType<LicenceOf>>) =>
        ledger.submit('RecordVersions', {}, { ...laid, ...licence }, { as, ...sending, beforeSubmit: stored });
      const { role, fhirUser } = as;
      const outcome =
        role === 'practitioner' && fhirUser !== undefined
          ? await upToDate(async () => submit(await licenceOf(fhirUser)))
          : await submit({});
      return { ...outcome, renamed };
    },
  });

/** What records are sent with that rest on something, one kind after the other. */
const SHOWING = [withDispensing, withLots, withBookings, withVisits, withAnswers, withChecks] as const;

/** Records all of them or none, of whatever type a provider records. @throws as GroupCommit.write */
export const recordVersions: Write = async ({ groups, index, organisation }, drafts, { as, beforeSubmit }, caller) => {
  const plain = await recordItems(index, organisation.name, drafts);
  const write = (items: readonly RecordItem[]) =>
    groups.write({
      as,
      caller: caller.subject,
      items,
      bytes: items.reduce((sum, item) => sum + item.resource.length + lengthShown(item), 0),
      // What takes from one prescription, or of one person's time, waits for its turn: the ledger takes one after the other.
      targets: [...new Set(items.flatMap(targetsOf))],
      beforeSubmit,
    });
  const services = { index, organisation };
  const isPlain = !plain.some((item) => isOfMedication(item) || isAppointment(item) || isVisit(item) || isAnswer(item));
  if (plain.some(isOfMedication)) await demandChecked(services, plain, caller);
  const shown = async (): Promise<readonly RecordItem[]> => {
    let items: readonly RecordItem[] = plain;
    for (const withShown of SHOWING) items = await withShown(services, items);
    return items;
  };
  const written = isPlain ? write(plain) : upToDate(async () => write(await shown()));
  return written.catch((error: unknown) => {
    throw atResource(error, plain);
  });
};

export const targetsOf = ({ id, shown, handle, booked }: RecordItem): string[] => [
  id,
  ...(shown === undefined || handle === undefined ? [] : [handle]),
  ...(booked?.known ?? []).map(({ name }) => name),
];
