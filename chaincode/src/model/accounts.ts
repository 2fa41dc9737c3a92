/**
 * Accounts at banks and what payer and provider have agreed on about payments. On the ledger an account is a token: its number lies
 * with its bank alone, and everybody else holds the hash of that value.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { currencySchema, hashSchema, idSchema, instantSchema, line, saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

export const ACCOUNT_STATUSES = ['registered', 'confirmed', 'refused', 'closed'] as const;
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];
/** What a bank says of an account, and of one in which status. */
const SAYINGS = { confirmed: ['registered'], refused: ['registered'], closed: ['confirmed'] } as const;
export const ACCOUNT_SAYINGS = ['confirmed', 'refused', 'closed'] as const satisfies (keyof typeof SAYINGS)[];
export const maySay = (from: AccountStatus, to: keyof typeof SAYINGS): boolean =>
  (SAYINGS[to] as readonly AccountStatus[]).includes(from);
/** Registered, confirmed, closed. */
export const MAX_ACCOUNT_STEPS = 3;

/** `bank-account/<id>/<step>`: an account that its owner has registered for payments from or to a payer. */
export const accountSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  step: z.int().min(1).max(MAX_ACCOUNT_STEPS),
  /** The payer, or the provider that is paid into it. */
  owner: nameSchema,
  payer: nameSchema,
  bank: nameSchema,
  /** Whose it is, where a provider has its claims paid to another. */
  payee: nameSchema.optional(),
  currency: currencySchema,
  status: z.enum(ACCOUNT_STATUSES),
  /** SHA-256 of what lies under `account-number/<id>`, which has a salt. */
  number: hashSchema,
  updatedAt: instantSchema,
  salt: saltSchema,
});
export type Account = z.infer<typeof accountSchema>;

/** The check of ISO 13616: the letters as numbers, the first four characters last, modulo 97. */
function isIban(text: string): boolean {
  const moved = `${text.slice(4)}${text.slice(0, 4)}`.replaceAll(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  );
  return [...moved].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
}
const IBAN = /^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/;

/** How an account is known at its bank: by IBAN, or by a number with the bank's code in a clearing system (USABA …). */
export const accountNumberSchema = z
  .strictObject({
    iban: z.string().max(34).regex(IBAN).refine(isIban, 'is no IBAN').optional(),
    number: z
      .string()
      .max(34)
      .regex(/^[A-Za-z0-9-]+$/)
      .optional(),
    clearing: z
      .strictObject({
        system: z
          .string()
          .max(5)
          .regex(/^[A-Z]{5}$/),
        member: z
          .string()
          .max(35)
          .regex(/^[A-Za-z0-9]+$/),
      })
      .optional(),
    /** ISO 9362. */
    bic: z
      .string()
      .max(11)
      .regex(/^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/)
      .optional(),
    /** Whose name the account is in. */
    name: line(140),
  })
  .refine(({ iban, number }) => (iban === undefined) !== (number === undefined), 'needs either an IBAN or a number');
export type AccountNumber = z.infer<typeof accountNumberSchema>;

/** `account-number/<id>` in the bank's collection. */
export const accountNumberValueSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  account: accountNumberSchema,
  salt: saltSchema,
});
export type AccountNumberValue = z.infer<typeof accountNumberValueSchema>;

/** An account by the step at which it is confirmed. */
const confirmedSchema = z.strictObject({ id: idSchema, step: z.int().min(1).max(MAX_ACCOUNT_STEPS) });

/** `payment-terms/<payer>/<provider>/<generation>`: how a payer pays the claims of a provider, from then on. */
export const paymentTermsSchema = z.strictObject({
  schema: schemaVersion,
  payer: nameSchema,
  provider: nameSchema,
  bank: nameSchema,
  payee: nameSchema,
  payerAccount: confirmedSchema.optional(),
  payeeAccount: confirmedSchema.optional(),
  /** `each`: a payment for each claim as soon as it is decided; `together`: many by one, when the payer instructs them. */
  runs: z.enum(['each', 'together']),
  from: instantSchema,
  salt: saltSchema,
});
export type PaymentTerms = z.infer<typeof paymentTermsSchema>;
