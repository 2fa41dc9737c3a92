import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { createPrivateKey, randomUUID, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import { FixtureConsortium, until } from '@telemed-ledger/gateway-api/consortium.fixture.ts';
import { gatewayRegistrarDirectory } from '@telemed-ledger/network/ca/authorities.ts';
import type { KeyPair } from '@telemed-ledger/network/ca/authority.ts';
import { openFabricAuthority } from '@telemed-ledger/network/ca/fabric-ca/authority.ts';
import { FabricCaError, runClient, TEMPORARY } from '@telemed-ledger/network/ca/fabric-ca/client.ts';
import { type FabricCaReach, readReach } from '@telemed-ledger/network/ca/fabric-ca/reach.ts';
import { call, renew } from '@telemed-ledger/network/ca/fabric-ca/registry.ts';
import { prepareNodes } from '@telemed-ledger/network/ca/nodes.ts';
import {
  enrolUser,
  organisationDirectory,
  prepareEmbedded,
  prepareOrganisations,
} from '@telemed-ledger/network/ca/organisations.ts';
import { createChannel } from '@telemed-ledger/network/embedded/channel/channel.ts';
import { networkConfigOf } from '@telemed-ledger/network/network-config.ts';
import { expect } from 'chai';
import { Authorities, whyNoFabricCa } from './authorities.fixture.ts';

const PROCESSES = { version: '1.0', packageId: 'telemed:00', addresses: {} };
/** What a killed enrolment of another process may have left. */
const temporaries = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(TEMPORARY));
const AUTHORIZATION_FAILURE = 71;
const AUTHENTICATION_FAILURE = 20;

const ATTRIBUTES_OID = '1.2.3.4.5.6.7.8.1';

/** Fabric's attributes in a certificate. */
function attributesOf(certificate: string): unknown {
  const extension = new x509.X509Certificate(certificate).getExtension(ATTRIBUTES_OID);
  return extension === null ? undefined : JSON.parse(Buffer.from(extension.value).toString()).attrs;
}

async function signingRequest(commonName: string): Promise<string> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const request = { name: `CN=${commonName}`, keys, signingAlgorithm };
  return (await x509.Pkcs10CertificateRequestGenerator.create(request)).toString('pem');
}

async function failureOf(action: Promise<unknown>): Promise<FabricCaError> {
  const outcome = await action.then(
    () => new Error('nothing failed'),
    (error: unknown) => error,
  );
  expect(outcome).to.be.instanceOf(FabricCaError);
  return outcome as FabricCaError;
}

