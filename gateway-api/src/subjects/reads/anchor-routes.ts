/** What of the logs of reads stands on the ledger, and proofs that nothing about a patient is left out between two anchors. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationByName } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { notHereYet } from '../../http/failures.ts';
import { pageCount } from '../../http/paging.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import { formOf, formSchema } from '../receipts/forms.ts';
import { proofOf } from '../receipts/proofs.ts';
import type { Services } from '../services.ts';
import { LogBroken } from './anchors.ts';
import { readsProof } from './proofs.ts';
import { aboutOf } from './read-log.ts';

const numberSchema = z.coerce.number().int().min(1).max(10_000_000);
const anchorSchema = z
  .object({
    organisation: z.string(),
    n: z.int(),
    at: z.string().meta({ description: 'ISO 8601 UTC.' }),
    root: z.string().meta({ description: 'Of the tree over its patients (RFC 6962), hex.' }),
    restarted: z.literal(true).optional().meta({ description: 'The log does not go on from the anchor before.' }),
    transactionId: z.string(),
  })
  .meta({ id: 'LogAnchor' });

const none = () => new LedgerError('NOT_FOUND', 'there is no such anchor here');

async function anchorAt(organisation: string, n: number, { logAnchors }: Services): Promise<object | undefined> {
  const standing = n < 1 ? undefined : await logAnchors.mark(organisation, n);
  if (standing === undefined) return undefined;
  const { at, root, restarted } = standing.mark;
  const { transactionId } = standing;
  return { organisation, n, at, root, ...(restarted === undefined ? {} : { restarted }), transactionId };
}

export const logAnchors = route({
  method: 'get',
  path: '/log-anchors',
  summary: 'How far the logs of reads are anchored on the ledger: each organisation’s newest, or one organisation’s.',
  query: z.object({
    organisation: z.string().optional(),
    count: pageCount,
    before: numberSchema.optional().meta({ description: 'Number of an anchor.' }),
  }),
  answers: { 200: { description: 'The newest first.', schema: z.object({ anchors: z.array(anchorSchema) }) } },
  async handle({ query: { organisation, count, before } }, services) {
    const { consortium, logAnchors: all } = services;
    const anchors: (object | undefined)[] = [];
    if (organisation === undefined)
      for (const { name } of consortium.organisations)
        anchors.push(await anchorAt(name, await all.newest(name), services));
    else {
      const from = Math.min(
        before === undefined ? Number.POSITIVE_INFINITY : before - 1,
        await all.newest(organisation),
      );
      for (let n = from; n > from - count && n > 0; n -= 1) anchors.push(await anchorAt(organisation, n, services));
    }
    return { body: { anchors: anchors.filter((one) => one !== undefined) } };
  },
});

export const anchorNow = route({
  method: 'post',
  path: '/log-anchors',
  summary: 'Anchors now what of this organisation’s log of reads is not anchored yet.',
  roles: ['system', 'operator'],
  body: z
    .strictObject({
      restart: z.literal(true).optional().meta({
        description: 'The log does not go on from its last anchor, because it was lost: that will stand on the ledger.',
      }),
    })
    .optional(),
  answers: {
    200: {
      description: 'The anchors that were made, none where nothing was read.',
      schema: z.object({ anchors: z.array(anchorSchema) }),
    },
    409: { description: 'The log is not what was anchored; POST /verify says where.' },
  },
  async handle({ body }, services) {
    const { logAnchors: all, organisation } = services;
    const anchors: object[] = [];
    try {
      for (let n = await all.anchor({ restarted: body?.restart === true }); n !== undefined; n = await all.anchor())
        anchors.push((await anchorAt(organisation.name, n, services)) ?? {});
    } catch (error) {
      if (error instanceof LogBroken) throw new LedgerError('CONFLICT', error.message);
      throw error;
    }
    const last = anchors.at(-1) as { transactionId?: string } | undefined;
    return { body: { anchors }, ...(last?.transactionId && { transactionId: last.transactionId }) };
  },
});

/** Proofs of one answer. */
const MOST_PROOFS = 100;

export const logProofs = route({
  method: 'get',
  path: '/log-anchors/:organisation/proofs',
  summary:
    'Proofs of how often, and by whom, a patient was read at an organisation between two anchors: nothing is left out.',
  roles: ['system', 'patient'],
  parameters: z.object({ organisation: z.string() }),
  query: z.object({
    patient: patientNamed,
    from: numberSchema
      .optional()
      .meta({ description: `Number of the first anchor; default: of the last ${MOST_PROOFS}.` }),
    to: numberSchema.optional().meta({ description: 'Number of the last anchor; default: the newest.' }),
  }),
  answers: {
    200: {
      description: 'In the order of the anchors; docs/access-log.md says how they are checked.',
      schema: z.object({
        gone: z
          .int()
          .meta({ description: 'Up to this anchor the rows are purged, six years after: there are no proofs.' }),
        proofs: z.array(z.any()),
      }),
    },
  },
  async handle({ caller, parameters: { organisation }, query: { patient, from, to } }, services) {
    const own = compartmentOf(caller, 'read');
    const meant = patient ?? own;
    if (meant === undefined || (own !== undefined && own !== meant)) throw none();
    await noteLook(services, caller, meant);
    const { logAnchors: all, consortium } = services;
    if (organisationByName(consortium, organisation) === undefined) throw none();
    const last = Math.min(to ?? Number.POSITIVE_INFINITY, await all.newest(organisation));
    const gone = await all.gone(organisation);
    const first = Math.max(gone + 1, from ?? 1, last - MOST_PROOFS + 1);
    const proofs: object[] = [];
    for (let n = first; n <= last; n += 1) {
      const proof = await readsProof(all, { organisation, n }, meant);
      if (proof === undefined) throw notHereYet(1);
      proofs.push(proof);
    }
    return { headers: { 'Cache-Control': 'no-store' }, body: { gone, proofs } };
  },
});

const noteLook = ({ readLog }: Services, caller: Parameters<Services['readLog']['note']>[0], patient: string) =>
  readLog.note(caller, {
    ...{ interaction: 'log', type: 'Read' },
    about: aboutOf('shown', [{ patient, id: 'proofs' }]).map((one) => ({ ...one, records: [] })),
  });

export const logAnchorProof = route({
  method: 'get',
  path: '/log-anchors/:organisation/:n/tlog-proof',
  summary: 'A receipt of an anchor of a log of reads, with the root of its tree.',
  parameters: z.object({ organisation: z.string(), n: numberSchema }),
  query: formSchema,
  answers: { 200: { description: 'A C2SP tlog-proof; docs/receipts.md says how it is checked.', schema: z.string() } },
  async handle({ caller, parameters: { organisation, n }, query }, services) {
    const form = formOf(caller, query, { as: 'tlog-proof', isContent: false });
    const standing = await services.logAnchors.mark(organisation, n);
    if (standing === undefined) throw none();
    const { text: value, transactionId } = standing;
    const shown = { collection: collections.marks, key: privateKeys.log(organisation, n), value };
    const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
    return { headers, body: await proofOf(services, transactionId, { shown, ...form }) };
  },
});
