/**
 * Signatures of patients: JWS (RFC 7515) by ES256 (RFC 7518 §3.4) under a P-256 key, in the one form that is taken: three
 * segments of base64url without padding, whose re-encoding is the same. A detached one (RFC 7515 appendix F) has no payload.
 */
import { createPublicKey, verify } from 'node:crypto';
import { sha256 } from './canonical.ts';

/** A public key on P-256 by its coordinates, base64url of 32 bytes each, as a JWK has them (RFC 7518 §6.2). */
export interface PublicKey {
  x: string;
  y: string;
}

export interface Jws {
  header: unknown;
  /** Empty of a detached one. */
  payload: string;
  /** As it stands in the text. */
  protected: string;
  signature: Buffer;
}

/** The bytes of base64url, or undefined where the text is no one form of any. */
export function fromBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** A JWS as its parts; undefined where it is not of that form. */
export function readJws(text: string): Jws | undefined {
  const [head = '', body = '', tail = '', ...rest] = text.split('.');
  const [header, payload, signature] = [head, body, tail].map(fromBase64Url);
  if (rest.length > 0 || header === undefined || payload === undefined || signature?.length !== 64) return undefined;
  try {
    return { header: JSON.parse(header.toString()), payload: payload.toString(), protected: head, signature };
  } catch {
    return undefined;
  }
}

/** The key, or undefined where the coordinates are of no point on the curve. */
function keyOf({ x, y }: PublicKey): ReturnType<typeof createPublicKey> | undefined {
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Whether bytes are signed by a key: ECDSA with SHA-256, r ‖ s. */
function isSigned(bytes: Uint8Array | string, signature: Uint8Array, by: PublicKey): boolean {
  const key = keyOf(by);
  return (
    key !== undefined && verify('sha256', Buffer.from(bytes as string), { key, dsaEncoding: 'ieee-p1363' }, signature)
  );
}

/** Whether a JWS is of a payload, and signed by a key. */
export const isJwsOf = (jws: Jws, payload: string, by: PublicKey): boolean =>
  isSigned(`${jws.protected}.${Buffer.from(payload).toString('base64url')}`, jws.signature, by);

/** What names a key (RFC 7638): SHA-256 of its required members, base64url. */
export const thumbprintOf = ({ x, y }: PublicKey): string =>
  sha256(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).toString('base64url');
