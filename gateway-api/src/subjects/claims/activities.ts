/**
 * Which other claims say something together with one that is to be decided: the payer shows what was done for those, and nothing where
 * nothing is unusual, so that most decisions cost what they did.
 */
import { type Activity, activitySchema, entriesOfBill } from '@telemed-ledger/chaincode/model/activities.ts';
import type { Billed } from '@telemed-ledger/chaincode/model/claim-practitioners.ts';
import type { ClaimTables } from '@telemed-ledger/chaincode/model/claim-tables.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { judgedOver, MAX_ACTIVITIES, OVER_TIME, settingOf } from '@telemed-ledger/chaincode/model/over-time.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { textAt } from './tables-shown.ts';

/** What a payer's collection holds of what was done, by practitioner; read once and gone on with. */
class Activities {
  readonly #byPractitioner = new Map<string, Activity[]>();
  #last = -1;

  async update(index: ReadModel, collection: string): Promise<void> {
    for (const { value, sequence } of await index.evidence.values(collection, 'activity', this.#last)) {
      this.#last = Math.max(this.#last, sequence);
      const { data } = activitySchema.safeParse(JSON.parse(value));
      if (data === undefined) continue;
      for (const practitioner of new Set(data.entries.map((one) => one.practitioner))) {
        const known = this.#byPractitioner.get(practitioner);
        if (known === undefined) this.#byPractitioner.set(practitioner, [data]);
        else if (!known.some(({ claimId }) => claimId === data.claimId)) known.push(data);
      }
    }
  }

  of(practitioners: Iterable<string>): Activity[] {
    const found = new Map<string, Activity>();
    for (const practitioner of practitioners)
      for (const one of this.#byPractitioner.get(practitioner) ?? []) found.set(one.claimId, one);
    return [...found.values()];
  }
}

const KNOWN = new WeakMap<ReadModel, Activities>();

function activitiesOf(index: ReadModel): Activities {
  const known = KNOWN.get(index) ?? new Activities();
  KNOWN.set(index, known);
  return known;
}

/** A claim that is to be decided, and the payer's tables. */
export interface ToDecide extends Billed {
  id: string;
  provider: string;
  tables: string | undefined;
}

export interface ShownActivities {
  activities?: string[];
  /** Other providers' are among them. */
  beyond?: true;
}

/** What of other claims raises a signal together with this one. @throws {Failure} 503 while one is on its way */
export async function activitiesShown(index: ReadModel, collection: string, claim: ToDecide): Promise<ShownActivities> {
  const { id, provider, tables: text } = claim;
  const entries = entriesOfBill(claim);
  if (entries.length === 0) return {};
  const known = activitiesOf(index);
  await known.update(index, collection);
  const all = known.of(new Set(entries.map(({ practitioner }) => practitioner)));
  const tables = text === undefined ? undefined : (JSON.parse(text) as ClaimTables);
  const judged = judgedOver({ claimId: id, provider, entries }, all, tables);
  const day = claim.bill.items.map(({ first }) => first).sort()[0] ?? '';
  const raised = OVER_TIME.flatMap((signal) => {
    const { limit, weight } = settingOf(signal, tables, day);
    return weight === 0 ? [] : judged(signal, limit ?? 0);
  });
  const shown = [...new Set(raised.flatMap(({ claims }) => claims))]
    .filter((one) => one !== id)
    .slice(0, MAX_ACTIVITIES);
  if (shown.length === 0) return {};
  const isOthers = all.some((one) => shown.includes(one.claimId) && one.provider !== provider);
  const activities = await Promise.all(shown.map((one) => textAt(index, collection, privateKeys.activity(one))));
  return { activities, ...(isOthers ? { beyond: true } : {}) };
}
