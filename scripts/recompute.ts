/**
 * `npm run recompute -- Claim/<id> [--org hospital]`: computes each decision of a claim again, from what a provider's or payer's
 * gateway holds of it, by the ledger's own rules, and says whether it comes out equal. Exit code 1 where something differs.
 */
import { parseArgs } from 'node:util';
import type { Accumulator } from '@telemed-ledger/chaincode/model/accumulators.ts';
import type { ClaimTables } from '@telemed-ledger/chaincode/model/claim-tables.ts';
import type { ClaimRecord, ClaimResponseRecord, FeeSchedule } from '@telemed-ledger/chaincode/model/claims.ts';
import { readConceptMap } from '@telemed-ledger/chaincode/model/concept-map.ts';
import { inForceOn } from '@telemed-ledger/chaincode/model/dated.ts';
import type { PlanRecord } from '@telemed-ledger/chaincode/model/plans.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { type Basis, type Recomputed, recompute } from '@telemed-ledger/chaincode/rules/recomputing.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import {
  dataDirectory,
  gatewayUrls,
  organisationNamed,
  organisations,
  runCommand,
  UsageError,
} from './command-line.ts';
import { Parties, type Party } from './demo/parties.ts';

interface Decision {
  step: number;
  claim: string;
  response: string;
  coverage: string;
  purgedAt?: string;
  tables?: { generation: number; text?: string; maps: string[] };
  plan?: string[];
  usage?: string[];
  schedules: { text: string; first?: string; last?: string }[];
}
/** As GET /claims/<id>/basis answers it. */
interface ClaimBasis {
  provider: string;
  payer: string;
  decisions: Decision[];
}

/** One decision of a claim, computed again. */
export interface Again extends Recomputed {
  step: number;
  /** As the ClaimResponse says it. */
  disposition: string;
  /** Since when the records that it was judged by are gone: then nothing is computed. */
  purgedAt?: string;
}

/** The payer's tables as endorsers had them. */
function tablesIn({ tables }: Decision): Basis['tables'] {
  if (tables === undefined) return undefined;
  const { generation, text, maps } = tables;
  if (text === undefined) return { loaded: undefined };
  const rows = maps.flatMap((map) => readConceptMap((JSON.parse(map) as Anchored).resource));
  const crosswalk = maps.length === 0 ? undefined : rows;
  return { loaded: { ...(JSON.parse(text) as ClaimTables), generation, crosswalk } };
}

const usageIn = ({ usage = [] }: Decision): Accumulator[] => usage.map((text) => JSON.parse(text) as Accumulator);

function again(decision: Decision, provider: Organisation): Again {
  const response = JSON.parse(decision.response) as ClaimResponseRecord;
  const said = { step: decision.step, disposition: String(response.resource['disposition']) };
  if (decision.purgedAt !== undefined)
    return { ...said, purgedAt: decision.purgedAt, differences: [], edits: [], taken: [], isByPerson: false };
  const schedules = decision.schedules.map(({ text, ...days }) => ({
    ...days,
    schedule: JSON.parse(text) as FeeSchedule,
  }));
  const only = schedules.length === 1 ? schedules[0]?.schedule : undefined;
  const recomputed = recompute({
    ...{ claim: JSON.parse(decision.claim) as ClaimRecord, response, provider },
    coverage: (JSON.parse(decision.coverage) as Anchored).resource,
    priceOn: (day) => only ?? inForceOn(schedules, day)?.schedule,
    ...{ tables: tablesIn(decision), usage: usageIn(decision) },
    plan: decision.plan?.map((text) => JSON.parse(text) as PlanRecord),
  });
  return { ...said, ...recomputed };
}

/** @param members those of the consortium @throws Unexpected where the gateway does not hold the claim */
export async function recomputeClaim(party: Party, id: string, members: readonly Organisation[]): Promise<Again[]> {
  const { provider, decisions } = await party.ask<ClaimBasis>({ path: `/claims/${id}/basis` });
  const member = members.find(({ name }) => name === provider);
  if (member === undefined) throw new Error(`the claim's provider ${provider} is not of this consortium`);
  return decisions.map((decision) => again(decision, member));
}

function print({ step, disposition, differences, taken, isByPerson, purgedAt }: Again): void {
  if (purgedAt !== undefined) {
    console.log(`step ${step}, ${disposition}: not computed, its evidence is purged since ${purgedAt}`);
    return;
  }
  const result = differences.length === 0 ? 'equal' : `differs: ${differences.join(', ')}`;
  console.log(`step ${step}, ${disposition}: ${result}${isByPerson ? ' (with what a person decided)' : ''}`);
  console.log(`  taken as found, since they rest on more than the claim: ${taken.join(', ')}`);
}

if (import.meta.main)
  await runCommand(async () => {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { org: { type: 'string' } } });
    const id = /^(?:Claim\/)?([0-9a-f-]{36})$/.exec(positionals[0] ?? '')?.[1];
    if (id === undefined || positionals.length > 1)
      throw new UsageError('Usage: npm run recompute -- Claim/ID [--org hospital]');
    const member = organisationNamed(values.org ?? organisations().find(({ kind }) => kind === 'provider')?.name);
    const parties = new Parties({ dataDir: dataDirectory(), urls: gatewayUrls() });
    try {
      const all = await recomputeClaim(parties.of(member.name, 'system'), id, organisations());
      if (all.length === 0) console.log('the claim is not decided yet');
      for (const one of all) print(one);
      return all.every(({ differences }) => differences.length === 0) ? 0 : 1;
    } finally {
      parties.close();
    }
  });
