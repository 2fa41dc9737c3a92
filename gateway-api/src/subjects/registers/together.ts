/**
 * Licences that are set at the same time share a transaction: each makes the register's next generation, so that of two transactions
 * the ledger takes one, and the other is gathered and endorsed again.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { MAX_LICENCES_AT_ONCE } from '@telemed-ledger/chaincode/model/registers.ts';
import type { LicenceInput, OutputOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { GroupCommit, type GroupCommitOptions } from '../../group-commit/group-commit.ts';
import { type OwnLimits, placeIn } from '../../group-commit/several.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { LedgerClient, Submitted } from '../../ledger/client.ts';
import { NotTogether } from '../../ledger/not-together.ts';
import { isOutdated } from '../../ledger/outdated.ts';
import { newSalt } from '../../ledger/sender.ts';
import { upToDate } from '../up-to-date.ts';

type Set = Submitted<OutputOf<'SetLicences'>>;

export type LicenceGroups = GroupCommit<LicenceInput, Set>;

/** A group is what has come while the one before it was under way; each bucket that it shows is some kilobytes. */
const LIMITS = { inFlight: 1, spread: 1, items: MAX_LICENCES_AT_ONCE, gatherShare: 0, gatherMs: 0 } as const;
const GROUP_BYTES = 512 * 1024;
/** What a licence counts for at least: its bucket and path. */
const GROUND_BYTES = 4 * 1024;

/** The chaincode names a licence by its place. */
const PLACE = /^licences\[(\d+)\]/;

/** @param limits what of the gateway's own limits holds for these too */
export function licenceGroups(
  { index, ledger }: { index: Pick<ReadModel, 'register'>; ledger: Pick<LedgerClient, 'submit'> },
  limits: OwnLimits,
  onApart: NonNullable<GroupCommitOptions<unknown>['onApart']>,
): LicenceGroups {
  return new GroupCommit<LicenceInput, Set>({
    itemAtFault: (refusal) => placeIn(refusal, PLACE),
    limits: { ...LIMITS, ...limits, bytes: GROUP_BYTES },
    onApart,
    send: (as, licences, { beforeSubmit, deadline }) =>
      upToDate(async () => {
        const { register, buckets } = await index.register.bucketsOf(licences.map(({ number }) => number));
        const salt = newSalt();
        // Where another wrote the register meanwhile that is nobody's fault here: all go again.
        const sending = { as, beforeSubmit, deadline };
        const [licence, ...more] = licences as [LicenceInput, ...LicenceInput[]];
        const [bucket] = buckets;
        if (bucket === undefined) throw new Error('a number lies in a bucket');
        if (more.length === 0) {
          const { result, ...sent } = await ledger.submit('SetLicence', licence, { salt, register, bucket }, sending);
          return { ...sent, result: { licences: [result] } };
        }
        return ledger.submit('SetLicences', { licences }, { salt, register, buckets }, sending).catch(apart);
      }),
  });
}

/** One that is refused lets the others go without it. */
function apart(error: unknown): never {
  throw error instanceof LedgerError && !isOutdated(error) ? new NotTogether(error, true) : error;
}

/** Sets a licence, alone or with others of the same identity's. @throws as GroupCommit.write */
export async function sendLicence(
  groups: Pick<LicenceGroups, 'write'>,
  licence: LicenceInput,
  { as, client, beforeSubmit }: Sending,
): Promise<Submitted<OutputOf<'SetLicence'>>> {
  const { result, ...sent } = await groups.write({
    ...{ as, caller: client ?? '', items: [licence], targets: [licence.number], beforeSubmit },
    bytes: GROUND_BYTES + JSON.stringify(licence).length,
  });
  return { ...sent, result: result.licences.find(({ number }) => number === licence.number)! };
}
