/**
 * ECDSA P-256 signatures in the form Fabric wants: DER, with S in the lower half of the curve's order. OpenSSL
 * emits the upper half as often as the lower one, and Fabric refuses it everywhere.
 */
import { readElement, readElements, TAG, writeElement, writeUnsigned } from './der.ts';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = Buffer.from((ORDER >> 1n).toString(16).padStart(64, '0'), 'hex');

/** Whether a DER signature is well formed and has a low S. */
export function hasLowS(signature: Buffer): boolean {
  try {
    const sequence = readElement(signature);
    if (sequence.tag !== TAG.sequence || sequence.raw.length !== signature.length) return false;
    const [r, s, ...rest] = readElements(sequence.content);
    if (r?.tag !== TAG.integer || s?.tag !== TAG.integer || rest.length > 0) return false;
    return isAtMostHalf(s.content);
  } catch {
    return false;
  }
}

/** DER with low S from the fixed-width form r ‖ s (IEEE P1363), 64 bytes. */
export function lowSDer(fixed: Buffer): Buffer {
  const r = fixed.subarray(0, 32);
  const s = fixed.subarray(32, 64);
  const low = s.compare(HALF_ORDER) <= 0 ? s : complement(s);
  return writeElement(TAG.sequence, Buffer.concat([writeUnsigned(r), writeUnsigned(low)]));
}

function complement(s: Buffer): Buffer {
  const value = ORDER - BigInt(`0x${s.toString('hex')}`);
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

function isAtMostHalf(integer: Buffer): boolean {
  if (integer.length === 0 || integer[0]! >= 0x80) return false;
  const magnitude = integer[0] === 0 ? integer.subarray(1) : integer;
  if (magnitude.length !== 32) return magnitude.length < 32;
  return magnitude.compare(HALF_ORDER) <= 0;
}
