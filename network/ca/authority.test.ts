import 'reflect-metadata';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import { connect } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { expect } from 'chai';
import { createAuthority, type DevelopmentAuthority, LOCAL_HOSTS, openAuthority } from './authority.ts';

describe('The development authority', () => {
  let authority: DevelopmentAuthority;

  before(async () => {
    authority = await openAuthority(await createAuthority('ca.clinic', 'clinic', 10));
  });

  it('issues a client certificate with one OU, its attributes and its chain', async () => {
    const attributes = { role: 'practitioner', fhirUser: 'Practitioner/1' };
    const { certificate } = await authority.enrol({ commonName: 'someone', ou: 'client', attributes, days: 3 });
    const issued = new X509Certificate(certificate);
    const ca = new X509Certificate(authority.certificate);
    expect(issued.subject).to.equal('OU=client\nCN=someone');
    expect(issued.checkIssued(ca) && issued.verify(ca.publicKey)).to.equal(true);
    expect(issued.ca).to.equal(false);
    expect(ca.ca).to.equal(true);
    expect(issued.validToDate.getTime()).to.be.within(Date.now() + 2 * 86_400_000, Date.now() + 3 * 86_400_000);
    expect(issued.validFromDate.getTime()).to.be.above(ca.validFromDate.getTime());
    const extension = new x509.X509Certificate(certificate).getExtension('1.2.3.4.5.6.7.8.1');
    expect(JSON.parse(Buffer.from(extension!.value).toString())).to.deep.equal({ attrs: attributes });
  });

  it('issues a key that belongs to the certificate', async () => {
    const { certificate, privateKey } = await authority.enrol({ commonName: 'a', ou: 'peer', days: 1 });
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))).to.equal(true);
  });

  it('issues server certificates that a TLS client accepts for 127.0.0.1 and localhost', async () => {
    const pair = await authority.enrolServer('peer.clinic', LOCAL_HOSTS, 1);
    const server = createServer({ key: pair.privateKey, cert: pair.certificate });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      for (const servername of ['', 'localhost']) {
        const accepted = await new Promise<boolean>((resolve, reject) => {
          const socket = connect({ host: '127.0.0.1', port, servername, ca: authority.certificate }, () => {
            resolve(socket.authorized);
            socket.destroy();
          });
          socket.once('error', reject);
        });
        expect(accepted).to.equal(true);
      }
    } finally {
      server.close();
    }
  });

  it('revokes in a list that OpenSSL and Fabric read', async () => {
    const { certificate } = await authority.enrol({ commonName: 'a', ou: 'client', days: 1 });
    const pem = await authority.revoke([certificate], 1);
    expect(pem).to.match(/^-----BEGIN X509 CRL-----/);
    const list = new x509.X509Crl(pem);
    expect(list.findRevoked(new x509.X509Certificate(certificate))).not.to.equal(null);
    expect(await list.verify({ publicKey: new x509.X509Certificate(authority.certificate) })).to.equal(true);
  });
});
