/**
 * Medical records: one version is one private write in the provider's care collection, which the provider and
 * the custodian both hold. There is no public state for a record; the hash of the write is its anchor.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { unrecordable } from '../model/record-types.ts';
import { type Anchored, anchoredSchema, type Draft, type OutputOf } from '../model/transactions.ts';

export class Records extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('records');
    this.#consortium = consortium;
  }

  RecordVersions(ctx: Context, argument: string): Promise<string> {
    return run('RecordVersions', this.#consortium, ctx, argument, recordVersions);
  }

  GetAnchors(ctx: Context, argument: string): Promise<string> {
    return run('GetAnchors', this.#consortium, ctx, argument, getAnchors);
  }

  GetHeld(ctx: Context, argument: string): Promise<string> {
    return run('GetHeld', this.#consortium, ctx, argument, getHeld);
  }
}

async function recordVersions(call: Call<'RecordVersions'>): Promise<OutputOf<'RecordVersions'>> {
  const { records } = call.private;
  checkIds(records);
  checkRecords(records);
  await Promise.all(records.map((draft, index) => checkNext(call, draft, `records[${index}]`)));
  const collection = collections.care(call.caller.organisation.name);
  for (const draft of records)
    call.store.putPrivate(collection, privateKeys.record(draft.id, draft.version), {
      ...draft,
      author: call.caller.mspId,
      recordedAt: call.store.time,
    } satisfies Anchored);
  return { time: call.store.time };
}

/** Each resource stands under its own id, and each id once. */
function checkIds(records: readonly Draft[]): void {
  const seen = new Set<string>();
  for (const [index, { id, resource }] of records.entries()) {
    if (resource.id !== id)
      throw new LedgerError('INVALID', "the resource's id is not its key's", `private.records[${index}].resource.id`);
    if (seen.has(id)) throw new LedgerError('INVALID', 'the same id twice', `private.records[${index}].id`);
    seen.add(id);
  }
}

/** A record, and nothing that a transaction of its own makes. */
function checkRecords(records: readonly Draft[]): void {
  for (const [index, { resource }] of records.entries()) {
    const reason = unrecordable(resource);
    if (reason !== undefined)
      throw new LedgerError('INVALID', reason, `private.records[${index}].resource.resourceType`);
  }
}

/** The version is free, and the one before it, of the same type, is there. */
async function checkNext({ caller, store }: Call<'RecordVersions'>, draft: Draft, path: string): Promise<void> {
  const { id, version, resource } = draft;
  const collection = collections.care(caller.organisation.name);
  if ((await store.anchor(collection, privateKeys.record(id, version))) !== undefined)
    throw new LedgerError('CONFLICT', 'this version is already recorded', `private.${path}.version`);
  if (version === 1) return;
  const previous = await store.getPrivate(collection, privateKeys.record(id, version - 1), anchoredSchema);
  if (previous === undefined)
    throw new LedgerError('CONFLICT', 'the version before this one is not recorded', `private.${path}.version`);
  if (previous.resource.resourceType !== resource.resourceType)
    throw new LedgerError('INVALID', 'a record keeps its type', `private.${path}.resource.resourceType`);
}

async function getAnchors({ input, store }: Call<'GetAnchors'>): Promise<OutputOf<'GetAnchors'>> {
  const hashes = await Promise.all(input.entries.map(({ collection, key }) => store.anchor(collection, key)));
  return { hashes: hashes.map((hash) => hash ?? '') };
}

/** One value that the peer cannot give keeps nobody from the others. */
async function getHeld({ input, store }: Call<'GetHeld'>): Promise<OutputOf<'GetHeld'>> {
  const ask = ({ collection, key }: { collection: string; key: string }): Promise<string> =>
    store.held(collection, key).then(
      (hash) => hash ?? '',
      () => 'unavailable',
    );
  return { hashes: await Promise.all(input.entries.map(ask)) };
}
