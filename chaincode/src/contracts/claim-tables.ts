/** The tables that a payer holds claims against: loaded by the payer, shown with every claim, held by every provider. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { type ClaimTables, claimTablesSchema, type LoadedTables, MAX_MAPS } from '../model/claim-tables.ts';
import { isOfReasons, readConceptMap } from '../model/concept-map.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import { type Anchored, anchoredSchema } from '../model/values.ts';
import { putCopies } from './claim-states.ts';

export class PayerTables extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('claim-tables');
    this.#consortium = consortium;
  }

  LoadClaimTables(ctx: Context, argument: string): Promise<string> {
    return run('LoadClaimTables', this.#consortium, ctx, argument, loadClaimTables);
  }
}

/** As the texts that lie on the ledger: the newest generation, and the maps that it names in their order. */
export interface ShownTables {
  generation: number;
  text: string;
  maps: string[];
}

type Loading = Call<'LoadClaimTables'>;

async function loadClaimTables(call: Loading): Promise<OutputOf<'LoadClaimTables'>> {
  const { caller, store } = call;
  const { salt, known, current, map, tables } = call.private;
  const payer = caller.organisation.name;
  const { schema: _, salt: __, loadedAt: ___, maps, ...before } = await checkNewest(store, payer, { known, current });
  const next: ClaimTables = {
    ...(tables ?? before),
    ...{ schema: 1, salt, loadedAt: store.time, maps: await mapsWith(call, maps) },
  };
  if (map !== undefined) {
    const value: Anchored = { schema: 1, author: caller.mspId, recordedAt: store.time, ...map };
    await putForAll(call, privateKeys.conceptMap(map.id, map.version), value);
  }
  await putForAll(call, privateKeys.claimTables(payer, known + 1), next);
  return { time: store.time };
}

const NOTHING: Pick<ClaimTables, 'maps'> & Partial<ClaimTables> = { maps: [] };

/** The tables as they stand. @throws LedgerError CONFLICT where there are newer ones, or none of that generation */
async function checkNewest(
  store: Store,
  payer: string,
  { known, current }: { known: number; current: string | undefined },
): Promise<typeof NOTHING> {
  const collection = collections.billing(payer);
  if ((await store.anchor(collection, privateKeys.claimTables(payer, known + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'there are newer tables', 'known');
  if (known === 0) return NOTHING;
  if (current === undefined) throw new LedgerError('INVALID', 'are not shown', 'current');
  const key = privateKeys.claimTables(payer, known);
  return checkPresented(store, collection, key, current, claimTablesSchema, 'current');
}

/** The maps that count once this one does, or does no more. @throws LedgerError INVALID, CONFLICT */
async function mapsWith({ caller, store, private: { map } }: Loading, maps: ClaimTables['maps']) {
  if (map === undefined) return maps;
  const { id, version, resource } = map;
  if (resource.resourceType !== 'ConceptMap') throw new LedgerError('INVALID', 'must be a ConceptMap', 'map.resource');
  if (resource.id !== id) throw new LedgerError('INVALID', 'the id is another one', 'map.resource.id');
  readConceptMap(resource);
  const own = collections.billing(caller.organisation.name);
  const isThere = async (one: number) => (await store.anchor(own, privateKeys.conceptMap(id, one))) !== undefined;
  if ((await isThere(version)) || (version > 1 && !(await isThere(version - 1))))
    throw new LedgerError('CONFLICT', 'not the next version of this map', 'map.version');
  const others = maps.filter((one) => one.id !== id);
  const all = resource['status'] === 'active' ? [...others, { id, version }] : others;
  if (all.length > MAX_MAPS) throw new LedgerError('INVALID', `no more than ${MAX_MAPS} maps count at a time`, 'map');
  return all;
}

/** Every provider is to know by what its claims are judged. */
async function putForAll({ caller, consortium, store }: Loading, key: string, value: unknown): Promise<void> {
  const providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  await store.putOnce(collections.billing(caller.organisation.name), key, value, { expression: 'known' });
  await putCopies(store, providers, key, value);
}

/**
 * The tables that are in force, as they were shown; that there are any, or newer ones, cannot be hidden. Works on every peer.
 * @throws LedgerError NOT_FOUND, INVALID, CONFLICT
 */
export async function checkTables(
  store: Store,
  payer: string,
  shown: ShownTables | undefined,
): Promise<LoadedTables | undefined> {
  const { generation = 0, text, maps = [] } = shown ?? {};
  const collection = collections.billing(payer);
  if ((await store.anchor(collection, privateKeys.claimTables(payer, generation + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the payer has loaded other tables', 'tables');
  if (text === undefined) return undefined;
  const key = privateKeys.claimTables(payer, generation);
  const tables = await checkPresented(store, collection, key, text, claimTablesSchema, 'tables');
  if (maps.length !== tables.maps.length)
    throw new LedgerError('INVALID', 'are not the maps that count', 'tables.maps');
  const rows = await Promise.all(
    tables.maps.map(async ({ id, version }, index) => {
      const [at, named] = [`tables.maps[${index}]`, privateKeys.conceptMap(id, version)];
      const { resource } = await checkPresented(store, collection, named, maps[index]!, anchoredSchema, at);
      return readConceptMap(resource);
    }),
  );
  // A map of reasons is no crosswalk: with one, what fits no record is not paid.
  const ofRecords = rows.filter((all) => all.length === 0 || !all.every(isOfReasons));
  const crosswalk = ofRecords.flat().filter((row) => !isOfReasons(row));
  return { ...tables, generation, crosswalk: ofRecords.length === 0 ? undefined : crosswalk };
}
