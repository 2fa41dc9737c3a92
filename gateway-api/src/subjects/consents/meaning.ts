/**
 * A consent has one meaning, or it is refused before anything of it is kept: the custodian's own chaincode says what it
 * doubts, and where; the same rules hold again when it is endorsed.
 */
import { CONSENT_REFUSALS, type ConsentRefusal } from '@telemed-ledger/chaincode/model/consent-refusals.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Issue, type IssueType, Refusal, UNPROCESSABLE } from '../../fhir/outcomes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { apartFromRequests } from '../../ledger/request-deadline.ts';
import type { RecordServices } from '../records/records.ts';
import { actorsShown } from './actors.ts';
import { caretakersShown, delegationShown } from './delegated.ts';
import { knownDirectory } from './directory.ts';

const codeOf = (rule: ConsentRefusal): IssueType => {
  if (['unknown-organisation', 'organisation-elsewhere', 'unknown-practitioner'].includes(rule)) return 'not-found';
  if (rule.startsWith('signature-')) return rule === 'signature-missing' ? 'required' : 'security';
  return rule.startsWith('unknown-') ? 'code-invalid' : 'business-rule';
};

/** As what it is given: the chaincode holds the signature of a patient with a key of her own to that. */
async function signingOf(index: ReadModel, resource: Resource, provider: string, version: number) {
  const directory = await knownDirectory(index, provider, patientIdOf(resource) ?? '');
  const shown = {
    ...(await delegationShown(index, provider, resource)),
    ...(await caretakersShown(index, provider, resource)),
  };
  return { version, directory, ...shown };
}

/**
 * @param version as which it is to be given; of one that is only considered nothing is signed
 * @throws {Refusal} 422 with every doubt: its place, the readings that are possible, and how to write each
 */
export async function demandOneMeaning(
  { index, ledger, consortium }: Pick<RecordServices, 'index' | 'ledger' | 'consortium'>,
  resource: Resource,
  provider: string,
  version?: number,
): Promise<void> {
  const actors = await actorsShown(index, resource, consortium);
  const signing = version === undefined ? undefined : await signingOf(index, resource, provider, version);
  // The time that a write has begins when it is first sent: it may have to wait for another one of the patient's before.
  const { doubts } = await apartFromRequests(() =>
    ledger.evaluate(
      'CheckConsent',
      { provider },
      { private: { resource, actors, ...(signing === undefined ? {} : { signing }) } },
    ),
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
