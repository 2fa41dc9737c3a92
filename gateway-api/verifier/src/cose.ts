/**
 * A receipt in CBOR: an entry of the ledger's tree as a COSE_Sign1 (RFC 9052) with one COSE receipt of each member that witnesses it
 * (RFC 9942, RFC9162_SHA256; the whole is a transparent statement as RFC 9943 has it). Forms alone: check.ts says whether it holds.
 */
import { decode, encode } from 'cborg';
import { witnessName } from './checkpoint.ts';
import type { Evidence } from './evidence.ts';
import { type CertifiedWitness, type Content, contentText, readContent } from './proof.ts';
import { fromHex, toHex } from './tree.ts';

/** Header parameters and CWT claims by their labels in IANA's registries. */
const ALG = 1;
const CONTENT_TYPE = 3;
const KID = 4;
const CWT_CLAIMS = 15;
const RECEIPTS = 394;
const VDS = 395;
const VDP = 396;
const ISSUER = 1;
const SUBJECT = 2;
const ISSUED_AT = 6;
const EDDSA = -8;
const RFC9162_SHA256 = 1;
const INCLUSION = -1;
const COSE_SIGN1_TAG = 0xd2;
/** Ours: what the registry has no label for. */
const SIZE = 'tree-size';
const WITNESS = 'witness';
const CONTENT = 'content';
const EVIDENCE = 'evidence';
const ENTRY_TYPE = 'text/plain; charset=utf-8';

type Bytes = Uint8Array;
type Headers = Map<number | string, unknown>;

/** Whether a receipt is in this encoding. */
export const isCose = ([first]: Bytes): boolean => first === COSE_SIGN1_TAG;

/** Who signs which tree, and when: seconds since 1970. */
export interface Signer {
  origin: string;
  mspId: string;
  /** Ed25519, hex. */
  publicKey: string;
  time: number;
}

/** One member's receipt. */
export interface CoseReceipt {
  protectedHeader: Bytes;
  signature: Bytes;
  witness: CertifiedWitness;
}

export interface CoseProof {
  entry: string;
  size: number;
  index: number;
  path: Bytes[];
  receipts: CoseReceipt[];
  /** Of who hands it out, over the entry. */
  statement: CoseReceipt;
  content?: Content;
  evidence?: Evidence;
}

/** What a member signs of a tree: alg, kid, who, which ledger, when, how many leaves. */
export const receiptHeader = (signer: Signer, size: number): Bytes =>
  encode(headerOf(signer, [[VDS, RFC9162_SHA256]], [[SIZE, size]]));

/** What who hands an entry out signs of it. */
export const statementHeader = (signer: Signer): Bytes => encode(headerOf(signer, [[CONTENT_TYPE, ENTRY_TYPE]], []));

function headerOf(
  { origin, mspId, publicKey, time }: Signer,
  parameters: [number, unknown][],
  claims: [string, unknown][],
): Headers {
  const stated = new Map<number | string, unknown>([
    [ISSUER, witnessName(origin, mspId)],
    [SUBJECT, origin],
    [ISSUED_AT, time],
    ...claims,
  ]);
  return new Map<number | string, unknown>([
    [ALG, EDDSA],
    [KID, fromHex(publicKey)],
    [CWT_CLAIMS, stated],
    ...parameters,
  ]);
}

/** Sig_structure of RFC 9052, section 4.4. */
export const signedBytes = (protectedHeader: Bytes, payload: Bytes): Uint8Array<ArrayBuffer> =>
  encode(['Signature1', protectedHeader, new Uint8Array(), payload]) as Uint8Array<ArrayBuffer>;

function sign1(protectedHeader: Bytes, unprotected: Headers, payload: Bytes | null, signature: Bytes): Bytes {
  const encoded = encode([protectedHeader, unprotected, payload, signature]);
  const tagged = new Uint8Array(encoded.length + 1);
  tagged[0] = COSE_SIGN1_TAG;
  tagged.set(encoded, 1);
  return tagged;
}

const utf8 = new TextEncoder();
/** The statement, its signature and the certificate, as texts of the other encoding. */
const witnessIn = ({ statement, signature, certificate }: CertifiedWitness): string[] => [
  statement,
  signature,
  certificate,
];

const evidenceIn = ({ envelope, previousHash, dataHash, blockSignatures }: Evidence): Bytes[] => [
  envelope,
  fromHex(previousHash),
  fromHex(dataHash),
  ...(blockSignatures === undefined ? [] : [blockSignatures]),
];

