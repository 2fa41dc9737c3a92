/** The regulators' desk for emergencies: what is to be reviewed, how often by whom, and what came of it. */
import { reasonSchema, reviewOutcomeSchema } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { licenceNumberSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import { z } from 'zod';
import { nextPage, pageCount } from '../../http/paging.ts';
import { route } from '../../http/routes.ts';
import { DatabaseLost } from '../../index/health.ts';
import { newSalt } from '../../ledger/sender.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { openedReview, REVIEW_STATUSES, type Reviewed, reviewedIn, reviewOf } from './reviews.ts';
import { sealedText } from './sealed-text.ts';

const countsSchema = z
  .object({ open: z.int(), justified: z.int(), notJustified: z.int() })
  .meta({ description: 'All reviews of emergencies of the practitioner whose licence that is.' });
type Counts = z.infer<typeof countsSchema>;

const reviewSchema = z
  .object({
    id: z.string().meta({ description: 'Of the access.' }),
    status: z.enum(REVIEW_STATUSES),
    licence: licenceNumberSchema,
    requestor: z.string(),
    holder: z.string(),
    purpose: z.string(),
    reason: z.string().meta({ description: 'In the practitioner’s words.' }),
    openedAt: z.iso.datetime(),
    delivered: z.boolean(),
    closedAt: z.iso.datetime().optional(),
    text: z.string().optional().meta({ description: 'What the regulator wrote.' }),
    transactionId: z.string(),
    ofPractitioner: countsSchema,
  })
  .meta({ id: 'Review' });
const listSchema = z.object({
  reviews: z.array(reviewSchema),
  next: nextPage,
  leftOut: z.int().optional().meta({ description: 'Reviews that cannot be read; the log of the gateway names them.' }),
});

const pageSchema = z.object({
  status: z.enum(REVIEW_STATUSES).optional(),
  licence: licenceNumberSchema.optional(),
  count: pageCount,
  after: z
    .string()
    .regex(/^\d{1,16}$/)
    .optional()
    .meta({ description: 'As `next` has it.' }),
});
const outcomeBody = reviewOutcomeSchema.pick({ outcome: true }).extend({ text: reasonSchema }).meta({
  id: 'ReviewOutcome',
});
const idParameter = z.object({ id: z.string().meta({ description: 'Id of the access.' }) });
const ROLES = ['system', 'auditor'] as const;

const notFound = (): LedgerError => new LedgerError('NOT_FOUND', 'there is no such review');

/** Reviews are the regulators'; a patient sees hers in her log. @throws {LedgerError} FORBIDDEN */
function demandRegulator({ organisation }: Services): void {
  if (organisation.kind !== 'regulator') throw new LedgerError('FORBIDDEN', 'reviews are the regulators’');
}

async function countsOf({ index }: Services, licence: string): Promise<Counts> {
  const counts = await index.own.countAbout('review', licence);
  const of = (status: (typeof REVIEW_STATUSES)[number]): number => counts.get(status) ?? 0;
  return { open: of('open'), justified: of('justified'), notJustified: of('not-justified') };
}

const withCounts = async (services: Services, review: Reviewed): Promise<Reviewed & { ofPractitioner: Counts }> => ({
  ...review,
  ofPractitioner: await countsOf(services, review.licence),
});

export const reviews = route({
  method: 'get',
  path: '/reviews',
  summary: 'Emergencies that were, or are to be, reviewed, oldest first, in pages (regulators).',
  roles: ROLES,
  query: pageSchema,
  answers: { 200: { description: 'A page of reviews.', schema: listSchema } },
  async handle({ caller, query: { status, licence, count, after } }, services) {
    demandRegulator(services);
    const { index, broken } = services;
    const { rows, next } = await index.own.page('review', { status, about: licence, count, after });
    const found: object[] = [];
    for (const row of rows) {
      try {
        found.push(await withCounts(services, await reviewedIn(index, row.read())));
      } catch (error) {
        if (error instanceof DatabaseLost) throw error;
        broken.report('review', row.id, error);
      }
    }
    const about = rows.flatMap(({ id }) => aboutOf('shown', [{ access: id, id }]));
    await services.readLog.note(caller, { interaction: 'review', type: 'Review', about });
    const left = rows.length - found.length;
    const page = new URLSearchParams({
      ...(status === undefined ? {} : { status }),
      ...(licence === undefined ? {} : { licence }),
      ...{ count: String(count), after: next ?? '' },
    });
    return {
      body: {
        reviews: found,
        ...(next === undefined ? {} : { next: `/reviews?${page}` }),
        ...(left === 0 ? {} : { leftOut: left }),
      },
    };
  },
});

export const review = route({
  method: 'get',
  path: '/reviews/:id',
  summary: 'One review (regulators).',
  roles: ROLES,
  parameters: idParameter,
  answers: { 200: { description: 'The review as it stands.', schema: reviewSchema } },
  async handle({ caller, parameters: { id } }, services) {
    demandRegulator(services);
    const found = await reviewOf(services.index, id);
    if (found === undefined) throw notFound();
    const about = aboutOf('shown', [{ access: id, id }]);
    await services.readLog.note(caller, { interaction: 'review', type: 'Review', about });
    return { body: await withCounts(services, found) };
  },
});

export const closeReview = route({
  method: 'put',
  path: '/reviews/:id/outcome',
  summary: 'Says whether an emergency was justified, and why; once (regulators).',
  parameters: idParameter,
  body: outcomeBody,
  transaction: 'CloseReview',
  answers: {
    200: {
      description: 'What was recorded.',
      schema: outcomeBody.extend({ id: z.string(), closedAt: z.iso.datetime(), transactionId: z.string() }),
    },
  },
  async handle({ caller, parameters: { id }, body: { outcome, text }, idempotency }, { index, ledger, idempotent }) {
    const state = await openedReview(index, id);
    if (state === undefined) throw notFound();
    const written = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => {
        const closed = { outcome, text: sealedText(text, state.opened), salt: newSalt() };
        return ledger.submit('CloseReview', { id }, closed, sending);
      },
    }));
    const { transactionId, time: closedAt } = written.outcome;
    return { body: { id, outcome, text, closedAt, transactionId }, transactionId };
  },
});
