/** How the record versions of a transaction come to lie on sheets in a provider's care collection: what each must be, and the writes. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationByName, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { checkNotErased } from '../ledger/marks.ts';
import { parseText } from '../ledger/parse.ts';
import { canonicalJson } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { type Resource, resourceSchema, tombstoneOf } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { leafHash, rootOf } from '../model/merkle.ts';
import { isOfBoth } from '../model/patient-records.ts';
import { unrecordable, unrecordableType } from '../model/record-types.ts';
import {
  type Content,
  isIdOfPlace,
  leafText,
  MAX_CONTENT_LENGTH,
  type Origin,
  placeOf,
  placeSchema,
  type RecordDraft,
  recordIdAt,
  type Sheet,
  type SheetDraft,
  sheetSchema,
} from '../model/sheets.ts';
import { MAX_RECORDS } from '../model/transactions.ts';
import type { Recording } from './following.ts';

/** A record version that is to be written, with its place and what its resource says. */
export interface Entry {
  draft: RecordDraft;
  resource: Resource;
  origin: Origin;
  /** Where in the input it stands, for errors. */
  at: string;
}

/** A sheet that is to be written, with its records as they were read. */
export interface LaidSheet {
  sheet: SheetDraft;
  entries: Entry[];
}

/** The records of these sheets, each held to what may stand there. @throws LedgerError INVALID, CONFLICT, FORBIDDEN */
export async function laid(recording: Recording, drafts: readonly SheetDraft[]): Promise<LaidSheet[]> {
  const sheets = drafts.map((sheet, index) => ({ sheet, entries: entriesOf(sheet, `private.sheets[${index}]`) }));
  const all = recordsOn(sheets);
  checkIds(all);
  checkSheetIds(drafts);
  await Promise.all(drafts.map((sheet, index) => checkUnused(recording, sheet, index)));
  await Promise.all(all.map((entry) => checkNext(recording, entry)));
  return sheets;
}

export const recordsOn = (sheets: readonly LaidSheet[]): Entry[] => sheets.flatMap(({ entries }) => entries);

export function putLaid(recording: Recording, sheets: readonly LaidSheet[]): void {
  for (const one of sheets) putSheet(recording, one);
}

/** The records of a sheet, read and held to what a record may be. @throws LedgerError INVALID */
function entriesOf(sheet: SheetDraft, root: string): Entry[] {
  const length = sheet.records.reduce((sum, { resource }) => sum + resource.length, 0);
  if (sheet.records.length > 1 && length > MAX_CONTENT_LENGTH)
    throw new LedgerError('INVALID', 'is too long for one sheet', root);
  return sheet.records.map((draft, index) => {
    const at = `${root}.records[${index}]`;
    return { draft, resource: readRecord(draft, at), origin: { sheet: sheet.id, index }, at };
  });
}

const COUNTED_TYPES = ['MedicationRequest', 'MedicationDispense'];

/** Canonical JSON of a record, and of nothing that a transaction of its own makes. */
function readRecord({ id, resource: text, deleted, version, handle }: RecordDraft, at: string): Resource {
  const resource = parseText(resourceSchema, text, `${at}.resource`);
  if (canonicalJson(resource) !== text) throw new LedgerError('INVALID', 'is not canonical JSON', `${at}.resource`);
  if (resource.id !== id) throw new LedgerError('INVALID', "the resource's id is not its key's", `${at}.resource.id`);
  const reason = deleted === undefined ? unrecordable(resource) : undeletable(resource, version);
  if (reason !== undefined) throw new LedgerError('INVALID', reason, `${at}.resource.resourceType`);
  if (handle !== undefined && !COUNTED_TYPES.includes(resource.resourceType))
    throw new LedgerError('INVALID', 'is of prescriptions and their dispenses', `${at}.handle`);
  return resource;
}

/** Why a version cannot say that its record is deleted; undefined where it can. */
function undeletable(resource: Resource, version: number): string | undefined {
  if (version === 1) return 'what is not there is not deleted';
  const isBare = canonicalJson(resource) === canonicalJson(tombstoneOf(resource));
  return isBare ? unrecordableType(resource) : 'a deletion holds nothing of its record but whose it was';
}

function checkIds(entries: readonly Entry[]): void {
  if (entries.length > MAX_RECORDS) throw new LedgerError('INVALID', 'too many records', 'private.sheets');
  const seen = new Set<string>();
  for (const { draft, at } of entries) {
    if (seen.has(draft.id)) throw new LedgerError('INVALID', 'the same id twice', `${at}.id`);
    seen.add(draft.id);
  }
}

function checkSheetIds(sheets: readonly SheetDraft[]): void {
  const ids = sheets.map(({ id }) => id);
  const repeated = ids.findIndex((id, index) => ids.indexOf(id) < index);
  if (repeated >= 0) throw new LedgerError('INVALID', 'the same id twice', `private.sheets[${repeated}].id`);
}

