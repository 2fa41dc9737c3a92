/** Who signed a tree: a member's witness, in either encoding, and the system certificate of that member, which vouches for its key. */
import {
  type Checkpoint,
  checkpointText,
  cosignedMessage,
  fromBase64,
  keyIdSource,
  readSignatureLine,
  witnessName,
} from './checkpoint.ts';
import { type CoseReceipt, receiptHeader, signedBytes, statementHeader, timeIn } from './cose.ts';
import { isSignedBy } from './ecdsa.ts';
import type { CertifiedWitness } from './proof.ts';
import { type Roots, systemCertificate } from './roots.ts';
import { readStatement, type Statement } from './statement.ts';
import { fromHex, sha256, toHex } from './tree.ts';

export type SignedTree = Checkpoint;

export interface Cosigner {
  statement: Statement;
  /** When it signed, seconds since 1970. */
  time: number;
}

/** A line of a note. @throws Error that says why it does not count */
export async function lineSigner(
  line: string,
  witness: CertifiedWitness,
  tree: SignedTree,
  roots: Roots,
): Promise<Cosigner> {
  const statement = await vouchedFor(witness, tree.origin, roots);
  const { name, keyId, time, signature } = readSignatureLine(line);
  const publicKey = fromHex(statement.publicKey);
  if (name !== witnessName(tree.origin, statement.mspId)) throw new Error('a witness is of another ledger');
  if (toHex((await sha256(keyIdSource(name, publicKey))).slice(0, 4)) !== toHex(keyId))
    throw new Error('a witness is not the one that its certificate vouches for');
  await demandSigned(statement, signature, cosignedMessage(checkpointText(tree), time));
  return { statement, time };
}

/** A COSE receipt. @throws Error that says why it does not count */
export async function coseSigner(receipt: CoseReceipt, tree: SignedTree, roots: Roots): Promise<Cosigner> {
  const statement = await vouchedFor(receipt.witness, tree.origin, roots);
  const time = timeIn(receipt.protectedHeader);
  const header = receiptHeader({ ...statement, time }, tree.size);
  await demandCose(receipt, statement, header, tree.root);
  return { statement, time };
}

/** Who hands an entry out. @throws Error that says why it does not count */
export async function statementSigner(
  signed: CoseReceipt,
  entry: string,
  { origin }: SignedTree,
  roots: Roots,
): Promise<Cosigner> {
  const statement = await vouchedFor(signed.witness, origin, roots);
  const time = timeIn(signed.protectedHeader);
  await demandCose(signed, statement, statementHeader({ ...statement, time }), new TextEncoder().encode(entry));
  return { statement, time };
}

async function demandCose(
  { protectedHeader, signature }: CoseReceipt,
  statement: Statement,
  expected: Uint8Array,
  payload: Uint8Array,
): Promise<void> {
  if (toHex(protectedHeader) !== toHex(expected))
    throw new Error('a witness is not the one that its certificate vouches for, or of another ledger or size');
  await demandSigned(statement, Uint8Array.from(signature), signedBytes(protectedHeader, payload));
}

async function demandSigned(
  { mspId, publicKey }: Statement,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const key = await crypto.subtle.importKey('raw', fromHex(publicKey), 'Ed25519', false, ['verify']);
  if (!(await crypto.subtle.verify('Ed25519', key, signature, message)))
    throw new Error(`the signature of ${mspId} does not fit the checkpoint`);
}

/** What a member's system certificate says of a witness's key. */
async function vouchedFor(witness: CertifiedWitness, origin: string, roots: Roots): Promise<Statement> {
  const statement = readStatement(witness.statement);
  const { mspId } = statement;
  const der = fromBase64(witness.certificate);
  if (statement.origin !== origin) throw new Error('a witness is of another ledger');
  if (toHex(await sha256(der)) !== statement.certificateHash)
    throw new Error('a witness is not the one that its certificate vouches for');
  const certificate = await systemCertificate(der, statement, roots);
  const text = new TextEncoder().encode(witness.statement);
  if (!(await isSignedBy(certificate, fromBase64(witness.signature), text)))
    throw new Error(`the certificate of ${mspId} does not vouch for its witness`);
  return statement;
}
