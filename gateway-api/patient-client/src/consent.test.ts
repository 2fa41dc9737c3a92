/** What the client makes is what the ledger's own code, and jose, take; nothing else passes for it. */
import { randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { signaturesIn, signedText } from '@telemed-ledger/chaincode/model/consent-signature.ts';
import { keyInRequest } from '@telemed-ledger/chaincode/model/csr.ts';
import { thumbprintOf } from '@telemed-ledger/chaincode/model/jws.ts';
import { enrolmentText, isSignedOnce } from '@telemed-ledger/chaincode/model/patient-keys.ts';
import canonicalize from 'canonicalize';
import { expect } from 'chai';
import fc from 'fast-check';
import { exportJWK, flattenedVerify } from 'jose';
import { newCode, readCode, signedWithCode } from './code.ts';
import { type Resource, sign, signerOf, toSign } from './consent.ts';
import { makeKey, type OwnKey, requestFor } from './key.ts';

const place = { provider: 'hospital', patient: randomUUID(), version: 1 };
const consent = (): Resource => ({
  ...{ resourceType: 'Consent', status: 'active', patient: { reference: `Patient/${place.patient}` } },
  ...{ meta: { profile: ['https://example.org/p'] }, provision: { type: 'permit', period: { end: '2027-01-01' } } },
});

describe("A patient's client", function () {
  this.timeout(20_000);
  let key: OwnKey;
  before(async () => {
    key = await makeKey();
  });

  it('makes a key that nothing takes out, and a request for it that the ledger reads', async () => {
    const taken = await crypto.subtle.exportKey('pkcs8', key.privateKey).catch(({ name }) => name);
    expect(taken).to.equal('InvalidAccessError');
    const found = keyInRequest(Buffer.from(await requestFor(key)));
    expect(found && thumbprintOf(found)).to.equal(key.thumbprint);
  });

  it('reads a code as people write it, and no mistyped one', async () => {
    // Its check is a zero, which people read as a letter.
    const code = newCode(new Uint8Array(16).fill(0));
    expect(newCode()).to.not.equal(newCode());
    expect(code).to.match(/^[0-9A-Z-]{30}.$/);
    const { id, publicKey } = await readCode(code);
    for (const written of [
      code.toLowerCase(),
      code.replaceAll('-', ' '),
      ` ${code.replaceAll('0', 'o').replaceAll('1', 'l')} `,
    ])
      expect(await readCode(written)).to.include({ id, publicKey });
    for (let at = 0; at < code.length; at += 1) {
      const mistyped = `${code.slice(0, at)}${code[at] === '7' ? '8' : '7'}${code.slice(at + 1)}`;
      if (code[at] === '-') continue;
      const read = await readCode(mistyped).catch(({ message }) => message);
      expect(read, mistyped).to.match(/^the code/);
    }
    for (const other of ['', code.slice(1), `${code}0`, 'ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZZZ'])
      expect(await readCode(other).catch(({ message }) => message)).to.match(/^the code/);
  });

  it('signs with a code what the ledger checks', async () => {
    const code = await readCode(newCode());
    const request = await requestFor(key);
    const signature = await signedWithCode(code, { ...place, request });
    expect(
      isSignedOnce(enrolmentText({ ...place, id: code.id }, 'hospital', request), signature, code.publicKey),
    ).to.equal(true);
    expect(
      isSignedOnce(enrolmentText({ ...place, id: code.id }, 'clinic', request), signature, code.publicKey),
    ).to.equal(false);
  });

  it('writes canonical JSON as the ledger does', () => {
    const text = fc.string({ unit: 'grapheme' });
    const values = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        ...[
          text,
          fc.maxSafeInteger(),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.boolean(),
          fc.constant(null),
        ],
        fc.array(tie('value')),
        fc.dictionary(text, tie('value')),
      ),
    })).value;
    fc.assert(fc.property(values, (value) => canonicalJson(value) === canonicalize(value)));
  });

  it('shows everything that it signs, and jose finds it signed', async () => {
    const shown = toSign(consent(), place);
    expect(shown.shown).to.deep.include({ path: 'for the records of', value: 'hospital' });
    expect(shown.shown).to.deep.include({ path: 'Consent.provision.type', value: 'permit' });
    for (const leaf of [place.patient, '2027-01-01', shown.place.consent, 'https://example.org/p'])
      expect(
        shown.shown.some(({ value }) => value.includes(leaf)),
        leaf,
      ).to.equal(true);
    const signed = await sign(shown, key);
    const [at = -1] = signaturesIn(signed);
    const text = signedText(signed, at);
    expect(text).to.equal(shown.text);
    const { extension } = signed as { extension?: { valueSignature: { data: string } }[] };
    const [head = '', , tail = ''] = atob(extension![at]!.valueSignature.data).split('.');
    const jwk = { ...(await exportJWK(key.publicKey as never)) };
    const jws = { protected: head, payload: Buffer.from(text).toString('base64url'), signature: tail };
    const { protectedHeader } = await flattenedVerify(jws, jwk);
    expect(protectedHeader).to.deep.equal({
      ...{ alg: 'ES256', kid: key.thumbprint, typ: 'telemed-consent+jws' },
      ...{ consent: signed.id, version: 1, provider: 'hospital' },
    });
  });

  it('knows its own signature, as what it was given for, and no other', async () => {
    const signed = await sign(toSign(consent(), place), key);
    const shown = {
      ...signed,
      meta: { ...(signed['meta'] as object), versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
    };
    expect(await signerOf(shown, 1, 'hospital', [key])).to.equal(key);
    expect(await signerOf(consent(), 1, 'hospital', [key])).to.equal('nobody');
    for (const other of [
      signerOf({ ...shown, status: 'inactive' }, 1, 'hospital', [key]),
      signerOf(shown, 2, 'hospital', [key]),
      signerOf(shown, 1, 'clinic', [key]),
      signerOf(shown, 1, 'hospital', [await makeKey()]),
    ])
      expect(await other).to.equal('somebody else');
  });

  it('signs no consent of another patient, and keeps the id of one that goes on', () => {
    expect(() => toSign({ ...consent(), patient: { reference: 'Patient/2' } }, place)).to.throw(/another patient/);
    expect(() => toSign(consent(), { ...place, version: 2 })).to.throw(/keeps its id/);
    const id = randomUUID();
    expect(toSign({ ...consent(), id }, { ...place, version: 2 }).place.consent).to.equal(id);
  });
});
