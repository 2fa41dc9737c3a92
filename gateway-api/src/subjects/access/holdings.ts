/** Who holds what of a patient: one question to each other provider, which is a request for access like any other. */
import { randomUUID } from 'node:crypto';
import { accessRequestSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { LONGEST_WAIT_DAYS, waitRefusal } from '@telemed-ledger/chaincode/model/waiting.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { sendRequest } from './together.ts';

const questionSchema = accessRequestSchema
  .pick({ patient: true, purpose: true })
  .extend({
    waitUntil: accessRequestSchema.shape.waitUntil.meta({
      description: `Until when it waits for the patient where nothing permits it, at most ${LONGEST_WAIT_DAYS} days.`,
    }),
  })
  .superRefine(({ waitUntil }, context) => {
    const message = waitUntil === undefined ? undefined : waitRefusal(waitUntil, new Date().toISOString());
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['waitUntil'], message });
  })
  .meta({ id: 'HoldingsQuestion' });

const askedSchema = z
  .object({ requests: z.array(z.object({ holder: z.string(), id: z.string() })) })
  .meta({ id: 'HoldingsAsked' });

export const askHoldings = route({
  method: 'post',
  path: '/holdings',
  summary:
    'Asks every other provider how many records of which types it has of a patient that whoever asks would be shown: a practitioner, for a treatment.',
  kind: 'provider',
  roles: ['practitioner'],
  body: questionSchema,
  transaction: 'RequestAccess',
  answers: {
    201: {
      description: 'One request for each; GET /access-requests/<id> has `counts` where her consents permit it.',
      schema: askedSchema,
    },
  },
  async handle({ caller, body, idempotency }, { accessGroups, idempotent, organisation, consortium }) {
    const holders = organisationsOfKind(consortium, 'provider').filter(({ name }) => name !== organisation.name);
    const { waitUntil: wait, ...asked } = body;
    const waits = wait === undefined ? {} : { waitUntil: new Date(wait).toISOString() };
    const written = await Promise.all(
      holders.map(async ({ name: holder }, index) => {
        const id = randomUUID();
        const request = { id, salt: newSalt(), holder, types: [], ...asked, ...waits, overview: true as const };
        const key = idempotency && { ...idempotency, key: `${idempotency.key}/${index}` };
        const { answer, outcome } = await idempotent.write(caller, key, () => ({
          answer: { id },
          submit: (sending) => sendRequest(accessGroups, request, sending),
        }));
        return { holder, id: answer.id, transactionId: outcome.transactionId };
      }),
    );
    const requests = written.map(({ holder, id }) => ({ holder, id }));
    const transactionId = written.at(-1)?.transactionId;
    return { status: 201, body: { requests }, ...(transactionId === undefined ? {} : { transactionId }) };
  },
});
