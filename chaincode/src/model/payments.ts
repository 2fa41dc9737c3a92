/**
 * Payments: what a payer has its bank pay. A payment goes to one payee by one transfer and is for up to a thousand claims. How it
 * stands is a series of its own, apart from its claims': the bank reports on the payment, and the payer posts that to the claims.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { resourceSchema } from './fhir.ts';
import { MAX_UNITS } from './money.ts';
import { currencySchema, daySchema, idSchema, instantSchema, line, saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

/** The statuses of a payment, and what each means. */
export const PAYMENT_STATES = {
  instructed: 'The bank has the instruction.',
  accepted: 'The bank has checked the instruction and will execute it.',
  settled: 'The transfer is made.',
  rejected: 'The bank does not execute the instruction.',
  failed: 'The transfer was tried and was not made.',
  stopped: 'The transfer was stopped before it was made.',
  returned: 'The money came back.',
} as const;
export type PaymentStatus = keyof typeof PAYMENT_STATES;
const PAYMENT_STATUSES = Object.keys(PAYMENT_STATES) as [PaymentStatus, ...PaymentStatus[]];

/** What a bank may report, and of a payment in which status. What is settled can only come back; what ended stays ended. */
const REPORTS = {
  accepted: ['instructed'],
  settled: ['instructed', 'accepted'],
  rejected: ['instructed', 'accepted'],
  failed: ['instructed', 'accepted'],
  stopped: ['instructed', 'accepted'],
  returned: ['instructed', 'accepted', 'settled'],
} as const satisfies Partial<Record<PaymentStatus, readonly PaymentStatus[]>>;
export type PaymentReport = keyof typeof REPORTS;
export const PAYMENT_REPORTS = Object.keys(REPORTS) as [PaymentReport, ...PaymentReport[]];

/** Whether a payment in one status may be reported to stand in another. */
export const mayFollow = (from: PaymentStatus, to: PaymentReport): boolean =>
  (REPORTS[to] as readonly PaymentStatus[]).includes(from);

/** Without money: its claims may be paid by another payment. */
export const ENDED_PAYMENTS = ['rejected', 'failed', 'stopped', 'returned'] as const;
export type EndedPayment = (typeof ENDED_PAYMENTS)[number];
export const isEnded = (status: string): status is EndedPayment =>
  (ENDED_PAYMENTS as readonly string[]).includes(status);

/** Instructed, accepted, settled, returned. */
export const MAX_PAYMENT_STEPS = 4;
export const MAX_CLAIMS_OF_PAYMENT = 1_000;
/** That one payment pays back. */
export const MAX_DEBTS_OF_PAYMENT = 100;

/** A code of ISO 20022's external status, return and cancellation reasons (AC04, AM04, MS03 …). */
export const paymentReasonSchema = z
  .string()
  .max(4)
  .regex(/^[A-Z0-9]{1,4}$/, 'must be a reason code of ISO 20022, like AC04');
/** The bank's own reference of a transfer. */
export const transferReferenceSchema = line(140);

/** `order/<id>/<step>`: how a payment stands. */
export const paymentStateSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  step: z.int().min(1).max(MAX_PAYMENT_STEPS),
  payer: nameSchema,
  bank: nameSchema,
  /** Who gets the money. */
  payee: nameSchema,
  /** The provider that pays back to the payer what it owes; absent where the payer pays. */
  debtor: nameSchema.optional(),
  /** The accounts to pay from and to, as their owners have registered them; absent where the parties have agreed on none. */
  payerAccount: idSchema.optional(),
  payeeAccount: idSchema.optional(),
  status: z.enum(PAYMENT_STATUSES),
  /** Of one that ended. */
  reason: paymentReasonSchema.optional(),
  /** Of one that was settled. */
  reference: transferReferenceSchema.optional(),
  /** The day of the transfer, of its return, or of the report. */
  day: daySchema,
  units: z.int().min(1).max(MAX_UNITS),
  currency: currencySchema,
  claims: z.int().min(1).max(MAX_CLAIMS_OF_PAYMENT),
  /** Whose claims these are, or who owes for them. */
  providers: z.array(nameSchema).min(1).max(50),
  instructedAt: instantSchema,
  updatedAt: instantSchema,
  salt: saltSchema,
});
export type PaymentState = z.infer<typeof paymentStateSchema>;

/**
 * `reconciliation/<payment>/<step>` (PaymentReconciliation), `notice/<payment>` (PaymentNotice), and for a provider those of its
 * claims: `remitted/<payment>/<provider>/<step>` and `remitted-notice/<payment>/<provider>`.
 */
export const paymentValueSchema = z.strictObject({
  schema: schemaVersion,
  paymentId: idSchema,
  salt: saltSchema,
  resource: resourceSchema,
});
export type PaymentValue = z.infer<typeof paymentValueSchema>;

/** `reopened/<payment>`: what it was to pay back is owed again. */
export interface ReopenedMark {
  schema: 1;
  paymentId: string;
  payer: string;
  salt: string;
}

/** Who has the bank pay: the payer of claims, or the provider that pays back. */
export const debtorOf = ({ debtor, payer }: Pick<PaymentState, 'debtor' | 'payer'>): string => debtor ?? payer;

/** `transfer/<hash>` in the bank's collection: the payment that a reference of the bank's is of. */
export interface TransferMark {
  schema: 1;
  paymentId: string;
  salt: string;
}
export const transferHash = (bank: string, reference: string): string => sha256Hex(`transfer/${bank}/${reference}`);
