/** What is answered of an access: its schema and how it is made of what is known of it. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import {
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
  type Because,
  becauseSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import { REVIEW_STATUSES } from '../reviews/reviews.ts';
import type { Disclosure } from './disclosure.ts';

const deliverySchema = z.object({
  status: z.literal('incomplete'),
  undelivered: z.int().meta({ description: 'Values that have not arrived at this organisation yet.' }),
});
const pendingSchema = z.enum(['decision', 'patient', 'refusal', 'purge', 'renewal', 'report']).meta({
  description:
    'What is still to be done: it is tried until it can be, whoever is away. `patient`: it waits for her. `refusal`: it is noted and will be recorded. `renewal`: what may be shown still is delivered anew. `report`: the holder is to be told.',
});
/** What was asked, where this organisation has the requestor's inbox. */
const askedShape = {
  types: accessRequestSchema.shape.types.optional().meta({ description: 'Resource types asked for; empty: all.' }),
  practitioner: accessRequestSchema.shape.practitioner.meta({
    description: 'Who asks, as the requestor certified him.',
  }),
};
const emergencyShape = {
  writtenReason: z.string().optional().meta({ description: 'Of an emergency: why there was no time for a consent.' }),
  review: z.enum(REVIEW_STATUSES).optional().meta({ description: 'Of an emergency, at the custodian.' }),
};
const decidedShape = {
  renewedBy: z
    .string()
    .optional()
    .meta({ description: 'Of what was withdrawn: the access by which what may be shown still was delivered anew.' }),
  endorsers: z.array(z.string()).optional().meta({ description: 'MSP ids of those that endorsed the decision.' }),
  holderToldAt: z.iso
    .datetime()
    .optional()
    .meta({ description: 'When the holder was told of a decision that it did not endorse.' }),
};
const becauseShape = becauseSchema.omit({ salt: true, patient: true }).optional().meta({
  description: 'What a refusal rests on; the patient, the custodian and the holder see it, and not who asked.',
});
/** How an access stands, with the transaction of its last step, and what has not arrived here of it. */
export const stateSchema = accessStateSchema
  .omit({ schema: true, salt: true })
  .extend({ because: becauseShape })
  .extend({ transactionId: z.string(), delivery: deliverySchema.optional(), pending: pendingSchema.optional() })
  .extend({ ...askedShape, ...decidedShape, ...emergencyShape })
  .meta({ id: 'AccessState' });

export const notFound = (): LedgerError =>
  new LedgerError('NOT_FOUND', 'this organisation takes part in no such access');
/** Whoever knew the salt could confirm a guess at an access by its hash in a block. */
const withoutSalt = ({ schema: _, salt: __, because: ___, ...state }: AccessState): object => state;
/** The AuditEvent says whom it was about. */
const withoutItsSalt = ({ salt: _, patient: __, ...because }: Because): object => because;
const askedIn = ({ types, practitioner }: AccessRequest): object => ({
  types,
  ...(practitioner === undefined ? {} : { practitioner }),
});
/** An access as it is answered. */
export const shown = ({
  state,
  transactionId,
  undelivered,
  pending,
  decided,
  request,
  review,
  renewedBy,
  because,
}: Disclosure): object => ({
  ...withoutSalt(state),
  transactionId,
  ...(request === undefined ? {} : askedIn(request)),
  ...decided,
  ...(because === undefined ? {} : { because: withoutItsSalt(because) }),
  ...(renewedBy === undefined ? {} : { renewedBy }),
  ...(request?.reason === undefined ? {} : { writtenReason: request.reason }),
  ...(review === undefined ? {} : { review: review.status }),
  ...(undelivered === undefined ? {} : { delivery: { status: 'incomplete', undelivered } }),
  ...(pending === undefined ? {} : { pending }),
});
