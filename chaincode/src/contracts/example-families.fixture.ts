/** For tests of contracts: what a payer shows of a family, where the example plan has terms of families. */

import type { Account } from '../model/accumulators.ts';
import { readCover } from '../model/coverage.ts';
import { type Changeable, exampleSalt } from '../model/example-claim.fixture.ts';
import { type FamilyKey, familyOf } from '../model/families.ts';
import { privateKeys } from '../model/keys.ts';
import type { ShownUsage } from './accumulators.ts';
import type { ShownFamily } from './families.ts';

/** A story of claims (example-story.fixture.ts). */
interface Told {
  insurancePlan: Changeable;
  payer: string;
  billing: string;
  example: { coverage: Changeable };
  text(collection: string, key: string): string;
  usage(holder: string, account: Account): ShownUsage;
}

/** Undefined where the plan has none. */
export function ofFamily(story: Told, year: string): { usage: ShownUsage[]; family: ShownFamily } | undefined {
  const { insurancePlan, payer, billing, example } = story;
  const costs: { groupSize?: number }[] = insurancePlan['plan']?.[0].generalCost ?? [];
  if (costs.every(({ groupSize = 1 }) => groupSize <= 1)) return undefined;
  const text = story.text(billing, privateKeys.familyKey(payer));
  const secret = text === '' ? exampleSalt('f') : (JSON.parse(text) as FamilyKey).secret;
  const family = familyOf(secret, insurancePlan.id, readCover(example.coverage));
  return { usage: [story.usage(family, { year, family })], family: text === '' ? { secret } : { text } };
}
