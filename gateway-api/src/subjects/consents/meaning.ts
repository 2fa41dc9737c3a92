/**
 * A consent has one meaning, or it is refused before anything of it is kept: the custodian's own chaincode says what it
 * doubts, and where; the same rules hold again when it is endorsed.
 */
import { CONSENT_REFUSALS, type ConsentRefusal } from '@telemed-ledger/chaincode/model/consent-refusals.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Issue, type IssueType, Refusal, UNPROCESSABLE } from '../../fhir/outcomes.ts';
import { apartFromRequests } from '../../ledger/request-deadline.ts';
import type { RecordServices } from '../records/records.ts';
import { actorsShown } from './actors.ts';

const codeOf = (rule: ConsentRefusal): IssueType => {
  if (rule === 'unknown-organisation' || rule === 'unknown-practitioner') return 'not-found';
  return rule.startsWith('unknown-') ? 'code-invalid' : 'business-rule';
};

/** @throws {Refusal} 422 with every doubt: its place, the readings that are possible, and how to write each */
export async function demandOneMeaning(
  { index, ledger, consortium }: Pick<RecordServices, 'index' | 'ledger' | 'consortium'>,
  resource: Resource,
  provider: string,
): Promise<void> {
  const actors = await actorsShown(index, resource, consortium);
  // The time that a write has begins when it is first sent: it may have to wait for another one of the patient's before.
  const { doubts } = await apartFromRequests(() =>
    ledger.evaluate('CheckConsent', { provider }, { private: { resource, actors } }),
  );
  if (doubts.length === 0) return;
  const issues = doubts.map(
    ({ rule, expression }): Issue => ({
      severity: 'error',
      code: codeOf(rule),
      diagnostics: CONSENT_REFUSALS[rule],
      expression: [expression],
    }),
  );
  throw new Refusal(UNPROCESSABLE, issues);
}
