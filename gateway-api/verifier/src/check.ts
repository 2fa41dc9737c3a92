/**
 * Checks a receipt with the consortium's roots and nothing else: no network, no ledger, no code of ours beside this package.
 * Start reading here. A receipt of which any byte is changed is refused: each is signed, hashed, or has one form.
 */
import { originOf, readCheckpoint } from './checkpoint.ts';
import { isCose, readCose } from './cose.ts';
import { type Cosigner, coseSigner, lineSigner, type SignedTree, statementSigner } from './cosigners.ts';
import { type Entry, readEntry, writeText } from './entry.ts';
import { checkEvidence, type Endorsed, type Evidence } from './evidence.ts';
import { checkOrdered, type Ordered } from './ordering.ts';
import { type Content, readProof } from './proof.ts';
import { neededOf, type Roots } from './roots.ts';
import { sayings } from './sayings.ts';
import { fromHex, leafHash, rootBy, sha256Hex, toHex } from './tree.ts';

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
  /** By Fabric's own evidence, where the receipt carries it and the transaction is valid. */
  endorsed?: Endorsed;
  /** Whose orderers signed its block, where the receipt carries their signatures and the roots say who orders. */
  ordered?: Ordered;
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

/** A signature to be checked, with a name of all that it rests on. */
interface Signer {
  name: string;
  check: () => Promise<Cosigner>;
}

/** A receipt in either encoding, as far as its form says. */
interface Received {
  entry: string;
  index: number;
  tree: SignedTree;
  content: Content | undefined;
  evidence: Evidence | undefined;
  signers: Signer[];
  /** Who hands it out, where that is signed. */
  issuer?: Signer;
}

async function checked(receipt: Uint8Array, roots: Roots, seen: Seen): Promise<Checked> {
  const {
    entry: text,
    index,
    tree,
    content: shown,
    evidence,
    signers,
    issuer,
  } = await (isCose(receipt) ? inCose : inText)(receipt, roots);
  const entry = readEntry(text);
  const content = shown && (await checkedContent(shown, entry));
  const once = ({ name, check }: Signer): Promise<Cosigner> => {
    const cosigner = seen.get(name) ?? check();
    seen.set(name, cosigner);
    return cosigner;
  };
  const signed: Cosigner[] = [];
  for (const signer of signers) signed.push(await once(signer));
  if (issuer !== undefined) await once(issuer);
  const members = new Set(signed.map(({ statement }) => statement.mspId)).size;
  if (members < signed.length) throw new Error('a member signs twice');
  if (members < neededOf(roots)) throw new Error(`${members} members have signed it, ${neededOf(roots)} are needed`);
  const witnesses = signed.map(({ statement: { mspId }, time }) => ({ mspId, time: iso(time) }));
  const { origin, size, root } = tree;
  const place = { size, root: toHex(root), index };
  const endorsed = evidence && (await checkEvidence(evidence, entry, roots));
  const first = Math.min(...signed.map(({ time }) => time));
  const ordered = evidence && (await checkOrdered(evidence, entry, roots, first));
  return {
    ...{
      origin,
      tree: place,
      entry,
      witnesses,
      ...(content && { content }),
      ...(endorsed && { endorsed }),
      ...(ordered && { ordered }),
    },
    ...sayings(entry, members, { content, evidence, endorsed, ordered }),
  };
}

async function inText(receipt: Uint8Array, roots: Roots): Promise<Received> {
  const { extra, index, path, checkpoint, signatures } = readProof(
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(receipt),
  );
  const { origin, size, root } = readCheckpoint(checkpoint);
  if (origin !== originOf(roots.channel, roots.genesis)) throw new Error('the checkpoint is of another ledger');
  const reached = await rootBy(await leafHash(extra.entry), index, size, path);
  if (reached === undefined || toHex(reached) !== toHex(root)) throw new Error('the entry is not in the tree');
  if (extra.witnesses.length !== signatures.length) throw new Error('a signature without its witness');
  const tree = { origin, size, root };
  const signers = signatures.map((line, at) => {
    const witness = extra.witnesses[at]!;
    return { name: JSON.stringify([checkpoint, line, witness]), check: () => lineSigner(line, witness, tree, roots) };
  });
  return { entry: extra.entry, index, tree, content: extra.content, evidence: extra.evidence, signers };
}

/** The root is not in it: it is what the entry comes to by its path, and what each member has signed. */
async function inCose(receipt: Uint8Array, roots: Roots): Promise<Received> {
  const { entry, size, index, path, receipts, statement, content, evidence } = readCose(receipt);
  const root = await rootBy(await leafHash(entry), index, size, path);
  if (root === undefined) throw new Error('the entry is not in the tree');
  const tree = { origin: originOf(roots.channel, roots.genesis), size, root };
  const issuer = {
    name: JSON.stringify([entry, toHex(statement.protectedHeader), toHex(statement.signature), statement.witness]),
    check: () => statementSigner(statement, entry, tree, roots),
  };
  const signers = receipts.map((one) => ({
    name: JSON.stringify([size, toHex(root), toHex(one.protectedHeader), toHex(one.signature), one.witness]),
    check: () => coseSigner(one, tree, roots),
  }));
  return { entry, index, tree, content, evidence, signers, issuer };
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

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
