/** Questions that are asked and answered by X12: an interchange in, an interchange out, with what of the question was not read. */
import { randomInt } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Kind, Role } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type Route, type RouteAnswer, route } from '../../http/routes.ts';
import type { Services } from '../services.ts';
import { acknowledgmentOf } from './acknowledgments.ts';
import { EDI_X12, readX12, type TransactionSet } from './segments.ts';
import type { NotMapped } from './unread.ts';
import { type Written, writeX12 } from './writing.ts';

export const JSON_TYPE = 'application/json';

/** A question, what answers it and in which sets (GS01, ST01, GS08). */
export interface Question {
  path: string;
  kinds: readonly Kind[];
  roles: readonly Role[];
  summary: string;
  answer: { group: string; type: string; version: string };
  /** The segments that answer a set. @throws LedgerError INVALID with the segment at fault */
  ask(set: TransactionSet, asking: Asking): Promise<Written[]>;
}

export interface Asking {
  services: Services;
  caller: Caller;
  notMapped: NotMapped;
  /** ISO 8601 UTC. */
  now: string;
}

const answerSchema = z.object({
  x12: z.string().meta({ description: 'The answer.' }),
  notMapped: z.record(z.string(), z.int()).meta({
    description: 'Elements of the question that were not read, as `DMG 02`, with how often each stood there.',
  }),
});
const DESCRIPTION = `${EDI_X12}; with Accept: ${JSON_TYPE} also what of the question was not read.`;

export const REFUSED = `It cannot be read: an OperationOutcome, or as ${EDI_X12} a 999 or TA1 that refuses it.`;
export const ediAnswer = (text: string): RouteAnswer => ({ body: text, headers: { 'Content-Type': EDI_X12 } });

/** What answers a file, or where it cannot be read and X12 is wanted, the acknowledgment that refuses it. @throws {LedgerError} */
export async function refusedByX12(
  text: string,
  isEdi: boolean,
  answer: () => Promise<RouteAnswer>,
): Promise<RouteAnswer> {
  try {
    return await answer();
  } catch (error) {
    const isUnreadable = error instanceof LedgerError && error.code === 'INVALID';
    const refusal = isEdi && isUnreadable ? acknowledged(text, error) : undefined;
    if (refusal === undefined) throw error;
    return { ...ediAnswer(refusal), status: 422 };
  }
}

/** The acknowledgment of a file that was received now. */
export const acknowledged = (text: string, fault?: LedgerError): string | undefined =>
  acknowledgmentOf(text, { fault, now: new Date().toISOString(), control: randomInt(1, 1_000_000_000) });

/** The rows of a question, one for each kind of organisation. */
export const questionRoutes = (question: Question): Route[] =>
  question.kinds.map((kind) =>
    route({
      ...{ method: 'post', path: question.path, kind, summary: question.summary, roles: question.roles },
      ...{ body: z.string(), text: EDI_X12, large: true },
      answers: { 200: { description: DESCRIPTION, schema: answerSchema }, 422: { description: REFUSED } },
      async handle({ caller, body, prefers }, services) {
        compartmentOf(caller);
        const isEdi = prefers(EDI_X12, JSON_TYPE) !== JSON_TYPE;
        return refusedByX12(body, isEdi, async () => {
          const { x12, notMapped } = await answered(question, body, { caller, services });
          if (isEdi) return ediAnswer(x12);
          return { body: { x12, notMapped: Object.fromEntries([...notMapped].sort()) } };
        });
      },
    }),
  );

async function answered(
  { ask, answer }: Question,
  body: string,
  { caller, services }: Pick<Asking, 'caller' | 'services'>,
): Promise<{ x12: string; notMapped: NotMapped }> {
  const asking = { caller, services, notMapped: new Map(), now: new Date().toISOString() };
  const sets: Written[][] = [];
  const asked = readX12(body);
  for (const set of asked) sets.push(await ask(set, asking));
  const { sender = '', receiver = '' } = asked[0] ?? {};
  const envelope = { sender: receiver, receiver: sender, at: asking.now, control: randomInt(1, 1_000_000_000) };
  return { x12: writeX12(sets, { ...envelope, ...answer }), notMapped: asking.notMapped };
}
