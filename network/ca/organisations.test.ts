import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import { expect } from 'chai';
import { createChannel } from '../embedded/channel/channel.ts';
import { createSigner } from '../embedded/identity/signer.ts';
import { networkConfigOf } from '../network-config.ts';
import { openAuthority } from './authority.ts';
import { UnusableCertificatesError } from './key-store.ts';
import { enrolUser, type PreparedEmbedded, prepareEmbedded } from './organisations.ts';

const consortium = loadConsortium();
const PROCESSES = { version: '1.0', packageId: 'telemed:00', addresses: {} };

describe('Prepared organisations', () => {
  let dataDir: string;
  let prepared: PreparedEmbedded;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'organisations-'));
    prepared = await prepareEmbedded(dataDir, consortium);
  });
  after(() => rm(dataDir, { recursive: true }));

  const organisation = (name: string) => prepared.organisations.find((entry) => entry.name === name)!;
  const pem = (...parts: string[]) => readFile(join(dataDir, ...parts), 'utf8');

  it('have one identity per role of their kind', () => {
    const roles = Object.fromEntries(
      prepared.organisations.map(({ name, identities }) => [name, Object.keys(identities)]),
    );
    expect(roles).to.deep.equal({
      hospital: ['system', 'practitioner', 'operator'],
      clinic: ['system', 'practitioner', 'operator'],
      patients: ['system', 'patient', 'caretaker', 'operator'],
      payer: ['system', 'adjudicator', 'operator'],
      bank: ['system', 'settlement', 'operator'],
      regulator: ['system', 'auditor', 'operator'],
    });
  });

  it('are valid members of the channel that is made of them, peers and clients each as such', async () => {
    const channel = createChannel(networkConfigOf(dataDir, consortium, prepared, PROCESSES));
    for (const { mspId, peer, identities } of prepared.organisations) {
      const nodeOus: unknown[] = [];
      const certificates = [peer.identity.certificate];
      for (const { certificate } of Object.values(identities)) certificates.push(await readFile(certificate, 'utf8'));
      for (const certificate of certificates) {
        const identity = channel.identities.parse(serializeIdentity(mspId, certificate))!;
        expect(channel.identities.invalidity(identity)).to.equal(undefined);
        nodeOus.push(identity.nodeOu);
      }
      expect(new Set(nodeOus.slice(1))).to.deep.equal(new Set(['client']));
      expect(nodeOus[0]).to.equal('peer');
      expect(() => createSigner(mspId, peer.identity)).not.to.throw();
    }
    const orderer = channel.identities.parse(serializeIdentity('OrdererMSP', prepared.orderer.identity.certificate))!;
    expect([orderer.nodeOu, channel.identities.invalidity(orderer)]).to.deep.equal(['orderer', undefined]);
  });

  it('keep keys for their owner alone', async () => {
    const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const keys = files.filter(({ name }) => name.endsWith('.key') || name === 'key.pem');
    expect(keys).to.have.length.above(30);
    for (const key of keys) expect((await stat(join(key.parentPath, key.name))).mode & 0o777).to.equal(0o600);
  });

  it('are the same at the next start', async () => {
    expect(await prepareEmbedded(dataDir, consortium)).to.deep.equal(prepared);
  });

  it('gain an organisation that joins, and the others stay as they are', async () => {
    const larger = structuredClone(consortium);
    larger.organisations.push({ name: 'lab', mspId: 'LabMSP', kind: 'provider', gatewayPort: 9001, peerPort: 9002 });
    const { organisations } = await prepareEmbedded(dataDir, larger);
    expect(organisations.slice(0, -1)).to.deep.equal(prepared.organisations);
    expect(organisations.at(-1)?.mspId).to.equal('LabMSP');
  });

  it('enrol a user once, also when asked many times at once, and keep who it is out of path and common name', async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, () => enrolUser(dataDir, 'patients', 'patient', 'Patient/9f3')),
    );
    expect(new Set(all.map((files) => files.certificate)).size).to.equal(1);
    const [files] = all as [(typeof all)[0]];
    expect(files.certificate).to.match(/\/identities\/patient-[0-9a-f]{32}\/cert\.pem$/);
    const certificate = new X509Certificate(await readFile(files.certificate, 'utf8'));
    expect(certificate.subject).not.to.contain('9f3');
    const hash = createHash('sha256').update('Patient/9f3').digest('hex');
    expect(certificate.raw.toString('latin1')).to.contain(`{"attrs":{"role":"patient","fhirUser":"sha256:${hash}"}}`);
    expect(certificate.raw.toString('latin1')).not.to.contain('Patient/9f3');
    expect(certificate.checkPrivateKey(createPrivateKey(await readFile(files.privateKey, 'utf8')))).to.equal(true);
    const before = await readFile(files.certificate, 'utf8');
    await enrolUser(dataDir, 'patients', 'patient', 'Patient/9f3');
    expect(await readFile(files.certificate, 'utf8')).to.equal(before);
    expect((await enrolUser(dataDir, 'patients', 'caretaker', 'Patient/9f3')).certificate).not.to.equal(
      files.certificate,
    );
  });

  it('refuse to enrol for a role they do not have, and for what is no reference', async () => {
    const refusals: [role: string, fhirUser: string][] = [
      ['adjudicator', 'Patient/1'],
      ['../../ca', 'Patient/1'],
      ['patient', 'Patient/../../x'],
      ['patient', ''],
    ];
    for (const [role, fhirUser] of refusals) {
      const outcome = await enrolUser(dataDir, 'patients', role, fhirUser).then(
        () => 'enrolled',
        (error: Error) => error.message,
      );
      expect(outcome).to.match(/has no role|malformed|not a FHIR reference/);
    }
    expect(await readdir(join(dataDir, 'organisations', 'patients', 'identities'))).not.to.include('adjudicator');
  });

  it('carry the revocation list that was put beside the authority', async () => {
    const directory = join(dataDir, 'organisations', 'bank', 'ca');
    const [certificate, privateKey] = [
      await pem('organisations', 'bank', 'ca', 'ca.pem'),
      await pem('organisations', 'bank', 'ca', 'ca.key'),
    ];
    const revoked = await readFile(organisation('bank').identities['settlement']!.certificate, 'utf8');
    const list = await (await openAuthority({ certificate, privateKey })).revoke([revoked], 30);
    await writeFile(join(directory, 'crl.pem'), list);
    const again = await prepareEmbedded(dataDir, consortium);
    const { identities } = createChannel(networkConfigOf(dataDir, consortium, again, PROCESSES));
    const identity = identities.parse(serializeIdentity('BankMSP', revoked))!;
    expect(identities.invalidity(identity)).to.equal('the certificate has been revoked');
  });
});

