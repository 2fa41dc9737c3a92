/**
 * Signs as a client of Fabric with OpenSSL instead of the SDK's JavaScript curve: 20 to 30 times faster, three
 * times per write. Fabric wants ECDSA P-256 over SHA-256, DER, with the low S of the two possible ones.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** Order of P-256 (SEC 2, 2.4.2). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_N = Buffer.from((N >> 1n).toString(16).padStart(64, '0'), 'hex');

/** A DER INTEGER of an unsigned big-endian number. */
function derInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const sign = (digits[0] ?? 0) & 0x80 ? [0] : [];
  return Buffer.from([0x02, digits.length + sign.length, ...sign, ...digits]);
}

/** r ‖ s (64 bytes) as ECDSA-Sig-Value (RFC 3279), with s replaced by n − s where it is the higher one. */
export function derLowS(rs: Uint8Array): Buffer {
  let s = Buffer.from(rs.subarray(32));
  if (Buffer.compare(s, HALF_N) > 0) {
    s = Buffer.from((N - BigInt(`0x${s.toString('hex')}`)).toString(16).padStart(64, '0'), 'hex');
  }
  const body = Buffer.concat([derInteger(rs.subarray(0, 32)), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

export type Signer = (message: Uint8Array) => Promise<Uint8Array>;

/** A signer for fabric-gateway used with `hash.none`: it is handed the whole message. `pem` is a PKCS#8 or SEC1 P-256 key. */
export function newSigner(pem: string): Signer {
  const key: KeyObject = createPrivateKey(pem);
  return async (message) => derLowS(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
}
