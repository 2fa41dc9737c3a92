/** The codes by which a patient says with one token that a record is to be linked, and with another to which. */
import { createHash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const CODE_MS = 10 * 60_000;
const MOST_CODES = 10_000;

/** Codes that were taken and not given back, by their hash: a gateway that ends forgets them, and she takes another. */
export class LinkCodes {
  readonly #codes = new LRUCache<string, string>({ max: MOST_CODES, ttl: CODE_MS });

  take(patient: string): { code: string; expiresAt: string } {
    const code = randomBytes(16).toString('base64url');
    this.#codes.set(hashOf(code), patient);
    return { code, expiresAt: new Date(Date.now() + CODE_MS).toISOString() };
  }

  /** The Patient whose it is, once; undefined where there is none. */
  redeem(code: string): string | undefined {
    const patient = this.#codes.get(hashOf(code));
    this.#codes.delete(hashOf(code));
    return patient;
  }
}

const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex');
