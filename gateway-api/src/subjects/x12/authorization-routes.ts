/** Requests for authorization as billing systems send them: a 278 (005010X217) is answered by a 278, each request asked as any other. */
import { randomInt } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { askAuthorization } from '../authorizations/operations.ts';
import { resolveSubmission } from '../claims/resolving.ts';
import { readSubmission } from '../claims/submission.ts';
import type { Services } from '../services.ts';
import { type Answered278, answer278, type Fault278 } from './answers-278.ts';
import { authorizationOf, cancellationOf, type Index278, meantBy, requestBefore } from './authorization-of.ts';
import { ediAnswer, JSON_TYPE, REFUSED, refusedByX12 } from './question-routes.ts';
import { withReasons } from './reasons-278.ts';
import { type Asked278, read278 } from './requests-278.ts';
import { type Asked, partOf } from './routes.ts';
import { EDI_X12, readX12 } from './segments.ts';
import type { NotMapped } from './unread.ts';
import { writeX12 } from './writing.ts';

const answerSchema = z.object({
  x12: z.string().meta({ description: 'The answer.' }),
  claims: z
    .array(z.string())
    .meta({ description: '`Claim/<id>` of each request that is on the ledger, in their order.' }),
  notMapped: z.record(z.string(), z.int()).meta({
    description: 'Elements that were not read, as `DMG 02`, with how often each stood there.',
  }),
});

export const askByX12 = route({
  method: 'post',
  path: '/x12/278',
  kind: 'provider',
  summary:
    'Asks for prior authorization by an X12 278 (005010X217), answered by a 278. Sent again under its Idempotency-Key it asks once, and says how each stands.',
  body: z.string(),
  text: EDI_X12,
  large: true,
  transaction: 'RequestAuthorization',
  answers: {
    200: { description: `${EDI_X12}; with Accept: ${JSON_TYPE} also what was not read.`, schema: answerSchema },
    422: { description: REFUSED },
  },
  async handle(asked, services) {
    compartmentOf(asked.caller);
    const isEdi = asked.prefers(EDI_X12, JSON_TYPE) !== JSON_TYPE;
    return refusedByX12(asked.body, isEdi, async () => {
      const { x12, claims, transactionId, notMapped } = await answered(asked.body, asked, services);
      const written = transactionId === undefined ? {} : { transactionId };
      if (isEdi) return { ...ediAnswer(x12), ...written };
      return { body: { x12, claims, notMapped: Object.fromEntries([...notMapped].sort()) }, ...written };
    });
  },
});

async function answered(body: string, asked: Asked, services: Services) {
  const notMapped: NotMapped = new Map();
  const all = readX12(body);
  // All of it is read before any of it is asked.
  const read = all.map((set) => read278(set, notMapped));
  const answers = new Map<Asked278, Answered278>();
  const claims: string[] = [];
  let transactionId: string | undefined;
  for (const [at, request] of read.flatMap(({ requests }) => requests).entries()) {
    const { answer, written, claim } = await asEach(request, at, asked, services, transactionId !== undefined);
    answers.set(request, await reasoned(answer, services, notMapped));
    if (claim !== undefined) claims.push(claim);
    transactionId = written ?? transactionId;
  }
  const now = new Date().toISOString();
  const { sender = '', receiver = '' } = all[0] ?? {};
  const envelope = { sender: receiver, receiver: sender, at: now, control: randomInt(1, 1_000_000_000) };
  const sets = read.map((one) => answer278(one, answers, now));
  const x12 = writeX12(sets, { ...envelope, group: 'HI', type: '278', version: '005010X217' });
  return { x12, claims, transactionId, notMapped };
}

/** It stands on the ledger: where the reasons cannot be looked up, it is told with those that it has. */
async function reasoned(answer: Answered278, services: Services, notMapped: NotMapped): Promise<Answered278> {
  if (!('response' in answer)) return answer;
  const response = await afterCommit(() => withReasons(answer.response, services, notMapped));
  return { response: response ?? answer.response };
}

interface Done {
  answer: Answered278;
  written?: string | undefined;
  /** `Claim/<id>` of what is on the ledger. */
  claim?: string | undefined;
}

/** One of a file: what is wrong with it holds up no other, and once one is written the gateway's own failures do not either. */
async function asEach(
  request: Asked278,
  at: number,
  asked: Asked,
  services: Services,
  isAnyWritten: boolean,
): Promise<Done> {
  try {
    return await onLedger(request, at, asked, services);
  } catch (error) {
    // CONFLICT: what is over can be neither amended nor taken back.
    if (error instanceof LedgerError && (error.code === 'INVALID' || error.code === 'CONFLICT'))
      return { answer: { fault: { code: '33', at: 'EV' } } };
    if (!isAnyWritten) throw error;
    return { answer: { fault: { code: '42', at: 'EV' } } };
  }
}

/** What it asks as a Claim, or why it asks nothing here. */
async function claimOf(request: Asked278, provider: string, index: Index278): Promise<Resource | Fault278> {
  const meant = await meantBy(request, index);
  if ('at' in meant) return meant;
  if (request.step === 'ask') return authorizationOf(request, meant, provider, undefined);
  const before = await requestBefore(request, meant, index);
  const unknown: Fault278 = { code: 'AA', at: 'EV' };
  if (before === undefined) return unknown;
  if (request.step === 'amend') return authorizationOf(request, meant, provider, before);
  return (await cancellationOf(before, index)) ?? unknown;
}

async function onLedger(
  request: Asked278,
  at: number,
  { caller, origin, idempotency }: Asked,
  services: Services,
): Promise<Done> {
  const { consortium, organisation, index } = services;
  const claim = await claimOf(request, organisation.name, index);
  if ('at' in claim) return { answer: { fault: claim as Fault278 } };
  const baseUrl = `${origin}/fhir/R4`;
  const submission = readSubmission(claim as Resource);
  const resolved = await resolveSubmission(submission, { index, consortium, baseUrl, fromElsewhere: false });
  const asking = { caller, idempotency: partOf(idempotency, at), baseUrl };
  const { resource, transactions = [], claim: asked } = await askAuthorization(asking, submission, resolved, services);
  const shown = resource as Resource | undefined;
  // It is on the ledger, and how it stands could not be read now: what is sent again is told.
  const isRead = shown?.resourceType === 'ClaimResponse';
  const answer: Answered278 = isRead ? { response: shown } : { fault: { code: '42', at: 'EV' } };
  return { answer, written: transactions[0], claim: asked };
}
