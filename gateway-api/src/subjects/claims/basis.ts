/**
 * What each decision of a claim was computed from, as the ledger has it: for its provider and its payer, who compute it again
 * (`npm run recompute`). The texts are what is anchored, byte for byte.
 */
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

async function decisionsOf(index: ReadModel, own: string, state: ClaimState) {
  const { id, step: last, payer, provider } = state;
  const decisions: Decision[] = [];
  let claim = (await index.evidence.text(own, privateKeys.claim(id))) ?? (await billedOf(index, own, state));
  for (let step = 1; step <= last; step += 1) {
    claim = (step === 1 ? undefined : await index.evidence.text(own, privateKeys.claim(id, step))) ?? claim;
    const response = await index.evidence.text(own, privateKeys.response(id, step));
    if (response === undefined) continue;
    const { coverage, feeSchedule, feeSchedules } = JSON.parse(response) as ClaimResponseRecord;
    const { coverage: submitted, purged } = JSON.parse(claim) as ClaimRecord;
    const { id: of, version } = coverage ?? submitted;
    const versions = feeSchedules ?? (feeSchedule === undefined ? [] : [feeSchedule]);
    decisions.push({
      ...{ step, claim, response, coverage: await textOf(index, own, privateKeys.coverage(of, version)) },
      ...(purged === undefined ? {} : { purgedAt: purged.at }),
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
  answers: { 200: { description: 'The anchored texts, by step.', schema: basisSchema } },
  async handle({ caller, parameters: { id } }, services) {
    compartmentOf(caller);
    const { index, organisation } = services;
    const state = await claimState(index, id);
    await noteClaimRead(caller, id, services);
    const own = collections.billing(organisation.name);
    const decisions = await decisionsOf(index, own, state);
    return { body: { provider: state.provider, payer: state.payer, decisions } };
  },
});
