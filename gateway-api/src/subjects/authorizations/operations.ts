/** Operations about prior authorizations (hl7.org/fhir/us/davinci-pas): asked at a provider's or the payer's gateway, inquired, decided. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type Answer, committedAnswer } from '../../fhir/answers.ts';
import type { OperationRequest } from '../../fhir/operations.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { KeptRequest } from '../../idempotency/kept-requests.ts';
import { newSalt } from '../../ledger/sender.ts';
import { identifiersOf } from '../claims/matching.ts';
import { type Resolved, resolveSubmission } from '../claims/resolving.ts';
import { readSubmission, type Submission } from '../claims/submission.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { keptResponse, responseBundle } from './answers.ts';
import { type Request, requestIn } from './asked.ts';
import { decisionIn } from './decisions.ts';
import { inquired, isMeant, isPreauthorization } from './inquiry.ts';
import { amendedBy, ask, decide, endorserOf, resourcesOf, responseIdOf } from './requests.ts';

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

/** Of whoever asks for authorization, by FHIR or by X12. */
type Asking = Pick<OperationRequest, 'caller' | 'idempotency' | 'baseUrl'>;
type AskedFor = Answer & { claim: string };

const ACCEPTED = 202;

/** Asks for authorization, or amends what was asked. What the ledger does not take in time is kept, and pended. */
export async function askAuthorization(
  request: Asking,
  submission: Submission,
  resolved: Resolved,
  services: Services,
): Promise<AskedFor> {
  const { caller, idempotency } = request;
  const { idempotent, keptRequests } = services;
  const answering = { request, submission, resolved };
  const earlier = await keptRequests.under(request);
  if (earlier?.status === 'done') return standingAnswer(earlier.request, answering, services);
  if (earlier?.draft) return keptAnswer(requestIn(earlier.draft), answering, services);
  const amended = await amendedBy(services, resolved.claim);
  const asked = {
    ...{ claim: { ...resolved.claim, id: amended ?? randomUUID() }, patient: await patientOf(resolved, services) },
    ...{ responseId: await responseIdOf(services, amended), salt: newSalt(), cameAt: new Date().toISOString() },
    isAmendment: amended !== undefined,
  };
  const done = await keptRequests.hold(asked, request, (keep) =>
    idempotent.write(caller, idempotency, async () => {
      await keep();
      return { answer: { id: asked.claim.id }, submit: (sending) => ask(services, asked, sending) };
    }),
  );
  if (done === undefined) return keptAnswer(asked, answering, services);
  return standingAnswer(done.answer.id, answering, services, done.outcome.transactionId);
}

interface Answering {
  request: Asking;
  submission: Submission;
  resolved: Resolved;
}

/** What the ledger has. */
async function standingAnswer(
  id: string,
  { request: { baseUrl }, submission, resolved: { told } }: Answering,
  services: Services,
  transactionId?: string,
): Promise<AskedFor> {
  const claim = `Claim/${id}`;
  const shown = await afterCommit(() => resourcesOf(services, id));
  if (shown === undefined || submission.bundle === undefined)
    return { ...committedAnswer(transactionId, shown?.response, claim), claim };
  const now = new Date().toISOString();
  const bundle = responseBundle({ ...shown, bundle: submission.bundle, told, baseUrl, now });
  return { ...committedAnswer(transactionId, bundle), claim };
}

/** What the ledger does not have yet. */
async function keptAnswer(
  asked: Request,
  { request: { baseUrl }, submission: { bundle }, resolved: { told } }: Answering,
  services: Services,
): Promise<AskedFor> {
  const { claim } = asked;
  const response = await keptResponseHere(services, asked, { status: 'pending', reason: null });
  const now = new Date().toISOString();
  const resource = bundle === undefined ? response : responseBundle({ claim, response, bundle, told, baseUrl, now });
  return { status: ACCEPTED, resource, headers: { 'Retry-After': '5' }, claim: `Claim/${claim.id}` };
}

async function keptResponseHere(
  services: Services,
  asked: Request,
  kept: Pick<KeptRequest, 'status' | 'reason'>,
): Promise<Resource> {
  const { organisation } = services;
  const isPayer = organisation.kind === 'payer';
  const payer = isPayer ? organisation.name : await endorserOf(services, asked);
  return keptResponse(asked, kept, { payer, at: isPayer ? 'payer' : 'provider' });
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

/** What is kept about a coverage and meant by an example: newest first. */
async function keptAbout(services: Services, example: Resource, coverage: string) {
  const kept = await services.keptRequests.about(coverage);
  const asked = kept.flatMap((one) => (one.draft === null ? [] : [{ kept: one, request: requestIn(one.draft) }]));
  const meant = asked.filter(({ request: { claim } }) => isPreauthorization(claim) && isMeant(example, claim));
  return Promise.all(
    meant.map(async ({ kept: one, request }) => ({
      claim: request.claim,
      response: await keptResponseHere(services, request, one),
    })),
  );
}

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
    const coverage = insurance?.coverage.reference ?? '';
    const found = await inquired(index, claim, coverage);
    const now = new Date().toISOString();
    const shown = [
      ...(await keptAbout(services, claim, coverage)),
      ...(await Promise.all(found.map((id) => resourcesOf(services, id)))),
    ];
    const returned = shown.map((one) => ({
      name: 'return',
      resource: responseBundle({ ...one, bundle: undefined, told: [], baseUrl, now }),
    }));
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
