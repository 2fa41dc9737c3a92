/**
 * The public key of a certificate signing request (PKCS#10, RFC 2986), of the one kind that is taken: a key on P-256 that has
 * signed the request itself (ECDSA with SHA-256), which shows that whoever asks has it. Names and attributes are ignored. Every
 * endorser reads the same bytes alike: lengths are definite and as short as can be, and nothing follows.
 */
import { createPublicKey, verify } from 'node:crypto';
import type { PublicKey } from './jws.ts';

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const ATTRIBUTES = 0xa0;
const VERSION_1 = Buffer.from('020100', 'hex');
/** id-ecPublicKey on prime256v1, and a point that is not compressed: 04 ‖ x ‖ y follows. */
const P256 = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const POINT_LENGTH = 65;
/** ecdsa-with-SHA256 (RFC 5758). */
const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');

interface Element {
  tag: number;
  /** With its tag and length. */
  whole: Buffer;
  content: Buffer;
}

/** The first element in DER bytes; undefined where there is none of a length that fits. */
function elementIn(bytes: Buffer): Element | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return undefined;
  const extra = first < 0x80 ? 0 : first - 0x80;
  if (extra > 2 || first === 0x80 || bytes.length < 2 + extra) return undefined;
  const length = extra === 0 ? first : bytes.readUIntBE(2, extra);
  const isShortest = extra === 0 || length >= (extra === 1 ? 0x80 : 0x100);
  const end = 2 + extra + length;
  if (!isShortest || bytes.length < end) return undefined;
  return { tag, whole: bytes.subarray(0, end), content: bytes.subarray(2 + extra, end) };
}

/** All elements of a content; undefined where something is left over. */
function elementsIn(content: Buffer): Element[] | undefined {
  const found: Element[] = [];
  for (let rest = content; rest.length > 0; ) {
    const element = elementIn(rest);
    if (element === undefined) return undefined;
    found.push(element);
    rest = rest.subarray(element.whole.length);
  }
  return found;
}

/** @param der the request, DER. Undefined for what is no such request, or is not signed by its own key */
export function keyInRequest(der: Buffer): PublicKey | undefined {
  const request = elementIn(der);
  if (request?.tag !== SEQUENCE || request.whole.length !== der.length) return undefined;
  const [info, algorithm, signature, ...more] = elementsIn(request.content) ?? [];
  if (info?.tag !== SEQUENCE || algorithm === undefined || signature?.tag !== BIT_STRING || more.length > 0)
    return undefined;
  if (!algorithm.whole.equals(ECDSA_SHA256) || signature.content[0] !== 0) return undefined;
  const [version, name, spki, attributes, ...rest] = elementsIn(info.content) ?? [];
  if (version === undefined || !version.whole.equals(VERSION_1) || name?.tag !== SEQUENCE || rest.length > 0)
    return undefined;
  if (spki === undefined || attributes?.tag !== ATTRIBUTES || !isP256(spki.whole)) return undefined;
  return isSignedByItself(info.whole, signature.content.subarray(1), spki.whole)
    ? coordinatesIn(spki.whole)
    : undefined;
}

const isP256 = (spki: Buffer): boolean =>
  spki.length === P256.length + POINT_LENGTH && spki.subarray(0, P256.length).equals(P256) && spki[P256.length] === 4;

function isSignedByItself(info: Buffer, signature: Buffer, spki: Buffer): boolean {
  try {
    return verify('sha256', info, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}

function coordinatesIn(spki: Buffer): PublicKey {
  const point = spki.subarray(P256.length + 1);
  return { x: point.toString('base64url', 0, 32), y: point.toString('base64url', 32) };
}
