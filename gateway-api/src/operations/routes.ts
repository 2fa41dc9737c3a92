/** What operators and monitors ask: alive, ready, metrics, and whether what is stored is what was anchored. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { type Response, Router } from 'express';
import { handler, localsOf } from '../http/locals.ts';
import type { VerifyReport } from '../index/verification/verify.ts';
import type { Metrics } from './metrics.ts';
import type { ReadinessCheck } from './readiness.ts';

const OPERATORS: readonly Role[] = ['system', 'operator', 'auditor'];

/** For anybody: whether the process lives, and whether it can really submit. */
export function health(readiness: ReadinessCheck): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get(
    '/readyz',
    handler(async (_request, response) => {
      const answer = await readiness.check();
      response.status(answer.ready ? 200 : 503).json(answer);
    }),
  );
  return router;
}

/** Counts and times, nothing of a patient: the monitoring network's own listener asks for no token. */
export function metricsRoute(metrics: Metrics): Router {
  const router = Router();
  router.get(
    '/metrics',
    handler(async (_request, response) => {
      response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    }),
  );
  return router;
}

export interface Sweeps {
  /** Runs one, or joins the one under way. */
  run: () => Promise<VerifyReport>;
  last: () => VerifyReport | undefined;
}

/** For operators, auditors and the system. */
export function operations(metrics: Metrics, sweeps: Sweeps): Router {
  const router = Router();
  router.get(
    '/metrics',
    (_request, response, next) => {
      onlyOperators(response);
      next();
    },
    metricsRoute(metrics),
  );
  router.post(
    '/verify',
    handler(async (_request, response) => {
      onlyOperators(response);
      response.json(await sweeps.run());
    }),
  );
  router.get(
    '/verify',
    handler(async (_request, response) => {
      onlyOperators(response);
      const last = sweeps.last();
      if (last === undefined) throw new LedgerError('NOT_FOUND', 'nothing has been verified since the gateway started');
      response.json(last);
    }),
  );
  return router;
}

function onlyOperators(response: Response): void {
  if (!OPERATORS.includes(localsOf(response).caller.role)) {
    throw new LedgerError('FORBIDDEN', 'this is for operators, auditors and the system');
  }
}
