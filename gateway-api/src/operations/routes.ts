/** What operators and monitors ask: alive, ready, metrics, and whether what is stored is what was anchored. */

import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { route } from '../http/routes.ts';

const OPERATORS: readonly Role[] = ['system', 'operator', 'auditor'];

export const alive = route({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the process lives.',
  open: true,
  monitored: true,
  answers: { 200: { description: 'It does.', schema: z.object({ status: z.literal('alive') }) } },
  handle: () => ({ body: { status: 'alive' } }),
});

const readinessSchema = z
  .object({
    ready: z.boolean(),
    reasons: z.array(z.string()).meta({ description: 'What is wrong, for an operator.' }),
    block: z.int().meta({ description: 'Last block in the read model.' }),
    valuesMissing: z.int().meta({ description: 'Private values that the peer has not delivered yet.' }),
    hopeless: z.literal(true).optional().meta({ description: 'Waiting does not help: do what the reasons say.' }),
  })
  .meta({ id: 'Readiness' });

export const ready = route({
  method: 'get',
  path: '/readyz',
  summary: 'Whether the gateway can submit, and the read model has caught up.',
  open: true,
  monitored: true,
  answers: {
    200: { description: 'It can.', schema: readinessSchema },
    503: { description: 'It cannot, for these reasons.', schema: readinessSchema },
  },
  async handle(_request, { readiness }) {
    const answer = await readiness.check();
    return { status: answer.ready ? 200 : 503, body: answer };
  },
});

/** Counts and times, nothing of a patient: the monitoring network's own listener asks for no token. */
export const metrics = route({
  method: 'get',
  path: '/metrics',
  summary: 'Metrics for Prometheus.',
  monitored: true,
  roles: OPERATORS,
  answers: { 200: { description: 'Text in the exposition format.' } },
  async handle(_request, services) {
    const { registry } = services.metrics;
    return { headers: { 'Content-Type': registry.contentType }, body: await registry.metrics() };
  },
});

const reportSchema = z
  .looseObject({
    organisation: z.string(),
    block: z.int().meta({ description: 'Last block that was compared.' }),
    values: z.int().meta({ description: 'Rows that were compared.' }),
    differences: z.array(
      z.looseObject({
        kind: z.string().meta({ description: 'content, changed, absent, additional, missing, gone and others.' }),
        place: z.string(),
        columns: z.array(z.string()).optional(),
        remedy: z.enum(['reindex', 'repair', 'wait', 'log', 'none']),
      }),
    ),
    more: z.int().meta({ description: 'Differences beyond those listed.' }),
  })
  .meta({ id: 'VerifyReport' });

export const verify = route({
  method: 'post',
  path: '/verify',
  summary: 'Compares everything stored with the ledger.',
  roles: OPERATORS,
  answers: { 200: { description: 'The report.', schema: reportSchema } },
  handle: async (_request, { sweeper }) => ({ body: await sweeper.run() }),
});

export const lastVerification = route({
  method: 'get',
  path: '/verify',
  summary: 'The report of the last comparison.',
  roles: OPERATORS,
  answers: { 200: { description: 'The report.', schema: reportSchema } },
  handle(_request, { sweeper }) {
    const last = sweeper.last();
    if (last === undefined) throw new LedgerError('NOT_FOUND', 'nothing has been verified since the gateway started');
    return { body: last };
  },
});
