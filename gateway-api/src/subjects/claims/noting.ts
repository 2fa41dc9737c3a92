/** Writes down that of a claim more was read than the resource: what was found about it, what it was decided by, what the desk noted. */
import type { Caller } from '../../auth/caller.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';

/** Before it is answered: a read of whom the claim is about. */
export async function noteClaimRead(
  caller: Caller,
  id: string,
  { index, readLog }: Pick<Services, 'index' | 'readLog'>,
): Promise<void> {
  const row = await index.newestRow('Claim', id);
  const about = aboutOf('shown', [{ patient: row?.patient ?? null, id }]);
  await readLog.note(caller, { interaction: 'read', type: 'Claim', about });
}
