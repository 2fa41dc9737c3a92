/**
 * What a payer holds claims against: ConceptMaps, by FHIR (hl7.org/fhir/R4/conceptmap.html), and its other tables, which no resource
 * of R4 holds. Every provider has them, so that it can tell beforehand what is paid.
 */
import { claimTablesInput, claimTablesSchema } from '@telemed-ledger/chaincode/model/claim-tables.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { textOf } from './claims.ts';
import { tablesShown } from './tables-shown.ts';

type Loading = Pick<Services, 'organisation' | 'index' | 'ledger'>;

/** Puts a map, or tables, in place of what there is. */
const load = (
  { organisation, index, ledger }: Loading,
  loaded: { map?: Draft; tables?: Tables },
  sending: Sending,
): Promise<Outcome> =>
  upToDate(async () => {
    const { name } = organisation;
    const { generation: known = 0, text } = (await tablesShown(index, collections.billing(name), name)) ?? {};
    const current = text === undefined ? {} : { current: text };
    return ledger.submit('LoadClaimTables', {}, { salt: newSalt(), known, ...current, ...loaded }, sending);
  });

export const loadConceptMap = (services: Loading, map: Draft, sending: Sending): Promise<Outcome> =>
  load(services, { map }, sending);

const tablesBody = z.strictObject(claimTablesInput);
type Tables = z.infer<typeof tablesBody>;

export const loadClaimTables = route({
  method: 'put',
  path: '/claim-tables',
  summary:
    'What this payer holds claims against, in place of what it did: durations, units, pairs, people, places, signals.',
  body: tablesBody,
  large: true,
  transaction: 'LoadClaimTables',
  answers: { 200: { description: 'They are loaded.', schema: z.object({ transactionId: z.string() }) } },
  async handle({ caller, body, idempotency }, services) {
    const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => load(services, { tables: body }, sending),
    }));
    const { transactionId } = outcome;
    return { body: { transactionId }, transactionId };
  },
});

const shownSchema = claimTablesSchema
  .omit({ schema: true, salt: true })
  .extend({ payer: z.string(), generation: z.int() })
  .meta({ id: 'ClaimTables' });

export const getClaimTables = route({
  method: 'get',
  path: '/claim-tables',
  summary: 'What a payer holds claims against: at the payer and at every provider.',
  roles: ['system', 'adjudicator', 'practitioner'],
  query: z.strictObject({
    payer: z.string().optional().meta({ description: 'At a provider: whose; needed where it has several payers.' }),
    generation: z.coerce.number().int().min(1).optional().meta({ description: 'The newest where it is left out.' }),
  }),
  answers: { 200: { description: 'Rows count for services on the days from `from` to `until`.', schema: shownSchema } },
  async handle({ query: { payer, generation } }, { index, organisation, consortium }) {
    const [only, ...more] = organisationsOfKind(consortium, 'payer').map(({ name }) => name);
    const whose = organisation.kind === 'payer' ? organisation.name : (payer ?? (more.length === 0 ? only : undefined));
    if (whose === undefined) throw new LedgerError('INVALID', 'there are several payers', 'payer');
    const own = collections.billing(organisation.name);
    const newest = await index.evidence.newest(own, privateKeys.claimTables(whose, 0).slice(0, -1));
    const asked = generation ?? newest;
    if (asked === 0 || asked > newest) throw new LedgerError('NOT_FOUND', 'there are no such tables');
    const text = await textOf(index, own, privateKeys.claimTables(whose, asked));
    const { schema: _, salt: __, ...shown } = claimTablesSchema.parse(JSON.parse(text));
    return { body: { payer: whose, generation: asked, ...shown } };
  },
});
