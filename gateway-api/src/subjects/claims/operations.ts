/** Claim/$submit at the provider (after Da Vinci PAS) and Claim/<id>/$adjudicate at the payer. */
import { randomUUID } from 'node:crypto';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { committedAnswer } from '../../fhir/answers.ts';
import type { Issue } from '../../fhir/outcomes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { definitionOf, type SubjectOperation } from '../services.ts';
import { adjudicate, claimState, resourceAt, submit } from './claims.ts';
import { resolveSubmission } from './resolving.ts';
import { readSubmission } from './submission.ts';

export const submitClaim: SubjectOperation = {
  kind: 'provider',
  name: 'submit',
  transaction: 'SubmitClaim',
  type: 'Claim',
  level: 'type',
  summary: 'Submits a Claim, alone or in a Bundle (after Da Vinci PAS).',
  definition: 'http://hl7.org/fhir/OperationDefinition/Claim-submit',
  async handle({ caller, body, idempotency, baseUrl }, services) {
    compartmentOf(caller);
    const { index, consortium } = services;
    const options = { index, consortium, baseUrl, fromElsewhere: false };
    const { claim, told } = await resolveSubmission(readSubmission(body), options);
    const id = randomUUID();
    const { outcome, answer } = await services.idempotent.write(caller, idempotency, () => ({
      answer: { id },
      submit: (sending) => submit(services, claim, id, sending),
    }));
    const state = await afterCommit(() => claimState(services.index, answer.id));
    return committedAnswer(outcome.transactionId, state && withNotes(responseOf(claim, state), told));
  },
};

export const adjudicateClaim: SubjectOperation = {
  kind: 'payer',
  name: 'adjudicate',
  transaction: 'AdjudicateClaim',
  type: 'Claim',
  level: 'instance',
  summary: 'Adjudicates a submitted claim.',
  definition: definitionOf('Claim-adjudicate'),
  async handle({ caller, id = '', body, idempotency }, services) {
    compartmentOf(caller);
    checkNothingAsked(body);
    const { index, idempotent, organisation } = services;
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => adjudicate(services, id, sending),
    }));
    const own = collections.billing(organisation.name);
    const response = await afterCommit(async () =>
      resourceAt(index, 'ClaimResponse', own, keysOfClaim(await claimState(index, id)).response),
    );
    return committedAnswer(outcome.transactionId, response);
  },
};

/** What nobody reads must not look as if it had been heeded. @throws LedgerError INVALID */
function checkNothingAsked(body: Resource | undefined): void {
  if (body === undefined) return;
  const asked = body.resourceType === 'Parameters' && body['parameter'] !== undefined;
  if (body.resourceType === 'Parameters' && !asked) return;
  const reason = 'an adjudication is computed from the ledger and takes no parameters';
  throw new LedgerError('INVALID', reason, asked ? 'Parameters.parameter' : body.resourceType);
}

/** What is to be told of a submission, as notes of its answer. */
const withNotes = (response: object, told: readonly Issue[]): object =>
  told.length === 0
    ? response
    : {
        ...response,
        processNote: told.map(({ diagnostics, expression = [] }, index) => ({
          ...{ number: index + 1, type: 'display', text: `${expression.join(', ')}: ${diagnostics}` },
        })),
      };

const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });

/** What is known when a claim has been submitted: it waits for adjudication, or an edit denied it. */
function responseOf(claim: Resource, state: ClaimState): object {
  const reason = state.reason ?? 'denied';
  return {
    resourceType: 'ClaimResponse',
    status: 'active',
    type: claim['type'],
    use: claim['use'],
    patient: claim['patient'],
    created: state.submittedAt,
    insurer: organisation(state.payer),
    requestor: organisation(state.provider),
    request: { reference: `Claim/${state.id}` },
    ...(state.status === 'denied'
      ? { outcome: 'error', disposition: `denied: ${reason}`, error: [{ code: { text: reason } }] }
      : { outcome: 'queued' }),
  };
}
