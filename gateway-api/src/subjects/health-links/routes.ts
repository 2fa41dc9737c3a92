/** Health links over HTTP: what their patient sees and takes back, and what whoever has a link fetches, without a token. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import type { HealthLink } from '../../idempotency/health-links.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { isOpen } from './links.ts';

const linkSchema = z
  .object({
    id: z.string(),
    patient: z.string(),
    status: z.enum(['open', 'ended', 'expired']),
    label: z.string().optional(),
    createdAt: z.string(),
    expiresAt: z.string().optional(),
    endedAt: z.string().optional(),
    hasPasscode: z.boolean(),
    attemptsLeft: z.int().optional().meta({ description: 'Of the passcode.' }),
    fetches: z.int().meta({ description: 'How often it was shown; by whom, the log of reads says.' }),
  })
  .meta({ id: 'HealthLink' });

function shown(link: HealthLink): object {
  const { id, patient, label, passcode, attempts, fetches } = link;
  const { created_at: createdAt, expires_at: expiresAt, ended_at: endedAt } = link;
  return {
    ...{ id, patient, createdAt, fetches, hasPasscode: passcode !== null },
    status: isOpen(link, new Date()) ? 'open' : endedAt === null ? 'expired' : 'ended',
    ...(label === null ? {} : { label }),
    ...(passcode === null ? {} : { attemptsLeft: Number(attempts) }),
    ...(expiresAt === null ? {} : { expiresAt }),
    ...(endedAt === null ? {} : { endedAt }),
  };
}

const none = (): LedgerError => new LedgerError('NOT_FOUND', 'there is no such link');

export const healthLinks = route({
  method: 'get',
  kind: 'custodian',
  path: '/health-links',
  summary: 'The SMART Health Links that a patient has made, newest first.',
  roles: ['patient', 'system'],
  query: z.object({
    patient: patientNamed,
  }),
  answers: { 200: { description: 'Her links.', schema: z.object({ links: z.array(linkSchema) }) } },
  async handle({ caller, query: { patient } }, services) {
    const own = compartmentOf(caller);
    const meant = patient ?? own;
    if (meant === undefined || (own !== undefined && meant !== own)) throw none();
    return { body: { links: (await services.healthLinks.of(meant)).map(shown) } };
  },
});

export const endHealthLink = route({
  method: 'post',
  kind: 'custodian',
  path: '/health-links/:id/revocation',
  summary: 'Takes a SMART Health Link back: it leads nowhere from then on.',
  roles: ['patient', 'system'],
  parameters: z.object({ id: z.string() }),
  answers: { 200: { description: 'The link as it stands.', schema: linkSchema } },
  async handle({ caller, parameters: { id } }, { healthLinks: links, readLog }) {
    const own = compartmentOf(caller);
    const found = await links.find(id);
    if (found === undefined || (own !== undefined && found.patient !== own)) throw none();
    const about = aboutOf('shown', [{ patient: found.patient, id: found.patient }]);
    await readLog.note(caller, { interaction: 'unshare', type: 'Bundle', about });
    await links.end({ id });
    return { body: shown((await links.find(id)) ?? found) };
  },
});

const requestSchema = z.object({
  recipient: z
    .string()
    .regex(/^[^\p{Cc}]{1,200}$/u)
    .meta({ description: 'Who looks, as it is written into the patient’s log.' }),
  passcode: z.string().max(64).optional(),
  embeddedLengthMax: z.int().min(0).optional(),
});

/** Whoever it is, in the patient's log. */
const looker = ({ id, patient }: HealthLink, recipient: string) =>
  ({ subject: `link ${id} to ${recipient}`, role: 'patient', fhirUser: `Patient/${patient}` }) as const;

async function note(link: HealthLink, recipient: string, outcome: 'shown' | 'refused', { readLog }: Services) {
  const about = aboutOf(outcome, [{ patient: link.patient, id: link.patient }]);
  await readLog.note(looker(link, recipient), { interaction: 'read', type: 'Bundle', about });
}

const NOT_FOUND = { status: 404, body: { error: 'there is no such link, or not any more' } };

export const healthLinkManifest = route({
  method: 'post',
  kind: 'custodian',
  path: '/shl/:token',
  summary: 'The manifest of a SMART Health Link, for whoever has the link; each look is in the patient’s log.',
  open: true,
  anyOrigin: true,
  parameters: z.object({ token: z.string().max(64) }),
  body: requestSchema,
  answers: {
    200: {
      description: 'The files: embedded, or where one is too long for that, where it is.',
      schema: z.object({ files: z.array(z.looseObject({ contentType: z.string() })) }),
    },
    401: {
      description: 'The passcode is wrong or missing.',
      schema: z.object({ remainingAttempts: z.int() }),
    },
    404: { description: 'There is no such link, or not any more.' },
  },
  async handle({ parameters: { token }, body: { recipient, passcode, embeddedLengthMax }, origin }, services) {
    const look = await services.healthLinks.look(token, passcode);
    if (look.link !== undefined)
      await note(look.link, recipient, look.outcome === 'shown' ? 'shown' : 'refused', services);
    if (look.outcome === 'absent') return NOT_FOUND;
    if (look.outcome === 'refused') return { status: 401, body: { remainingAttempts: look.remaining } };
    const { file: embedded } = look.link;
    const isLong = embeddedLengthMax !== undefined && embedded.length > embeddedLengthMax;
    const location = `${origin}/shl/${token}/files/${services.healthLinks.ticket(token)}`;
    const file = { contentType: 'application/fhir+json', ...(isLong ? { location } : { embedded }) };
    return { body: { files: [file] }, headers: { 'Cache-Control': 'no-store' } };
  },
});

export const healthLinkFile = route({
  method: 'get',
  kind: 'custodian',
  path: '/shl/:token/files/:ticket',
  summary: 'A file of a SMART Health Link, as its manifest says, for five minutes: a JWE.',
  open: true,
  anyOrigin: true,
  parameters: z.object({ token: z.string().max(64), ticket: z.string().max(100) }),
  answers: { 200: { description: 'application/jose', schema: z.string() } },
  async handle({ parameters: { token, ticket } }, { healthLinks: links }) {
    const link = await links.file(token, ticket);
    if (link === undefined) return NOT_FOUND;
    return { body: link.file, headers: { 'Content-Type': 'application/jose', 'Cache-Control': 'no-store' } };
  },
});
