/**
 * How a payer's duties find what is over: all of a kind are looked at every hour, as time alone makes them due, and in between those that
 * changed.
 */
import { type ClaimTerms, claimRulesSchema, termsOn } from '@telemed-ledger/chaincode/model/claim-rules.ts';
import { firstDay } from '@telemed-ledger/chaincode/model/days.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { z } from 'zod';
import { ownState } from '../../duties/found.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Services } from '../services.ts';
import { rulesShown } from './claims.ts';

const ALL_EVERY_MS = 3_600_000;
const MORE_AFTER_MS = 60_000;

/** Up to which block a gateway of this process has looked, and when it looks at all again. */
interface Looked {
  block: number;
  allAt: number;
}

async function termsOf({ index, organisation: { name } }: Services, today: string): Promise<ClaimTerms> {
  const { rules } = await rulesShown(index, collections.billing(name), name);
  return termsOn(rules && claimRulesSchema.parse(JSON.parse(rules.text)), today);
}

interface Ending<State> {
  kind: string;
  schema: z.ZodType<State>;
  /** In which nothing goes on. */
  statuses: readonly string[];
  /** @param on today, YYYY-MM-DD, and what the payer has settled on for it */
  isDue(services: Services, state: State, on: { today: string; terms: ClaimTerms }): Promise<boolean>;
}

/** Those that are due, for a duty's `find`. */
export function whatEnds<State extends { id: string }>({ kind, schema, statuses, isDue }: Ending<State>) {
  const lookedAt = new WeakMap<ReadModel, Looked>();
  return async function* (services: Services): AsyncGenerator<State> {
    const { index } = services;
    const now = Date.now();
    const today = firstDay(new Date(now).toISOString());
    const before = lookedAt.get(index);
    const looked = before === undefined || before.allAt <= now ? { block: -1, allAt: now + ALL_EVERY_MS } : before;
    const on = { today, terms: await termsOf(services, today) };
    for (const { id, block } of await index.own.changedSince(kind, statuses, looked.block)) {
      const state = await ownState(services, kind, schema, id);
      looked.block = block;
      if (state === undefined || !(await isDue(services, state, on))) continue;
      // Sooner where something was found: it may not have been done.
      looked.allAt = Math.min(looked.allAt, now + MORE_AFTER_MS);
      yield state;
    }
    lookedAt.set(index, looked);
  };
}
