/** Claims as billing systems send them: an 837 becomes FHIR Claims, each submitted as any other. */
import { randomInt, randomUUID } from 'node:crypto';
import { correctionOf } from '@telemed-ledger/chaincode/model/claim-corrections.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { IdempotentRequest } from '../../idempotency/request.ts';
import { claimState, submit } from '../claims/claims.ts';
import { voidClaim } from '../claims/corrections.ts';
import { resolveSubmission } from '../claims/resolving.ts';
import { readSubmission } from '../claims/submission.ts';
import type { Services } from '../services.ts';
import { answer277Ca } from './answers-277ca.ts';
import { claimOf } from './claim-of.ts';
import { type Claim837, read837 } from './claims-837.ts';
import { acknowledged, ediAnswer, JSON_TYPE, REFUSED, refusedByX12 } from './question-routes.ts';
import { EDI_X12, placeOf, readX12, type TransactionSet } from './segments.ts';
import { writeX12 } from './writing.ts';

/** Who sends a file, and how. */
export type Asked = Pick<Parameters<ReturnType<typeof route>['handle']>[0], 'caller' | 'origin' | 'idempotency'>;

const answerSchema = z.object({
  claims: z.array(
    z.object({
      controlNumber: z.string().meta({ description: 'CLM01.' }),
      place: z.string().meta({ description: 'Its CLM in the file.' }),
      status: z.enum(['submitted', 'denied', 'voided', 'refused', 'committed', 'not-submitted']).meta({
        description:
          '`committed`: it is on the ledger, and how it stands could not be read now. `not-submitted`: the gateway failed at it; the file is sent again under its Idempotency-Key.',
      }),
      claim: z.string().optional().meta({ description: '`Claim/<id>`, where it is on the ledger.' }),
      reason: z.string().optional().meta({ description: 'The edit that denied it, or why it was refused.' }),
      expression: z.string().optional().meta({ description: 'Where, of one that was refused.' }),
    }),
  ),
  notMapped: z.record(z.string(), z.int()).meta({
    description: 'Elements of the file that were not read, as `REF*EI 02`, with how often each stood there.',
  }),
});
type Answered = z.infer<typeof answerSchema>['claims'][number];
/** With the transaction that wrote it. */
type Done = Answered & { transactionId?: string };

const newestOf = (done: readonly Done[]): string | undefined =>
  done.findLast(({ transactionId }) => transactionId !== undefined)?.transactionId;

export const importClaims = route({
  method: 'post',
  path: '/x12/837',
  kind: 'provider',
  summary:
    'Submits the claims of an X12 837 (005010X222A1, 005010X223A2), each for itself. What is sent again under its Idempotency-Key is submitted once.',
  query: z.strictObject({
    acknowledgment: z.enum(['999', '277']).optional().meta({
      description: 'Of X12 the one that is answered: 277 says what became of each claim (277CA, 005010X214).',
    }),
  }),
  body: z.string(),
  text: EDI_X12,
  large: true,
  transaction: 'SubmitClaim',
  answers: {
    200: {
      description: `What became of each claim; with Accept: ${EDI_X12} a 999, which says that the file was read, or with acknowledgment=277 a 277CA.`,
      schema: answerSchema,
    },
    422: { description: REFUSED },
  },
  async handle(asked, services) {
    compartmentOf(asked.caller);
    const isEdi = asked.prefers(JSON_TYPE, EDI_X12) === EDI_X12;
    return refusedByX12(asked.body, isEdi, async () => {
      const { claims, notMapped } = read837(readX12(asked.body));
      const done: Done[] = [];
      for (const [index, read] of claims.entries()) done.push(await submitted(read, index, asked, services, done));
      const transactionId = newestOf(done);
      const written = transactionId === undefined ? {} : { transactionId };
      const isOfClaims = asked.query.acknowledgment === '277';
      const text = isOfClaims ? claimsAcknowledged(asked.body, claims, done) : acknowledged(asked.body);
      if (isEdi) return { ...ediAnswer(text ?? ''), ...written };
      const answered = done.map(({ transactionId: _, ...one }) => one);
      return { body: { claims: answered, notMapped: Object.fromEntries([...notMapped].sort()) }, ...written };
    });
  },
});

/** A 277CA of an 837, to whom it came from. */
function claimsAcknowledged(body: string, claims: readonly Claim837[], done: readonly Done[]): string {
  const received = claims.map((read, at) => {
    const { claim, status } = done[at]!;
    return { read, claim: claim?.replace('Claim/', ''), isOpen: status === 'not-submitted' };
  });
  const [{ sender, receiver }] = readX12(body) as [TransactionSet];
  const [at, control] = [new Date().toISOString(), randomInt(1, 1_000_000_000)];
  const ofSets = [...Map.groupBy(received, ({ read: { names } }) => names.set).values()];
  const sets = ofSets.map((own) => answer277Ca(own, { now: at, number: String(control) }));
  const answering = { group: 'HN', type: '277', version: '005010X214' };
  return writeX12(sets, { sender: receiver, receiver: sender, at, control, isEcho: true, ...answering });
}

/** One of a file: what is wrong with it holds up no other, and once one is written the gateway's own failures do not either. */
async function submitted(
  read: Claim837,
  index: number,
  asked: Asked,
  services: Services,
  before: readonly Done[],
): Promise<Done> {
  const named = { controlNumber: read.controlNumber, place: placeOf(read.segment) };
  try {
    return { ...named, ...(await onLedger(read, index, asked, services)) };
  } catch (error) {
    if (error instanceof LedgerError && error.code !== 'FORBIDDEN')
      return {
        ...named,
        status: 'refused',
        reason: error.reason,
        ...(error.expression === undefined ? {} : { expression: error.expression }),
      };
    if (newestOf(before) === undefined) throw error;
    return { ...named, status: 'not-submitted' };
  }
}

async function onLedger(
  read: Claim837,
  index: number,
  { caller, origin, idempotency }: Asked,
  services: Services,
): Promise<Pick<Done, 'status' | 'claim' | 'reason' | 'transactionId'>> {
  const { consortium, organisation, idempotent } = services;
  const claim = await claimOf(read, organisation.name, services.index);
  const options = { index: services.index, consortium, baseUrl: `${origin}/fhir/R4`, fromElsewhere: false };
  const resolved = await resolveSubmission(readSubmission(claim), options);
  const correction = correctionOf(resolved.claim);
  if (correction?.kind === 'void') {
    const { claim: voided } = correction;
    const { outcome } = await idempotent.write(caller, partOf(idempotency, index), () => ({
      answer: { id: voided },
      submit: (sending) => voidClaim(services, voided, sending),
    }));
    return { status: 'voided', claim: `Claim/${voided}`, transactionId: outcome.transactionId };
  }
  const id = randomUUID();
  const { answer, outcome } = await idempotent.write(caller, partOf(idempotency, index), () => ({
    answer: { id },
    submit: (sending) => submit(services, resolved.claim, id, sending),
  }));
  const state = await afterCommit(() => claimState(services.index, answer.id));
  const written = { claim: `Claim/${answer.id}`, transactionId: outcome.transactionId };
  if (state?.status === 'denied') return { ...written, status: 'denied', reason: state.reason ?? 'denied' };
  return { ...written, status: state === undefined ? 'committed' : 'submitted' };
}

/** The key of one of a file: it is written once, whatever becomes of the others. */
export const partOf = (idempotency: IdempotentRequest | undefined, index: number): IdempotentRequest | undefined =>
  idempotency && { ...idempotency, key: `${idempotency.key}/${index + 1}` };
