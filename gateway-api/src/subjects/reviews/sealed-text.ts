/**
 * What a regulator writes about an emergency, sealed for the members of the reviews: whoever endorses it in the custodian's
 * place sees that something was written. The key follows from the salt of the review, which its members alone have.
 * AES-256-GCM (NIST SP 800-38D), in Base64: a nonce of 12 bytes, the text, a tag of 16 bytes.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Review } from '@telemed-ledger/chaincode/model/emergencies.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const keyOf = ({ salt }: Pick<Review, 'salt'>): Buffer => createHash('sha256').update(`review text/${salt}`).digest();

export function sealedText(text: string, review: Pick<Review, 'id' | 'salt'>): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(review), nonce).setAAD(Buffer.from(review.id));
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

/** Undefined for what was not sealed for this review. */
export function openedText(sealed: string, review: Pick<Review, 'id' | 'salt'>): string | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', keyOf(review), bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(review.id)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
