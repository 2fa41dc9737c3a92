/** Signs as a node or a client of an organisation: ECDSA P-256 with SHA-256 through OpenSSL, DER with low S. */
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import type { KeyPair } from '../config.ts';
import type { Signer } from '../seams.ts';

/** @throws Error when the key is not P-256 or is not the certificate's. */
export function createSigner(mspId: string, pair: KeyPair): Signer {
  const key = createPrivateKey(pair.privateKey);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error(`the key of ${mspId} is not ECDSA P-256`);
  if (!new X509Certificate(pair.certificate).checkPrivateKey(key)) {
    throw new Error(`the private key of ${mspId} does not belong to its certificate`);
  }
  return {
    mspId,
    creator: serializeIdentity(mspId, pair.certificate),
    sign: (message) => lowSDer(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })),
  };
}
