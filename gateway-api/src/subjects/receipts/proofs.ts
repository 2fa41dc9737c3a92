/** Puts receipts together, in either encoding: the entry of a transaction, its path in a tree that enough members have signed, and what it wrote. */
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { sha256, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { auditPaths, leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import {
  checkpointText,
  cosignedMessage,
  keyIdSource,
  signatureLine,
  witnessName,
} from '@telemed-ledger/verifier/checkpoint.ts';
import { type CoseReceipt, coseBytes, receiptHeader, signedBytes } from '@telemed-ledger/verifier/cose.ts';
import { writeText } from '@telemed-ledger/verifier/entry.ts';
import type { Evidence } from '@telemed-ledger/verifier/evidence.ts';
import { type CertifiedWitness, type Content, proofText } from '@telemed-ledger/verifier/proof.ts';
import { statementText } from '@telemed-ledger/verifier/statement.ts';
import { notHereYet } from '../../http/failures.ts';
import type { CosignaturesTable, LeavesTable, WitnessesTable } from '../../index/tree-tables.ts';
import type { Services } from '../services.ts';

/** What is shown beside the entry, before its path is known. */
export type Shown = Omit<Content, 'index' | 'path'>;

/** C2SP's text, or COSE (RFC 9942). */
export type Encoding = 'tlog-proof' | 'cose-receipt';

/** How a receipt is wanted. */
export interface Form {
  as: Encoding;
  /** Whether Fabric's own evidence goes along; its hash does always. */
  isFull?: boolean;
}

interface Signature {
  line: string;
  cose: Omit<CoseReceipt, 'witness'> | undefined;
  witness: CertifiedWitness;
}

interface SignedTree {
  origin: string;
  size: number;
  root: string;
  signatures: Signature[];
}

/**
 * A receipt of a transaction, with a value that it wrote where one is shown.
 * @throws {LedgerError} NOT_FOUND. @throws {Failure} 503 while too few members have signed a tree that holds it
 */
export async function proofOf(
  services: Services,
  transactionId: string,
  { shown, as, isFull = false }: Form & { shown?: Shown },
): Promise<Buffer> {
  const { index, checkpointEveryMs } = services;
  const row = await index.transaction(transactionId);
  const leaf = row && (await index.tree.leaf(row.block, row.position));
  if (leaf === undefined) throw new LedgerError('NOT_FOUND', 'this peer has committed no such transaction');
  const signed = await signedOver(services, leaf.leaf, as);
  const own = as === 'cose-receipt' && signed ? await statementOf(services, signed.origin, leaf.entry) : undefined;
  if (signed === undefined || (as === 'cose-receipt' && own === undefined))
    throw notHereYet(Math.max(1, Math.ceil(checkpointEveryMs / 1000)));
  const content = shown && (await placed(services, leaf, shown));
  const path = (await index.tree.path(leaf.leaf, signed.size)).map((hash) => Buffer.from(hash, 'hex'));
  const evidence = isFull ? await evidenceOf(services, leaf) : undefined;
  const beside = { ...(content && { content }), ...(evidence && { evidence }) };
  const place = { entry: leaf.entry, index: leaf.leaf, path, ...beside };
  return own === undefined ? asText(signed, place) : asCose(signed, place, own);
}

interface Place {
  entry: string;
  index: number;
  path: Buffer[];
  content?: Content;
  evidence?: Evidence;
}

/** @throws Error where the peer has no such envelope any more, whose block this member has read */
async function evidenceOf(services: Services, { block, position }: LeavesTable): Promise<Evidence> {
  const evidence = await services.evidenceOf(block, position);
  if (evidence === undefined) throw new Error(`block ${block} of the peer has no envelope ${position}`);
  return evidence;
}

function asText({ origin, size, root, signatures }: SignedTree, { entry, index, path, ...beside }: Place): Buffer {
  const witnesses = signatures.map(({ witness }) => witness);
  const text = proofText({
    extra: { entry, witnesses, ...beside },
    ...{ index, path, checkpoint: checkpointText({ origin, size, root: Buffer.from(root, 'hex') }) },
    signatures: signatures.map(({ line }) => line.slice(0, -1)),
  });
  return Buffer.from(text);
}

function asCose({ size, signatures }: SignedTree, place: Place, statement: CoseReceipt): Buffer {
  const receipts = signatures.flatMap(({ cose, witness }) => (cose === undefined ? [] : [{ ...cose, witness }]));
  return Buffer.from(coseBytes({ ...place, size, receipts, statement }));
}

/** The entry, signed by this member; undefined before the ledger has who vouches for its key. */
async function statementOf(
  { index, witness, organisation: { mspId } }: Services,
  origin: string,
  entry: string,
): Promise<CoseReceipt | undefined> {
  const row = await index.cosignatures.witness(mspId, witness.publicKey);
  const certifying = row && certifiedWitness(row, origin);
  return certifying && { ...witness.statement(origin, entry), witness: certifying };
}

/** The smallest tree that holds a leaf and that more than half of the members have signed as it is here. */
async function signedOver(
  { index, witness, consortium }: Services,
  leaf: number,
  as: Encoding,
): Promise<SignedTree | undefined> {
  const origin = await witness.origin();
  if (origin === undefined) return undefined;
  const needed = Math.floor(consortium.organisations.length / 2) + 1;
  const bySize = Map.groupBy(await index.cosignatures.over(leaf), ({ size }) => size);
  for (const [size, all] of bySize) {
    const root = all.length < needed ? undefined : await index.tree.root(size);
    if (root === undefined) continue;
    const signatures: SignedTree['signatures'] = [];
    for (const one of all) {
      const signature = one.root === root ? await certified(index, one, origin) : undefined;
      const isThere = signature !== undefined && (as === 'tlog-proof' || signature.cose !== undefined);
      if (isThere) signatures.push(signature);
    }
    if (signatures.length >= needed) return { origin, size, root, signatures };
  }
  return undefined;
}

/** A signature with who vouches for its key; undefined where either does not fit: it would spoil the receipt. */
async function certified(
  index: Services['index'],
  { msp_id: mspId, public_key: publicKey, size, root, time, signature, cose }: CosignaturesTable,
  origin: string,
): Promise<Signature | undefined> {
  const row = await index.cosignatures.witness(mspId, publicKey);
  const witness = row && certifiedWitness(row, origin);
  if (witness === undefined) return undefined;
  const raw = Buffer.from(publicKey, 'hex');
  const own = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') } });
  const hash = Buffer.from(root, 'hex');
  const message = cosignedMessage(checkpointText({ origin, size, root: hash }), time);
  const bytes = Buffer.from(signature, 'hex');
  if (!verify(null, message, own, bytes)) return undefined;
  const name = witnessName(origin, mspId);
  const keyId = sha256(keyIdSource(name, raw)).subarray(0, 4);
  const line = signatureLine({ name, keyId, time, signature: bytes });
  const protectedHeader = receiptHeader({ origin, mspId, publicKey, time }, size);
  const other = Buffer.from(cose ?? '', 'hex');
  const isSigned = cose !== null && verify(null, signedBytes(protectedHeader, hash), own, other);
  return { line, cose: isSigned ? { protectedHeader, signature: other } : undefined, witness };
}

/** Who vouches for a key; undefined where that does not hold. */
function certifiedWitness(
  { msp_id: mspId, public_key: publicKey, time, signature, certificate }: WitnessesTable,
  origin: string,
): CertifiedWitness | undefined {
  const der = Buffer.from(certificate, 'base64');
  const vouching = new X509Certificate(der);
  const statement = statementText({ origin, mspId, publicKey, certificateHash: sha256Hex(der), time });
  const key = { key: vouching.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const vouch = Buffer.from(signature, 'hex');
  const isInForce = Date.parse(vouching.validFrom) <= time * 1000 && time * 1000 <= Date.parse(vouching.validTo);
  if (!isInForce || !verify('sha256', Buffer.from(statement), key, vouch)) return undefined;
  return { statement, signature: vouch.toString('base64'), certificate };
}

/** The path of a value among what its transaction wrote, by its block, which the peer is asked for. */
async function placed(
  { writesOf }: Services,
  { block, position }: { block: number; position: number },
  { record, ...shown }: Shown,
): Promise<Content> {
  const writes = await writesOf(block, position);
  const keyHash = sha256Hex(shown.key);
  const index = writes.findIndex((one) => one.collection === shown.collection && one.keyHash === keyHash);
  if (index < 0) throw new LedgerError('NOT_FOUND', 'the transaction wrote no such value');
  const path = auditPaths(writes.map((write) => leafHash(writeText(write))))[index]!;
  return { ...shown, index, path, ...(record && { record }) };
}
