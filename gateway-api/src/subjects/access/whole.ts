/**
 * A delivery in all its parts: which accesses belong to it, in the order in which they came onto the ledger, and whether all
 * of what may be shown is there.
 */
import { continuationOf } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { renewalOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import { ACCESS_STEPS, type AccessState, accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { RESOURCES_PER_VALUE } from '../../index/schema.ts';

export interface Whole {
  /** Complete: all that may be shown of what was asked for. Incomplete: nothing more comes, and something is not there. */
  status: 'complete' | 'under-way' | 'incomplete';
  /** That stand now, and the records in them. */
  parts: number;
  records: number;
}

/** Ids of an access and of all that go on from it, in the order of the ledger. */
export async function familyOf(id: string, index: ReadModel): Promise<string[]> {
  const found = new Map<string, number>([[id, 0]]);
  for (let open = [id]; open.length > 0 && found.size < RESOURCES_PER_VALUE; ) {
    const later = await index.accesses.placesOf(open.flatMap((one) => [renewalOf(one), continuationOf(one)]));
    open = later.filter((one) => !found.has(one.id)).map((one) => one.id);
    for (const one of later) found.set(one.id, one.sequence);
  }
  return [...found].sort(([, one], [, other]) => one - other).map(([access]) => access);
}

/** Undefined of what is not delivered, is a part itself, or is of earlier chaincode, which does not say how much it was. */
export async function wholeOf(state: AccessState, index: ReadModel): Promise<Whole | undefined> {
  if (state.root !== undefined || state.delivered === undefined) return undefined;
  const counted = { parts: 0, records: 0, isUnderWay: false, isLacking: false };
  let open: (AccessState | undefined)[] = [state];
  for (let seen = 0; open.length > 0 && seen < RESOURCES_PER_VALUE; seen += 1) {
    const [one, ...rest] = open;
    open = [...rest, ...(await count(one, counted, index))];
  }
  const { parts, records, isUnderWay, isLacking } = counted;
  return { status: isUnderWay ? 'under-way' : isLacking ? 'incomplete' : 'complete', parts, records };
}

interface Counted {
  parts: number;
  records: number;
  isUnderWay: boolean;
  isLacking: boolean;
}

/** Counts one access, and answers those that are to be counted with it; undefined for one that is still to come. */
async function count(
  state: AccessState | undefined,
  counted: Counted,
  index: ReadModel,
): Promise<(AccessState | undefined)[]> {
  if (state === undefined) {
    counted.isUnderWay = true;
    return [];
  }
  const { id, status, goesOn, through, unreadable, delivered = 0 } = state;
  if (status === 'granted') {
    counted.parts += 1;
    counted.records += delivered;
    if ((await index.undelivered.ofAccess(id, ACCESS_STEPS.granted)) > 0) counted.isUnderWay = true;
  }
  if (unreadable === true || status === 'refused' || (status === 'purged' && goesOn !== true)) counted.isLacking = true;
  const later = [
    ...(status === 'purged' && goesOn === true ? [renewalOf(id)] : []),
    ...(through === undefined ? [] : [continuationOf(id)]),
  ];
  return Promise.all(later.map((one) => stateAt(one, index)));
}

async function stateAt(id: string, index: ReadModel): Promise<AccessState | undefined> {
  const row = await index.state('access', id);
  return row && accessStateSchema.parse(JSON.parse(row.value));
}
