/**
 * Checks a receipt with the consortium's roots and nothing else: no network, no ledger, no code of ours beside this package.
 * Start reading here. A receipt of which any byte is changed is refused: each is signed, hashed, or has one form.
 */
import {
  cosignedMessage,
  fromBase64,
  keyIdSource,
  originOf,
  readCheckpoint,
  readSignatureLine,
  witnessName,
} from './checkpoint.ts';
import { type Entry, readEntry, writeText } from './entry.ts';
import { type CertifiedWitness, type Content, readProof } from './proof.ts';
import { neededOf, type Roots, systemCertificate } from './roots.ts';
import { readStatement, type Statement } from './statement.ts';
import { fromHex, leafHash, rootBy, sha256, sha256Hex, toHex } from './tree.ts';

export type { Roots } from './roots.ts';

/** What was checked of signatures already, for whoever checks many receipts under the same ones. */
export type Seen = Map<string, Promise<Cosigner>>;

/** What a receipt that was checked says. */
export interface Checked {
  origin: string;
  /** Leaves of the tree that was signed, its root (hex), and the place of the entry in it. */
  tree: { size: number; root: string; index: number };
  entry: Entry;
  /** The members that signed it, and when, ISO 8601 UTC. */
  witnesses: { mspId: string; time: string }[];
  content?: Pick<Content, 'collection' | 'key' | 'value'> & { text?: string };
  proved: string[];
  notProved: string[];
}

/** The receipt does not hold; the message says where. */
export class BadReceipt extends Error {}

/**
 * @param receipt the bytes of a tlog-proof
 * @param seen made once for many receipts with the same roots
 * @throws {BadReceipt} where anything of it does not hold
 */
export async function checkReceipt(receipt: Uint8Array, roots: Roots, seen: Seen = new Map()): Promise<Checked> {
  try {
    return await checked(receipt, roots, seen);
  } catch (error) {
    throw new BadReceipt((error as Error).message);
  }
}

async function checked(receipt: Uint8Array, roots: Roots, seen: Seen): Promise<Checked> {
  const { extra, index, path, checkpoint, signatures } = readProof(
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(receipt),
  );
  const { origin, size, root } = readCheckpoint(checkpoint);
  if (origin !== originOf(roots.channel, roots.genesis)) throw new Error('the checkpoint is of another ledger');
  const entry = readEntry(extra.entry);
  const reached = await rootBy(await leafHash(extra.entry), index, size, path);
  if (reached === undefined || toHex(reached) !== toHex(root)) throw new Error('the entry is not in the tree');
  const content = extra.content && (await checkedContent(extra.content, entry));
  if (extra.witnesses.length !== signatures.length) throw new Error('a signature without its witness');
  const signed: Cosigner[] = [];
  for (const [at, line] of signatures.entries()) {
    const witness = extra.witnesses[at]!;
    const name = JSON.stringify([checkpoint, line, witness.statement, witness.signature, witness.certificate]);
    const cosigner = seen.get(name) ?? checkedCosigner(line, witness, checkpoint, origin, roots);
    seen.set(name, cosigner);
    signed.push(await cosigner);
  }
  const members = new Set(signed.map(({ statement }) => statement.mspId)).size;
  if (members < signed.length) throw new Error('a member signs twice');
  if (members < neededOf(roots)) throw new Error(`${members} members have signed it, ${neededOf(roots)} are needed`);
  const witnesses = signed.map(({ statement: { mspId }, time }) => ({ mspId, time: iso(time) }));
  const tree = { size, root: toHex(root), index };
  return { origin, tree, entry, witnesses, ...(content && { content }), ...sayings(entry, members, content) };
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

export interface Cosigner {
  statement: Statement;
  witness: CertifiedWitness;
  certificate: Uint8Array<ArrayBuffer>;
  time: number;
}

async function checkedCosigner(
  line: string,
  witness: CertifiedWitness,
  checkpoint: string,
  origin: string,
  roots: Roots,
): Promise<Cosigner> {
  const cosigner = await checkedSignature(line, witness, checkpoint, origin);
  await checkVouched(cosigner, roots);
  return cosigner;
}

/** The key that signed the checkpoint, which a certificate is yet to vouch for. */
async function checkedSignature(
  line: string,
  witness: CertifiedWitness,
  checkpoint: string,
  origin: string,
): Promise<Cosigner> {
  const statement = readStatement(witness.statement);
  const { mspId } = statement;
  const certificate = fromBase64(witness.certificate);
  const { name, keyId, time, signature } = readSignatureLine(line);
  const publicKey = fromHex(statement.publicKey);
  if (statement.origin !== origin || name !== witnessName(origin, mspId))
    throw new Error('a witness is of another ledger');
  const isItsKey = toHex((await sha256(keyIdSource(name, publicKey))).slice(0, 4)) === toHex(keyId);
  if (!isItsKey || toHex(await sha256(certificate)) !== statement.certificateHash)
    throw new Error('a witness is not the one that its certificate vouches for');
  const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  if (!(await crypto.subtle.verify('Ed25519', key, signature, cosignedMessage(checkpoint, time))))
    throw new Error(`the signature of ${mspId} does not fit the checkpoint`);
  return { statement, witness, certificate, time };
}

async function checkVouched({ statement, witness, certificate: der }: Cosigner, roots: Roots): Promise<void> {
  const { mspId } = statement;
  const certificate = await systemCertificate(der, statement, roots);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const vouching = await certificate.publicKey.export(algorithm, ['verify']);
  const text = new TextEncoder().encode(witness.statement);
  if (!(await crypto.subtle.verify(algorithm, vouching, fromBase64(witness.signature), text)))
    throw new Error(`the certificate of ${mspId} does not vouch for its witness`);
}

/** @throws Error where the content is not what the transaction wrote */
async function checkedContent(content: Content, { code, writes }: Entry): Promise<Checked['content']> {
  const { collection, key, value, index, path, record } = content;
  if (code !== 0 || writes === undefined) throw new Error('the transaction wrote nothing');
  const write = writeText({ collection, keyHash: await sha256Hex(key), valueHash: await sha256Hex(value) });
  const root = await rootBy(await leafHash(write), index, writes.count, path.map(fromHex));
  if (root === undefined || toHex(root) !== writes.root) throw new Error('the transaction did not write this content');
  if (record === undefined) return { collection, key, value };
  const sheet = JSON.parse(value) as { root?: string; size?: number };
  const reached = await rootBy(await leafHash(record.text), record.index, sheet.size ?? 0, record.path.map(fromHex));
  if (reached === undefined || toHex(reached) !== sheet.root) throw new Error('the record is not on its sheet');
  return { collection, key, value, text: record.text };
}

/** What follows from it, and what does not, in words. */
function sayings(entry: Entry, members: number, content: Checked['content']): Pick<Checked, 'proved' | 'notProved'> {
  const { block, position, code } = entry;
  const outcome = code === 0 ? 'valid' : `invalid, with code ${code}`;
  return {
    proved: [
      `${members} members have each computed from their own peers' blocks, and signed, that envelope ${position} of block ${block} is this one, ${outcome}`,
      ...(content === undefined ? [] : ['that transaction wrote exactly the content shown, under the key shown']),
    ],
    notProved: [
      'that the content is true, or complete, or still in force: later transactions may have changed, revoked or erased it',
      'when it was written: the times are those of the members that signed',
      'anything, where as many members collude as are needed: they sign what they like',
    ],
  };
}
