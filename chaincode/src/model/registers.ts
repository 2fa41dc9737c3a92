/**
 * The register of licences: a Merkle tree over a fixed number of buckets, of which every transaction reads the root alone.
 * A licence is shown with its bucket and that bucket's path, so that what is read does not say whose licence was looked at.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { auditPaths, isIncluded, leafHash, rootOf, rootWithLeaves } from './merkle.ts';
import { anchoredText, hashSchema, licenceNumberSchema, saltSchema, table } from './texts.ts';
import { hintSchema } from './transaction.ts';
import { licenceStateSchema, schemaVersion } from './values.ts';

/** Leaves of the tree; a path has its logarithm of hashes. */
export const BUCKETS = 4_096;
const PATH_LENGTH = Math.log2(BUCKETS);
const MAX_LICENCES = 20_000;
/** How many one transaction sets. */
export const MAX_LICENCES_AT_ONCE = 250;

/** `register/<generation>` */
export const registerSchema = z.strictObject({ schema: schemaVersion, root: hashSchema, salt: saltSchema });
export type Register = z.infer<typeof registerSchema>;

/** `bucket/<index>/<generation>`: the licences of a bucket by number, as that generation of the register left them. */
export const bucketSchema = z.strictObject({
  schema: schemaVersion,
  licences: table(licenceNumberSchema, licenceStateSchema, MAX_LICENCES),
});
export type Bucket = z.infer<typeof bucketSchema>;

/** A bucket's exact text, and its path to the register's root. */
export const bucketEvidenceSchema = z.strictObject({
  text: anchoredText(16 * 1024 * 1024),
  path: z.array(hashSchema).length(PATH_LENGTH),
});
export type BucketEvidence = z.infer<typeof bucketEvidenceSchema>;

/** The licence that names somebody: its bucket, and a generation of the register that is known. */
export const licenceShownSchema = z.strictObject({
  number: licenceNumberSchema,
  register: hintSchema,
  bucket: bucketEvidenceSchema,
});
export type LicenceShown = z.infer<typeof licenceShownSchema>;

/** The bucket that a licence number, or the name of a product, lies in, from 0. */
export const bucketOfNumber = (number: string): number => Number.parseInt(sha256Hex(number).slice(0, 8), 16) % BUCKETS;

export const EMPTY_BUCKET = canonicalJson({ schema: 1, licences: {} } satisfies Bucket);
const emptyLeaves = (empty: string): string[] => Array<string>(BUCKETS).fill(leafHash(empty));
/** The root of a register in which nothing has been written. @param empty the text of a bucket of it that is empty */
export const emptyRootOf = (empty: string): string => rootOf(emptyLeaves(empty));
export const EMPTY_ROOT = emptyRootOf(EMPTY_BUCKET);

/** Whether a bucket, shown, is what a root holds in that place. */
export const isBucketOf = (root: string, index: number, { text, path }: BucketEvidence): boolean =>
  isIncluded(leafHash(text), index, path, { root, size: BUCKETS });

/** A bucket's next text, and its path to the root as it stands. */
export interface BucketChange {
  index: number;
  text: string;
  path: readonly string[];
}

/** The root once these buckets, each once, hold other texts. */
export const rootWith = (changes: readonly BucketChange[]): string =>
  rootWithLeaves(changes.map(({ index, text, path }) => ({ index, path, leaf: leafHash(text) })));

/** The paths of all buckets; `texts` are those that are not empty, by index. */
export function bucketPaths(texts: ReadonlyMap<number, string>, empty = EMPTY_BUCKET): string[][] {
  const leaves = emptyLeaves(empty);
  for (const [index, text] of texts) leaves[index] = leafHash(text);
  return auditPaths(leaves);
}
