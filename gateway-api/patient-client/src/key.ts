/**
 * A patient's own key: P-256, made by WebCrypto so that nothing can take its private half out. An app keeps the pair in IndexedDB,
 * which stores it as it is.
 */
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { type Bytes, type Key, sha256, toBase64Url, utf8 } from './bytes.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface OwnKey {
  publicKey: Key;
  /** Not extractable. */
  privateKey: Key;
  /** RFC 7638, base64url: what names it. */
  thumbprint: string;
}

export async function makeKey(): Promise<OwnKey> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
  return { publicKey, privateKey, thumbprint: await thumbprintOf(publicKey) };
}

async function thumbprintOf(key: Key): Promise<string> {
  const { x, y } = await crypto.subtle.exportKey('jwk', key);
  return toBase64Url(await sha256(utf8(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)));
}

/** A certificate signing request for it (PKCS#10), DER: it shows that whoever asks has the key, and names nobody. */
export async function requestFor({ publicKey, privateKey }: OwnKey): Promise<Bytes> {
  const keys = { publicKey, privateKey };
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: P256 });
  return new Uint8Array(request.rawData);
}

/** A JWS (RFC 7515) by ES256 as its three segments. */
export async function jwsOf(header: object, payload: string, { privateKey, thumbprint }: OwnKey): Promise<string[]> {
  const named = { alg: 'ES256', kid: thumbprint, ...header };
  const [head, body] = [JSON.stringify(named), payload].map((text) => toBase64Url(utf8(text)));
  const signature = await crypto.subtle.sign(P256, privateKey, utf8(`${head}.${body}`));
  return [head!, body!, toBase64Url(new Uint8Array(signature))];
}

/** Whether a JWS, whose payload may stand elsewhere, is of that payload and this key. */
export function isJwsOf(
  [head = '', , tail = '']: readonly string[],
  payload: string,
  { publicKey }: OwnKey,
): Promise<boolean> {
  const signature = Uint8Array.from(atob(tail.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
  return crypto.subtle.verify(P256, publicKey, signature, utf8(`${head}.${toBase64Url(utf8(payload))}`));
}
