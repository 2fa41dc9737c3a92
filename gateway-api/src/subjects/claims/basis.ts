/**
 * What each decision of a claim was computed from, as the ledger has it: for its provider and its payer, who compute it again
 * (`npm run recompute`). The texts are what is anchored, byte for byte.
 */
import { holderOf } from '@telemed-ledger/chaincode/model/accumulators.ts';
import type { ClaimTables } from '@telemed-ledger/chaincode/model/claim-tables.ts';
import {
  type ClaimRecord,
  type ClaimResponseRecord,
  feeScheduleSchema,
  priceBookSchema,
} from '@telemed-ledger/chaincode/model/claims.ts';
import { type Contracting, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { billedOf, claimState, textOf } from './claims.ts';
import { demandShownEvidence } from './evidence-shown.ts';
import { noteClaimRead } from './noting.ts';
import { bookShown } from './prices.ts';

const datedText = z.object({ text: z.string(), first: z.string().optional(), last: z.string().optional() });
const basisSchema = z
  .object({
    provider: z.string(),
    payer: z.string(),
    decisions: z.array(
      z.object({
        step: z.int(),
        purgedAt: z.string().optional().meta({ description: 'Since when the records are gone that it was judged by.' }),
        claim: z.string(),
        response: z.string(),
        coverage: z.string(),
        tables: z
          .object({ generation: z.int(), text: z.string().optional(), maps: z.array(z.string()) })
          .optional()
          .meta({ description: 'The payer’s, as they were then; absent where they are not here.' }),
        plan: z
          .array(z.string())
          .optional()
          .meta({ description: 'The versions that the decision names, where they are here.' }),
        usage: z
          .array(z.string())
          .optional()
          .meta({ description: 'What its member used of plan years by then: at the payer.' }),
        schedules: z.array(datedText).meta({ description: 'By the days from and to which they count.' }),
      }),
    ),
  })
  .meta({ id: 'ClaimBasis' });
type Decision = z.infer<typeof basisSchema>['decisions'][number];

/** The fee schedules of these versions, oldest first. */
async function schedulesOf(index: ReadModel, own: string, between: Contracting, versions: readonly string[]) {
  if (versions.length === 0) return [];
  const book = await bookShown(index, own, between);
  const entries = book === undefined ? [] : priceBookSchema.parse(JSON.parse(book.text)).entries;
  const newest = await index.evidence.newest(own, privateKeys.feeSchedule(between, 0).slice(0, -1));
  const found: z.infer<typeof datedText>[] = [];
  for (let generation = newest; generation > 0 && found.length < versions.length; generation -= 1) {
    const text = await textOf(index, own, privateKeys.feeSchedule(between, generation));
    if (!versions.includes(feeScheduleSchema.parse(JSON.parse(text)).version)) continue;
    const { first, last } = entries.find((entry) => entry.generation === generation) ?? {};
    found.unshift({ text, ...(first === undefined ? {} : { first }), ...(last === undefined ? {} : { last }) });
  }
  return found;
}

/** Those of these keys whose values are here. */
async function textsAt(index: ReadModel, own: string, keys: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(keys.map((key) => index.evidence.text(own, key)));
  return texts.filter((text) => text !== undefined);
}

/** The payer's tables as they were at a time; undefined where a part of them is not here. @param at ISO 8601 UTC */
async function tablesAt(index: ReadModel, own: string, payer: string, at: string): Promise<Decision['tables']> {
  let generation = await index.evidence.newest(own, privateKeys.claimTables(payer, 0).slice(0, -1));
  for (; generation > 0; generation -= 1) {
    const text = await index.evidence.text(own, privateKeys.claimTables(payer, generation));
    if (text === undefined) return undefined;
    const { loadedAt, maps } = JSON.parse(text) as ClaimTables;
    if (Date.parse(loadedAt) > Date.parse(at)) continue;
    const keys = maps.map(({ id, version }) => privateKeys.conceptMap(id, version));
    const found = await textsAt(index, own, keys);
    return found.length < keys.length ? undefined : { generation, text, maps: found };
  }
  return { generation: 0, maps: [] };
}

/** The versions of the plan that a decision names, and the entries that it wrote about what its member uses. */
async function benefitsOf(index: ReadModel, own: string, { plan, taken = [], coverage }: ClaimResponseRecord) {
  if (plan === undefined) return {};
  const versions = plan.versions.map((version) => privateKeys.plan(plan.id, version));
  const entries = taken.map((one) => privateKeys.accumulator(holderOf(one, coverage.id), one.year, one.entry));
  return { plan: await textsAt(index, own, versions), usage: await textsAt(index, own, entries) };
}

async function decisionsOf(index: ReadModel, own: string, state: ClaimState) {
  const { id, step: last, payer, provider } = state;
  const decisions: Decision[] = [];
  let claim = (await index.evidence.text(own, privateKeys.claim(id))) ?? (await billedOf(index, own, state));
  for (let step = 1; step <= last; step += 1) {
    claim = (step === 1 ? undefined : await index.evidence.text(own, privateKeys.claim(id, step))) ?? claim;
    const response = await index.evidence.text(own, privateKeys.response(id, step));
    if (response === undefined) continue;
    const decided = JSON.parse(response) as ClaimResponseRecord;
    const { coverage, feeSchedule, feeSchedules, resource } = decided;
    const tables = await tablesAt(index, own, payer, String(resource['created']));
    const { coverage: submitted, purged } = JSON.parse(claim) as ClaimRecord;
    const { id: of, version } = coverage ?? submitted;
    const versions = feeSchedules ?? (feeSchedule === undefined ? [] : [feeSchedule]);
    decisions.push({
      ...{ step, claim, response, coverage: await textOf(index, own, privateKeys.coverage(of, version)) },
      ...(purged === undefined ? {} : { purgedAt: purged.at }),
      ...(tables === undefined ? {} : { tables }),
      ...(await benefitsOf(index, own, decided)),
      schedules: await schedulesOf(index, own, { payer, provider }, versions),
    });
  }
  return decisions;
}

export const claimBasis = route({
  method: 'get',
  path: '/claims/:id/basis',
  summary: 'What each decision of a claim was computed from, as the ledger has it: for its provider and its payer.',
  roles: ['system', 'adjudicator', 'practitioner'],
  parameters: z.object({ id: z.string() }),
  answers: {
    200: { description: 'The anchored texts, by step.', schema: basisSchema },
    403: { description: 'At a payer: not all of the records that it rests on may be shown to the caller.' },
  },
  async handle({ caller, parameters: { id } }, services) {
    compartmentOf(caller);
    const { index, organisation } = services;
    const state = await claimState(index, id);
    const own = collections.billing(organisation.name);
    const decisions = await decisionsOf(index, own, state);
    const claims = decisions.map(({ claim }) => claim);
    await demandShownEvidence(caller, state, claims, services);
    await noteClaimRead(caller, id, services);
    return { body: { provider: state.provider, payer: state.payer, decisions } };
  },
});
