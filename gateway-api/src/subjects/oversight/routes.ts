/** A regulator's overview: counts, alarms and what is to be reviewed; no content, and no patient. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { decisionOn } from '@telemed-ledger/chaincode/model/licences.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import type { ReviewCount } from '../../index/read/counts.ts';
import type { Services } from '../services.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** Practitioners who are listed, those with the most emergencies. */
const MOST = 50;
/** What this gateway counts of what should not happen, by the name of its metric. */
const ALARMS = {
  gateway_integrity_failures_total: 'stored contents that are not what was anchored',
  gateway_rewrites_total: 'private keys that were written a second time',
  gateway_disagreements_total: 'results that a member computed otherwise than others',
  gateway_invalid_resources_total: 'resources of others that are not valid or not theirs to say',
  gateway_broken_items_total: 'items that cannot be read',
} as const;

const countSchema = z.record(z.string(), z.int());
const answerSchema = z
  .object({
    at: z.iso.datetime(),
    since: z.iso.datetime().meta({ description: 'Of the transactions that are counted.' }),
    licences: z.object({
      total: z.int(),
      inForce: z.int(),
      notInForce: countSchema.meta({ description: 'By reason, today.' }),
    }),
    reviews: z.object({
      open: z.int(),
      justified: z.int(),
      notJustified: z.int(),
      openSince: z.iso.datetime().optional().meta({ description: 'Of the review that is open longest.' }),
    }),
    practitioners: z
      .array(z.object({ licence: z.string(), emergencies: z.int(), open: z.int(), notJustified: z.int() }))
      .meta({ description: 'By licence, those with the most emergencies.' }),
    transactions: z.object({ valid: countSchema.meta({ description: 'By event.' }), invalid: countSchema }),
    alarms: z
      .array(
        z.object({ alarm: z.string(), about: z.string(), number: z.int(), labels: z.record(z.string(), z.string()) }),
      )
      .meta({ description: 'Since this gateway was started; the log names each.' }),
    lastVerification: z.object({ block: z.int(), differences: z.int() }).optional(),
  })
  .meta({ id: 'Oversight' });

export const oversight = route({
  method: 'get',
  path: '/oversight',
  summary: 'Counts, alarms and reviews; no content and no patient (regulators).',
  roles: ['system', 'auditor'],
  query: z.object({
    days: z.coerce
      .number()
      .int()
      .min(1)
      .max(3_660)
      .default(DEFAULT_DAYS)
      .meta({ description: 'Back to which transactions are counted.' }),
  }),
  answers: { 200: { description: 'The overview.', schema: answerSchema } },
  async handle({ query: { days } }, services) {
    const { organisation, index, sweeper } = services;
    if (organisation.kind !== 'regulator') throw new LedgerError('FORBIDDEN', 'this is the regulators’');
    const now = new Date();
    const since = new Date(now.getTime() - days * DAY_MS).toISOString();
    const reviews = await index.counts.reviews();
    const openSince = await index.counts.openSince();
    const last = sweeper.last();
    return {
      body: {
        ...{ at: now.toISOString(), since },
        licences: await licencesOf(services, now.toISOString().slice(0, 10)),
        reviews: { ...totalsOf(reviews), ...(openSince === undefined ? {} : { openSince }) },
        practitioners: practitionersOf(reviews),
        transactions: await transactionsOf(services, since),
        alarms: await alarmsOf(services),
        ...(last === undefined
          ? {}
          : { lastVerification: { block: last.block, differences: last.differences.length + last.more } }),
      },
    };
  },
});

async function licencesOf({ index }: Services, today: string) {
  const all = await index.register.licences();
  const notInForce: Record<string, number> = {};
  for (const licence of all) {
    const decision = decisionOn(licence, today);
    if (decision.outcome === 'deny') add(notInForce, decision.reason, 1);
  }
  const lacking = Object.values(notInForce).reduce((sum, one) => sum + one, 0);
  return { total: all.length, inForce: all.length - lacking, notInForce };
}

const add = (counts: Record<string, number>, name: string, number: number): void => {
  counts[name] = (counts[name] ?? 0) + number;
};
const sumOf = (counts: readonly ReviewCount[], status?: string): number =>
  counts.filter((one) => status === undefined || one.status === status).reduce((sum, { number }) => sum + number, 0);

const totalsOf = (reviews: readonly ReviewCount[]) => ({
  open: sumOf(reviews, 'open'),
  justified: sumOf(reviews, 'justified'),
  notJustified: sumOf(reviews, 'not-justified'),
});

function practitionersOf(reviews: readonly ReviewCount[]) {
  const byLicence = Map.groupBy(reviews, ({ licence }) => licence);
  return [...byLicence]
    .map(([licence, own]) => {
      const { open, notJustified } = totalsOf(own);
      return { licence, emergencies: sumOf(own), open, notJustified };
    })
    .sort((one, other) => other.emergencies - one.emergencies || (one.licence < other.licence ? -1 : 1))
    .slice(0, MOST);
}

async function transactionsOf({ index }: Services, since: string) {
  const [valid, invalid]: Record<string, number>[] = [{}, {}];
  for (const { event, code, number } of await index.counts.transactions(since))
    code === 0 ? add(valid!, event ?? 'none', number) : add(invalid!, String(code), number);
  return { valid: valid!, invalid: invalid! };
}

async function alarmsOf({ metrics }: Services): Promise<object[]> {
  const all = await metrics.registry.getMetricsAsJSON();
  return all.flatMap(({ name, values }) => {
    if (!isAlarm(name)) return [];
    const counted = values as { value: number; labels: Record<string, string> }[];
    return counted
      .filter(({ value }) => value > 0)
      .map(({ value, labels: { organisation: _, ...labels } }) => ({
        alarm: name,
        about: ALARMS[name],
        number: value,
        labels,
      }));
  });
}

const isAlarm = (name: string): name is keyof typeof ALARMS => Object.hasOwn(ALARMS, name);
