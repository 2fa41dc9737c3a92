/** Records of several callers in one RecordVersions: what group commit needs to know of a record. */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import { GroupCommit, type GroupCommitOptions } from '../../group-commit/group-commit.ts';
import type { LedgerClient, Sender } from '../../ledger/client.ts';
import type { Write } from './records.ts';

/** The chaincode names a record by its place in the private input; see contracts/records.ts. */
const RECORD = /^private\.records\[(\d+)\]/;

export function recordAtFault({ expression }: Pick<LedgerError, 'expression'>): number | undefined {
  const found = RECORD.exec(expression ?? '');
  return found === null ? undefined : Number(found[1]);
}

/** Groups take turns by who signs them; their writes have taken theirs before. */
const laneOf = ({ role, fhirUser = '' }: Sender): string => `group ${role} ${fhirUser}`;

export const recordGroups = (
  ledger: Pick<LedgerClient, 'submit'>,
  options: Omit<GroupCommitOptions<Draft>, 'send' | 'itemAtFault'>,
): GroupCommit<Draft> =>
  new GroupCommit({
    ...options,
    itemAtFault: recordAtFault,
    send: (as, records, sending) =>
      ledger.submit('RecordVersions', {}, { records }, { as, client: laneOf(as), ...sending }),
  });

/** Records all of them or none, of whatever type a provider records. @throws as GroupCommit.write */
export const recordVersions: Write = ({ groups }, items, { as, beforeSubmit }, { subject }) =>
  groups.write({
    as,
    caller: subject,
    items,
    bytes: JSON.stringify(items).length,
    targets: items.map(({ id }) => id),
    beforeSubmit,
  });