/** A sheet is written once. */
async function checkUnused({ store, provider }: Recording, { id }: SheetDraft, index: number): Promise<void> {
  if ((await store.anchor(collections.care(provider), privateKeys.sheet(id))) !== undefined)
    throw new LedgerError('CONFLICT', 'this sheet is already written', `private.sheets[${index}].id`);
}

/** Whether a version stands where its record's id says; any other has a key of its own. */
export const isPlacedById = ({ draft, origin, resource }: Entry): boolean =>
  draft.version === 1 && draft.id === recordIdAt(origin, resource.resourceType);

/** The version is free, the one before it, of the same type, is there, and the record is not erased. */
async function checkNext(recording: Recording, entry: Entry): Promise<void> {
  if (isPlacedById(entry)) return;
  const { provider, store } = recording;
  const collection = collections.care(provider);
  const { draft, resource, at } = entry;
  const { id, version } = draft;
  await checkNotErased(store, provider, id, `${at}.id`);
  if (version === 1 && isIdOfPlace(id))
    throw new LedgerError('INVALID', 'an id of this form says where a record begins, and it is elsewhere', `${at}.id`);
  if ((await store.anchor(collection, privateKeys.version(id, version))) !== undefined)
    throw new LedgerError('CONFLICT', 'this version is already recorded', `${at}.version`);
  if (version === 1) return checkNobodyElses(recording, id, `${at}.id`);
  const before = await versionBefore(recording, draft, resource.resourceType);
  if (before === undefined)
    throw new LedgerError('CONFLICT', 'the version before this one is not recorded', `${at}.version`);
  if (before.type !== resource.resourceType)
    throw new LedgerError('INVALID', 'a record keeps its type', `${at}.resource.resourceType`);
  if (before.author !== recording.caller.mspId && !isOfBoth(before.type))
    throw new LedgerError('FORBIDDEN', 'another organisation recorded this, which alone changes it', `${at}.id`);
}

/**
 * An id that its author chose begins at one provider alone: what another records under it lies in that one's collection, whose
 * hashes every peer has. Both may be on their way at once: what was read as absent then is written, and the later one ends.
 * @throws LedgerError CONFLICT
 */
async function checkNobodyElses({ provider, consortium, store }: Recording, id: string, at: string): Promise<void> {
  const others = organisationsOfKind(consortium, 'provider').filter(({ name }) => name !== provider);
  for (const { name } of others) {
    await checkNotErased(store, name, id, at);
    if ((await store.anchor(collections.care(name), privateKeys.version(id, 1))) !== undefined)
      throw new LedgerError('CONFLICT', 'another organisation has a record of this id', at);
  }
}

/** The type of the version before and the MSP id of who recorded it; `type` where the id says so of a record created at `origin`. */
async function versionBefore(
  recording: Recording,
  { id, version, origin }: RecordDraft,
  type: string,
): Promise<{ type: string; author: string } | undefined> {
  const { store, provider } = recording;
  const key = privateKeys.version(id, version - 1);
  const place = await store.getPrivate(collections.care(provider), key, placeSchema);
  if (place !== undefined) return { type: place.type, author: (await sheetAt(recording, place.sheet)).author };
  if (version !== 2 || origin === undefined) return undefined;
  const { author, size } = await sheetAt(recording, origin.sheet);
  return origin.index < size && id === recordIdAt(origin, type) ? { type, author } : undefined;
}

/** How many records a sheet has, 0 where there is none, and who wrote it. */
async function sheetAt(
  { consortium, provider, store }: Recording,
  id: string,
): Promise<{ size: number; author: string }> {
  const sheet = await store.getPrivate(collections.care(provider), privateKeys.sheet(id), sheetSchema);
  const author = sheet?.author ?? organisationByName(consortium, provider)?.mspId ?? '';
  return { size: sheet?.size ?? 0, author };
}

function putSheet({ caller, provider, store }: Recording, { sheet, entries }: LaidSheet): void {
  const collection = collections.care(provider);
  const texts = entries.map(({ draft: { id, version, salt, resource, deleted, handle } }) => {
    const said = { ...(deleted === undefined ? {} : { deleted }), ...(handle === undefined ? {} : { handle }) };
    return leafText({ author: caller.mspId, id, version, recordedAt: store.time, salt, ...said }, resource);
  });
  const root = rootOf(texts.map(leafHash));
  const by = caller.organisation.name === provider ? {} : { author: caller.mspId };
  const tree: Sheet = { schema: 1, root, size: texts.length, salt: sheet.salt, ...by };
  store.putPrivate(collection, privateKeys.sheet(sheet.id), tree);
  store.putPrivate(collection, privateKeys.content(sheet.id, 0), { schema: 1, leaves: texts } satisfies Content);
  for (const entry of entries.filter((one) => !isPlacedById(one))) {
    const { draft, resource, origin } = entry;
    const place = placeOf(origin, resource.resourceType, draft.salt);
    store.putPrivate(collection, privateKeys.version(draft.id, draft.version), place);
  }
}
