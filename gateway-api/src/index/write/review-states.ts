/**
 * How a review stands: opened by the custodian, closed by a regulator. What anybody else has written there counts for
 * nothing.
 */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import {
  REVIEW_STEPS,
  type Review,
  type ReviewOutcome,
  reviewOutcomeSchema,
  reviewSchema,
} from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Kind, organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { z } from 'zod';
import { objectIn } from './json.ts';
import type { Untimed, Value, View } from './steps.ts';

/** What a review's row in `states` holds. */
export interface ReviewState {
  id: string;
  opened: Review;
  closed?: ReviewOutcome;
}

/** Undefined where nobody has opened it. */
export function reviewState(id: string, values: readonly Value[], view: View): Untimed | undefined {
  const stepOf = <S extends z.ZodType<{ id: string }>>(step: number, schema: S, signer: Kind) => {
    const row = values.find(
      (one) => one.key === privateKeys.review(id, step) && one.collection === collections.reviews,
    );
    const { data } = schema.safeParse(row && objectIn(row.value));
    if (row === undefined || data?.id !== id || kindOfSigner(row, view) !== signer) return undefined;
    return { row, value: data };
  };
  const opened = stepOf(REVIEW_STEPS.opened, reviewSchema, 'custodian');
  if (opened === undefined) return undefined;
  const closed = stepOf(REVIEW_STEPS.closed, reviewOutcomeSchema, 'regulator');
  const state: ReviewState = { id, opened: opened.value, ...(closed === undefined ? {} : { closed: closed.value }) };
  const { row } = closed ?? opened;
  return {
    kind: 'review',
    id,
    sequence: opened.row.sequence,
    own: 1,
    status: closed?.value.outcome ?? 'open',
    last_updated: closed?.value.closedAt ?? opened.value.openedAt,
    ends_at: null,
    about: opened.value.licence,
    value: canonicalJson(state),
    transaction_id: row.transaction_id,
    block: row.block,
  };
}

const kindOfSigner = ({ transaction_id: id }: Value, { consortium, signerOf }: View): Kind | undefined =>
  organisationByMsp(consortium, signerOf(id) ?? '')?.kind;
