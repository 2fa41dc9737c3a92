import { createHash, createPrivateKey, sign } from 'node:crypto';
import { fabricMspConfig } from '@telemed-ledger/formats/channel/msp-config.ts';
import { type DerElement, readElement, readElements, writeElement } from '@telemed-ledger/formats/der/der.ts';
import { hasLowS, lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import { rolePrincipal } from '@telemed-ledger/formats/policies/roles.ts';
import { expect } from 'chai';
import type { KeyPair } from '../config.ts';
import type { Identities, Identity } from '../seams.ts';
import {
  type FixtureOrganisation,
  fixtureAuthority,
  fixtureOrganisation,
  type IssueOptions,
} from './authority.fixture.ts';
import { createIdentities, parsed } from './identities.ts';
import { createSigner } from './signer.ts';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

describe('Identities of a channel', () => {
  let org: FixtureOrganisation;
  let identities: Identities;

  before(async () => {
    org = await fixtureOrganisation('org');
    identities = createIdentities([fabricMspConfig(org.config)]);
  });

  const identityOf = (pair: KeyPair, from = identities): Identity => {
    const identity = from.parse(serializeIdentity('OrgMSP', pair.certificate));
    if (identity === undefined) throw new Error('not parsed');
    return identity;
  };
  const invalidityOf = async (options: IssueOptions) =>
    identities.invalidity(identityOf(await org.ca.issue(options))) ?? 'valid';

  it('accepts one certificate per node OU and says which it is', async () => {
    for (const unit of ['client', 'peer', 'admin', 'orderer'] as const) {
      const identity = identityOf(await org.ca.issue({ units: ['department', unit] }));
      expect(identities.invalidity(identity)).to.equal(undefined);
      expect(identity.nodeOu).to.equal(unit);
    }
  });

  it('answers with the same identity for the same creator', async () => {
    const creator = serializeIdentity('OrgMSP', (await org.ca.issue()).certificate);
    expect(identities.parse(Uint8Array.from(creator))).to.equal(identities.parse(creator));
  });

  it('does not know an MSP it has no configuration of, nor bytes that are no identity', async () => {
    const { certificate } = await org.ca.issue();
    expect(identities.parse(serializeIdentity('OtherMSP', certificate))).to.equal(undefined);
    expect(identities.parse(serializeIdentity('OrgMSP', 'no certificate'))).to.equal(undefined);
    expect(identities.parse(Buffer.from('no identity'))).to.equal(undefined);
    expect(identities.parse(new Uint8Array())).to.equal(undefined);
  });

  it("refuses a certificate of another CA that claims a known MSP id, even under the CA's own name", async () => {
    const impostor = await fixtureAuthority('ca.org');
    const identity = identityOf(await impostor.issue());
    expect(identities.invalidity(identity)).to.equal('the certificate is not signed by an authority of MSP OrgMSP');
    expect(identities.satisfies(identity, rolePrincipal({ mspId: 'OrgMSP', role: 'member' }))).to.equal(false);
  });

  it('refuses a certificate without a node OU, with two, and with one twice', async () => {
    expect(await invalidityOf({ units: ['department'] })).to.contain('does not have an OU that resolves to');
    expect(await invalidityOf({ units: [] })).to.contain('does not have an OU that resolves to');
    expect(await invalidityOf({ units: ['client', 'admin'] })).to.contain('not a combination of them');
    expect(await invalidityOf({ units: ['peer', 'peer'] })).to.contain('not a combination of them');
  });

  it('is not deceived by a common name that looks like an OU', async () => {
    expect(await invalidityOf({ commonName: 'x\nOU=admin', units: [] })).to.contain('does not have an OU');
    const identity = identityOf(await org.ca.issue({ commonName: 'x,OU=admin', units: ['client'] }));
    expect(identity.nodeOu).to.equal('client');
  });

  it('refuses the CA itself and an identity below an unknown intermediate, accepts one below a known intermediate', async () => {
    expect(identities.invalidity(identityOf(org.ca))).to.contain('CA certificate');
    const intermediate = await org.ca.subordinate('intermediate');
    const below = await intermediate.issue();
    expect(identities.invalidity(identityOf(below))).to.contain('not signed by an authority');
    const config = fabricMspConfig(org.config);
    config.setIntermediateCertsList([Buffer.from(intermediate.certificate)]);
    config.getFabricNodeOus()?.getClientOuIdentifier()?.setCertificate(new Uint8Array());
    const wider = createIdentities([config]);
    expect(wider.invalidity(identityOf(below, wider))).to.equal(undefined);
  });

  it('counts an OU only when the CA it is bound to issued it', async () => {
    const intermediate = await org.ca.subordinate('intermediate');
    const config = fabricMspConfig(org.config);
    config.setIntermediateCertsList([Buffer.from(intermediate.certificate)]);
    const strict = createIdentities([config]);
    const identity = identityOf(await intermediate.issue(), strict);
    expect(strict.invalidity(identity)).to.contain('does not have an OU that resolves to');
  });

  it('refuses what a certificate issued that has no right to issue', async () => {
    const leaf = await org.ca.subordinate('leaf', false);
    const config = fabricMspConfig(org.config);
    config.setIntermediateCertsList([Buffer.from(leaf.certificate)]);
    const wider = createIdentities([config]);
    expect(wider.invalidity(identityOf(await leaf.issue(), wider))).to.contain('not signed by an authority');
  });

  it('lets an expired certificate pass, because a block must validate alike whenever it is read', async () => {
    const options = { notBefore: new Date(Date.now() - 7200_000), notAfter: new Date(Date.now() - 3600_000) };
    const identity = identityOf(await org.ca.issue(options));
    expect(identities.invalidity(identity)).to.equal(undefined);
    expect(identity.notAfter.getTime()).to.be.below(Date.now());
  });

  it('refuses a certificate that begins before its CA', async () => {
    const options = { notBefore: new Date(Date.now() - 10 * 86_400_000) };
    expect(await invalidityOf(options)).to.contain('not signed by an authority');
  });

  it('refuses a key that is not P-256', async () => {
    expect(await invalidityOf({ curve: 'P-384' })).to.equal('the key is not ECDSA P-256');
  });

  it('refuses a revoked certificate, but only on the word of its own CA', async () => {
    const revoked = await org.ca.issue();
    const other = await org.ca.issue();
    const list = await org.ca.revoke(revoked.certificate);
    const impostor = await fixtureAuthority('ca.org');
    const forged = await impostor.revoke(other.certificate);
    const strict = createIdentities([fabricMspConfig({ ...org.config, revocationLists: [list, forged] })]);
    expect(strict.invalidity(identityOf(revoked, strict))).to.equal('the certificate has been revoked');
    expect(strict.invalidity(identityOf(other, strict))).to.equal(undefined);
    const added = createIdentities([fabricMspConfig(org.config)], new Map([['OrgMSP', [list]]]));
    expect(added.invalidity(identityOf(revoked, added))).to.equal('the certificate has been revoked');
  });

  it('reads an empty revocation list', async () => {
    const list = await org.ca.revoke();
    expect(() => createIdentities([fabricMspConfig({ ...org.config, revocationLists: [list] })])).not.to.throw();
  });

  it('sees one signer in a certificate whatever its PEM text looks like', async () => {
    const { certificate } = await org.ca.issue();
    const other = `\n\n${certificate.replaceAll('\n', '\r\n')}\n`;
    const first = identityOf({ certificate, privateKey: '' });
    const second = identityOf({ certificate: other, privateKey: '' });
    expect(parsed(second).signerKey).to.equal(parsed(first).signerKey);
  });

  it('does not take a text with more than its one certificate, of which chaincode might read another', async () => {
    const own = (await org.ca.issue()).certificate;
    const coveted = (await org.ca.issue({ commonName: 'someone with more rights' })).certificate;
    const der = Buffer.from(own.replace(/-----.*-----|\s/g, ''), 'base64');
    const pemOf = (bytes: Buffer) =>
      `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
    expect(identities.parse(serializeIdentity('OrgMSP', pemOf(der)))).not.to.equal(undefined);
    for (const text of [
      `${own}\n${coveted}`,
      `${coveted.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')}\n${own}`,
      `${own}\n${coveted.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')}`,
      `-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n${own}`,
      `some text\n${own}`,
      own.replace('-----END', '====\n-----END'),
      pemOf(Buffer.concat([der, Buffer.from([0])])),
    ]) {
      expect(identities.parse(serializeIdentity('OrgMSP', text)), text).to.equal(undefined);
    }
  });

  it("sees one signer in a certificate whose issuer's signature was turned into its other form", async () => {
    const { certificate } = await org.ca.issue();
    const der = Buffer.from(certificate.replace(/-----.*-----|\s/g, ''), 'base64');
    const [tbs, algorithm, bits] = readElements(readElement(der).content) as [DerElement, DerElement, DerElement];
    const [r, s] = readElements(readElement(bits.content.subarray(1)).content).map(({ content }) =>
      BigInt(`0x${content.toString('hex')}`),
    ) as [bigint, bigint];
    const other = writeElement(0x03, Buffer.concat([Buffer.from([0]), derOf(r, ORDER - s)]));
    const twin = writeElement(0x30, Buffer.concat([tbs.raw, algorithm.raw, other]));
    const pem = `-----BEGIN CERTIFICATE-----\n${twin.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const [first, second] = [certificate, pem].map((text) => identityOf({ certificate: text, privateKey: '' }));
    expect(identities.invalidity(second!)).to.equal(undefined);
    expect(parsed(second!).signerKey).to.equal(parsed(first!).signerKey);
  });

  it('verifies what its signer signed and nothing else', async () => {
    const pair = await org.ca.issue();
    const identity = identityOf(pair);
    const signature = createSigner('OrgMSP', pair).sign(Buffer.from('message'));
    const verify = (message: string, bytes: Uint8Array) => identities.verify(identity, Buffer.from(message), bytes);
    expect(await verify('message', signature)).to.equal(true);
    expect(await verify('message', signature)).to.equal(true);
    expect(await verify('massage', signature)).to.equal(false);
    expect(await verify('message', new Uint8Array())).to.equal(false);
    expect(await verify('message', Buffer.from('300602010102010130', 'hex'))).to.equal(false);
    const other = identityOf(await org.ca.issue());
    expect(await identities.verify(other, Buffer.from('message'), signature)).to.equal(false);
  });

  it('refuses the high half of S and accepts the low one', async () => {
    const pair = await org.ca.issue();
    const identity = identityOf(pair);
    const message = Buffer.from('message');
    const fixed = sign('sha256', message, { key: createPrivateKey(pair.privateKey), dsaEncoding: 'ieee-p1363' });
    const low = lowSDer(fixed);
    const r = BigInt(`0x${fixed.subarray(0, 32).toString('hex')}`);
    const s = BigInt(`0x${fixed.subarray(32).toString('hex')}`);
    const high = derOf(r, s > ORDER / 2n ? s : ORDER - s);
    expect(await identities.verify(identity, message, high)).to.equal(false);
    expect(await identities.verify(identity, message, low)).to.equal(true);
  });

  it('matches role, identity and organisational unit principals', async () => {
    const pair = await org.ca.issue({ units: ['peer', 'cardiology'] });
    const identity = identityOf(pair);
    const matches = (role: 'member' | 'peer' | 'client', mspId = 'OrgMSP') =>
      identities.satisfies(identity, rolePrincipal({ mspId, role }));
    expect([matches('member'), matches('peer'), matches('client'), matches('member', 'OtherMSP')]).to.deep.equal([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('A signer', () => {
  it('always emits the low S', async () => {
    const org = await fixtureOrganisation('org');
    const signer = createSigner('OrgMSP', await org.ca.issue());
    for (let index = 0; index < 200; index += 1) {
      expect(hasLowS(Buffer.from(signer.sign(createHash('sha256').update(String(index)).digest())))).to.equal(true);
    }
  });

  it("refuses a key that is not its certificate's", async () => {
    const org = await fixtureOrganisation('org');
    const [one, two] = [await org.ca.issue(), await org.ca.issue()];
    const mixed = { certificate: one.certificate, privateKey: two.privateKey };
    expect(() => createSigner('OrgMSP', mixed)).to.throw('does not belong to its certificate');
    expect(() => createSigner('OrgMSP', { ...one, privateKey: 'none' })).to.throw();
  });
});

/** DER written independently of the code under test. */
function derOf(r: bigint, s: bigint): Buffer {
  const integer = (value: bigint): Buffer => {
    const text = value.toString(16);
    const even = text.length % 2 === 0 ? text : `0${text}`;
    const bytes = Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, 'hex');
    return Buffer.concat([Buffer.from([2, bytes.length]), bytes]);
  };
  const content = Buffer.concat([integer(r), integer(s)]);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}
