/**
 * Signs as a client of Fabric with OpenSSL instead of the SDK's JavaScript curve: 20 to 30 times faster, three
 * times per write. Fabric wants ECDSA P-256 over SHA-256, DER, with the low S of the two possible ones.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';

export type Signer = (message: Uint8Array) => Promise<Uint8Array>;

/** A signer for fabric-gateway used with `hash.none`: it is handed the whole message. `pem` is a PKCS#8 or SEC1 P-256 key. */
export function newSigner(pem: string): Signer {
  const key: KeyObject = createPrivateKey(pem);
  return async (message) => lowSDer(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
}
