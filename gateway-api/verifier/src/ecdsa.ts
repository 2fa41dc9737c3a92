/** Signatures of Fabric's identities: ECDSA P-256 over SHA-256, DER, S in the lower half of the curve's order as Fabric demands. */
import type { X509Certificate } from '@peculiar/x509';
import { element, TAG, unsigned } from './der.ts';
import { fromHex, toHex } from './tree.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
const WIDTH = 32;

/** What is signed with a certificate's key. @param signature r ‖ s, 64 bytes */
export async function isSignedBy(
  certificate: X509Certificate,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const key = await certificate.publicKey.export(ALGORITHM, ['verify']);
  return crypto.subtle.verify(ALGORITHM, key, signature, message);
}

/** r ‖ s of a signature in DER. @throws Error where it is not the one DER of it, or S is high: another form of the same */
export function fixedSignature(der: Uint8Array): Uint8Array<ArrayBuffer> {
  const numbers: bigint[] = [];
  for (let at = 2; at < der.length; at += 2 + der[at + 1]!)
    numbers.push(BigInt(`0x0${toHex(der.subarray(at + 2, at + 2 + der[at + 1]!))}`));
  const [r = 0n, s = 0n] = numbers;
  if (s > HALF_ORDER || toHex(element(TAG.sequence, unsigned(r), unsigned(s))) !== toHex(der))
    throw new Error('a signature is not in its form');
  return fromHex([r, s].map((one) => one.toString(16).padStart(2 * WIDTH, '0')).join(''));
}
