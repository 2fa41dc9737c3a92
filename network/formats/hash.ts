/** SHA-256 as the ledger uses it everywhere: over the concatenation of the parts given. */
import { createHash, hash } from 'node:crypto';

export function sha256(...parts: Uint8Array[]): Buffer {
  const [only] = parts;
  if (parts.length === 1 && only) return hash('sha256', only, 'buffer');
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
}
