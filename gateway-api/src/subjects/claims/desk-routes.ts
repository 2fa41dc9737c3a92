/** Who works on a claim at a payer and what is noted about it: taken, handed over, given back, read. Nothing of it leaves the payer. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { practitionerSchema, written } from '@telemed-ledger/chaincode/model/texts.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { claimState } from './claims.ts';
import type { Assignment, DeskNote } from './desk-journal.ts';
import { noteClaimRead } from './noting.ts';

const CLERKS = ['adjudicator', 'system'] as const;
const LONGEST_NOTE = 4_000;

const assignmentSchema = z
  .object({
    claim: z.string(),
    assignee: z.string().optional().meta({ description: 'Absent: nobody.' }),
    assignedBy: z.string().optional().meta({ description: 'Subject of the token that said so last.' }),
    since: z.string().optional(),
  })
  .meta({ id: 'DeskAssignment' });
const noteSchema = z
  .object({ id: z.string(), author: z.string(), at: z.string(), text: z.string() })
  .meta({ id: 'DeskNote' });

const assignmentShown = (claim: string, known: Assignment | undefined): z.infer<typeof assignmentSchema> =>
  known === undefined
    ? { claim }
    : {
        ...{ claim, assignedBy: known.assigned_by, since: known.since },
        ...(known.assignee === null ? {} : { assignee: known.assignee }),
      };

const noteShown = ({ id, author, at, text }: DeskNote): z.infer<typeof noteSchema> => ({ id, author, at, text });

export const assignClaim = route({
  method: 'put',
  kind: 'payer',
  path: '/claims/:id/assignee',
  summary: 'Takes a claim, hands it to a colleague, or gives it back: of several at once one gets it.',
  roles: CLERKS,
  parameters: z.object({ id: z.string() }),
  body: z.strictObject({
    assignee: practitionerSchema.optional().meta({ description: 'Who is to work on it; left out: nobody.' }),
    instead: practitionerSchema.optional().meta({ description: 'Who works on it by now; left out: nobody.' }),
  }),
  answers: {
    200: { description: 'Who works on it.', schema: assignmentSchema },
    409: { description: 'Somebody else works on it than `instead` says.' },
  },
  async handle({ caller, parameters: { id }, body: { assignee, instead } }, { index, desk }) {
    compartmentOf(caller);
    if (assignee === undefined && instead === undefined)
      throw new LedgerError('INVALID', 'needs who is to work on it, or who gives it back', 'assignee');
    await claimState(index, id);
    const known = await desk.assign({ claim: id, assignee, instead, by: caller.subject });
    const has = known?.assignee ?? undefined;
    if (has !== assignee)
      throw new LedgerError('CONFLICT', `${has ?? 'nobody'} works on it`, instead === undefined ? 'id' : 'instead');
    return { body: assignmentShown(id, known) };
  },
});

export const noteClaim = route({
  method: 'put',
  kind: 'payer',
  path: '/claims/:id/notes/:note',
  summary: 'Notes something about a claim, once under an id of the writer’s choice: for the payer’s desk alone.',
  roles: CLERKS,
  parameters: z.object({ id: z.string(), note: z.uuid() }),
  body: z.strictObject({ text: written(LONGEST_NOTE) }),
  answers: {
    200: { description: 'The note as it is kept.', schema: noteSchema },
    409: { description: 'Another note is kept under this id.' },
  },
  async handle({ caller, parameters: { id, note }, body: { text } }, { index, desk }) {
    compartmentOf(caller);
    await claimState(index, id);
    const author = caller.fhirUser ?? caller.subject;
    const kept = await desk.note({ claim: id, id: note, author, text });
    if (kept.author !== author || kept.text !== text)
      throw new LedgerError('CONFLICT', 'another note is kept under this id', 'note');
    return { body: noteShown(kept) };
  },
});

export const claimDesk = route({
  method: 'get',
  kind: 'payer',
  path: '/claims/:id/desk',
  summary: 'Who works on a claim, and what the payer’s desk has noted about it; a read of whom it is about.',
  roles: CLERKS,
  parameters: z.object({ id: z.string() }),
  answers: {
    200: {
      description: 'Notes oldest first.',
      schema: assignmentSchema.extend({ status: z.string(), notes: z.array(noteSchema) }).meta({ id: 'DeskOfClaim' }),
    },
  },
  async handle({ caller, parameters: { id } }, services) {
    compartmentOf(caller);
    const { status } = await claimState(services.index, id);
    await noteClaimRead(caller, id, services);
    const [known, notes] = await Promise.all([services.desk.of(id), services.desk.notes(id)]);
    return { body: { ...assignmentShown(id, known), status, notes: notes.map(noteShown) } };
  },
});
