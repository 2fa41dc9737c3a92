/** Reviews of emergencies as the regulators and the custodian hold them. */
import { type ReviewOutcome, reviewOutcomeSchema, reviewSchema } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { idSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import type { ReadModel } from '../../index/read/queries.ts';
import type { StatesTable } from '../../index/schema.ts';
import type { ReviewState } from '../../index/write/review-states.ts';
import { openedText } from './sealed-text.ts';

export const REVIEW_STATUSES = ['open', 'justified', 'not-justified'] as const;

const stateSchema: z.ZodType<ReviewState> = z.strictObject({
  id: idSchema,
  opened: reviewSchema,
  closed: reviewOutcomeSchema.optional(),
}) as z.ZodType<ReviewState>;

/** A review: no content of anybody's record, and no patient. */
export interface Reviewed {
  id: string;
  status: (typeof REVIEW_STATUSES)[number];
  licence: string;
  requestor: string;
  holder: string;
  purpose: string;
  reason: string;
  openedAt: string;
  /** Whether anything was delivered. */
  delivered: boolean;
  closedAt?: string;
  /** What the regulator wrote; absent where it cannot be opened. */
  text?: string;
  transactionId: string;
}

/** The review of an access; undefined where there is none here. @throws {IntegrityFailure} */
export async function reviewOf(index: ReadModel, id: string): Promise<Reviewed | undefined> {
  const row = await index.state('review', id);
  return row && reviewedIn(index, row);
}

/** A row as what it says. @throws Error where it says nothing that is a review */
export async function reviewedIn(index: ReadModel, row: StatesTable): Promise<Reviewed> {
  const { id, opened, closed } = stateSchema.parse(JSON.parse(row.value));
  const { licence, requestor, holder, purpose, reason, openedAt } = opened;
  const delivered = await index.evidence.isWritten(collections.inbox(requestor), privateKeys.copies(id));
  const end = closed === undefined ? {} : endOf(closed, opened);
  const { transaction_id: transactionId } = row;
  const status = closed?.outcome ?? 'open';
  return { id, status, licence, requestor, holder, purpose, reason, openedAt, delivered, ...end, transactionId };
}

function endOf({ closedAt, text: sealed }: ReviewOutcome, opened: ReviewState['opened']) {
  const text = openedText(sealed, opened);
  return { closedAt, ...(text === undefined ? {} : { text }) };
}

/** The salt that a review's text is sealed with stays with its members. */
export async function openedReview(index: ReadModel, id: string): Promise<ReviewState | undefined> {
  const row = await index.state('review', id);
  return row && stateSchema.parse(JSON.parse(row.value));
}
