/**
 * Has purged what transactions that were ordered and refused left in the private stores of peers: by its key where nothing stands there,
 * and with what stands there where that may say something else.
 */
import { MAX_REFUSED } from '@telemed-ledger/chaincode/model/erasure-transactions.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { KINDS, type Kind } from '@telemed-ledger/consortium/members.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownState, paged } from '../../duties/found.ts';
import type { RefusedKey } from '../../index/read/refused.ts';
import { contentIn } from '../../index/write/sheets.ts';
import { newSalt } from '../../ledger/sender.ts';
import { withdrawn } from '../access/renewing.ts';
import type { Services } from '../services.ts';

const CARE = collections.care('');

interface Group {
  collection: string;
  keys: string[];
}

const providerOf = (collection: string): string => (collection.startsWith(CARE) ? collection.slice(CARE.length) : '');

const purgeKeys = (kind: Kind): Duty<Group> => ({
  name: 'purge what was refused',
  kind,
  // What was refused has no event.
  on: 'every block',
  idOf: ({ collection }) => collection,
  waitsFor: ({ collection }) => providerOf(collection),
  async *find({ index }) {
    const groups = new Map<string, string[]>();
    for await (const { collection, key, isStanding } of paged((page) => index.erasures.refused.page(page))) {
      const keys = groups.get(collection) ?? [];
      if (isStanding || keys.length === MAX_REFUSED) continue;
      keys.push(key);
      groups.set(collection, keys);
    }
    for (const [collection, keys] of groups) yield { collection, keys };
  },
  async perform({ collection, keys }, { ledger }) {
    await ledger.submit('PurgeRefused', { collection }, { keys }, AS_SYSTEM);
  },
});

export const purgeRefused: readonly Duty<Group>[] = KINDS.map(purgeKeys);

/** Under which another try was taken that may hold less: the content is written again, a delivery is made anew. */
export const purgeRefusedTries: Duty<RefusedKey> = {
  name: 'purge refused tries',
  kind: 'custodian',
  on: 'every block',
  idOf: ({ key }) => key,
  waitsFor: ({ collection }) => providerOf(collection),
  async *find(services) {
    for await (const one of paged((page) => services.index.erasures.refused.page(page)))
      if (one.isStanding && (contentIn(one.key) !== undefined || (await mayHoldErased(one, services)))) yield one;
  },
  async perform({ collection, key }, services) {
    const content = contentIn(key);
    if (content === undefined) return deliverAnew(key, services);
    const provider = providerOf(collection);
    await services.ledger.submit('PurgeContent', { provider }, { ...content, erased: [], salt: newSalt() }, AS_SYSTEM);
  },
};

const accessIn = (key: string): string => key.slice(privateKeys.copies('').length);

/** A delivery ends by itself, and what was refused with it: it is made anew only where something of its patient's is erased. */
async function mayHoldErased({ key }: RefusedKey, services: Services): Promise<boolean> {
  const state = await ownState(services, 'access', accessStateSchema, accessIn(key));
  if (state?.status !== 'granted') return false;
  return state.patient === undefined || (await services.index.erasures.count([state.patient])) > 0;
}

async function deliverAnew(key: string, services: Services): Promise<void> {
  const state = await ownState(services, 'access', accessStateSchema, accessIn(key));
  if (state?.status === 'granted') await withdrawn(state, { withdraw: 'record-changed', goesOn: true }, services);
}
