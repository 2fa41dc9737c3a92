/**
 * This member's witness: an Ed25519 key of its own that signs the ledger's tree, only as this gateway has computed it and
 * only grown from what it has signed before. What it is about to sign is on the disk before the signature is anywhere.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { InputOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { checkpointText, cosignedMessage, originOf } from '@telemed-ledger/verifier/checkpoint.ts';
import { type CoseReceipt, receiptHeader, signedBytes, statementHeader } from '@telemed-ledger/verifier/cose.ts';
import { readEntry } from '@telemed-ledger/verifier/entry.ts';
import { statementText } from '@telemed-ledger/verifier/statement.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Enrolled } from '../../ledger/connect.ts';

export interface WitnessOptions {
  /** Holds `key.pem` and `signed.json`; made where it is not there. */
  directory: string;
  organisation: Organisation;
  channel: string;
  index: Pick<ReadModel, 'tree' | 'cosignatures'>;
  /** The member's system identity, which vouches for the key. */
  identity: () => Promise<Enrolled>;
  now?: () => number;
}

/** What was signed last. */
interface Signed {
  origin: string;
  size: number;
  root: string;
}

/** It is asked for what does not grow from what it has signed: the ledger that is read is not the one that was. */
export class NotGrown extends Error {}

const KEY_FILE = 'key.pem';
const SIGNED_FILE = 'signed.json';

export class Witness {
  readonly #options: WitnessOptions;
  readonly #key: KeyObject;
  /** Hex. */
  readonly publicKey: string;
  #origin: string | undefined;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#key = keyIn(options.directory);
    this.publicKey = Buffer.from(createPublicKey(this.#key).export({ format: 'jwk' }).x!, 'base64url').toString('hex');
  }

  /** What was signed last; undefined before the first. @throws Error where its file cannot be read */
  get signed(): Signed | undefined {
    const file = join(this.#options.directory, SIGNED_FILE);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Signed) : undefined;
  }

  /** Names the ledger; undefined before its first block is here. */
  async origin(): Promise<string | undefined> {
    const { index, channel } = this.#options;
    const first = this.#origin === undefined ? await index.tree.leaf(0, 0) : undefined;
    if (first !== undefined) this.#origin = originOf(channel, readEntry(first.entry).header);
    return this.#origin;
  }

  /**
   * Signs the tree at a size that it has here, as a transaction says it.
   * @throws {NotGrown} where it is smaller than what was signed last, or not grown from it
   */
  async cosign(size: number): Promise<InputOf<'CosignCheckpoint'>> {
    const { index, organisation, now = Date.now } = this.#options;
    const before = this.signed;
    const [origin, root] = [await this.origin(), await index.tree.root(size)];
    if (origin === undefined || root === undefined) throw new NotGrown('the tree has not grown so far here');
    if (before !== undefined && (before.size > size || before.origin !== origin))
      throw new NotGrown('a smaller tree than the last one, or another, is not signed');
    if (before !== undefined && (await index.tree.root(before.size)) !== before.root)
      throw new NotGrown('the ledger is not grown from what was signed: its peer has another');
    const isKnown = (await index.cosignatures.witness(organisation.mspId, this.publicKey)) !== undefined;
    const vouched = isKnown ? {} : { vouched: await this.#vouch(origin) };
    // From here on nothing waits: two signatures at once take each other's turn.
    if (this.signed?.size !== before?.size) throw new NotGrown('another size is being signed');
    this.#keep({ origin, size, root });
    const time = Math.floor(now() / 1000);
    const message = cosignedMessage(checkpointText({ origin, size, root: Buffer.from(root, 'hex') }), time);
    const signer = { origin, mspId: organisation.mspId, publicKey: this.publicKey, time };
    const cose = signedBytes(receiptHeader(signer, size), Buffer.from(root, 'hex'));
    return {
      ...{ size, root, time, publicKey: this.publicKey },
      signature: sign(null, message, this.#key).toString('hex'),
      cose: sign(null, cose, this.#key).toString('hex'),
      ...vouched,
    };
  }

  async #vouch(origin: string): Promise<NonNullable<InputOf<'CosignCheckpoint'>['vouched']>> {
    const { organisation, identity, now = Date.now } = this.#options;
    const { certificate, privateKey } = await identity();
    const der = new X509Certificate(certificate).raw;
    const time = Math.floor(now() / 1000);
    const { mspId } = organisation;
    const statement = { origin, mspId, publicKey: this.publicKey, certificateHash: sha256Hex(der), time };
    const key = createPrivateKey(privateKey);
    const signature = sign('sha256', Buffer.from(statementText(statement)), { key, dsaEncoding: 'ieee-p1363' });
    return { time, signature: signature.toString('hex'), certificate: der.toString('base64') };
  }

  /** An entry of the tree as a COSE statement of this member, which says what it has read and signs no tree. */
  statement(origin: string, entry: string): Omit<CoseReceipt, 'witness'> {
    const { organisation, now = Date.now } = this.#options;
    const time = Math.floor(now() / 1000);
    const protectedHeader = statementHeader({ origin, mspId: organisation.mspId, publicKey: this.publicKey, time });
    return { protectedHeader, signature: sign(null, signedBytes(protectedHeader, Buffer.from(entry)), this.#key) };
  }

  #keep(signed: Signed): void {
    const { directory } = this.#options;
    writeDurably(directory, SIGNED_FILE, `${JSON.stringify(signed)}\n`);
  }
}

/** In its place whole, or not at all, whatever stops the machine. */
function writeDurably(directory: string, name: string, text: string): void {
  const file = join(directory, name);
  const descriptor = openSync(`${file}.new`, 'w', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${file}.new`, file);
  const parent = openSync(directory, 'r');
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}

function keyIn(directory: string): KeyObject {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, KEY_FILE);
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeDurably(directory, KEY_FILE, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  }
  return createPrivateKey(readFileSync(file, 'utf8'));
}
