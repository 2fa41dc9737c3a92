/**
 * What an export says of itself: its files with their hashes, which receipt is of what, and what has none. The member that made
 * it signs it with its system certificate: a JWS (RFC 7515, ES256, detached) whose header carries the certificate.
 */
import { fromBase64, toBase64 } from './checkpoint.ts';
import { type Roots, systemCertificate } from './roots.ts';

export const MANIFEST = 'manifest.json';
export const MANIFEST_SIGNATURE = 'manifest.jws';
export const RECORD = 'record.json';
export const HISTORY = 'history.json';
export const ACCESS_LOG = 'access-log.json';
/** A file for each organisation whose log of reads is anchored. */
export const READS = 'reads/';
export const MANIFEST_FORMAT = 'telemed-ledger/export@v1';

export interface Manifest {
  format: typeof MANIFEST_FORMAT;
  /** The ledger, as checkpoints name it. */
  origin: string;
  /** Who made it. */
  mspId: string;
  /** `Patient/<id>` */
  patient: string;
  /** ISO 8601 UTC. */
  made: string;
  /** All but the manifest and its signature, in the order of the archive. */
  files: { path: string; size: number; sha256: string }[];
  /** `of`: `Type/id/_history/version`, `AccessRequest/id`, or `LogAnchor/organisation/n`. */
  receipts: { path: string; of: string }[];
  withoutReceipt: { of: string; reason: string }[];
  /** What is not in it, and why: types that whoever asked may not read, values that had not arrived. */
  leftOut: { of: string; reason: string }[];
}

/** The one form of its text. */
export const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, undefined, 1)}\n`;

/** @throws Error where it is not what `manifestText` writes */
export function readManifest(text: string): Manifest {
  const manifest = JSON.parse(text) as Manifest;
  const { format, origin, mspId, patient, made, files, receipts, withoutReceipt, leftOut } = manifest;
  const isText = (...values: unknown[]): boolean => values.every((value) => typeof value === 'string');
  const isSound =
    format === MANIFEST_FORMAT &&
    isText(origin, mspId, patient, made) &&
    [files, receipts, withoutReceipt, leftOut].every(Array.isArray) &&
    files.every(({ path, size, sha256 }) => isText(path, sha256) && Number.isSafeInteger(size)) &&
    receipts.every(({ path, of }) => isText(path, of)) &&
    [...withoutReceipt, ...leftOut].every(({ of, reason }) => isText(of, reason));
  if (!isSound || manifestText(manifest) !== text) throw new Error('it is not in its form');
  return manifest;
}

const urlSafe = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/** Bytes as JWS has them. */
const toBase64Url = (bytes: Uint8Array): string => {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return urlSafe(btoa(binary));
};

/** @throws Error where it is not the one form of its bytes */
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const padded = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .padEnd(Math.ceil(text.length / 4) * 4, '=');
  const bytes = fromBase64(padded);
  if (urlSafe(toBase64(bytes)) !== text) throw new Error('not in base64url');
  return bytes;
}

/** @throws Error that says why the signature does not count */
export async function checkManifestSignature(
  manifest: Uint8Array,
  { mspId, made }: Manifest,
  jws: string,
  roots: Roots,
): Promise<void> {
  const [, protectedHeader, signature] = /^([\w-]+)\.\.([\w-]+)$/.exec(jws) ?? [];
  if (protectedHeader === undefined || signature === undefined) throw new Error('it is not in its form');
  const { alg, x5c } = JSON.parse(new TextDecoder().decode(fromBase64Url(protectedHeader))) as {
    alg?: string;
    x5c?: string[];
  };
  if (alg !== 'ES256' || !Array.isArray(x5c) || x5c.length !== 1) throw new Error('it is not in its form');
  const time = Date.parse(made) / 1000;
  const certificate = await systemCertificate(fromBase64(x5c[0]!), { mspId, time }, roots);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const key = await certificate.publicKey.export(algorithm, ['verify']);
  const signed = new TextEncoder().encode(`${protectedHeader}.${toBase64Url(manifest)}`);
  if (!(await crypto.subtle.verify(algorithm, key, fromBase64Url(signature), signed)))
    throw new Error(`the certificate of ${mspId} has not signed this manifest`);
}
