/** What is answered of an access: its schema and how it is made of what is known of it. */
import { accountSchema } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type Narrowing, narrowingShape } from '@telemed-ledger/chaincode/model/narrowing.ts';
import {
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
  type Because,
  becauseSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { REVIEW_STATUSES } from '../reviews/reviews.ts';
import type { Disclosure } from './disclosure.ts';

const deliverySchema = z.object({
  status: z.literal('incomplete'),
  undelivered: z.int().meta({ description: 'Values that have not arrived at this organisation yet.' }),
});
const pendingSchema = z.enum(['decision', 'patient', 'refusal', 'purge', 'renewal', 'part', 'report']).meta({
  description:
    'What is still to be done: it is tried until it can be, whoever is away. `patient`: it waits for her. `refusal`: it is noted and will be recorded. `renewal`: what may be shown still is delivered anew. `part`: there is more, which is delivered next. `report`: the holder is to be told.',
});
/** What was asked, where this organisation has the requestor's inbox. */
const askedShape = {
  types: accessRequestSchema.shape.types.optional().meta({ description: 'Resource types asked for; empty: all.' }),
  ...narrowingShape,
  overview: accessRequestSchema.shape.overview.meta({ description: 'It asks who holds what, and for no records.' }),
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
const partsShape = {
  continuedBy: z.string().optional().meta({ description: 'The access that carries the next part.' }),
  whole: z
    .strictObject({ status: z.enum(['complete', 'under-way', 'incomplete']), parts: z.int(), records: z.int() })
    .optional()
    .meta({
      description:
        'Of a request, all parts of its delivery together. `complete`: all that may be shown of what was asked for is here. `incomplete`: nothing more comes, and something was withdrawn or could not be read.',
    }),
  account: accountSchema.pick({ delivered: true, withheld: true }).optional().meta({
    description: 'What of this part was delivered and what was not, by reason; not for who asked.',
  }),
};
const becauseShape = becauseSchema.omit({ salt: true, patient: true }).optional().meta({
  description: 'What a refusal rests on; the patient, the custodian and the holder see it, and not who asked.',
});
/** How an access stands, with the transaction of its last step, and what has not arrived here of it. */
export const stateSchema = accessStateSchema
  .omit({ schema: true, salt: true, stretch: true, through: true })
  .extend({ because: becauseShape })
  .extend({ transactionId: z.string(), delivery: deliverySchema.optional(), pending: pendingSchema.optional() })
  .extend({ ...askedShape, ...decidedShape, ...partsShape, ...emergencyShape })
  .meta({ id: 'AccessState' });

export const notFound = (): LedgerError =>
  new LedgerError('NOT_FOUND', 'this organisation takes part in no such access');
/** Whoever knew the salt could confirm a guess at an access by its hash in a block. */
const withoutSalt = (state: AccessState): object => {
  const { schema: _, salt: __, because: ___, stretch: ____, through: _____, ...shown } = state;
  return shown;
};
/** The AuditEvent says whom it was about. */
const withoutItsSalt = ({ salt: _, patient: __, ...because }: Because): object => because;
const askedIn = ({ types, codes, period, encounters, records, practitioner, overview }: AccessRequest): object => ({
  ...(overview === undefined ? {} : { overview }),
  ...narrowed({ types, codes, period, encounters, records }),
  ...(practitioner === undefined ? {} : { practitioner }),
});
/** What was asked for, as far as it was narrowed. */
export const narrowed = (asked: Narrowing): object =>
  Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
/** What was told of who holds what is for whom it was told: others of the requestor's are not shown it. */
export function shownTo({ fhirUser }: Pick<Caller, 'fhirUser'>, requestor: string, disclosure: Disclosure): object {
  const { state, request } = disclosure;
  const isOthers = state.requestor === requestor && request?.practitioner !== fhirUser;
  return shown(isOthers ? { ...disclosure, state: withoutCounts(state) } : disclosure);
}

export const withoutCounts = ({ counts: _, ...state }: AccessState): AccessState => state;

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
  continuedBy,
  whole,
  account,
  because,
}: Disclosure): object => ({
  ...withoutSalt(state),
  transactionId,
  ...(request === undefined ? {} : askedIn(request)),
  ...decided,
  ...(because === undefined ? {} : { because: withoutItsSalt(because) }),
  ...(renewedBy === undefined ? {} : { renewedBy }),
  ...(continuedBy === undefined ? {} : { continuedBy }),
  ...(whole === undefined ? {} : { whole }),
  ...(account === undefined ? {} : { account: { delivered: account.delivered, withheld: account.withheld } }),
  ...(request?.reason === undefined ? {} : { writtenReason: request.reason }),
  ...(review === undefined ? {} : { review: review.status }),
  ...(undelivered === undefined ? {} : { delivery: { status: 'incomplete', undelivered } }),
  ...(pending === undefined ? {} : { pending }),
});