export function coseBytes({ entry, size, index, path, receipts, statement, content, evidence }: CoseProof): Bytes {
  const proof = encode([size, index, path]);
  const all = receipts.map(({ protectedHeader, signature, witness }) => {
    const unprotected: Headers = new Map<number | string, unknown>([
      [VDP, new Map([[INCLUSION, [proof]]])],
      [WITNESS, witnessIn(witness)],
    ]);
    return sign1(protectedHeader, unprotected, null, signature);
  });
  const unprotected: Headers = new Map<number | string, unknown>([
    [RECEIPTS, all],
    [WITNESS, witnessIn(statement.witness)],
    ...(content === undefined ? [] : [[CONTENT, utf8.encode(contentText(content))] as const]),
    ...(evidence === undefined ? [] : [[EVIDENCE, evidenceIn(evidence)] as const]),
  ]);
  return sign1(statement.protectedHeader, unprotected, utf8.encode(entry), statement.signature);
}

function readSign1(
  bytes: Bytes,
): [protectedHeader: Bytes, unprotected: Headers, payload: Bytes | null, signature: Bytes] {
  if (bytes[0] !== COSE_SIGN1_TAG) throw new Error('it is no COSE_Sign1');
  const options = { useMaps: true, strict: true, rejectDuplicateMapKeys: true, allowIndefinite: false };
  const parts = decode(bytes.subarray(1), options) as unknown[];
  const [protectedHeader, unprotected, payload, signature] = parts;
  if (
    parts.length !== 4 ||
    !(protectedHeader instanceof Uint8Array) ||
    !(unprotected instanceof Map) ||
    !(payload === null || payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  )
    throw new Error('it is no COSE_Sign1');
  return [protectedHeader, unprotected as Headers, payload, signature];
}

function readWitness(unprotected: Headers): CertifiedWitness {
  const [statement, signature, certificate] = unprotected.get(WITNESS) as string[];
  return { statement: statement!, signature: signature!, certificate: certificate! };
}

function readEvidence([envelope, previousHash, dataHash, signatures]: Bytes[]): Evidence {
  return {
    ...{ envelope: Uint8Array.from(envelope!), previousHash: toHex(previousHash!), dataHash: toHex(dataHash!) },
    ...(signatures === undefined ? {} : { blockSignatures: Uint8Array.from(signatures) }),
  };
}

const textOf = (bytes: Bytes): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

/** @throws Error where it is not exactly what `coseBytes` writes */
export function readCose(bytes: Bytes): CoseProof {
  const [protectedHeader, unprotected, payload, signature] = readSign1(bytes);
  const content = unprotected.get(CONTENT) as Bytes | undefined;
  const evidence = unprotected.get(EVIDENCE) as Bytes[] | undefined;
  let inclusion: [number, number, Bytes[]] | undefined;
  const receipts = (unprotected.get(RECEIPTS) as Bytes[]).map((receipt) => {
    const [header, more, , own] = readSign1(receipt);
    const [proof] = (more.get(VDP) as Map<number, Bytes[]>).get(INCLUSION)!;
    inclusion ??= decode(proof!, { strict: true }) as [number, number, Bytes[]];
    return { protectedHeader: header, signature: own, witness: readWitness(more) };
  });
  if (inclusion === undefined || payload === null) throw new Error('the receipt is not in its form');
  const [size, index, path] = inclusion;
  const proof: CoseProof = {
    ...{ entry: textOf(payload), size, index, path, receipts },
    statement: { protectedHeader, signature, witness: readWitness(unprotected) },
    ...(content === undefined ? {} : { content: readContent(textOf(content)) }),
    ...(evidence === undefined ? {} : { evidence: readEvidence(evidence) }),
  };
  const again = coseBytes(proof);
  if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at]))
    throw new Error('the receipt is not in its form');
  return proof;
}

/** What a protected header says; whoever reads it compares it with what it should be. */
export function timeIn(protectedHeader: Bytes): number {
  const header = decode(protectedHeader, { useMaps: true, strict: true }) as Map<number, Map<number, unknown>>;
  const time = header.get(CWT_CLAIMS)?.get(ISSUED_AT);
  if (typeof time !== 'number' || !Number.isSafeInteger(time) || time < 1) throw new Error('a signature has no time');
  return time;
}
