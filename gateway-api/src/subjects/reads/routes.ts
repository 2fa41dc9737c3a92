/** Who of this organisation read what: all of it, or what is about one patient. */
import { accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { nextPage, pageCount } from '../../http/paging.ts';
import { route } from '../../http/routes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Services } from '../services.ts';
import { aboutOf, type Read, type Wanted } from './read-log.ts';

/** How much of the log is asked for, and from where on. */
export const readsPage = z.object({
  count: pageCount,
  before: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .meta({ description: 'As `next` has it.' }),
});
type Page = z.infer<typeof readsPage>;

const readSchema = z
  .object({
    at: z.string().meta({ description: 'ISO 8601 UTC.' }),
    outcome: z.enum(['shown', 'refused']),
    interaction: z.string().meta({ description: 'read, vread, history, search, evaluate, access, log and others.' }),
    organisation: z.string(),
    subject: z.string().meta({ description: 'Of the token.' }),
    role: z.string(),
    fhirUser: z.string().optional(),
    patient: z.string().optional().meta({ description: 'Id of the Patient whom it is about.' }),
    type: z.string(),
    count: z.int().meta({ description: 'Of the records.' }),
    records: z.array(z.string()).meta({ description: 'Their ids.' }),
    access: z.string().optional().meta({ description: 'Of what was delivered: under which access.' }),
    purpose: z.string().optional().meta({ description: 'Of that access.' }),
    consent: z.string().optional().meta({ description: 'That it rests on, `id/version`.' }),
    until: z.string().optional().meta({ description: 'Until when it was delivered.' }),
  })
  .meta({ id: 'Read' });

export const readsAnswer = {
  description: 'A page of reads, newest first.',
  schema: z.object({
    reads: z.array(readSchema),
    next: nextPage,
  }),
};

/** A page as it is answered; `path` with what narrows it. */
export async function readsShown(
  wanted: Wanted,
  { count, before }: Page,
  { path, narrowed }: { path: string; narrowed: Record<string, string> },
  services: Pick<Services, 'readLog' | 'index' | 'organisation'>,
): Promise<{ reads: object[]; next?: string }> {
  const from = before === undefined ? {} : { before: Number(before) };
  const page = await services.readLog.page(wanted, { count, ...from });
  const known = new Map<string, object>();
  const reads: object[] = [];
  for (const read of page) reads.push(await shownRead(read, known, services));
  const last = page.length < count ? undefined : page.at(-1);
  const query = new URLSearchParams({ ...narrowed, count: String(count), before: String(last?.sequence) });
  return { reads, ...(last === undefined ? {} : { next: `${path}?${query}` }) };
}

async function shownRead(
  { at, outcome, interaction, subject, role, fhir_user, patient, access, type, records }: Read,
  known: Map<string, object>,
  { index, organisation }: Pick<Services, 'index' | 'organisation'>,
): Promise<object> {
  const ids = JSON.parse(records) as string[];
  const terms = access === null ? {} : (known.get(access) ?? (await termsOf(access, index)));
  if (access !== null) known.set(access, terms);
  return {
    ...{ at, outcome, interaction, organisation: organisation.name, subject, role },
    ...(fhir_user === null ? {} : { fhirUser: fhir_user }),
    ...(patient === null ? {} : { patient }),
    ...{ type, count: ids.length, records: ids },
    ...(access === null ? {} : { access, ...terms }),
  };
}

/** For what, under which consent and until when something was delivered. */
async function termsOf(access: string, index: ReadModel): Promise<object> {
  const row = await index.state('access', access);
  const { data: state } = accessStateSchema.safeParse(row && JSON.parse(row.value));
  if (state === undefined) return {};
  const { purpose, consent, expiresAt } = state;
  return {
    purpose,
    ...(consent === undefined ? {} : { consent: `${consent.id}/${consent.version}` }),
    ...(expiresAt === undefined ? {} : { until: expiresAt }),
  };
}

export const reads = route({
  method: 'get',
  path: '/reads',
  summary: 'Who read what of this organisation’s data, newest first, in pages; a patient sees what is about herself.',
  roles: ['system', 'patient'],
  query: readsPage.extend({
    patient: z.string().optional().meta({ description: 'Id of the Patient whom it is about.' }),
  }),
  answers: { 200: readsAnswer },
  async handle({ caller, query: { patient, ...page } }, services) {
    const own = compartmentsOf(caller, 'read');
    const wanted = { patient: patient ?? own };
    const narrowed = patient === undefined ? {} : { patient };
    const isOthers = own !== undefined && patient !== undefined && !own.includes(patient);
    const outcome = isOthers ? 'refused' : 'shown';
    const about = aboutOf(
      outcome,
      (patient === undefined ? (own ?? [null]) : [patient]).map((one) => ({ patient: one, id: 'reads' })),
    );
    // A look at the log is in the log: it is written down first, and so the first that is seen.
    await services.readLog.note(caller, { interaction: 'log', type: 'Read', about: about.map(withoutRecords) });
    if (isOthers) return { body: { reads: [] } };
    return { body: await readsShown(wanted, page, { path: '/reads', narrowed }, services) };
  },
});

const withoutRecords = <T extends { records: string[] }>(about: T): T => ({ ...about, records: [] });
