/** When a decision may be appealed no more, and from when on a claim takes its evidence no more: pure, for endorsers and gateways alike. */
import { APPEAL_DAYS, type ClaimTerms, EVIDENCE_DAYS } from './claim-rules.ts';
import { CLAIM_STEPS, type ClaimStatus } from './claim-steps.ts';
import type { ClaimResponseRecord } from './claims.ts';
import { addDays, firstDay } from './days.ts';

type Decision = Pick<ClaimResponseRecord, 'appealUntil' | 'resource'>;

const isAppealable = (status: ClaimStatus): boolean =>
  (CLAIM_STEPS.appeal.from as readonly ClaimStatus[]).includes(status);
const OVER: readonly ClaimStatus[] = ['cancelled', 'voided', 'replaced'];

/** Whether no step takes a claim's records any more, but an appeal. */
export const isFinal = (status: ClaimStatus): boolean => isAppealable(status) || OVER.includes(status);

/** The last day on which a decision may be appealed, YYYY-MM-DD. */
export const lastAppealDay = ({ appealUntil, resource }: Decision): string =>
  appealUntil ?? addDays(firstDay(String(resource['created'])), APPEAL_DAYS);

/**
 * The first day on which the evidence of a claim may be purged, YYYY-MM-DD; undefined while the claim goes on.
 * @param decision the newest; undefined where none was written, as of denials by chaincode that did not answer them yet
 */
export function evidenceEnds(
  { status, updatedAt }: { status: ClaimStatus; updatedAt: string },
  decision: Decision | undefined,
  { evidenceDays = EVIDENCE_DAYS }: ClaimTerms,
): string | undefined {
  if (!isFinal(status)) return undefined;
  const updated = firstDay(updatedAt);
  if (!isAppealable(status)) return addDays(updated, evidenceDays);
  const last = decision === undefined ? addDays(updated, APPEAL_DAYS) : lastAppealDay(decision);
  return addDays(last, 1 + evidenceDays);
}
