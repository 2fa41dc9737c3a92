/**
 * Anchors of the organisations' logs of reads: by them a log cannot be written anew, cut or thinned out without its showing. Rows
 * are chained by their hashes; those between two anchors are also the leaves of a tree, one leaf for each patient, sorted by a
 * salted token, so that what stands beside a token shows that there is no other of hers.
 */
import { createHmac } from 'node:crypto';
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { LedgerError } from './errors.ts';
import { auditPaths, leafHash, rootOf } from './merkle.ts';
import { anchoredText, hashSchema, instantSchema, optionalHashSchema, saltSchema } from './texts.ts';
import { schemaVersion } from './values.ts';

/** Of one organisation. */
export const anchorNumberSchema = z.int().min(1).max(10_000_000);
/** Rows of one anchor; what is more waits for the next. */
export const MAX_ANCHORED = 2_000;
/** Of one row, which may name many records. */
const LONGEST_ROW = 4 * 1024 * 1024;

/** How long rows stay on the ledger at least: six years, as an accounting of disclosures reaches back (45 CFR 164.528). */
export const READS_KEPT_DAYS = 2_192;
/** Anchors whose rows one transaction purges. */
export const MAX_PURGED = 100;

/** When the rows of an anchor may be purged, milliseconds since 1970. @param at its time: no row of it is younger */
export const readsOverAt = (at: string): number => Date.parse(at) + READS_KEPT_DAYS * 86_400_000;

/** A place in a chain: number and hash of a row; 0 and nothing before the first. */
const placeSchema = z.strictObject({ sequence: z.int().min(0).max(999_999_999_999), hash: optionalHashSchema });
export type LogPlace = z.infer<typeof placeSchema>;

/** What an anchor says of a stretch of a log. Its hash stands on the ledger; itself it goes to whom a proof is given. */
export const logStatementSchema = z.strictObject({
  schema: schemaVersion,
  organisation: nameSchema,
  n: anchorNumberSchema,
  /** The last row before, and the last of it. */
  from: placeSchema,
  to: placeSchema,
  /** Of the tree: how many patients, and its root (RFC 6962). */
  size: z.int().min(0).max(MAX_ANCHORED),
  root: hashSchema,
  /** Makes the tokens. */
  salt: saltSchema,
});
export type LogStatement = z.infer<typeof logStatementSchema>;

/** `log/<organisation>/<n>` in marks. It says neither how much was read nor of whom. */
export const logMarkSchema = z.strictObject({
  schema: schemaVersion,
  organisation: nameSchema,
  n: anchorNumberSchema,
  at: instantSchema,
  root: hashSchema,
  /** SHA-256 of the statement's canonical JSON. */
  statement: hashSchema,
  /** SHA-256 of the mark before; absent of the first. */
  previous: hashSchema.optional(),
  /** It does not go on from the one before: the log was lost, or begun anew. */
  restarted: z.literal(true).optional(),
});
export type LogMark = z.infer<typeof logMarkSchema>;

/** A row as it is carried to the custodian; without its text where it is about no patient. */
const carriedRowSchema = z.strictObject({ hash: hashSchema, text: anchoredText(LONGEST_ROW).optional() });
export type CarriedRow = z.infer<typeof carriedRowSchema>;
export const carriedRowsSchema = z.array(carriedRowSchema).max(MAX_ANCHORED);

/** `reads/<organisation>/<n>` in inbox_<organisation>: the rows themselves, which the custodian so has as well. */
export const logBatchSchema = z.strictObject({
  schema: schemaVersion,
  statement: logStatementSchema,
  /** Hides the leaves of others from whom a leaf is shown beside her own. */
  secret: saltSchema,
  rows: carriedRowsSchema,
});
export type LogBatch = z.infer<typeof logBatchSchema>;

/** What a row says, as its hash covers it. */
export interface LogRow {
  sequence: number;
  /** ISO 8601 UTC. */
  at: string;
  outcome: string;
  interaction: string;
  /** Subject of the token, its role and its FHIR user. */
  subject: string;
  role: string;
  fhir_user: string | null;
  /** Id of the Patient whom the records are about; null where they are about none, or the organisation cannot know. */
  patient: string | null;
  /** Of what was delivered, and of accesses themselves: the access. */
  access: string | null;
  type: string;
  /** Ids of the records, JSON. */
  records: string;
}

