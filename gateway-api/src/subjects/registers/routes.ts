/** Practitioner licences, which every member may read, and the fee schedules that a payer gives a provider. */
import { licenceStateSchema, transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import { Router } from 'express';
import { handler } from '../../http/locals.ts';
import { jsonBody, parsedInput, writeOnce } from '../../idempotency/once.ts';
import type { IdempotentWrites } from '../../idempotency/writes.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { newSalt } from '../../ledger/sender.ts';

export interface RegistryRoutes {
  ledger: LedgerClient;
  idempotent: IdempotentWrites;
  bodyBytes: number;
}

const licenceBody = licenceStateSchema.omit({ updatedAt: true, number: true });
const feeScheduleBody = transactions.LoadFeeSchedule.private!.omit({ salt: true });

export function registry({ ledger, idempotent, bodyBytes }: RegistryRoutes): Router {
  const router = Router();
  const licence = (number: string): Promise<unknown> => ledger.evaluate('GetLicence', { number });
  router.put(
    '/licences/:number',
    jsonBody(bodyBytes),
    handler(async (request, response) => {
      const number = parsedInput(licenceStateSchema.shape.number, request.params['number']);
      const stated = parsedInput(licenceBody, request.body);
      const { receipt, result } = await writeOnce(request, response, {
        idempotent,
        answer: {},
        submit: (sending) => ledger.submit('SetLicence', { ...stated, number }, undefined, sending),
      });
      // The same request wrote the same licence, whichever of them it was.
      response.json(result ?? { ...stated, number, updatedAt: receipt.time });
    }),
  );
  router.get(
    '/licences/:number',
    handler(async (request, response) => {
      response.json(await licence(String(request.params['number'])));
    }),
  );
  router.put(
    '/fee-schedules/:provider',
    jsonBody(bodyBytes),
    handler(async (request, response) => {
      const provider = String(request.params['provider']);
      const schedule = parsedInput(feeScheduleBody, request.body);
      const { receipt } = await writeOnce(request, response, {
        idempotent,
        answer: {},
        submit: (sending) => ledger.submit('LoadFeeSchedule', { provider }, { ...schedule, salt: newSalt() }, sending),
      });
      response.json({ provider, version: schedule.version, transactionId: receipt.transactionId });
    }),
  );
  return router;
}
