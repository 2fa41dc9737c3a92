/** Which directory a patient's consents are entered in: a bucket that many patients share. */
import { sha256Hex } from './canonical.ts';

/** How many directories a provider's patients are spread over. */
const BUCKETS = 64;

/** The bucket of a patient: two hexadecimal digits. */
export const bucketOf = (patientId: string): string =>
  (Number.parseInt(sha256Hex(patientId).slice(0, 8), 16) % BUCKETS).toString(16).padStart(2, '0');

/** Buckets that are read together, so that nobody sees which of them mattered. A power of two. */
const TOGETHER = 8;

/** A bucket and those that are read with it, in their order. */
export function bucketsAround(bucket: string): string[] {
  const number = Number.parseInt(bucket, 16);
  const first = number - (number % TOGETHER);
  return Array.from({ length: TOGETHER }, (_, index) => (first + index).toString(16).padStart(2, '0'));
}