export function rowText(row: LogRow): string {
  const { sequence, at, outcome, interaction, subject, role, fhir_user, patient, access, type, records } = row;
  return canonicalJson([
    ...[Number(sequence), at, outcome, interaction, subject, role, fhir_user, patient, access, type, records],
  ]);
}

const textOrNull = z.string().nullable();
const rowSchema = z.tuple([
  ...([z.int(), z.string(), z.string(), z.string(), z.string(), z.string(), textOrNull] as const),
  ...([textOrNull, textOrNull, z.string(), z.string()] as const),
]);

/** What a text says. @throws LedgerError INVALID */
export function rowIn(text: string): LogRow {
  const { data } = rowSchema.safeParse(parsed(text));
  if (data === undefined) throw new LedgerError('INVALID', 'this is no row of a log', 'rows');
  const [sequence, at, outcome, interaction, subject, role, fhir_user, patient, access, type, records] = data;
  return { sequence, at, outcome, interaction, subject, role, fhir_user, patient, access, type, records };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Over the hash before and the whole row. */
export const rowHash = (previous: string, text: string): string => sha256Hex(`${previous}${text}`);

const keyed = (key: string, text: string): string =>
  createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex');

/** How a patient is named in the tree of one anchor, and in no other. */
export const tokenOf = (salt: string, patient: string): string => keyed(salt, patient);

/** One patient's leaf. */
export interface LogLeaf {
  token: string;
  /** Keeps whoever has the token from guessing at the rows. */
  blind: string;
  /** The texts of her rows, in their order. */
  rows: string[];
}

/** What a leaf says of its rows: all of them, and nothing of how many. */
export const digestOf = ({ blind, rows }: Pick<LogLeaf, 'blind' | 'rows'>): string =>
  sha256Hex(canonicalJson([blind, ...rows]));

const logLeafHash = (token: string, digest: string): string => leafHash(canonicalJson([token, digest]));

/** RFC 6962's of no leaves. */
const EMPTY = sha256Hex('');

export interface LogTree {
  root: string;
  /** By token. */
  leaves: LogLeaf[];
}

/** The tree over the rows of a stretch; those without text, or about nobody, are in none of its leaves. */
export function logTree(rows: readonly CarriedRow[], salt: string, secret: string): LogTree {
  const byPatient = new Map<string, string[]>();
  for (const { text } of rows) {
    const patient = text === undefined ? null : rowIn(text).patient;
    if (text === undefined || patient === null) continue;
    const known = byPatient.get(patient);
    if (known === undefined) byPatient.set(patient, [text]);
    else known.push(text);
  }
  const leaves = [...byPatient].map(([patient, texts]): LogLeaf => {
    const token = tokenOf(salt, patient);
    return { token, blind: keyed(secret, token), rows: texts };
  });
  leaves.sort((one, other) => (one.token < other.token ? -1 : 1));
  const hashes = hashesOf(leaves);
  return { leaves, root: hashes.length === 0 ? EMPTY : rootOf(hashes) };
}

const hashesOf = (leaves: readonly LogLeaf[]): string[] =>
  leaves.map((leaf) => logLeafHash(leaf.token, digestOf(leaf)));

/** The path of each leaf, in their order. */
export const logPaths = (leaves: readonly LogLeaf[]): string[][] =>
  leaves.length === 0 ? [] : auditPaths(hashesOf(leaves));

export const statementHash = (statement: LogStatement): string => sha256Hex(canonicalJson(statement));

/**
 * That rows are a stretch as its statement says it: one chain without a gap, and its tree.
 * @throws LedgerError INVALID
 */
export function checkBatch({ statement, secret, rows }: Pick<LogBatch, 'statement' | 'secret' | 'rows'>): void {
  const { from, to, salt } = statement;
  let { sequence, hash } = from;
  for (const row of rows) {
    sequence += 1;
    const isIts =
      row.text === undefined || (rowIn(row.text).sequence === sequence && rowHash(hash, row.text) === row.hash);
    if (!isIts) throw new LedgerError('INVALID', 'the rows are not in one chain', 'rows');
    hash = row.hash;
  }
  if (sequence !== to.sequence || hash !== to.hash)
    throw new LedgerError('INVALID', 'the chain does not end as stated', 'statement.to');
  const { root, leaves } = logTree(rows, salt, secret);
  if (root !== statement.root || leaves.length !== statement.size)
    throw new LedgerError('INVALID', 'the tree is another than stated', 'statement.root');
}
