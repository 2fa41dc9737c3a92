import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { createAuthority } from './authority.ts';
import { UnusableCertificatesError } from './key-store.ts';
import { type PreparedNodes, prepareNodes } from './nodes.ts';
import { type PreparedConsortium, prepareOrganisations } from './organisations.ts';

const consortium = loadConsortium();

describe('Prepared nodes', () => {
  let dataDir: string;
  let prepared: PreparedConsortium;
  let nodes: PreparedNodes;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'nodes-'));
    prepared = await prepareOrganisations(dataDir, consortium);
    nodes = await prepareNodes(dataDir, consortium);
  });
  after(() => rm(dataDir, { recursive: true }));

  const organisation = (name: string) => prepared.organisations.find((one) => one.name === name)!;

  it("have orderers of the organisations that run them, by those organisations' own authorities", () => {
    expect(Object.keys(nodes.orderers)).to.have.members(consortium.ordering.orderers.map(({ name }) => name));
    for (const { name, organisation: owner } of consortium.ordering.orderers) {
      const { identity, tls } = nodes.orderers[name]!;
      const certificate = new X509Certificate(identity.certificate);
      expect(certificate.subject).to.equal(`OU=orderer\nCN=${name}`);
      expect(certificate.verify(new X509Certificate(organisation(owner).caCertificate).publicKey)).to.equal(true);
      const root = new X509Certificate(organisation(owner).tlsCaCertificate);
      expect(new X509Certificate(tls.certificate).verify(root.publicKey)).to.equal(true);
    }
  });

  it('have TLS certificates of orderers that serve and call, where those of peers only serve', () => {
    const [serverAuthentication, clientAuthentication] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
    const usages = (pem: string) => new X509Certificate(pem).keyUsage;
    expect(usages(nodes.orderers['orderer-payer']!.tls.certificate)).to.have.members([
      serverAuthentication,
      clientAuthentication,
    ]);
    expect(usages(organisation('payer').peer.tls.certificate)).to.deep.equal([serverAuthentication]);
  });

  it('have an administrator for every organisation', () => {
    expect(Object.keys(nodes.administrators)).to.have.members(consortium.organisations.map(({ name }) => name));
    const subject = new X509Certificate(nodes.administrators['bank']!.identity.certificate).subject;
    expect(subject).to.equal('OU=admin\nCN=admin.bank');
  });

  it('are the same at the next start', async () => {
    expect(await prepareNodes(dataDir, consortium)).to.deep.equal(nodes);
  });

  it('are refused when a certificate is of another authority, with its file', async () => {
    const file = join(nodes.orderers['orderer-hospital']!.directory, 'cert.pem');
    const { certificate } = await createAuthority('other', 'other', 1);
    await writeFile(file, certificate);
    const outcome = await prepareNodes(dataDir, consortium).catch((error: Error) => error);
    expect(outcome).to.be.instanceOf(UnusableCertificatesError);
    expect((outcome as Error).message).to.contain(`${file}: CN=other is not of its organisation's authority`);
  });
});
