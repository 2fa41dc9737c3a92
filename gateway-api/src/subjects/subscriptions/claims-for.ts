/** Which claims are for a patient, and which of them changed: what she is told of. */
import type { ReadModel } from '../../index/read/queries.ts';

const PAGE = 500;

export const isClaimFor = async (index: ReadModel, patient: string, id: string): Promise<boolean> =>
  (await index.newestRow('Claim', id))?.patient === patient;

/** Whether one for her took a step behind a block. */
export async function isClaimForSince(index: ReadModel, patient: string, block: number): Promise<boolean> {
  let after: string | undefined;
  do {
    const page = await index.search({ type: 'Claim', patients: [patient], count: PAGE, ...(after && { after }) });
    for (const { resource } of page.matches) {
      const state = (await index.state('claim', resource.id)) ?? (await index.state('authorization', resource.id));
      if (state !== undefined && Number(state.block) > block) return true;
    }
    after = page.next;
  } while (after !== undefined);
  return false;
}
