/**
 * A receipt as a text: C2SP tlog-proof v1. The tree's entry, the witnesses' certificates and, where content is shown, its path
 * travel in the line of extra data, which nothing authenticates by itself: check.ts holds every byte of it to what is signed.
 */
import { fromBase64, toBase64 } from './checkpoint.ts';
import type { Evidence } from './evidence.ts';

/** A private value and its place among the writes of its transaction. */
export interface Content {
  collection: string;
  key: string;
  value: string;
  /** Of its leaf in the tree over the transaction's writes, and the path, hex. */
  index: number;
  path: string[];
  /** Where the value is a sheet: one of the texts on it. */
  record?: { text: string; index: number; path: string[] };
}

export interface CertifiedWitness {
  statement: string;
  /** Base64. */
  signature: string;
  /** DER, base64. */
  certificate: string;
}

type EvidenceText = Omit<Evidence, 'envelope' | 'blockSignatures'> & { envelope: string; blockSignatures?: string };

/** In the order of the signature lines. */
export interface Extra {
  entry: string;
  witnesses: CertifiedWitness[];
  content?: Content;
  evidence?: Evidence;
}

export interface Proof {
  extra: Extra;
  index: number;
  path: Uint8Array[];
  /** Text of the checkpoint. */
  checkpoint: string;
  /** Lines without their newlines. */
  signatures: string[];
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const utf8 = new TextEncoder();
const HASH = 32;

/** Its members in their order, and no others. */
const inForm = ({ collection, key, value, index, path, record }: Content): Content => ({
  ...{ collection, key, value, index, path },
  ...(record && { record: { text: record.text, index: record.index, path: record.path } }),
});

export const contentText = (content: Content): string => JSON.stringify(inForm(content));

/** @throws Error where it is not exactly what `contentText` writes */
export function readContent(text: string): Content {
  const content = JSON.parse(text) as Content;
  if (!isContent(content) || contentText(content) !== text) throw new Error('the content is not in its form');
  return content;
}

/** JSON in one form: members in this order, no white space. */
function extraText({ entry, witnesses, content, evidence }: Extra): string {
  const shown = content && inForm(content);
  const fabric = evidence && inBase64(evidence);
  const certified = witnesses.map(({ statement, signature, certificate }) => ({ statement, signature, certificate }));
  return JSON.stringify({
    ...{ entry, witnesses: certified },
    ...(shown && { content: shown }),
    ...(fabric && { evidence: fabric }),
  });
}

const inBase64 = ({ envelope, previousHash, dataHash, blockSignatures }: Evidence): EvidenceText => ({
  ...{ envelope: base64Of(envelope), previousHash, dataHash },
  ...(blockSignatures && { blockSignatures: base64Of(blockSignatures) }),
});

function fromText({ envelope, blockSignatures, ...hashes }: EvidenceText): Evidence {
  const signatures = blockSignatures === undefined ? {} : { blockSignatures: fromBase64(String(blockSignatures)) };
  return { ...hashes, envelope: fromBase64(String(envelope)), ...signatures };
}

/** Of bytes too many for one call. */
function base64Of(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function proofText({ extra, index, path, checkpoint, signatures }: Proof): string {
  const lines = [
    FIRST_LINE,
    `extra ${base64Of(utf8.encode(extraText(extra)))}`,
    `index ${index}`,
    ...path.map(toBase64),
    '',
  ];
  return `${lines.join('\n')}\n${checkpoint}\n${signatures.map((line) => `${line}\n`).join('')}`;
}

const isHashes = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= 64 && value.every((one) => /^[0-9a-f]{64}$/.test(String(one)));
const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (...values: unknown[]): boolean => values.every((value) => typeof value === 'string');

function isContent({ collection, key, value, index, path, record }: Content): boolean {
  const isRecord = record === undefined || (isText(record.text) && isIndex(record.index) && isHashes(record.path));
  return isText(collection, key, value) && isIndex(index) && isHashes(path) && isRecord;
}

/** @throws Error where it is not in the one form */
function readExtra(text: string): Extra {
  const { evidence: shown, ...rest } = JSON.parse(text) as Omit<Extra, 'evidence'> & { evidence?: EvidenceText };
  const evidence = shown && fromText(shown);
  const extra: Extra = { ...rest, ...(evidence && { evidence }) };
  const { entry, witnesses, content } = extra;
  const areWitnesses =
    Array.isArray(witnesses) && witnesses.every((one) => isText(one?.statement, one?.signature, one?.certificate));
  const isSound =
    (content === undefined || isContent(content)) &&
    (evidence === undefined || isHashes([evidence.previousHash, evidence.dataHash]));
  if (!isText(entry) || !areWitnesses || !isSound || extraText(extra) !== text)
    throw new Error('the extra data is not in its form');
  return extra;
}

const PROOF =
  /^c2sp\.org\/tlog-proof@v1\nextra ([A-Za-z0-9+/=]+)\nindex (0|[1-9]\d{0,14})\n((?:[A-Za-z0-9+/=]{44}\n){0,64})\n((?:[^\n]+\n){3})\n((?:\u2014 [^\n]+\n){1,1000})$/;

/** @throws Error where it is not exactly what `proofText` writes */
export function readProof(text: string): Proof {
  const [, extra, index, path, checkpoint, signatures] = PROOF.exec(text) ?? [];
  if (extra === undefined) throw new Error('the receipt is not in its form');
  const hashes = path!.split('\n').slice(0, -1).map(fromBase64);
  if (hashes.some(({ length }) => length !== HASH)) throw new Error('the path is not in its form');
  return {
    extra: readExtra(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fromBase64(extra))),
    ...{ index: Number(index), path: hashes, checkpoint: checkpoint! },
    signatures: signatures!.split('\n').slice(0, -1),
  };
}
