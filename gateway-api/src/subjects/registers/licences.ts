/** Practitioners' licences: set by the regulator, and read, searched and followed over time by every member. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { decisionOn, LICENCE_ACTS, licenceAct } from '@telemed-ledger/chaincode/model/licences.ts';
import { practitionerSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import {
  jurisdictionSchema,
  LICENCE_STATUSES,
  type LicenceState,
  licenceInputSchema,
  licenceStateSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { nextPage, pageCount } from '../../http/paging.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { sendLicence } from './together.ts';

const licenceSchema = licenceStateSchema.meta({ id: 'Licence' });
const licenceBody = licenceInputSchema.omit({ number: true });
const numberSchema = licenceStateSchema.pick({ number: true });

const decisionSchema = {
  inForce: z.boolean().meta({ description: 'On the day that is asked for, in the place that is asked for.' }),
  because: z.string().optional().meta({ description: 'Why it is not.' }),
};
const searchSchema = z.object({
  on: z.iso.date().optional().meta({ description: 'The day that `inForce` is about; default: today (UTC).' }),
  jurisdiction: jurisdictionSchema.optional().meta({ description: 'The place that `inForce` is about.' }),
  inForce: z.enum(['true', 'false']).optional(),
  status: z.enum(LICENCE_STATUSES).optional().meta({ description: 'As the last statement has it.' }),
  organisation: nameSchema.optional().meta({ description: 'Of a practitioner whom it names.' }),
  practitioner: practitionerSchema.optional().meta({ description: 'Whom it names, `Practitioner/<id>`.' }),
  count: pageCount,
  after: licenceStateSchema.shape.number.optional().meta({ description: 'As `next` has it.' }),
});
type Search = z.infer<typeof searchSchema>;
const listSchema = z.object({
  on: z.iso.date(),
  licences: z.array(licenceStateSchema.extend(decisionSchema)),
  total: z.int().meta({ description: 'On all pages.' }),
  next: nextPage,
});
const historySchema = z.object({
  number: licenceStateSchema.shape.number,
  statements: z
    .array(licenceStateSchema.omit({ history: true }).extend({ act: z.enum(LICENCE_ACTS), transactionId: z.string() }))
    .meta({ description: 'All that was ever said of it, the newest first.' }),
});

export const setLicence = route({
  method: 'put',
  path: '/licences/:number',
  summary: 'Issues, renews, suspends, excludes or reinstates a licence from a day on (regulator).',
  parameters: numberSchema,
  body: licenceBody,
  transaction: 'SetLicence',
  answers: { 200: { description: 'The licence as it stands.', schema: licenceSchema } },
  async handle({ caller, parameters: { number }, body, idempotency }, { index, licenceGroups, idempotent }) {
    const { outcome, submitted } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => sendLicence(licenceGroups, { ...body, number }, sending),
    }));
    // The same request wrote the same licence, whichever of them it was; whom it left out, the register goes on naming.
    const licence = submitted?.result ?? {
      ...(await afterCommit(() => index.register.licence(number))),
      ...{ ...body, number, updatedAt: outcome.time },
    };
    return { body: licence, transactionId: outcome.transactionId };
  },
});

const notFound = (): LedgerError => new LedgerError('NOT_FOUND', 'no such licence', 'number');

export const getLicence = route({
  method: 'get',
  path: '/licences/:number',
  summary: 'A licence: what counts of it, by the day from which it counts.',
  parameters: z.object({ number: z.string() }),
  answers: { 200: { description: 'The licence.', schema: licenceSchema } },
  async handle({ parameters: { number } }, { index }) {
    const licence = await index.register.licence(number);
    if (licence === undefined) throw notFound();
    return { body: licence };
  },
});

export const licenceHistory = route({
  method: 'get',
  path: '/licences/:number/history',
  summary: 'What was said of a licence over time, also what counts no more, each with its transaction.',
  parameters: z.object({ number: z.string() }),
  answers: { 200: { description: 'The statements.', schema: historySchema } },
  async handle({ parameters: { number } }, { index }) {
    const said = await index.register.statements(number);
    if (said.length === 0) throw notFound();
    const statements = said.map(({ licence: { history: _, ...licence }, transactionId }, place) => ({
      act: licenceAct(said[place - 1]?.licence, licence),
      ...licence,
      transactionId,
    }));
    return { body: { number, statements: statements.reverse() } };
  },
});

export const licences = route({
  method: 'get',
  path: '/licences',
  summary: 'Licences by number, in pages, and whether each is in force on a day.',
  query: searchSchema,
  answers: { 200: { description: 'A page of licences.', schema: listSchema } },
  async handle({ query }, { index }) {
    const on = query.on ?? new Date().toISOString().slice(0, 10);
    const found = (await index.register.licences())
      .map((licence) => ({ ...licence, ...decided(licence, on, query.jurisdiction) }))
      .filter((licence) => isSought(licence, query));
    const after = found.filter(({ number }) => query.after === undefined || number > query.after);
    const page = after.slice(0, query.count);
    const last = page.length < after.length ? page.at(-1) : undefined;
    return {
      body: {
        ...{ on, licences: page, total: found.length },
        ...(last === undefined ? {} : { next: `/licences?${nextOf({ ...query, on, after: last.number })}` }),
      },
    };
  },
});

function decided(licence: LicenceState, on: string, jurisdiction?: string): { inForce: boolean; because?: string } {
  const decision = decisionOn(licence, on, jurisdiction);
  return decision.outcome === 'permit' ? { inForce: true } : { inForce: false, because: decision.reason };
}

const isSought = (
  { inForce, status, practitioners = [] }: LicenceState & { inForce: boolean },
  sought: Search,
): boolean =>
  (sought.inForce === undefined || String(inForce) === sought.inForce) &&
  (sought.status === undefined || status === sought.status) &&
  ((sought.organisation === undefined && sought.practitioner === undefined) ||
    practitioners.some(
      ({ organisation, practitioner }) =>
        (sought.organisation ?? organisation) === organisation &&
        (sought.practitioner ?? practitioner) === practitioner,
    ));

function nextOf(query: Search): URLSearchParams {
  const next = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) next.set(name, String(value));
  return next;
}
