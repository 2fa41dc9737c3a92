/** In which form a receipt is asked for, and who is given Fabric's own evidence in it. */
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { demandBlocks } from '../../auth/entitlement.ts';
import type { Encoding, Form } from './proofs.ts';

export const formSchema = z.object({
  evidence: z.enum(['hash', 'full']).optional().meta({
    description:
      '`full`: with the envelope, its endorsements and the header of its block, for `system`, `operator` and `auditor`, and for a patient of what is hers. Default `hash`.',
  }),
});

/** @param isContent whether it is of content, which whoever reaches it may read. @throws {LedgerError} FORBIDDEN */
export function formOf(
  caller: Caller,
  { evidence }: z.infer<typeof formSchema>,
  { as, isContent }: { as: Encoding; isContent: boolean },
): Form {
  const isFull = evidence === 'full';
  if (isFull) demandBlocks(caller, isContent);
  return { as, isFull };
}
