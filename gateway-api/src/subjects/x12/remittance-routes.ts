/** Remittances as billing systems read them: an 835 of each payment, or of a day with what came to nothing. */
import { randomInt } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type RouteAnswer, route } from '../../http/routes.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { type Remitted, remittance835 } from './claims-835.ts';
import { patientOf } from './members.ts';
import { JSON_TYPE } from './question-routes.ts';
import { type Gathered, type Refused, refusalOf, remittedBy, remittedOn } from './remittances.ts';
import { EDI_X12 } from './segments.ts';
import type { NotMapped } from './unread.ts';
import { type Written, writeX12 } from './writing.ts';

const VERSION = '005010X221A1';
const ROLES = ['system', 'adjudicator'] as const;

const refusedSchema = z.object({
  trace: z.string().meta({ description: 'TRN02' }),
  reason: z.string(),
  expression: z.string().optional(),
});
const answerSchema = z
  .object({
    x12: z.string().meta({ description: 'The file: an interchange for each payer and provider.' }),
    remittances: z.array(
      z.object({
        ...{ trace: z.string().meta({ description: 'TRN02' }), payer: z.string(), payee: z.string() },
        units: z.int().meta({ description: 'In minor units of the currency.' }),
        ...{ currency: z.string(), day: z.iso.date() },
      }),
    ),
    refused: z.array(refusedSchema).meta({
      description:
        'What is not in the file, with why: for instance of a transfer that no longer is what its claims come to.',
    }),
    notMapped: z
      .record(z.string(), z.int())
      .meta({ description: 'Elements that X12 has no place for here, with how often.' }),
  })
  .meta({ id: 'Remittances' });
type Answered = z.infer<typeof answerSchema>;
const DESCRIPTION = `${EDI_X12}; with Accept: ${JSON_TYPE} also what is not in it.`;

/** The file; what cannot be written is named, and holds up nothing else. */
function fileOf({ remitted, refused }: Gathered, { x12Parties }: Services): Answered {
  const notMapped: NotMapped = new Map();
  const all: Refused[] = [...refused];
  const written: Remitted[] = [];
  const texts: string[] = [];
  for (const own of Map.groupBy(remitted, ({ payer, payee }) => `${payer}/${payee}`).values()) {
    const sets: Written[][] = [];
    for (const one of own) {
      try {
        const set = remittance835(one, x12Parties, notMapped);
        textOf(one, [set]);
        sets.push(set);
        written.push(one);
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        all.push({ trace: one.trace, ...refusalOf(error) });
      }
    }
    if (sets.length > 0) texts.push(textOf(own[0]!, sets));
  }
  const remittances = written.map(({ reports: _, ...shown }) => shown);
  return { x12: texts.join(''), remittances, refused: all, notMapped: Object.fromEntries([...notMapped].sort()) };
}

const textOf = ({ payer, payee }: Remitted, sets: readonly (readonly Written[])[]): string =>
  writeX12(sets, {
    ...{ sender: payer, receiver: payee, at: new Date().toISOString(), control: randomInt(1, 1_000_000_000) },
    ...{ group: 'HP', type: '835', version: VERSION },
  });

/** Noted before it is given out: whose decisions are in the file. */
async function note({ readLog }: Services, caller: Caller, { remitted }: Gathered): Promise<void> {
  const told = remitted.flatMap(({ reports }) => reports.flatMap(({ entries }) => entries));
  const decisions = told.map(({ decided: { claim, response } }) => ({ patient: patientOf(claim), id: response.id }));
  await readLog.note(caller, { interaction: 'read', type: 'ClaimResponse', about: aboutOf('shown', decisions) });
}

async function answered(
  gathered: Gathered,
  caller: Caller,
  services: Services,
  wanted: string | undefined,
): Promise<RouteAnswer> {
  const file = fileOf(gathered, services);
  const [first] = file.refused;
  if (wanted !== JSON_TYPE && first !== undefined) {
    const reason = `${file.refused.length} cannot be written (${first.reason}); ${JSON_TYPE} has the others`;
    throw new LedgerError('CONFLICT', reason, first.expression);
  }
  await note(services, caller, gathered);
  return wanted === JSON_TYPE ? { body: file } : { body: file.x12, headers: { 'Content-Type': EDI_X12 } };
}

const OFFERED = [EDI_X12, JSON_TYPE] as const;

const routesOf = (kind: Kind) => [
  route({
    method: 'get',
    path: '/x12/835/:payment',
    kind,
    summary: 'The remittance of a payment as an X12 835 (005010X221A1).',
    roles: ROLES,
    parameters: z.object({ payment: z.string() }),
    answers: { 200: { description: DESCRIPTION, schema: answerSchema } },
    async handle({ caller, parameters: { payment }, prefers }, services) {
      compartmentOf(caller);
      return answered(await remittedBy(services, payment), caller, services, prefers(...OFFERED));
    },
  }),
  route({
    method: 'get',
    path: '/x12/835',
    kind,
    summary:
      'The remittances of a day as an X12 835 (005010X221A1): of its transfers, and of what was denied, taken back or owed back without one.',
    roles: ROLES,
    query: z.strictObject({ date: z.iso.date() }),
    answers: { 200: { description: DESCRIPTION, schema: answerSchema } },
    async handle({ caller, query: { date }, prefers }, services) {
      compartmentOf(caller);
      return answered(await remittedOn(services, date), caller, services, prefers(...OFFERED));
    },
  }),
];

export const remittances = [...routesOf('provider'), ...routesOf('payer')];
