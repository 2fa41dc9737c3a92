/** GET /docs: what this gateway answers beside FHIR, as one plain page that needs no token. */
import { type RequestHandler, Router } from 'express';

const PAGE = `Telemed Ledger gateway

FHIR R4 (hl7.org/fhir/R4) is under /fhir/R4; GET /fhir/R4/metadata says exactly what works.
Every other route takes and answers JSON; errors are FHIR OperationOutcomes. All but health, metadata and this page need
  Authorization: Bearer <token of this organisation's issuer>
Every write answers X-Transaction-Id and takes an Idempotency-Key.

GET  /healthz                                    the process lives
GET  /readyz                                     it can submit, and the read model has caught up
POST /access-requests                            {holder, patient: {system, value}, types: [], purpose}  (providers, payers)
GET  /access-requests, /access-requests/:id      what came of them
GET  /receipts/:transactionId                    block, validation code, endorsers
PUT  /licences/:number                           {status, start, end}  (regulator)
GET  /licences/:number
PUT  /fee-schedules/:provider                    {version, currency, prices}  (payer)
POST /fhir/R4/Claim/$submit                      a Claim, or a Bundle with one  (provider)
POST /fhir/R4/Claim/:id/$adjudicate              (payer)
POST /fhir/R4/PaymentReconciliation/:id/$settle  {reference, paidOn}  (bank)
GET  /fhir/R4/AuditEvent?patient=:id             who asked for whose records
POST /verify, GET /verify                        compares everything stored with the ledger  (operator, auditor, system)
GET  /metrics                                    Prometheus  (operator, auditor, system)
`;

/** `count` comes before it, as before everything that needs no token. */
export function docs(count: RequestHandler): Router {
  const router = Router();
  router.get('/docs', count, (_request, response) => {
    response.type('text/plain').send(PAGE);
  });
  return router;
}
