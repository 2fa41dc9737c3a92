/**
 * What a private value of the ledger says: which FHIR resources it holds, whose and which version. Both the
 * projector and the reads go through here, so that a value means the same on its way in and out.
 */

import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { isIncluded, leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import { type Content, type Copies, leavesOf, recordIdAt, type Sheet } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { VersionsTable } from '../schema.ts';
import { type Anchorage, anchorageOf } from './anchorage.ts';
import { type Leaf, leafColumn, leafOf, treeOf } from './sheets.ts';

export interface ValueContent {
  /** MSP id; undefined where the value does not say: then it is the transaction's creator. */
  author?: string;
  version: number;
  /** ISO 8601 UTC; undefined where the value does not say: then it is the transaction's time. */
  recordedAt?: string;
  resources: Resource[];
}

/** A part of a private value that has rows of its own: all of it, or one record of a sheet or a delivery. */
export interface Part extends ValueContent {
  value: string;
  /** Of what stands on a sheet: the root of it. */
  root?: string;
  /** Where it stands there, as its row keeps it. */
  leaf?: string;
  /** Of a delivered copy. */
  copy?: { source: string; access: string; expiresAt: string };
  /** What the blocks must say for it to be believed. */
  anchorages?: Anchorage[];
}

/** The exact text that the same transaction wrote under a key of the collection; undefined where it wrote none. @throws Undelivered */
export type Beside = (key: string) => string | undefined;

/** A value that another one cannot be read without has not been delivered. */
export class Undelivered extends Error {}

const VERSIONED = new Set(['consent', 'coverage']);

/** The content of a stored row. Throws where its text is not what its key promises. */
export function contentOf(row: Pick<VersionsTable, 'key' | 'value' | 'leaf'>): ValueContent | undefined {
  return leafOf(row) === undefined ? wholeContent(row.key, row.value) : anchoredContent(readJson(row.value));
}

/**
 * The parts of a private value by its key; undefined for a value that holds no resource (a request, a directory). What is
 * not as its sheet says is left out: `refused` counts it.
 * @throws Undelivered, and Error where the text is not what its key promises
 */
export function partsOf(key: string, value: string, beside: Beside): { parts: Part[]; refused: number } | undefined {
  const { kind, segments } = parsePrivateKey(key);
  if (kind === 'content') return partsOfContent(segments[0] ?? '', value, beside);
  if (kind === 'copies') return partsOfCopies(readJson(value) as Copies);
  const content = wholeContent(key, value);
  return content && { parts: [{ ...content, value }], refused: 0 };
}

/**
 * The private value that rows of one key were made from, in the order of their sequence; undefined where they do not say
 * all of it.
 */
export function valueFrom(
  rows: readonly Pick<VersionsTable, 'key' | 'value' | 'leaf' | 'source' | 'access' | 'expires_at'>[],
): string | undefined {
  const [first] = rows;
  const leaf = first && leafOf(first);
  if (first === undefined || leaf === undefined) return first?.value;
  return leaf.copy === undefined ? contentText(rows.map(({ value }) => value)) : copiesText(rows);
}

function wholeContent(key: string, text: string): ValueContent | undefined {
  const { kind } = parsePrivateKey(key);
  const value = readJson(text) as Record<string, unknown>;
  if (VERSIONED.has(kind)) return anchoredContent(value);
  const resources = resourcesOf(value);
  if (resources.length === 0) return undefined;
  const at = value['submittedAt'] ?? value['recordedAt'];
  return { version: 1, resources, ...(typeof at === 'string' ? { recordedAt: at } : {}) };
}

const readJson = (text: string): unknown => JSON.parse(text);

const isText = (value: unknown): value is string => typeof value === 'string';

/** Held to its shape: two organisations that share a collection can write into it what they like. */
function anchoredContent(value: unknown): ValueContent & { author: string } {
  const { author, version, recordedAt, resource } = value as Anchored;
  if (!isText(author) || !isText(recordedAt) || !Number.isSafeInteger(version) || !isResource(resource)) {
    throw new Error('this is no anchored resource');
  }
  return { author, version, recordedAt, resources: [resource] };
}

/** Each record that stands where its id or its version's key says. @throws Error where the content is not its sheet's */
function partsOfContent(sheet: string, value: string, beside: Beside): { parts: Part[]; refused: number } {
  const content = JSON.parse(value) as Content;
  const tree = beside(privateKeys.sheet(sheet));
  const hashes = leavesOf(content);
  const { root, paths } = treeOf(hashes);
  const { root: anchored, size } = JSON.parse(tree ?? '{}') as Partial<Sheet>;
  if (root !== anchored || size !== hashes.length) throw new Error('this is not the content of its sheet');
  const parts = content.leaves.flatMap((text, index) => {
    if (!isText(text)) return [];
    const leaf = { index, size, path: paths[index]! };
    const part = recordPart(text, root, leaf, {
      sheet,
      placeOf: (id, version) => beside(privateKeys.version(id, version)),
    });
    return part ?? [];
  });
  const erased = content.leaves.filter((leaf) => !isText(leaf)).length;
  return { parts, refused: content.leaves.length - erased - parts.length };
}

interface Standing {
  sheet: string;
  /** The exact text under the key of that version; undefined where there is none. */
  placeOf: (id: string, version: number) => string | undefined;
}

/** A record on a sheet; undefined where nothing says that it stands there. */
function recordPart(text: string, root: string, leaf: Leaf, { sheet, placeOf }: Standing): Part | undefined {
  let content: ReturnType<typeof anchoredContent>;
  try {
    content = anchoredContent(readJson(text));
  } catch {
    return undefined;
  }
  const [{ resourceType: type, id } = { resourceType: '', id: '' }] = content.resources;
  const { version } = content;
  const isPlacedById = version === 1 && id === recordIdAt({ sheet, index: leaf.index }, type);
  if (!isPlacedById && !says(placeOf(id, version), { sheet, index: leaf.index, type })) return undefined;
  return { ...content, value: text, root, leaf: leafColumn(leaf) };
}

function says(place: string | undefined, wanted: { sheet: string; index: number; type: string }): boolean {
  if (place === undefined) return false;
  const { sheet, index, type } = JSON.parse(place) as typeof wanted;
  return sheet === wanted.sheet && index === wanted.index && type === wanted.type;
}

/** Each copy that stands on the sheet that it was delivered with; that the holder anchored that sheet is left to the blocks. */
function partsOfCopies(copies: Copies): { parts: Part[]; refused: number } {
  const { holder, accessId, expiresAt, deliveredAt, salt, records } = copies;
  if (![holder, accessId, expiresAt, deliveredAt, salt].every(isText) || !Array.isArray(records)) {
    throw new Error('this is no delivery');
  }
  const parts = records.flatMap((record) => {
    try {
      return copyPart(record, copies) ?? [];
    } catch {
      return [];
    }
  });
  return { parts, refused: records.length - parts.length };
}

function copyPart(
  record: RecordEvidence,
  { holder, accessId, expiresAt, deliveredAt, salt }: Copies,
): Part | undefined {
  const { text, sheet, index, path, tree, place, id, version } = record;
  const { root, size } = JSON.parse(tree) as Sheet;
  if (!isIncluded(leafHash(text), index, path, { root, size })) return undefined;
  const copy = { sheet, tree, deliveredAt, salt, ...(place === undefined ? {} : { place }) };
  const part = recordPart(text, root, { index, size, path, copy }, { sheet, placeOf: () => place });
  if (part === undefined || part.resources[0]?.id !== id || part.version !== version) return undefined;
  const care = collections.care(holder);
  const anchorages = [anchorageOf([care], privateKeys.sheet(sheet), tree)];
  if (place !== undefined) anchorages.push(anchorageOf([care], privateKeys.version(id, version), place));
  return { ...part, copy: { source: holder, access: accessId, expiresAt }, anchorages };
}

const contentText = (leaves: string[]): string => canonicalJson({ schema: 1, leaves } satisfies Content);

function copiesText(rows: Parameters<typeof valueFrom>[0]): string | undefined {
  const [first] = rows;
  const { copy } = (first && leafOf(first)) ?? {};
  const { source: holder, access: accessId, expires_at: expiresAt } = first ?? {};
  if (copy === undefined || !isText(holder) || !isText(accessId) || !isText(expiresAt)) return undefined;
  const records = rows.flatMap((row): RecordEvidence[] => {
    const { index, path, copy: own } = leafOf(row) ?? {};
    if (index === undefined || path === undefined || own === undefined) return [];
    const { id, version } = readJson(row.value) as Anchored;
    const { sheet, tree, place } = own;
    return [{ id, version, text: row.value, sheet, index, path, tree, ...(place === undefined ? {} : { place }) }];
  });
  const { deliveredAt, salt } = copy;
  return canonicalJson({ schema: 1, accessId, holder, deliveredAt, expiresAt, salt, records } satisfies Copies);
}

function resourcesOf(value: Record<string, unknown>): Resource[] {
  const many = Array.isArray(value['resources']) ? (value['resources'] as unknown[]) : [];
  return [value['resource'], ...many].filter(isResource);
}

const isResource = (value: unknown): value is Resource =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Resource).resourceType === 'string' &&
  typeof (value as Resource).id === 'string';
