/**
 * The records of a sheet and of a delivery, each by itself: what does not stand where its sheet, its id or its version's
 * key says is left out, and hides none of its neighbours.
 */
import { isEmergencyPurpose } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { isIncluded, leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import { unrecordable, unrecordableType } from '@telemed-ledger/chaincode/model/record-types.ts';
import {
  type Content,
  type Copies,
  isIdOfPlace,
  leavesOf,
  type RecordEvidence,
  recordIdAt,
  type Sheet,
} from '@telemed-ledger/chaincode/model/sheets.ts';
import {
  ACCESS_STEPS,
  accessStateSchema,
  audienceName,
  audienceSchema,
} from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, custodianOf, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { inStretches } from '../../http/pauses.ts';
import { type Anchorage, anchorageOf } from './anchorage.ts';
import { objectIn } from './json.ts';
import { type Leaf, leafColumn, sheetIn, treeOf } from './sheets.ts';
import { anchoredContent, readObject, type ValueContent } from './values.ts';

/** A part of a private value that has rows of its own: all of it, or one record of a sheet or a delivery. */
export interface Part extends ValueContent {
  value: string;
  /** Of what stands on a sheet: the root of it. */
  root?: string;
  /** Where it stands there, as its row keeps it. */
  leaf?: string;
  /** Its place among the rows of a content, whatever of the content is left. */
  at?: number;
  /** Of a delivered copy. */
  copy?: { source: string; access: string; expiresAt: string; audience: string | null };
  /** What the blocks must say for it to be believed. */
  anchorages?: Anchorage[];
}

export interface Parts {
  parts: Part[];
  /** How many are not as they should be. */
  refused: number;
  /** What the blocks must say for all of it to be believed. */
  anchorages: Anchorage[];
}

/** What a transaction says of itself, and what else it wrote. */
export interface Written {
  collection: string;
  /** MSP id. */
  creator: string;
  beside: Beside;
}

/** The exact text that the same transaction wrote under a key of the collection; undefined where it wrote none. @throws Undelivered */
export type Beside = (key: string) => string | undefined;

/** A value that another one cannot be read without has not been delivered. */
export class Undelivered extends Error {}

/** The records of a sheet that its creator wrote, read in stretches: there may be thousands. @throws Undelivered, and Error where this is not the content of its sheet */
export async function partsOfContent(
  key: string,
  value: string,
  { collection, creator, beside }: Written,
): Promise<Parts> {
  const sheet = sheetIn(key);
  const tree = sheet === undefined ? undefined : beside(privateKeys.sheet(sheet));
  if (sheet === undefined || tree === undefined) throw new Error('this is not the content of its sheet');
  const placeOf = (id: string, version: number): string | undefined => beside(privateKeys.version(id, version));
  const content = readObject(value) as unknown as Content;
  return partsOnSheet(content, { sheet, tree, collection, creator, placeOf: () => placeOf });
}

/** What an erasure left of them. @throws Error where this is not the content of its sheet */
export const partsOfRemainder = (
  content: Content,
  {
    placeAt,
    ...written
  }: Pick<OnSheet, 'sheet' | 'tree' | 'collection' | 'creator'> & { placeAt: (index: number) => string },
): Promise<Parts> => partsOnSheet(content, { ...written, placeOf: (index) => () => placeAt(index) });

interface OnSheet {
  sheet: string;
  /** The exact text under the sheet's own key. */
  tree: string;
  collection: string;
  /** MSP id. */
  creator: string;
  /** By the place of a leaf: the exact text under the key of its version; undefined where there is none. */
  placeOf: (index: number) => Standing['placeOf'];
}

async function partsOnSheet(content: Content, { sheet, tree, collection, creator, placeOf }: OnSheet): Promise<Parts> {
  const hashes = leavesOf(content);
  const { root, paths } = treeOf(hashes);
  const { root: anchored, size } = objectIn(tree) as Partial<Sheet>;
  if (root !== anchored || size !== hashes.length) throw new Error('this is not the content of its sheet');
  const parts: Part[] = [];
  await inStretches(content.leaves.entries(), ([index, text]) => {
    if (typeof text !== 'string') return;
    const leaf = { hash: hashes[index]!, index, size, path: paths[index]! };
    const part = recordPart({ text, root, leaf, sheet, placeOf: placeOf(index), authors: [creator], collection });
    if (part !== undefined) parts.push(part);
  });
  const erased = content.leaves.filter((leaf) => typeof leaf !== 'string').length;
  const anchorages = [anchorageOf([collection], privateKeys.sheet(sheet), tree)];
  return { parts, refused: content.leaves.length - erased - parts.length, anchorages };
}

interface Standing {
  text: string;
  root: string;
  leaf: Leaf;
  sheet: string;
  /** The exact text under the key of that version; undefined where there is none. */
  placeOf: (id: string, version: number) => string | undefined;
  /** MSP ids of those whose it can be: who wrote the sheet; of a copy its provider, or the custodian for the patient. */
  authors: readonly string[];
  /** Where sheet and place must be anchored. */
  collection: string;
}

/** A record on a sheet; undefined where nothing says that it stands there. @throws Undelivered */
function recordPart({ text, root, leaf, sheet, placeOf, authors, collection }: Standing): Part | undefined {
  const content = recordIn(text);
  if (content === undefined || !authors.includes(content.author)) return undefined;
  const { version } = content;
  const [{ resourceType: type, id } = { resourceType: '', id: '' }] = content.resources;
  const at = leaf.copy === undefined ? { at: leaf.index } : {};
  const part = { ...content, value: text, root, leaf: leafColumn(leaf), ...at };
  if (version === 1 && id === recordIdAt({ sheet, index: leaf.index }, type)) return part;
  // The first version of such a record stands where its id says, and nowhere else.
  const place = version === 1 && isIdOfPlace(id) ? undefined : placeOf(id, version);
  if (place === undefined || !says(place, { sheet, index: leaf.index, type })) return undefined;
  return { ...part, anchorages: [anchorageOf([collection], privateKeys.version(id, version), place)] };
}

/** Undefined for what no provider can record. */
function recordIn(text: string): ReturnType<typeof anchoredContent> | undefined {
  try {
    const content = anchoredContent(readObject(text));
    const reasonOf = content.deleted === true ? unrecordableType : unrecordable;
    return content.resources.every((resource) => reasonOf(resource) === undefined) ? content : undefined;
  } catch {
    return undefined;
  }
}

function says(place: string, wanted: { sheet: string; index: number; type: string }): boolean {
  const { sheet, index, type } = objectIn(place) ?? {};
  return sheet === wanted.sheet && index === wanted.index && type === wanted.type;
}

/**
 * The copies of a delivery that stand on the sheets they came with, and what its holder agreed to; that the holder anchored
 * those is left to the blocks. @throws Undelivered, and Error where this is no delivery
 */
export async function partsOfCopies(
  key: string,
  value: string,
  { collection, beside }: Pick<Written, 'collection' | 'beside'>,
  consortium: Consortium,
): Promise<Parts> {
  const copies = readObject(value) as unknown as Copies;
  const { holder, accessId, expiresAt, deliveredAt, salt, records } = copies;
  const provider = organisationByName(consortium, holder)?.mspId;
  const isDelivery = [holder, accessId, expiresAt, deliveredAt, salt].every((one) => typeof one === 'string');
  if (!isDelivery || !Array.isArray(records) || provider === undefined || key !== privateKeys.copies(accessId))
    throw new Error('this is no delivery');
  const anchorages = agreementTo(copies, collection, beside);
  const parts: Part[] = [];
  await inStretches(records, (record) => {
    const part = copyPart(record, copies, [provider, custodianOf(consortium).mspId]);
    if (part !== undefined) parts.push(part);
  });
  return { parts, refused: records.length - parts.length, anchorages };
}

/**
 * That the holder has agreed: the step that grants the access, which a delivery comes with, lies in the holder's collection too,
 * to which nobody writes without it. What is first delivered in an emergency waits for no holder.
 * @throws Undelivered, and Error where a delivery comes without that step
 */
function agreementTo({ accessId, holder }: Copies, inbox: string, beside: Beside): Anchorage[] {
  const key = privateKeys.access(accessId, ACCESS_STEPS.granted);
  const step = beside(key) ?? '';
  const { data: state } = accessStateSchema.safeParse(objectIn(step));
  const isStep = state?.status === 'granted' && state.id === accessId && state.holder === holder;
  if (!isStep || collections.inbox(state.requestor) !== inbox) throw new Error('this is no delivery');
  const isFirst = state.renews === undefined && state.continues === undefined;
  const isAlone = isEmergencyPurpose(state.purpose) && isFirst;
  return isAlone ? [] : [anchorageOf([collections.care(holder)], key, step)];
}

/** Undefined where it is not shaped like evidence, or proves nothing. */
function copyPart(...of: [record: RecordEvidence, copies: Copies, authors: readonly string[]]): Part | undefined {
  try {
    return provedCopy(...of);
  } catch {
    return undefined;
  }
}

/** Of a delivery that does not say it as it should, nobody. */
function audienceIn({ audience }: Copies): string | null {
  if (audience === undefined) return null;
  const { data } = audienceSchema.safeParse(audience);
  return data === undefined ? NOBODY : audienceName(data);
}

/** No reader's name. */
const NOBODY = '';

function provedCopy(record: RecordEvidence, copies: Copies, authors: readonly string[]): Part | undefined {
  const { text, sheet, index, path, tree, place, id, version } = record;
  const { root, size } = readObject(tree) as unknown as Sheet;
  const hash = leafHash(text);
  if (!Number.isSafeInteger(index) || !isIncluded(hash, index, path, { root, size })) return undefined;
  const { holder, accessId: access, expiresAt, deliveredAt, salt } = copies;
  const collection = collections.care(holder);
  const { audience, purpose } = copies;
  const whom = { ...(audience === undefined ? {} : { audience }), ...(purpose === undefined ? {} : { purpose }) };
  const copy = { sheet, tree, deliveredAt, salt, ...whom, ...(place === undefined ? {} : { place }) };
  const leaf = { hash, index, size, path, copy };
  const part = recordPart({ text, root, leaf, sheet, placeOf: () => place, authors, collection });
  if (part === undefined || part.resources[0]?.id !== id || part.version !== version) return undefined;
  const anchorages = [anchorageOf([collection], privateKeys.sheet(sheet), tree), ...(part.anchorages ?? [])];
  return { ...part, copy: { source: holder, access, expiresAt, audience: audienceIn(copies) }, anchorages };
}
