/** The rows of the transaction table by which members sign the ledger's tree as its witnesses. */
import { withAnother } from '@telemed-ledger/consortium/endorsers.ts';
import { z } from 'zod';
import { hashSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';

const hex = (bytes: number) =>
  z
    .string()
    .max(bytes * 2)
    .regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const secondsSchema = z.int().min(1).max(99_999_999_999);

/** What stands in the event, and so in the block: a C2SP cosignature of the tree at a size, and who vouches for its key. */
export const cosignedSchema = z.strictObject({
  /** Leaves of the tree. */
  size: z.int().min(1).max(999_999_999_999_999),
  root: hashSchema,
  time: secondsSchema,
  /** Ed25519. */
  publicKey: hex(32),
  signature: hex(64),
  /** The same tree signed as COSE has it (RFC 9942): a signature with the same key. Absent in older ones. */
  cose: hex(64).optional(),
  /** Sent until it stands on the ledger: the member's system certificate vouches for the key (ECDSA P-256, r ‖ s). */
  vouched: z
    .strictObject({
      time: secondsSchema,
      signature: hex(64),
      /** DER, base64. */
      certificate: z
        .string()
        .max(8_192)
        .regex(/^[A-Za-z0-9+/]+={0,2}$/),
    })
    .optional(),
});
export type Cosigned = z.infer<typeof cosignedSchema>;

export const witnessTransactions = {
  /**
   * A member's witness signs the tree at a size. It writes nothing: what it says stands in the block, and counts by its own
   * signatures. Nobody can block it: any one other endorses.
   */
  CosignCheckpoint: transaction({
    contract: 'witnesses',
    kind: 'submit',
    callers: ['provider', 'custodian', 'payer', 'bank', 'regulator'],
    roles: ['system'],
    input: cosignedSchema,
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller),
    writes: () => ({ always: [] }),
  }),
} as const;
