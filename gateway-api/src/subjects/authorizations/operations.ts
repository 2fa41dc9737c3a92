/** Operations about prior authorizations (hl7.org/fhir/us/davinci-pas): asked at a provider's or the payer's gateway, inquired, decided. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type Answer, committedAnswer } from '../../fhir/answers.ts';
import type { OperationRequest } from '../../fhir/operations.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { identifiersOf } from '../claims/matching.ts';
import { type Resolved, resolveSubmission } from '../claims/resolving.ts';
import { readSubmission, type Submission } from '../claims/submission.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { responseBundle } from './answers.ts';
import { decisionIn } from './decisions.ts';
import { inquired } from './inquiry.ts';
import { amendedBy, ask, decide, resourcesOf } from './requests.ts';

const MEMBER = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MB' }] };

/** Whom a request is for, by what its sender calls her: held against the coverage's beneficiary, and not kept. */
async function patientOf({ claim, called, subscriberId }: Resolved, { index }: Services): Promise<Resource> {
  const reference = claim['patient'] as Reference | undefined;
  const id = /^Patient\/([^/]+)/.exec(reference?.reference ?? '')?.[1];
  const stored = id === undefined ? undefined : await index.newest('Patient', id);
  const own = stored?.resource['identifier'] as object[] | undefined;
  const named = identifiersOf({ identifier: reference?.identifier });
  const member = subscriberId === undefined ? [] : [{ type: MEMBER, value: subscriberId }];
  return { resourceType: 'Patient', id: id ?? 'unknown', identifier: [...(own ?? []), ...called, ...named, ...member] };
}

/** Asks for authorization, or amends what was asked. */
export async function askAuthorization(
  request: Pick<OperationRequest, 'caller' | 'idempotency' | 'baseUrl'>,
  submission: Submission,
  resolved: Resolved,
  services: Services,
): Promise<Answer & { claim: string }> {
  const { caller, idempotency, baseUrl } = request;
  const { index, idempotent } = services;
  const amended = await amendedBy(index, resolved.claim);
  const patient = await patientOf(resolved, services);
  const { outcome, answer } = await idempotent.write(caller, idempotency, () => {
    const id = amended ?? randomUUID();
    const claim = { ...resolved.claim, id };
    const asked = { claim, responseId: randomUUID(), patient };
    return { answer: { id }, submit: (sending) => ask(services, asked, sending) };
  });
  const claim = `Claim/${answer.id}`;
  const shown = await afterCommit(() => resourcesOf(services, answer.id));
  if (shown === undefined || submission.bundle === undefined)
    return { ...committedAnswer(outcome.transactionId, shown?.response, claim), claim };
  const { told } = resolved;
  const now = new Date().toISOString();
  const bundle = responseBundle({ ...shown, bundle: submission.bundle, told, baseUrl, now });
  return { ...committedAnswer(outcome.transactionId, bundle), claim };
}

export const receiveAuthorization: SubjectOperation = {
  kind: 'payer',
  name: 'submit',
  transaction: 'ReceiveAuthorization',
  type: 'Claim',
  level: 'type',
  summary:
    'Receives a request for prior authorization (Da Vinci PAS), or what amends one, from whoever sends it to the payer.',
  definition: 'http://hl7.org/fhir/us/davinci-pas/OperationDefinition/Claim-submit',
  async handle(request, services) {
    compartmentOf(request.caller);
    const { index, consortium } = services;
    const submission = readSubmission(request.body);
    if (submission.claim['use'] === 'claim')
      throw new LedgerError('INVALID', 'a claim is submitted at its provider’s gateway', `${submission.at}.use`);
    const options = { index, consortium, baseUrl: request.baseUrl, fromElsewhere: true };
    return askAuthorization(request, submission, await resolveSubmission(submission, options), services);
  },
};

const inquiry = (kind: 'provider' | 'payer'): SubjectOperation => ({
  kind,
  name: 'inquire',
  isQuestion: true,
  type: 'Claim',
  level: 'type',
  summary: 'Looks for requests for authorization by an example (Da Vinci PAS): Parameters with a Bundle for each.',
  definition: 'http://hl7.org/fhir/us/davinci-pas/OperationDefinition/Claim-inquiry',
  async handle({ caller, body, baseUrl }, services) {
    compartmentOf(caller);
    const { index, consortium } = services;
    const submission = readSubmission(body);
    const options = { index, consortium, baseUrl, fromElsewhere: true };
    const { claim } = await resolveSubmission(submission, options);
    const insurance = (claim['insurance'] as { coverage: Reference }[])[0];
    const found = await inquired(index, claim, insurance?.coverage.reference ?? '');
    const now = new Date().toISOString();
    const returned = await Promise.all(
      found.map(async (id) => ({
        name: 'return',
        resource: responseBundle({ ...(await resourcesOf(services, id)), bundle: undefined, told: [], baseUrl, now }),
      })),
    );
    const parameters = { resourceType: 'Parameters', ...(returned.length === 0 ? {} : { parameter: returned }) };
    return { status: 200, resource: parameters };
  },
});
export const inquireAuthorizations: readonly SubjectOperation[] = [inquiry('provider'), inquiry('payer')];

export const decideAuthorization: SubjectOperation = {
  kind: 'payer',
  name: 'authorize',
  transaction: 'DecideAuthorization',
  type: 'Claim',
  level: 'instance',
  summary:
    'Decides a request for authorization: Parameters with outcome (approve, modify, deny, pend), reason, item, period and number.',
  definition: definitionOf('Claim-authorize'),
  async handle({ caller, id = '', body, idempotency }, services) {
    compartmentOf(caller);
    const decision = decisionIn(body);
    const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => decide(services, id, decision, sending),
    }));
    const shown = await afterCommit(() => resourcesOf(services, id));
    return committedAnswer(outcome.transactionId, shown?.response);
  },
};
