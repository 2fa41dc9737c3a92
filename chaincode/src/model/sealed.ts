/** Texts in marks that everybody holds and only those can read who know a secret: AES-256-GCM (NIST SP 800-38D), the same bytes at every endorser. */
import { createCipheriv, createDecipheriv } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
/** Salts are random and of one mark each, so no nonce is used twice under a key. */
const nonceOf = (salt: string): Buffer => Buffer.from(salt, 'hex').subarray(0, NONCE_BYTES);

/** base64url. @param key 32 bytes, hex @param salt 32 random bytes, hex */
export function seal(key: string, text: string, salt: string): string {
  const cipher = createCipheriv(CIPHER, Buffer.from(key, 'hex'), nonceOf(salt));
  return Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** @throws Error where it was sealed by another key or salt */
export function unseal(key: string, sealed: string, salt: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv(CIPHER, Buffer.from(key, 'hex'), nonceOf(salt));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
}
