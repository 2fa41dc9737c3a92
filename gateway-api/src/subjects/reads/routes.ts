/** Who of this organisation read what: all of it, or what is about one patient. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { nextPage, pageCount } from '../../http/paging.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Terms } from '../log/read-event.ts';
import { type ReadAt, type ReadsPlace, readsFrom } from '../log/reads.ts';
import type { Services } from '../services.ts';
import { aboutOf, type Wanted } from './read-log.ts';

/** How much of the log is asked for, and from where on. */
export const readsPage = z.object({
  count: pageCount,
  before: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,200}$/)
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
    completeSince: z.iso.datetime().optional().meta({
      description: 'Earlier rows of this organisation’s own log were kept no longer; absent where it is whole.',
    }),
    others: z
      .array(z.object({ organisation: z.string(), through: z.string().optional() }))
      .optional()
      .meta({
        description:
          'At the custodian: until when the reads at each other organisation are known here; nothing of one without `through`.',
      }),
  }),
};

/** A page as it is answered; `path` with what narrows it. At the custodian with what is carried there from others. */
export async function readsShown(
  wanted: Wanted,
  { count, before }: Page,
  { path, narrowed }: { path: string; narrowed: Record<string, string> },
  services: Pick<Services, 'readLog' | 'index' | 'organisation'>,
): Promise<{ reads: object[]; next?: string }> {
  const { name: organisation, kind } = services.organisation;
  const options = { ...services, organisation, isCustodian: kind === 'custodian' };
  const known = new Map<string, Terms>();
  const reads: object[] = [];
  let place: ReadsPlace | undefined;
  for await (const one of readsFrom(wanted, options, placeIn(before))) {
    if (reads.length === count) {
      const query = new URLSearchParams({ ...narrowed, count: String(count), before: nameOf(place) });
      return { reads, next: `${path}?${query}` };
    }
    place = one.behind;
    reads.push(await shownRead(one, known, services));
  }
  return { reads };
}

const nameOf = (place: ReadsPlace | undefined): string => Buffer.from(JSON.stringify(place)).toString('base64url');

function placeIn(name: string | undefined): ReadsPlace | undefined {
  if (name === undefined) return undefined;
  try {
    return placeSchema.parse(JSON.parse(Buffer.from(name, 'base64url').toString('utf8')));
  } catch {
    throw new LedgerError('INVALID', 'this page is not known', 'before');
  }
}

const placeSchema = z.strictObject({
  own: z.int().optional(),
  carried: z.strictObject({ at: z.string().max(40), sequence: z.int() }).optional(),
}) as z.ZodType<ReadsPlace>;

async function shownRead(
  { organisation, read }: ReadAt,
  known: Map<string, Terms>,
  { index }: Pick<Services, 'index'>,
): Promise<object> {
  const { at, outcome, interaction, subject, role, fhir_user, patient, access, type, records } = read;
  const ids = JSON.parse(records) as string[];
  const terms = access === null ? {} : (known.get(access) ?? (await termsOf(access, index)));
  if (access !== null) known.set(access, terms);
  return {
    ...{ at, outcome, interaction, organisation, subject, role },
    ...(fhir_user === null ? {} : { fhirUser: fhir_user }),
    ...(patient === null ? {} : { patient }),
    ...{ type, count: ids.length, records: ids },
    ...(access === null ? {} : { access, ...terms }),
  };
}

/** How far what others have read is known here: by their last anchors, undefined where there is none. */
async function knownThrough({ logAnchors, consortium, organisation }: Services): Promise<object[]> {
  const others = consortium.organisations.filter(({ name }) => name !== organisation.name);
  return Promise.all(
    others.map(async ({ name }) => {
      const n = await logAnchors.newest(name);
      const standing = n === 0 ? undefined : await logAnchors.mark(name, n);
      return { organisation: name, ...(standing === undefined ? {} : { through: standing.mark.at }) };
    }),
  );
}

/** For what, under which consent and until when something was delivered. */
export async function termsOf(access: string, index: Pick<ReadModel, 'state'>): Promise<Terms> {
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
  summary:
    'Who read what, newest first, in pages: of this organisation’s data, and of a patient at the custodian of her data everywhere.',
  roles: ['system', 'patient'],
  query: readsPage.extend({
    patient: patientNamed,
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
    const shown = await readsShown(wanted, page, { path: '/reads', narrowed }, services);
    const completeSince = await services.readLog.completeSince();
    const body = { ...shown, ...(completeSince === undefined ? {} : { completeSince }) };
    const isWhole = services.organisation.kind === 'custodian' && wanted.patient !== undefined;
    return { body: isWhole ? { ...body, others: await knownThrough(services) } : body };
  },
});

const withoutRecords = <T extends { records: string[] }>(about: T): T => ({ ...about, records: [] });
