import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { parse } from 'yaml';
import { openAuthority } from '../authority.ts';
import { prepareOrganisations } from '../organisations.ts';
import { readReach } from './reach.ts';
import { authorityHome, prepareAuthorities } from './server.ts';
import type { AuthorityPlace } from './server-config.ts';

const consortium = loadConsortium();
const placeOf = (organisation: string): AuthorityPlace => ({
  host: `ca-${organisation}`,
  port: 7054,
  listenHost: '0.0.0.0',
  operationsAddress: '127.0.0.1:9443',
});

describe('What a Fabric CA server is given', () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'authorities-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const prepare = (): Promise<unknown> =>
    prepareAuthorities(dataDir, consortium, placeOf).then(
      () => 'prepared',
      (error: Error) => error.message,
    );
  const files = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(dataDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .map((path) => [path.slice(dataDir.length + 1), readFileSync(path, 'utf8')]),
    );
  const home = (...path: string[]) => join(authorityHome(dataDir, 'bank'), ...path);
  const organisation = (...path: string[]) => join(dataDir, 'organisations', 'bank', ...path);

  it('is root keys, a TLS certificate for its host and a secret; clients get certificates only', async () => {
    await prepare();
    const of = (directory: string) => Object.keys(files()).filter((path) => path.startsWith(`${directory}/bank/`));
    expect(of('organisations').map((path) => path.slice('organisations/bank/'.length))).to.have.members([
      'ca/ca.pem',
      'ca/tlsca.pem',
      'ca/fabric-ca.json',
      'registrar/secret',
    ]);
    expect(of('authorities').map((path) => path.slice('authorities/bank/'.length))).to.have.members([
      'fabric-ca-server-config.yaml',
      'tlsca/fabric-ca-server-config.yaml',
      'keys/ca.pem',
      'keys/ca.key',
      'keys/tlsca.pem',
      'keys/tlsca.key',
      'server/tls.pem',
      'server/tls.key',
    ]);
    for (const path of Object.keys(files())) expect(statSync(join(dataDir, path)).mode & 0o777, path).to.equal(0o600);
    const tls = new X509Certificate(readFileSync(home('server', 'tls.pem')));
    const { tlsCaCertificate, url, organisation: name } = await readReach(organisation('ca'));
    expect([name, url]).to.deep.equal(['bank', 'https://ca-bank:7054']);
    expect(tls.verify(new X509Certificate(tlsCaCertificate).publicKey)).to.equal(true);
    expect([tls.checkHost('ca-bank'), tls.checkHost('localhost')]).to.deep.equal(['ca-bank', 'localhost']);
  });

  it('has a registrar whose secret is another in every organisation, and who makes no authorities', async () => {
    await prepare();
    const secrets = consortium.organisations.map(({ name }) => {
      const config = parse(readFileSync(join(authorityHome(dataDir, name), 'fabric-ca-server-config.yaml'), 'utf8'));
      const [registrar, ...others] = config.registry.identities;
      expect(others).to.deep.equal([]);
      expect(registrar.attrs).not.to.have.property('hf.IntermediateCA');
      expect(config.signing.profiles.ca).not.to.have.property('caconstraint');
      return registrar.pass;
    });
    expect(new Set(secrets).size).to.equal(6);
    expect(secrets.every((secret) => /^[0-9a-f]{64}$/.test(secret))).to.equal(true);
  });

  it('is the same at the next start', async () => {
    await prepare();
    const before = files();
    await prepare();
    expect(files()).to.deep.equal(before);
  });

  it('is completed where an earlier start was interrupted', async () => {
    await prepare();
    const before = files();
    for (const made of [organisation('ca'), home('fabric-ca-server-config.yaml'), home('tlsca')])
      await rm(made, { recursive: true });
    await writeFile(home('.unfinished-keys-0011'), 'half');
    await prepare();
    expect(files()).to.deep.equal(before);
  });

  it('is refused to an organisation that has a development authority, or has lost its root keys', async () => {
    await prepareOrganisations(dataDir, consortium);
    expect(await prepare()).to.match(/organisations\/hospital\/ca: hospital has a development authority/);
    await rm(dataDir, { recursive: true });
    await prepare();
    await rm(home('keys'), { recursive: true });
    expect(await prepare()).to.match(/authorities\/bank\/keys is missing, and with it the root keys of bank/);
    await cp(join(authorityHome(dataDir, 'payer'), 'keys'), home('keys'), { recursive: true });
    expect(await prepare()).to.match(/bank\/server\/tls\.pem: CN=ca-bank is not of its organisation's authority/);
    await rm(home('server'), { recursive: true });
    expect(await prepare()).to.match(/organisations\/bank\/ca is of other authorities than the server's keys/);
  });

  it('is refused with every certificate that cannot be used', async () => {
    await prepare();
    const roots = { certificate: readFileSync(home('keys', 'tlsca.pem'), 'utf8') };
    const privateKey = readFileSync(home('keys', 'tlsca.key'), 'utf8');
    const expired = await (await openAuthority({ ...roots, privateKey })).enrolServer('ca-bank', ['ca-bank'], -0.001);
    await writeFile(home('server', 'tls.pem'), expired.certificate);
    expect(await prepare()).to.match(/authorities\/bank\/server\/tls\.pem: CN=ca-bank expired on/);
  });
});
