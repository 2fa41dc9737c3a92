/** Claim/$submit at the provider (after Da Vinci PAS) and Claim/<id>/$adjudicate at the payer. */
import { randomUUID } from 'node:crypto';
import { correctionOf } from '@telemed-ledger/chaincode/model/claim-corrections.ts';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { committedAnswer } from '../../fhir/answers.ts';
import type { Issue } from '../../fhir/outcomes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { askAuthorization } from '../authorizations/operations.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { claimState, resourceAt, submit } from './claims.ts';
import { voidClaim } from './corrections.ts';
import { decisionIn } from './decisions.ts';
import { resolveSubmission } from './resolving.ts';
import { responseOf, standing } from './response.ts';
import { adjudicate } from './screenings.ts';
import { readSubmission } from './submission.ts';

export const submitClaim: SubjectOperation = {
  kind: 'provider',
  name: 'submit',
  transaction: 'SubmitClaim',
  type: 'Claim',
  level: 'type',
  summary:
    'Submits a Claim, or asks for prior authorization: alone or in a Bundle with what it refers to (Da Vinci PAS).',
  definition: 'http://hl7.org/fhir/OperationDefinition/Claim-submit',
  async handle(request, services) {
    const { caller, body, idempotency, baseUrl } = request;
    compartmentOf(caller);
    const { index, consortium } = services;
    const submission = readSubmission(body);
    const options = { index, consortium, baseUrl, fromElsewhere: false };
    const resolved = await resolveSubmission(submission, options);
    const { claim, told } = resolved;
    if (claim['use'] !== 'claim') return askAuthorization(request, submission, resolved, services);
    const correction = correctionOf(claim);
    if (correction?.kind === 'void') {
      const { claim: id } = correction;
      const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
        answer: {},
        submit: (sending) => voidClaim(services, id, sending),
      }));
      const response = await afterCommit(async () => responseOf(services, await claimState(services.index, id)));
      return committedAnswer(outcome.transactionId, response && withNotes(response, told));
    }
    const id = randomUUID();
    const { outcome, answer } = await services.idempotent.write(caller, idempotency, () => ({
      answer: { id },
      submit: (sending) => submit(services, claim, id, sending),
    }));
    const response = await afterCommit(async () => submittedAs(services, claim, answer.id));
    return committedAnswer(outcome.transactionId, response && withNotes(response, told), `Claim/${answer.id}`);
  },
};

/** What is known when a claim has been submitted: it waits for adjudication, or an edit denied it. */
async function submittedAs(services: Services, claim: Resource, id: string): Promise<object | undefined> {
  const state = await claimState(services.index, id);
  if (state.step > 1) return responseOf(services, state);
  if (state.status !== 'denied') return standing(claim, state);
  const reason = state.reason ?? 'denied';
  const told = { outcome: 'error', disposition: `denied: ${reason}`, error: [{ code: { text: reason } }] };
  return { ...standing(claim, state), ...(await responseOf(services, state)), ...told };
}

export const adjudicateClaim: SubjectOperation = {
  kind: 'payer',
  name: 'adjudicate',
  transaction: 'AdjudicateClaim',
  type: 'Claim',
  level: 'instance',
  summary:
    'Adjudicates a claim by the rules; with Parameters (decision approve, deny or pend, reason, item with sequence and reduction) a person decides within them.',
  definition: definitionOf('Claim-adjudicate'),
  async handle({ caller, id = '', body, idempotency }, services) {
    compartmentOf(caller);
    const decision = decisionIn(body);
    const { index, idempotent, organisation } = services;
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => adjudicate(services, id, decision, sending),
    }));
    const own = collections.billing(organisation.name);
    const response = await afterCommit(async () =>
      resourceAt(index, 'ClaimResponse', own, keysOfClaim(await claimState(index, id)).response),
    );
    return committedAnswer(outcome.transactionId, response);
  },
};

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