describe('What can go wrong while organisations are prepared', () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'organisations-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const failureOf = (): Promise<Error> =>
    prepareEmbedded(dataDir, consortium).then(
      () => new Error('nothing failed'),
      (error: Error) => error,
    );

  it('an interruption leaves nothing that counts, and the next start completes and cleans up', async () => {
    const unfinished = join(dataDir, 'organisations', 'hospital', '.unfinished-ca-0011');
    await mkdir(unfinished, { recursive: true });
    await writeFile(join(unfinished, 'ca.pem'), 'half a certifi');
    await prepareEmbedded(dataDir, consortium);
    expect(existsSync(unfinished)).to.equal(false);
    await rm(join(dataDir, 'organisations', 'hospital', 'identities', 'operator'), { recursive: true });
    const { organisations } = await prepareEmbedded(dataDir, consortium);
    expect(existsSync(organisations[0]!.identities['operator']!.certificate)).to.equal(true);
  });

  it('two starts at once agree on one set of certificates', async () => {
    const [one, other] = await Promise.all([
      prepareEmbedded(dataDir, consortium),
      prepareEmbedded(dataDir, consortium),
    ]);
    expect(one).to.deep.equal(other);
  });

  it('every expired certificate is named with its file and date', async () => {
    const { organisations } = await prepareEmbedded(dataDir, consortium);
    const bank = organisations.find(({ name }) => name === 'bank')!;
    const ca = {
      certificate: await readFile(join(bank.directory, 'ca', 'ca.pem'), 'utf8'),
      privateKey: await readFile(join(bank.directory, 'ca', 'ca.key'), 'utf8'),
    };
    const expired = await (await openAuthority(ca)).enrol({ commonName: 'system.bank', ou: 'client', days: -0.001 });
    await writeFile(bank.identities['system']!.certificate, expired.certificate);
    await writeFile(join(bank.directory, 'peer', 'tls.pem'), 'no certificate');
    const failure = await failureOf();
    expect(failure).to.be.instanceOf(UnusableCertificatesError);
    expect(failure.message).to.match(/bank\/identities\/system\/cert\.pem: CN=system\.bank expired on \d{4}-/);
    expect(failure.message).to.match(/bank\/peer\/tls\.pem: cannot be read as a certificate/);
  });

  it('a certificate of another authority is named', async () => {
    const { organisations } = await prepareEmbedded(dataDir, consortium);
    const [hospital, clinic] = organisations as [(typeof organisations)[0], (typeof organisations)[0]];
    const foreign = await readFile(clinic.identities['system']!.certificate, 'utf8');
    await writeFile(hospital.identities['system']!.certificate, foreign);
    expect((await failureOf()).message).to.match(
      /hospital\/identities\/system\/cert\.pem: .*not of its organisation's authority/,
    );
  });

  it('a file that is missing from a directory is named, and nothing is overwritten', async () => {
    await prepareEmbedded(dataDir, consortium);
    await rm(join(dataDir, 'organisations', 'payer', 'ca', 'ca.key'));
    expect((await failureOf()).message).to.match(/payer\/ca lacks ca\.key/);
  });
});
