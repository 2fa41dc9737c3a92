/** Asking another provider for a patient's records, and what came of it (see DESIGN: consent and access). */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { accessRequestSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { Router } from 'express';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { handler, localsOf } from '../../http/locals.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { jsonBody, parsedInput, writeOnce } from '../../idempotency/once.ts';
import type { IdempotentWrites } from '../../idempotency/writes.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Disclosure, Disclosures } from './disclosures.ts';

export interface AccessRoutes {
  ledger: LedgerClient;
  idempotent: IdempotentWrites;
  disclosures: Disclosures;
  bodyBytes: number;
}

const bodySchema = accessRequestSchema
  .pick({ patient: true, types: true, purpose: true })
  .extend({ holder: z.string(), types: accessRequestSchema.shape.types.default([]) });

const notFound = (): LedgerError => new LedgerError('NOT_FOUND', 'this organisation takes part in no such access');

/** The public state with the transaction that wrote it last. */
const shown = ({ state, transactionId }: Disclosure): object => ({ ...state, transactionId });

export function accessRequests({ ledger, idempotent, disclosures, bodyBytes }: AccessRoutes): Router {
  const router = Router();
  router.post(
    '/access-requests',
    jsonBody(bodyBytes),
    handler(async (request, response) => {
      const { holder, patient, types, purpose } = parsedInput(bodySchema, request.body);
      const id = randomUUID();
      const asked = { id, salt: newSalt(), patient, types, purpose };
      const { answer, receipt, result } = await writeOnce(request, response, {
        idempotent,
        answer: { id },
        submit: (sending) => ledger.submit('RequestAccess', { id, holder, purpose }, { request: asked }, sending),
      });
      const { transactionId } = receipt;
      const found = result === undefined ? await afterCommit(() => disclosures.find(answer.id)) : undefined;
      const body = found === undefined ? { id: answer.id, ...result, transactionId } : shown(found);
      response.status(201).location(`/access-requests/${answer.id}`).json(body);
    }),
  );
  router.get(
    '/access-requests/:id',
    handler(async (request, response) => {
      const disclosure = await disclosures.find(String(request.params['id']), compartmentOf(localsOf(response).caller));
      if (disclosure === undefined) throw notFound();
      response.json(shown(disclosure));
    }),
  );
  router.get(
    '/access-requests',
    handler(async (_request, response) => {
      const all = await disclosures.all(compartmentOf(localsOf(response).caller));
      response.json({ accessRequests: all.map(shown) });
    }),
  );
  return router;
}
