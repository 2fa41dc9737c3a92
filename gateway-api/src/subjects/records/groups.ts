/** Records of several callers in one RecordVersions: what group commit needs to know of a record. */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { asRecorded } from '@telemed-ledger/chaincode/model/record-types.ts';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Caller, Write } from '../../fhir/repository.ts';
import { GroupCommit, type GroupCommitOptions } from '../../group-commit/group-commit.ts';
import type { BeforeSubmit, LedgerClient } from '../../ledger/client.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt, senderOf } from '../../ledger/sender.ts';

/** The chaincode names a record by its place in the private input; see contracts/records.ts. */
const RECORD = /^private\.records\[(\d+)\]/;

export function recordAtFault({ expression }: Pick<LedgerError, 'expression'>): number | undefined {
  const found = RECORD.exec(expression ?? '');
  return found === null ? undefined : Number(found[1]);
}

export const recordGroups = (
  ledger: Pick<LedgerClient, 'submit'>,
  options: Omit<GroupCommitOptions<Draft>, 'send' | 'itemAtFault'>,
): GroupCommit<Draft> =>
  new GroupCommit({
    ...options,
    itemAtFault: recordAtFault,
    send: (as, records, sending) => ledger.submit('RecordVersions', {}, { records }, { as, ...sending }),
  });

/** The next version of a resource as the ledger takes it, with a salt of its own. */
export const draftOf = ({ resource, version }: Write): Draft => ({
  id: resource.id,
  version,
  salt: newSalt(),
  resource,
});

/** Records all of them or none. @throws as GroupCommit.write */
export function record(
  groups: GroupCommit<Draft>,
  caller: Caller,
  writes: readonly Write[],
  beforeSubmit: BeforeSubmit | undefined,
): Promise<Outcome> {
  const items = writes.map((write) => draftOf({ ...write, resource: asRecorded(write.resource) }));
  return groups.write({
    as: senderOf(caller),
    caller: caller.subject,
    items,
    bytes: JSON.stringify(items).length,
    targets: items.map(({ id }) => id),
    beforeSubmit,
  });
}
