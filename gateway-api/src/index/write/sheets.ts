/** A record's place on its sheet, as its row keeps it: what the checks on read and the evidence need beside its text. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { auditPaths, leafHash, rootOf } from '@telemed-ledger/chaincode/model/merkle.ts';
import type { Copies } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { PrivateWrite } from '../../ledger/block.ts';
import type { VersionsTable } from '../schema.ts';

export interface Leaf {
  /** Of its text: what the path was followed from when the row was made. */
  hash: string;
  index: number;
  size: number;
  /** Hex, from the leaf's sibling to the root's child. */
  path: string[];
  /** Of a delivered copy: what its delivery and its holder's sheet say. */
  copy?: CopiedLeaf;
}

export interface CopiedLeaf {
  sheet: string;
  /** The exact text under the holder's `sheet/<id>`. */
  tree: string;
  /** The exact text under the holder's `version/<record>/<n>`, where there is one. */
  place?: string;
  deliveredAt: string;
  /** Of the whole delivery. */
  salt: string;
  audience?: Copies['audience'];
  purpose?: Copies['purpose'];
}

type LeafRow = Pick<VersionsTable, 'leaf'>;

/** The hash stands first: a text is held against it without the rest being read. */
export const leafColumn = ({ hash, ...leaf }: Leaf): string => JSON.stringify({ hash, ...leaf });

/** Undefined for what stands on no sheet. */
export const leafOf = ({ leaf }: LeafRow): Leaf | undefined => (leaf === null ? undefined : (JSON.parse(leaf) as Leaf));

/** The sheet whose content a key names, and which generation of it; undefined for any other key. */
export function contentIn(key: string): { sheet: string; generation: number } | undefined {
  const [, sheet, generation] = /^content\/([^/]+)\/(0|[1-9]\d{0,8})$/.exec(key) ?? [];
  return sheet === undefined ? undefined : { sheet, generation: Number(generation) };
}

/** Whether a content may hold a version that says that its record is deleted. */
export const isOfDeletion = ({ plain }: PrivateWrite): boolean =>
  plain !== undefined && contentIn(plain.key) !== undefined && plain.value.includes('\\"deleted\\":true');

/** The sheet whose content a key names; undefined for any other key. */
export const sheetIn = (key: string): string | undefined => contentIn(key)?.sheet;

/**
 * Whether the text of a row is what its anchor stands for. That a leaf's hash leads to its root was found when the row was made, and
 * is sealed with it.
 */
export function isAnchored({ value, anchor, leaf }: { value: string; anchor: string; leaf?: string | null }): boolean {
  if (leaf === undefined || leaf === null) return sha256Hex(value) === anchor;
  return leaf.startsWith(`{"hash":"${leafHash(value)}"`);
}

/** The root over these leaf hashes and the path of each. */
export const treeOf = (hashes: readonly string[]): { root: string; paths: string[][] } => ({
  root: rootOf(hashes),
  paths: auditPaths(hashes),
});
