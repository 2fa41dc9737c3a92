/** Puts receipts together: the entry of a transaction, its path in a tree that enough members have signed, and what it wrote. */
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
import { writeText } from '@telemed-ledger/verifier/entry.ts';
import { type CertifiedWitness, type Content, proofText } from '@telemed-ledger/verifier/proof.ts';
import { statementText } from '@telemed-ledger/verifier/statement.ts';
import { notHereYet } from '../../http/failures.ts';
import type { CosignaturesTable } from '../../index/tree-tables.ts';
import type { Services } from '../services.ts';

/** What is shown beside the entry, before its path is known. */
export type Shown = Omit<Content, 'index' | 'path'>;

interface SignedTree {
  origin: string;
  size: number;
  root: string;
  signatures: { line: string; witness: CertifiedWitness }[];
}

/**
 * A tlog-proof of a transaction, with a value that it wrote where one is shown.
 * @throws {LedgerError} NOT_FOUND. @throws {Failure} 503 while too few members have signed a tree that holds it
 */
export async function proofOf(services: Services, transactionId: string, shown?: Shown): Promise<string> {
  const { index, checkpointEveryMs } = services;
  const row = await index.transaction(transactionId);
  const leaf = row && (await index.tree.leaf(row.block, row.position));
  if (leaf === undefined) throw new LedgerError('NOT_FOUND', 'this peer has committed no such transaction');
  const signed = await signedOver(services, leaf.leaf);
  if (signed === undefined) throw notHereYet(Math.max(1, Math.ceil(checkpointEveryMs / 1000)));
  const { origin, size, root, signatures } = signed;
  const content = shown && (await placed(services, leaf, shown));
  const path = await index.tree.path(leaf.leaf, size);
  return proofText({
    extra: { entry: leaf.entry, witnesses: signatures.map(({ witness }) => witness), ...(content && { content }) },
    ...{ index: leaf.leaf, path: path.map((hash) => Buffer.from(hash, 'hex')) },
    checkpoint: checkpointText({ origin, size, root: Buffer.from(root, 'hex') }),
    signatures: signatures.map(({ line }) => line.slice(0, -1)),
  });
}

/** The smallest tree that holds a leaf and that more than half of the members have signed as it is here. */
async function signedOver({ index, witness, consortium }: Services, leaf: number): Promise<SignedTree | undefined> {
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
      if (signature !== undefined) signatures.push(signature);
    }
    if (signatures.length >= needed) return { origin, size, root, signatures };
  }
  return undefined;
}

/** A signature with who vouches for its key; undefined where either does not fit: it would spoil the receipt. */
async function certified(
  index: Services['index'],
  { msp_id: mspId, public_key: publicKey, size, root, time, signature }: CosignaturesTable,
  origin: string,
): Promise<SignedTree['signatures'][number] | undefined> {
  const witness = await index.cosignatures.witness(mspId, publicKey);
  if (witness === undefined) return undefined;
  const der = Buffer.from(witness.certificate, 'base64');
  const vouching = new X509Certificate(der);
  const statement = statementText({
    ...{ origin, mspId, publicKey, certificateHash: sha256Hex(der), time: witness.time },
  });
  const key = { key: vouching.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const vouch = Buffer.from(witness.signature, 'hex');
  const isInForce =
    Date.parse(vouching.validFrom) <= witness.time * 1000 && witness.time * 1000 <= Date.parse(vouching.validTo);
  if (!isInForce || !verify('sha256', Buffer.from(statement), key, vouch)) return undefined;
  const raw = Buffer.from(publicKey, 'hex');
  const own = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') } });
  const message = cosignedMessage(checkpointText({ origin, size, root: Buffer.from(root, 'hex') }), time);
  const bytes = Buffer.from(signature, 'hex');
  if (!verify(null, message, own, bytes)) return undefined;
  const name = witnessName(origin, mspId);
  const keyId = sha256(keyIdSource(name, raw)).subarray(0, 4);
  return {
    line: signatureLine({ name, keyId, time, signature: bytes }),
    witness: { statement, signature: vouch.toString('base64'), certificate: witness.certificate },
  };
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
