/** A payer's figures about prior authorizations, and the requests that wait: beside FHIR, without anything of a patient. */
import {
  AUTHORIZATION_STATUSES,
  type AuthorizationState,
  authorizationStateSchema,
} from '@telemed-ledger/chaincode/model/authorizations.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { ownStates } from '../../duties/found.ts';
import { nextPage, pageCount } from '../../http/paging.ts';
import { route } from '../../http/routes.ts';
import { textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';
import { metricsOf, roundsOf } from './metrics.ts';

const count = z.int().min(0);
const figuresSchema = z
  .object({
    ...{ requests: count, decided: count, approved: count, approvedInPart: count, denied: count, pended: count },
    ...{ cancelled: count, decidedLate: count, overdue: count },
    ...{ approvedPercent: z.number().optional(), approvedInPartPercent: z.number().optional() },
    ...{ deniedPercent: z.number().optional(), meanHours: z.number().optional(), medianHours: z.number().optional() },
  })
  .meta({ id: 'PriorAuthorizationFigures' });
const metricsSchema = z
  .object({
    ...{ payer: z.string(), year: z.int(), madeAt: z.iso.datetime() },
    ...{ standard: figuresSchema, expedited: figuresSchema, denials: z.record(z.string(), count) },
  })
  .meta({ id: 'PriorAuthorizationMetrics' });

/** Each time that something was received, of all requests. */
async function allRounds(services: Services): Promise<AuthorizationState[]> {
  const found: AuthorizationState[] = [];
  const states = ownStates(services, 'authorization', authorizationStateSchema, AUTHORIZATION_STATUSES);
  for await (const state of states) {
    const isPlain = state.revisions === 0 && state.status !== 'cancelled';
    found.push(...(isPlain ? [state] : roundsOf(await stepsOf(services, state))));
  }
  return found;
}

async function stepsOf(
  { index, organisation }: Services,
  { id, step }: AuthorizationState,
): Promise<AuthorizationState[]> {
  const own = collections.billing(organisation.name);
  const steps = Array.from({ length: step }, (_, before) => before + 1);
  const texts = await Promise.all(steps.map((one) => textOf(index, own, privateKeys.authorizationState(id, one))));
  return texts.map((text) => authorizationStateSchema.parse(JSON.parse(text)));
}

export const priorAuthorizationMetrics = route({
  method: 'get',
  path: '/prior-authorization-metrics',
  kind: 'payer',
  summary: 'What a payer must publish of prior authorizations each year (CMS-0057-F): counts, percentages, times.',
  roles: ['system', 'adjudicator', 'operator'],
  query: z.strictObject({
    year: z.coerce
      .number()
      .int()
      .min(2000)
      .max(9999)
      .optional()
      .meta({ description: 'This one where it is left out.' }),
  }),
  answers: { 200: { description: 'Of the requests received in that year (UTC).', schema: metricsSchema } },
  async handle({ query }, services) {
    const now = new Date();
    const year = query.year ?? now.getUTCFullYear();
    const madeAt = now.toISOString();
    const figures = metricsOf(await allRounds(services), year, madeAt);
    return { body: { payer: services.organisation.name, year, madeAt, ...figures } };
  },
});

const rowSchema = authorizationStateSchema.omit({ schema: true, salt: true }).meta({ id: 'PriorAuthorization' });

export const listAuthorizations = route({
  method: 'get',
  path: '/authorizations',
  summary:
    'The requests for authorization of this payer or provider in a status, oldest first, in pages: no content, only how they stand.',
  roles: ['system', 'adjudicator', 'practitioner'],
  query: z.strictObject({
    count: pageCount,
    after: z.string().max(20).regex(/^\d+$/).optional().meta({ description: 'Given by `next`.' }),
    status: z.enum(AUTHORIZATION_STATUSES).optional().meta({ description: 'Those alone that stand so.' }),
  }),
  answers: {
    200: {
      description: 'A page of them; the Claim and ClaimResponse of each are read by FHIR.',
      schema: z.object({ authorizations: z.array(rowSchema), next: nextPage }),
    },
  },
  async handle({ query: { count: size, after, status } }, { index }) {
    const { rows, next } = await index.own.page('authorization', { count: size, after, status });
    const authorizations = rows.map((row) => {
      const { schema: _, salt: __, ...shown } = authorizationStateSchema.parse(JSON.parse(row.read().value));
      return shown;
    });
    const narrowed = status === undefined ? '' : `&status=${status}`;
    return {
      body: {
        authorizations,
        ...(next === undefined ? {} : { next: `/authorizations?count=${size}&after=${next}${narrowed}` }),
      },
    };
  },
});
