/** The P-256 key that this organisation issues SMART Health Cards with: one file, made where it is not there. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, type JWK } from 'jose';

const FILE = 'health-cards.pem';

export class CardKey {
  readonly privateKey: KeyObject;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, FILE);
    if (!existsSync(file)) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      writeFileSync(`${file}.new`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
    }
    this.privateKey = createPrivateKey(readFileSync(file, 'utf8'));
  }

  /** As a set of keys lists it: its id is its thumbprint (RFC 7638). */
  async jwk(): Promise<JWK & { kid: string }> {
    const { kty, crv, x, y } = createPublicKey(this.privateKey).export({ format: 'jwk' }) as Required<
      Pick<JWK, 'kty' | 'crv' | 'x' | 'y'>
    >;
    const kid = await calculateJwkThumbprint({ kty, crv, x, y });
    return { kty, kid, use: 'sig', alg: 'ES256', crv, x, y };
  }
}
