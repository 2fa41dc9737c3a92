/** Which directory a patient's consents are entered in: a bucket that many patients share. */
import { sha256Hex } from './canonical.ts';

/** How many directories a provider's patients are spread over. */
const BUCKETS = 64;

/** The bucket of a patient: two hexadecimal digits. */
export const bucketOf = (patientId: string): string =>
  (Number.parseInt(sha256Hex(patientId).slice(0, 8), 16) % BUCKETS).toString(16).padStart(2, '0');