describe('Fabric CA as the authority of every organisation', function () {
  this.timeout(120_000);
  let authorities: Authorities;
  let fixture: FixtureConsortium;
  let dataDir: string;
  let consortium: ConsortiumDefinition;
  let leftBefore: string[];

  before(async function () {
    const reason = whyNoFabricCa();
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`);
      this.skip();
    }
    leftBefore = temporaries();
    const prepare = async (directory: string, members: ConsortiumDefinition): Promise<void> => {
      authorities = await Authorities.start(directory, members);
    };
    fixture = await FixtureConsortium.start(['hospital', 'patients'], undefined, prepare);
    ({ dataDir, consortium } = fixture);
  });
  after(async () => {
    await authorities?.stop();
    await fixture?.close();
  });

  const directoryOf = (organisation: string, ...path: string[]) =>
    join(organisationDirectory(dataDir, organisation), ...path);
  const pairIn = async (...path: [string, ...string[]]): Promise<KeyPair> => ({
    certificate: await readFile(join(directoryOf(...path), 'cert.pem'), 'utf8'),
    privateKey: await readFile(join(directoryOf(...path), 'key.pem'), 'utf8'),
  });
  const reachOf = (organisation: string): Promise<FabricCaReach> => readReach(directoryOf(organisation, 'ca'));
  const gatewayRegistrar = (organisation: string): Promise<KeyPair> => pairIn(organisation, 'gateway-registrar');
  const channel = async () => {
    const prepared = await prepareEmbedded(dataDir, consortium);
    return createChannel(networkConfigOf(dataDir, consortium, prepared, PROCESSES));
  };

  it('carries a consortium: a practitioner enrolled on demand writes, the patients’ gateway reads', async () => {
    const patient = { resourceType: 'Patient', identifier: [{ system: 'urn:test', value: randomUUID() }] };
    const written = await fixture.send('hospital practitioner Practitioner/p1', 'POST /fhir/R4/Patient', patient);
    expect(written.status, JSON.stringify(written.body)).to.equal(201);
    const path = `/fhir/R4/Patient/${written.body.id}`;
    await until(async () => (await fixture.send('patients', `GET ${path}`)).status === 200);
    const receipt = await fixture.send('hospital', `GET /receipts/${written.headers.get('x-transaction-id')}`);
    expect(receipt.body).to.include({ validationCode: 0, creator: 'HospitalMSP' });
  });

  it('makes members that the channel takes for what they are, and registrars that are none', async () => {
    const { identities } = await channel();
    const { administrators, orderers } = await prepareNodes(dataDir, consortium);
    const of = (mspId: string, certificate: string) => {
      const identity = identities.parse(serializeIdentity(mspId, certificate))!;
      return [identity.nodeOu, identities.invalidity(identity)];
    };
    const hospital = async (...path: string[]) => (await pairIn('hospital', ...path)).certificate;
    expect(of('HospitalMSP', await hospital('peer'))).to.deep.equal(['peer', undefined]);
    expect(of('HospitalMSP', await hospital('identities', 'system'))).to.deep.equal(['client', undefined]);
    expect(of('HospitalMSP', administrators['hospital']!.identity.certificate)).to.deep.equal(['admin', undefined]);
    expect(of('PayerMSP', orderers['orderer-payer']!.identity.certificate)).to.deep.equal(['orderer', undefined]);
    expect(of('HospitalMSP', (await gatewayRegistrar('hospital')).certificate)[1]).to.be.a('string');
    expect(of('ClinicMSP', await hospital('peer'))[1]).to.be.a('string');
    const tls = readFileSync(directoryOf('hospital', 'peer', 'tls.pem'), 'utf8');
    expect(of('HospitalMSP', tls)[1]).to.be.a('string');
  });

  it('puts a role and a user into certificates, and nothing else about anybody', async () => {
    const subject = async (...path: [string, ...string[]]) =>
      new X509Certificate((await pairIn(...path)).certificate).subject;
    expect(attributesOf((await pairIn('bank', 'identities', 'settlement')).certificate)).to.deep.equal({
      role: 'settlement',
    });
    const files = await enrolUser(dataDir, 'patients', 'patient', 'Patient/9f3');
    const certificate = await readFile(files.certificate, 'utf8');
    const attributes = attributesOf(certificate) as Record<string, string>;
    expect(Object.keys(attributes)).to.have.members(['role', 'fhirUser']);
    expect(attributes['role']).to.equal('patient');
    expect(attributes['fhirUser']).to.match(/^sha256:[0-9a-f]{64}$/);
    expect(new X509Certificate(certificate).raw.toString('latin1')).not.to.contain('9f3');
    expect(
      new X509Certificate(certificate).checkPrivateKey(createPrivateKey(await readFile(files.privateKey))),
    ).to.equal(true);
    expect(attributesOf((await pairIn('bank', 'peer')).certificate)).to.deep.equal({});
    expect(await subject('bank', 'peer')).to.equal('OU=peer\nCN=peer.bank');
    expect(await subject('bank', 'identities', 'settlement')).to.equal('OU=client\nCN=settlement.bank');
  });

  it('issues TLS certificates for the hosts that nodes have, of which only ordering nodes’ may call', async () => {
    const other = await mkdtemp(join(tmpdir(), 'hosts-'));
    try {
      for (const part of ['ca', 'registrar'])
        await cp(directoryOf('hospital', part), join(organisationDirectory(other, 'hospital'), part), {
          recursive: true,
        });
      const members = consortium.organisations.filter(({ name }) => name === 'hospital');
      const alone = { ...consortium, organisations: members };
      const hostsOf = (node: string) => [node, 'localhost', '127.0.0.1'];
      await prepareOrganisations(other, alone, hostsOf);
      const { orderers } = await prepareNodes(other, alone, hostsOf);
      const orderer = new X509Certificate(orderers['orderer-hospital']!.tls.certificate);
      const peer = new X509Certificate(await readFile(join(other, 'organisations', 'hospital', 'peer', 'tls.pem')));
      expect([orderer.checkHost('orderer-hospital'), orderer.checkHost('peer-hospital')]).to.deep.equal([
        'orderer-hospital',
        undefined,
      ]);
      expect([peer.checkHost('peer-hospital'), peer.checkIP('127.0.0.1')]).to.deep.equal([
        'peer-hospital',
        '127.0.0.1',
      ]);
      const root = new X509Certificate((await reachOf('hospital')).tlsCaCertificate);
      expect([orderer.verify(root.publicKey), peer.verify(root.publicKey)]).to.deep.equal([true, true]);
      expect(peer.keyUsage).to.deep.equal(['1.3.6.1.5.5.7.3.1']);
      expect(orderer.keyUsage).to.have.members(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
      const days = (certificate: X509Certificate) => (certificate.validToDate.getTime() - Date.now()) / 86_400_000;
      expect(days(peer)).to.be.within(824, 826);
      expect(days(new X509Certificate((await pairIn('bank', 'identities', 'system')).certificate))).to.be.within(
        364,
        366,
      );
      const renamed = await prepareOrganisations(other, alone, (node) => [`${node}.example`]).catch((error) => error);
      expect(renamed.message).to.match(
        /hospital\/peer\/tls\.pem: CN=peer\.hospital is not valid for peer-hospital\.example/,
      );
    } finally {
      await rm(other, { recursive: true });
    }
  });

  describe('gives its gateways a registrar', () => {
    const registered = async (id: object): Promise<unknown> => {
      const reach = await reachOf('clinic');
      const identity = await gatewayRegistrar('clinic');
      const configuration = { id: { name: `x-${randomUUID()}`, maxenrollments: 1, ...id } };
      const run = { command: ['register'], doing: 'register', caName: reach.caName, identity, configuration };
      return runClient(reach, run, async () => 'registered');
    };
    const attribute = (name: string, value: string) => ({ attributes: [{ name, value, ecert: true }] });

    it('that registers clients with a role', async () => {
      expect(await registered({ type: 'client', ...attribute('role', 'practitioner') })).to.equal('registered');
    });

    for (const type of ['peer', 'orderer', 'admin', 'registrar', 'tls'])
      it(`that registers no ${type}`, async () => {
        expect((await failureOf(registered({ type }))).code).to.equal(AUTHORIZATION_FAILURE);
      });

    for (const [name, value] of [
      ['hf.Registrar.Roles', 'client'],
      ['hf.Registrar.Attributes', 'role'],
      ['hf.Revoker', 'true'],
      ['hf.IntermediateCA', 'true'],
      ['clearance', 'all'],
    ] as const)
      it(`that gives nobody ${name}`, async () => {
        const failure = await failureOf(registered({ type: 'client', ...attribute(name, value) }));
        expect(failure.code).to.equal(AUTHORIZATION_FAILURE);
      });

    for (const name of ['registrar', 'gateway-registrar', 'peer.clinic', 'admin.clinic'])
      it(`that cannot take over ${name}`, async () => {
        const registration = { name, type: 'client', secret: 'taken over', attributes: [] };
        const reach = await reachOf('clinic');
        const failure = await failureOf(renew(reach, reach.caName, await gatewayRegistrar('clinic'), registration));
        expect(failure.code).to.equal(AUTHORIZATION_FAILURE);
      });

    it('that neither revokes nor speaks for the TLS authority or another organisation', async () => {
      const reach = await reachOf('clinic');
      const clinic = openFabricAuthority(reach, () => gatewayRegistrar('clinic'));
      const { certificate } = await pairIn('clinic', 'identities', 'system');
      expect((await failureOf(clinic.revoke([certificate], 1))).code).to.equal(AUTHORIZATION_FAILURE);
      const run = { command: ['register'], doing: 'register', identity: await gatewayRegistrar('clinic') };
      const configuration = { id: { name: 'x', type: 'client' } };
      const tls = runClient(reach, { ...run, configuration, caName: reach.tlsCaName }, async () => 'registered');
      expect((await failureOf(tls)).code).to.equal(AUTHENTICATION_FAILURE);
      const bank = runClient(await reachOf('bank'), { ...run, configuration, caName: 'ca' }, async () => 'registered');
      expect((await failureOf(bank)).code).to.equal(AUTHENTICATION_FAILURE);
    });
  });

  it('gives nobody who renews a certificate attributes of their own making', async () => {
    const reach = await reachOf('clinic');
    const identity = await pairIn('clinic', 'identities', 'practitioner');
    const request = await signingRequest('practitioner.clinic');
    const attributes = Buffer.from(JSON.stringify({ attrs: { role: 'operator' } })).toString('hex');
    const forged = { extensions: [{ id: ATTRIBUTES_OID, critical: false, value: attributes }] };
    const renewed = async (more: object): Promise<unknown> => {
      const body = JSON.stringify({ certificate_request: request, caname: 'ca', ...more });
      const answer = await call(reach, 'renew', { method: 'POST', path: '/api/v1/reenroll', identity, body });
      return attributesOf(Buffer.from((answer as { Cert: string }).Cert, 'base64').toString());
    };
    const asked = (name: string) => ({ attr_reqs: [{ name, optional: true }] });
    expect(await renewed(asked('role'))).to.deep.equal({ role: 'practitioner' });
    for (const more of [{}, { attr_reqs: [] }, asked('none'), asked('role')])
      await failureOf(renewed({ ...forged, ...more }));
  });

  it('finishes what was registered and never enrolled, and enrols again what was lost', async () => {
    const reach = await reachOf('clinic');
    const authority = openFabricAuthority(reach, () => gatewayRegistrar('clinic'));
    const name = `practitioner-${randomUUID()}`;
    const id = {
      name,
      type: 'client',
      maxenrollments: 1,
      attributes: [{ name: 'role', value: 'system', ecert: true }],
    };
    const interrupted = { command: ['register'], doing: 'register', caName: 'ca', configuration: { id } };
    await runClient(reach, { ...interrupted, identity: await gatewayRegistrar('clinic') }, async () => undefined);
    const request = { commonName: name, ou: 'client', attributes: { role: 'practitioner' }, days: 365 } as const;
    const [first, again] = [await authority.enrol(request), await authority.enrol(request)];
    expect(attributesOf(first.certificate)).to.deep.equal({ role: 'practitioner' });
    expect(attributesOf(again.certificate)).to.deep.equal({ role: 'practitioner' });
    expect(again.privateKey).not.to.equal(first.privateKey);
  });

  it('enrols fifty users at once, and one user once', async () => {
    const users = Array.from({ length: 50 }, (_, index) => `Practitioner/at-once-${index}`);
    const files = await Promise.all(users.map((user) => enrolUser(dataDir, 'clinic', 'practitioner', user)));
    const texts = files.map(({ certificate }) => readFileSync(certificate, 'utf8'));
    expect(texts.map(attributesOf)).to.deep.equal(users.map((fhirUser) => ({ fhirUser, role: 'practitioner' })));
    const one = await Promise.all(users.map(() => enrolUser(dataDir, 'clinic', 'practitioner', 'Practitioner/one')));
    expect(new Set(one.map(({ certificate }) => certificate)).size).to.equal(1);
  });

  it('lets processes that enrol the same name at the same time all succeed', async () => {
    const reach = await reachOf('clinic');
    const enrol = async () =>
      openFabricAuthority(reach, () => gatewayRegistrar('clinic')).enrol({
        commonName: 'practitioner-of-two',
        ou: 'client',
        attributes: { role: 'practitioner' },
        days: 365,
      });
    const pairs = await Promise.all([enrol(), enrol(), enrol()]);
    expect(pairs.map(({ certificate }) => new X509Certificate(certificate).subject)).to.deep.equal(
      pairs.map(() => 'OU=client\nCN=practitioner-of-two'),
    );
  });

  it('refuses a wrong secret, with a message that names the server and not the secret, and locks nobody out', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'secret-'));
    try {
      await cp(directoryOf('payer', 'ca'), join(copy, 'payer', 'ca'), { recursive: true });
      await cp(directoryOf('payer', 'registrar'), join(copy, 'payer', 'registrar'), { recursive: true });
      await writeFile(join(copy, 'payer', 'registrar', 'secret'), 'not-the-secret');
      const authority = openFabricAuthority(await readReach(join(copy, 'payer', 'ca')));
      const enrolled = () => authority.enrol({ commonName: 'x', ou: 'client', days: 1 });
      for (let attempt = 1; attempt <= 12; attempt++)
        expect((await failureOf(enrolled())).message).to.equal(
          `the Fabric CA of payer at ${authorities.urlOf('payer')} cannot enrol registrar: Authentication failure (error 20)`,
        );
      await cp(directoryOf('payer', 'registrar', 'secret'), join(copy, 'payer', 'registrar', 'secret'));
      expect(new X509Certificate((await enrolled()).certificate).subject).to.equal('OU=client\nCN=x');
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  it('revokes: the channel no longer knows whom its list names', async () => {
    const revoked = await pairIn('regulator', 'identities', 'operator');
    const authority = openFabricAuthority(await reachOf('regulator'));
    for (const certificates of [[revoked.certificate], [revoked.certificate], []]) {
      await writeFile(directoryOf('regulator', 'ca', 'crl.pem'), await authority.revoke(certificates, 30));
      const { identities } = await channel();
      const identity = identities.parse(serializeIdentity('RegulatorMSP', revoked.certificate))!;
      expect(identities.invalidity(identity)).to.equal('the certificate has been revoked');
    }
  });

  it('says which server does not answer and leaves nothing behind; a killed server forgets nothing', async () => {
    const before = await enrolUser(dataDir, 'bank', 'settlement', 'Practitioner/before');
    const identities = readdirSync(directoryOf('bank', 'identities'));
    await authorities.kill('bank');
    const failure = await failureOf(enrolUser(dataDir, 'bank', 'settlement', 'Practitioner/down'));
    expect(failure.message).to.contain(`the Fabric CA of bank at ${authorities.urlOf('bank')} cannot register`);
    expect(failure.message).to.contain('connection refused');
    expect(failure.message).not.to.match(/PRIVATE|CERTIFICATE|secret/i);
    expect(readdirSync(directoryOf('bank', 'identities'))).to.deep.equal(identities);
    authorities.launch('bank');
    await authorities.answer();
    await enrolUser(dataDir, 'bank', 'settlement', 'Practitioner/down');
    const known = openFabricAuthority(await reachOf('bank'));
    expect(await known.revoke([await readFile(before.certificate, 'utf8')], 1)).to.match(/BEGIN X509 CRL/);
  });

  it('tells its health without a secret, and keeps secrets to two files that only their owner reads', async () => {
    expect(await (await fetch(`${authorities.operationsOf('hospital')}/healthz`)).json()).to.include({ status: 'OK' });
    const secret = readFileSync(directoryOf('hospital', 'registrar', 'secret'), 'utf8');
    expect(secret).to.match(/^[0-9a-f]{64}$/);
    expect(authorities.logOf('hospital')).not.to.contain(secret);
    const entries = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const holders: string[] = [];
    for (const { parentPath, name } of entries) {
      const path = join(parentPath, name);
      if (!readFileSync(path).includes(secret)) continue;
      holders.push(path.slice(dataDir.length + 1));
      expect((await stat(path)).mode & 0o077, path).to.equal(0);
    }
    expect(holders.sort()).to.deep.equal([
      'authorities/hospital/fabric-ca-server-config.yaml',
      'authorities/hospital/tlsca/fabric-ca-server-config.yaml',
      'organisations/hospital/registrar/secret',
    ]);
    const keys = readdirSync(join(dataDir, 'organisations'), { recursive: true, encoding: 'utf8' });
    expect(keys.filter((path) => /(^|\/)(tls)?ca\.key$/.test(path))).to.deep.equal([]);
    expect(temporaries()).to.deep.equal(leftBefore);
  });
});

describe('Making a consortium’s keys with Fabric CA', function () {
  this.timeout(120_000);
  const consortium = loadConsortium();
  let authorities: Authorities;
  let dataDir: string;

  before(async function () {
    const reason = whyNoFabricCa();
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`);
      this.skip();
    }
    dataDir = await mkdtemp(join(tmpdir(), 'authorities-'));
    authorities = await Authorities.start(dataDir, consortium);
  });
  after(async () => {
    await authorities?.stop();
    if (dataDir !== undefined) await rm(dataDir, { recursive: true });
  });

  const certificates = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(join(dataDir, 'organisations'), { recursive: true, encoding: 'utf8' })
        .filter((path) => /\/(cert|tls)\.pem$/.test(path) && !path.includes('.unfinished-'))
        .map((path) => [path, readFileSync(join(dataDir, 'organisations', path), 'utf8')]),
    );

  it('goes on where it was killed, and where a server was killed under it', async () => {
    const source = `
      import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
      import { prepareOrganisations } from '@telemed-ledger/network/ca/organisations.ts';
      await prepareOrganisations(process.env['DATA_DIR'], loadConsortium());`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      cwd: import.meta.dirname,
      env: { ...process.env, DATA_DIR: dataDir },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await until(() => Object.keys(certificates()).length > 3 || child.exitCode !== null, 30_000);
    child.kill('SIGKILL');
    await ended;
    const first = certificates();
    expect(Object.keys(first).length).to.be.within(4, 40);

    const second = prepareOrganisations(dataDir, consortium).catch((error: unknown) => error);
    await authorities.kill('payer');
    expect(((await second) as Error).message).to.contain(`the Fabric CA of payer at ${authorities.urlOf('payer')}`);

    authorities.launch('payer');
    await authorities.prepare();
    await authorities.answer();
    const { organisations } = await prepareOrganisations(dataDir, consortium);
    await prepareNodes(dataDir, consortium);
    expect(organisations).to.have.length(6);
    expect(certificates()).to.include(first);
    expect(existsSync(gatewayRegistrarDirectory(organisationDirectory(dataDir, 'payer')))).to.equal(true);
  });

  it('needs no server when there is nothing to make', async () => {
    await authorities.stop();
    const before = certificates();
    await prepareOrganisations(dataDir, consortium);
    await prepareNodes(dataDir, consortium);
    expect(certificates()).to.deep.equal(before);
  });
});
