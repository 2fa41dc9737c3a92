/**
 * What X12 wants to know of members beside their names: numbers and addresses, which no ledger needs. Each gateway is given them as a
 * file (X12_PARTIES), by the members' names.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';

const line = z
  .string()
  .max(55)
  .regex(/^[ -)+-9;-\]_-}]+$/, 'must be ASCII without * : ^ ~');
/** https://www.cms.gov/Regulations-and-Guidance/Administrative-Simplification/NationalProvIdentStand */
const npi = z.string().regex(/^\d{10}$/, 'must be ten digits');

const partySchema = z.strictObject({
  /** In law. */
  name: line,
  /** Of a provider. */
  npi: npi.optional(),
  /** Of the United States: nine digits. */
  taxId: z
    .string()
    .regex(/^\d{9}$/, 'must be nine digits')
    .optional(),
  address: z
    .strictObject({
      line,
      city: line.max(30),
      state: z.string().regex(/^[A-Z]{2}$/),
      postalCode: z.string().regex(/^\d{5}(\d{4})?$/),
    })
    .optional(),
  /** Of who answers for a payer's files. */
  telephone: z
    .string()
    .regex(/^\d{10}$/, 'must be ten digits')
    .optional(),
});
/** By names of members. */
export const partiesSchema = z.record(nameSchema, partySchema);
export type Parties = z.infer<typeof partiesSchema>;
type Party = z.infer<typeof partySchema>;

/** What is known of a member, with what is wanted of it. @throws LedgerError CONFLICT where X12_PARTIES does not say it */
export function partyOf<K extends keyof Party>(
  parties: Parties,
  member: string,
  ...wanted: K[]
): Party & { [P in K]-?: NonNullable<Party[P]> } {
  const party = parties[member];
  const missing = party === undefined ? 'name' : wanted.find((name) => party[name] === undefined);
  if (missing === undefined) return party as Party & { [P in K]-?: NonNullable<Party[P]> };
  throw new LedgerError('CONFLICT', 'is not in this gateway’s file of parties (X12_PARTIES)', `${member}.${missing}`);
}
