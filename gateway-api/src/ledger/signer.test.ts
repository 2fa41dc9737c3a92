import { generateKeyPairSync, verify } from 'node:crypto';
import { expect } from 'chai';
import { newSigner } from './signer.ts';

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** s of a DER ECDSA-Sig-Value. */
function sOf(der: Uint8Array): bigint {
  const rLength = der[3] ?? 0;
  return BigInt(`0x${Buffer.from(der.subarray(4 + rLength + 2)).toString('hex')}`);
}

describe('the OpenSSL signer', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  it('makes DER signatures over SHA-256 that verify, with the low S, every time', async () => {
    const signer = newSigner(pem);
    for (let round = 0; round < 64; round += 1) {
      const message = Buffer.from(`message ${round}`);
      const signature = await signer(message);
      expect(verify('sha256', message, publicKey, signature)).to.equal(true);
      expect(sOf(signature) <= N >> 1n).to.equal(true);
    }
  });
});
