/**
 * Medical records: the versions of one transaction stand on sheets in the provider's care collection, which the provider
 * and the custodian both hold. There is no public state for a record; its path to the sheet is its anchor.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkNotErased } from '../ledger/marks.ts';
import { parseText } from '../ledger/parse.ts';
import { licenceShown, loadRules } from '../ledger/register.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { type Resource, resourceSchema, tombstoneOf } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { leafHash, rootOf } from '../model/merkle.ts';
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
import { MAX_RECORDS, type OutputOf } from '../model/transactions.ts';
import { licenceRefusal } from '../rules/licences.ts';
import { book } from './bookings.ts';
import { countDispenses } from './dispensing.ts';

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

/** A record version that is to be written, with its place and what its resource says. */
interface Entry {
  draft: RecordDraft;
  resource: Resource;
  origin: Origin;
  /** Where in the input it stands, for errors. */
  at: string;
}

async function recordVersions(call: Call<'RecordVersions'>): Promise<OutputOf<'RecordVersions'>> {
  const { store, private: hidden } = call;
  await checkRecorder(call);
  const collection = collections.care(call.caller.organisation.name);
  const sheets = hidden.sheets.map((sheet, index) => ({
    sheet,
    entries: entriesOf(sheet, `private.sheets[${index}]`),
  }));
  checkIds(sheets.flatMap(({ entries }) => entries));
  checkSheetIds(hidden.sheets);
  await Promise.all(sheets.map(({ sheet }, index) => checkUnused(call, collection, sheet, index)));
  await Promise.all(sheets.flatMap(({ entries }) => entries.map((entry) => checkNext(call, collection, entry))));
  const all = sheets.flatMap(({ entries }) => entries);
  await countDispenses(call, all);
  await book(call, all);
  for (const { sheet, entries } of sheets) putSheet(call, collection, sheet, entries);
  return { time: store.time };
}

/** @throws LedgerError FORBIDDEN where a practitioner lacks the licence that the rules ask for */
async function checkRecorder({ caller, store, private: { licence } }: Call<'RecordVersions'>): Promise<void> {
  const { role, fhirUser: practitioner, organisation } = caller;
  if (role !== 'practitioner') return;
  const { recordingLicence } = await loadRules(store);
  if (licence === undefined && recordingLicence === 'named') return;
  const held = licence && (await licenceShown(store, licence));
  const person = { organisation: organisation.name, practitioner: practitioner ?? '' };
  const refusal = licenceRefusal(held, person, store.time);
  if (refusal !== undefined) throw new LedgerError('FORBIDDEN', refusal, 'private.licence');
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
async function checkUnused(
  { store }: Call<'RecordVersions'>,
  collection: string,
  { id }: SheetDraft,
  index: number,
): Promise<void> {
  if ((await store.anchor(collection, privateKeys.sheet(id))) !== undefined)
    throw new LedgerError('CONFLICT', 'this sheet is already written', `private.sheets[${index}].id`);
}

/** Whether a version stands where its record's id says; any other has a key of its own. */
const isPlacedById = ({ draft, origin, resource }: Entry): boolean =>
  draft.version === 1 && draft.id === recordIdAt(origin, resource.resourceType);

/** The version is free, the one before it, of the same type, is there, and the record is not erased. */
async function checkNext(call: Call<'RecordVersions'>, collection: string, entry: Entry): Promise<void> {
  if (isPlacedById(entry)) return;
  const { caller, store } = call;
  const { draft, resource, at } = entry;
  const { id, version } = draft;
  await checkNotErased(store, caller.organisation.name, id, `${at}.id`);
  if (version === 1 && isIdOfPlace(id))
    throw new LedgerError('INVALID', 'an id of this form says where a record begins, and it is elsewhere', `${at}.id`);
  if ((await store.anchor(collection, privateKeys.version(id, version))) !== undefined)
    throw new LedgerError('CONFLICT', 'this version is already recorded', `${at}.version`);
  if (version === 1) return checkNobodyElses(call, id, `${at}.id`);
  const type = await typeOfVersion(store, collection, draft, resource.resourceType);
  if (type === undefined)
    throw new LedgerError('CONFLICT', 'the version before this one is not recorded', `${at}.version`);
  if (type !== resource.resourceType)
    throw new LedgerError('INVALID', 'a record keeps its type', `${at}.resource.resourceType`);
}

/**
 * An id that its author chose begins at one provider alone: what another records under it lies in that one's collection, whose
 * hashes every peer has. Both may be on their way at once: what was read as absent then is written, and the later one ends.
 * @throws LedgerError CONFLICT
 */
async function checkNobodyElses(
  { caller, consortium, store }: Call<'RecordVersions'>,
  id: string,
  at: string,
): Promise<void> {
  const others = organisationsOfKind(consortium, 'provider').filter(({ mspId }) => mspId !== caller.mspId);
  for (const { name } of others) {
    await checkNotErased(store, name, id, at);
    if ((await store.anchor(collections.care(name), privateKeys.version(id, 1))) !== undefined)
      throw new LedgerError('CONFLICT', 'another organisation has a record of this id', at);
  }
}

/** The type of the version before: as its key says, or `type` where the id says so of a record created at `origin`. */
async function typeOfVersion(
  store: Call<'RecordVersions'>['store'],
  collection: string,
  { id, version, origin }: RecordDraft,
  type: string,
): Promise<string | undefined> {
  const place = await store.getPrivate(collection, privateKeys.version(id, version - 1), placeSchema);
  if (place !== undefined) return place.type;
  if (version !== 2 || origin === undefined) return undefined;
  const sheet = await store.getPrivate(collection, privateKeys.sheet(origin.sheet), sheetSchema);
  if (sheet === undefined || origin.index >= sheet.size) return undefined;
  return id === recordIdAt(origin, type) ? type : undefined;
}

function putSheet(
  { caller, store }: Call<'RecordVersions'>,
  collection: string,
  sheet: SheetDraft,
  entries: readonly Entry[],
): void {
  const texts = entries.map(({ draft: { id, version, salt, resource, deleted, handle } }) => {
    const said = { ...(deleted === undefined ? {} : { deleted }), ...(handle === undefined ? {} : { handle }) };
    return leafText({ author: caller.mspId, id, version, recordedAt: store.time, salt, ...said }, resource);
  });
  const root = rootOf(texts.map(leafHash));
  const tree: Sheet = { schema: 1, root, size: texts.length, salt: sheet.salt };
  store.putPrivate(collection, privateKeys.sheet(sheet.id), tree);
  store.putPrivate(collection, privateKeys.content(sheet.id, 0), { schema: 1, leaves: texts } satisfies Content);
  for (const entry of entries.filter((one) => !isPlacedById(one))) {
    const { draft, resource, origin } = entry;
    const place = placeOf(origin, resource.resourceType, draft.salt);
    store.putPrivate(collection, privateKeys.version(draft.id, draft.version), place);
  }
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
