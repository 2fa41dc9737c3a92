/** Writes down reads of what is no resource of FHIR's: accesses, and who read what. */
import type { Caller } from '../../auth/caller.ts';
import type { Interaction } from '../../index/schema.ts';
import type { Disclosure } from '../access/disclosure.ts';
import { isOf, type Whose } from '../access/disclosures.ts';
import type { Services } from '../services.ts';
import { aboutOf } from './read-log.ts';

type Sides = Pick<Services, 'disclosures' | 'readLog'>;

/** Before it is answered that these accesses stand so. */
export async function noteAccesses(
  caller: Caller,
  interaction: Interaction,
  disclosures: readonly Disclosure[],
  { readLog }: Pick<Sides, 'readLog'>,
): Promise<void> {
  const about = disclosures.flatMap(({ patient = null, state: { id } }) =>
    aboutOf('shown', [{ patient, access: id, id }]),
  );
  await readLog.note(caller, { interaction, type: 'AccessRequest', about });
}

/** An access as a caller may see it, written down whether it is shown or refused; undefined where it is not. */
export async function foundAccess(
  caller: Caller,
  interaction: Interaction,
  id: string,
  compartment: Whose,
  { disclosures, readLog }: Sides,
): Promise<Disclosure | undefined> {
  const found = await disclosures.find(id);
  if (found === undefined) return undefined;
  const isShown = isOf(found.patient, compartment);
  const about = aboutOf(isShown ? 'shown' : 'refused', [{ patient: found.patient ?? null, access: id, id }]);
  await readLog.note(caller, { interaction, type: 'AccessRequest', about });
  return isShown ? found : undefined;
}
