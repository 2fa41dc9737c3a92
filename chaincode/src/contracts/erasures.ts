/**
 * Erasure. A mark, which nobody can block, ends a record at once: no transaction takes it as evidence, delivers it or adds
 * a version. Holder and custodian then take its texts from the contents of the sheets it stands on; the leaf hashes stay, so
 * what remains is held to the same roots.
 */
import { collections, collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { isMarkedErased, putMark } from '../ledger/marks.ts';
import { parseText } from '../ledger/parse.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { beginningOf, type ErasedMark, type Erasure, erasureHandle, type Marked } from '../model/erasures.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { patientIdOf } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { leafHash, rootOf } from '../model/merkle.ts';
import { type Content, contentSchema, leavesOf, type Sheet, sheetSchema } from '../model/sheets.ts';
import type { OutputOf, PrivateOf } from '../model/transactions.ts';
import { type Anchored, anchoredSchema } from '../model/values.ts';

export class Erasures extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('erasures');
    this.#consortium = consortium;
  }

  EraseRecord(ctx: Context, argument: string): Promise<string> {
    return run('EraseRecord', this.#consortium, ctx, argument, eraseRecord);
  }

  PurgeContent(ctx: Context, argument: string): Promise<string> {
    return run('PurgeContent', this.#consortium, ctx, argument, purgeContent);
  }

  PurgeRefused(ctx: Context, argument: string): Promise<string> {
    return run('PurgeRefused', this.#consortium, ctx, argument, purgeRefused);
  }
}

async function eraseRecord(call: Call<'EraseRecord'>): Promise<OutputOf<'EraseRecord'>> {
  const { input, consortium, store, private: marked } = call;
  if (organisationByName(consortium, input.provider)?.kind !== 'provider')
    throw new LedgerError('INVALID', 'is no provider of the consortium', 'provider');
  checkOwn(call, marked);
  const { handle, begins, salt } = marked;
  const mark: ErasedMark = { schema: 1, at: store.time, begins, salt };
  await putMark(store, consortium, privateKeys.erased(handle), mark, 'private.handle');
  store.emit(events.RecordErased, {});
  return { time: store.time };
}

/** A provider has a record of its own erased, and shows the custodian which. The custodian acts for every patient. */
function checkOwn({ input, caller }: Call<'EraseRecord'>, { handle, begins, record }: Marked): void {
  const isProvider = caller.organisation.kind === 'provider';
  if (isProvider && caller.organisation.name !== input.provider)
    throw new LedgerError('FORBIDDEN', 'a provider has its own records erased only', 'provider');
  if (record === undefined && isProvider)
    throw new LedgerError('INVALID', 'does not show which record', 'private.record');
  if (record === undefined) return;
  if (handle !== erasureHandle(input.provider, record) || begins !== beginningOf(record))
    throw new LedgerError('INVALID', 'is the handle of another record', 'private.handle');
}

async function purgeContent(call: Call<'PurgeContent'>): Promise<OutputOf<'PurgeContent'>> {
  const { input, store, private: hidden } = call;
  const { sheet, generation } = hidden;
  if (hidden.erased.length === 0 && generation === 0)
    throw new LedgerError('INVALID', 'names no place', 'private.erased');
  const collection = collections.care(input.provider);
  const { content, tree } = await currentContent(call, collection);
  const erased = await Promise.all(hidden.erased.map((one, at) => erasedAt(call, content, one, `erased[${at}]`)));
  if (new Set(erased.map(({ handle }) => handle)).size < erased.length)
    throw new LedgerError('INVALID', 'the same record twice', 'private.erased');
  for (const one of erased) await putErasure(call, collection, one);
  const gone = new Map(erased.map(({ index, text }) => [index, { hash: leafHash(text) }]));
  const leaves = content.leaves.map((leaf, index) => gone.get(index) ?? leaf);
  const next: Content = { schema: 1, leaves, tree };
  await store.putOnce(collection, privateKeys.content(sheet, generation + 1), next, {
    expression: 'private.generation',
  });
  store.purge(collection, privateKeys.content(sheet, generation));
  store.emit(events.ContentPurged, {});
  return { time: store.time };
}

/**
 * Reads of every key that nothing stands under it, which Fabric holds the transaction to when it is ordered: so it takes away
 * nothing that was ever taken, whoever sends it, and what is written under the key afterwards stays.
 */
async function purgeRefused(call: Call<'PurgeRefused'>): Promise<OutputOf<'PurgeRefused'>> {
  const { input, consortium, caller, store, private: named } = call;
  const { collection } = input;
  if (!collectionsOfMember(consortium, caller.organisation).has(collection))
    throw new LedgerError('FORBIDDEN', 'is a collection of others', 'collection');
  if (new Set(named.keys).size < named.keys.length)
    throw new LedgerError('INVALID', 'the same key twice', 'private.keys');
  const standing = await Promise.all(named.keys.map((key) => store.anchor(collection, key)));
  const at = standing.findIndex((hash) => hash !== undefined);
  if (at >= 0) throw new LedgerError('CONFLICT', 'something stands under this key', `private.keys[${at}]`);
  for (const key of named.keys) store.purge(collection, key);
  store.emit(events.RefusedPurged, {});
  return { time: store.time };
}

/** The content of a sheet that is to be replaced, the newest one, and the exact text under the sheet's own key. */
async function currentContent(
  { store, private: { sheet, generation } }: Call<'PurgeContent'>,
  collection: string,
): Promise<{ content: Content; tree: string }> {
  const content = await store.getPrivate(collection, privateKeys.content(sheet, generation), contentSchema);
  if (content === undefined) throw new LedgerError('CONFLICT', 'is not the newest content', 'private.generation');
  const tree = await store.getPrivateText(collection, privateKeys.sheet(sheet));
  const { root, size }: Partial<Sheet> = tree === undefined ? {} : parseText(sheetSchema, tree, 'private.sheet');
  if (tree === undefined || size !== content.leaves.length || root !== rootOf(leavesOf(content)))
    throw new LedgerError('CONFLICT', 'is not the content of its sheet', 'private.sheet');
  return { content, tree };
}

type Named = PrivateOf<'PurgeContent'>['erased'][number];

interface ErasedText extends Named {
  text: string;
  handle: string;
  anchored: Anchored;
}

/** The text at a place, whose record is marked. @throws LedgerError INVALID, CONFLICT */
async function erasedAt(
  { input, store }: Call<'PurgeContent'>,
  { leaves }: Content,
  named: Named,
  at: string,
): Promise<ErasedText> {
  const text = leaves[named.index];
  if (text === undefined) throw new LedgerError('INVALID', 'the sheet has no such place', `private.${at}`);
  if (typeof text !== 'string') throw new LedgerError('CONFLICT', 'is erased already', `private.${at}`);
  const anchored = parseText(anchoredSchema, text, `private.${at}`);
  const handle = erasureHandle(input.provider, anchored.id);
  if (!(await isMarkedErased(store, handle)))
    throw new LedgerError('CONFLICT', 'the record is not marked as erased', `private.${at}`);
  return { ...named, text, handle, anchored };
}

/**
 * Notes that a version is gone. Where a key of its own says where it stood, that goes too: it names the record, and holds
 * the salt of its text.
 */
async function putErasure(
  { store, private: { sheet, salt } }: Call<'PurgeContent'>,
  collection: string,
  { index, askedBy, text, handle, anchored: { id, version, resource } }: ErasedText,
): Promise<void> {
  const patient = patientIdOf(resource);
  const note: Erasure = {
    ...{ schema: 1, record: id, type: resource.resourceType, version, sheet, index, leaf: leafHash(text) },
    ...(patient === undefined ? {} : { patient }),
    ...(askedBy === undefined ? {} : { askedBy }),
    ...{ purgedAt: store.time, salt: sha256Hex(`erasure/${index}/${salt}`) },
  };
  await store.putOnce(collection, privateKeys.erasure(handle, sheet), note, { expression: 'private.sheet' });
  const key = privateKeys.version(id, version);
  if ((await store.anchor(collection, key)) !== undefined) store.purge(collection, key);
}
