/** Her record, taken along: what is in the file, who is given it, and that whatever is done to it is named. */
import { createPublicKey, verify } from 'node:crypto';
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js';
import { Archive, type ArchivedFile, readArchive } from '@telemed-ledger/verifier/archive.ts';
import type { Roots } from '@telemed-ledger/verifier/check.ts';
import { type CheckedExport, checkExport } from '@telemed-ledger/verifier/check-export.ts';
import type { Manifest } from '@telemed-ledger/verifier/manifest.ts';
import { readProof } from '@telemed-ledger/verifier/proof.ts';
import { expect } from 'chai';
import { compactVerify, importX509 } from 'jose';
import { fromBuffer } from 'yauzl';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';
import { rootsAt } from '../receipts/roots.fixture.ts';
import { chromium, reportsInBrowser } from './browser.fixture.ts';

const NAMES = ['hospital', 'clinic', 'patients', 'regulator'];
const LONG_MS = 30_000;
const ATTACK = `<script>alert(1)</script><img src=x onerror='alert(2)'>"onclick="alert(3)`;
const PDF = Buffer.from('%PDF-1.4 an example');

describe('The export of a record', function () {
  this.timeout(120_000);
  let scene: AccessScene;
  let roots: Roots;
  let patient: ExamplePatient;
  let observation: string;
  let doctor: string;
  let archive: Buffer;
  let checked: CheckedExport;

  const herself = () => `patients patient Patient/${patient.id}`;
  const path = () => `/fhir/R4/Patient/${patient.id}/$export-record`;
  const exported = async (as = herself()): Promise<{ status: number; bytes: Buffer; headers: Headers }> => {
    const [organisation = '', role = 'system', fhirUser] = as.split(' ');
    const token = await scene.consortium.token(organisation, role as 'patient', fhirUser);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(scene.consortium.urls.get(organisation) + path(), { headers });
    return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
  };
  const files = (): ArchivedFile[] => readArchive(archive).files;
  const textOf = (name: string): string =>
    Buffer.from(files().find((one) => one.path === name)?.bytes ?? new Uint8Array()).toString('utf8');
  const rebuilt = (changed: readonly ArchivedFile[]): Buffer => {
    const made = new Archive();
    const parts = changed.flatMap((file) => [made.add(file), file.bytes]);
    return Buffer.concat([...parts, made.end()]);
  };
  const found = async (bytes: Uint8Array): Promise<string[]> =>
    (await checkExport(bytes, roots)).findings.map(({ place, fault }) => `${place ?? 'whole'}: ${fault}`);
  /** With this file's text changed. */
  const withText = (name: string, change: (text: string) => string): ArchivedFile[] =>
    files().map((file) =>
      file.path === name ? { path: name, bytes: Buffer.from(change(Buffer.from(file.bytes).toString())) } : file,
    );

  before(async () => {
    scene = await AccessScene.open(...NAMES);
    for (const name of NAMES) {
      await scene.consortium.shut(name);
      await scene.consortium.open(name, { checkpointEveryMs: 100, dutyIntervalMs: 1_000 });
    }
    patient = await scene.patient();
    const subject = { reference: `Patient/${patient.id}` };
    observation = await scene.created(
      'hospital',
      'POST /fhir/R4/Observation',
      `{"resourceType":"Observation","status":"final","code":{"text":${JSON.stringify(ATTACK)}},
        "subject":{"reference":"Patient/${patient.id}"},"valueQuantity":{"value":1.50,"unit":"mg"}}`,
    );
    const amended = {
      resourceType: 'Observation',
      id: observation,
      status: 'amended',
      code: { text: ATTACK },
      subject,
    };
    const put = await scene.send('hospital', `PUT /fhir/R4/Observation/${observation}`, amended, {
      'if-match': 'W/"1"',
    });
    expect(put.status, JSON.stringify(put.body)).to.equal(200);
    await scene.created('hospital', 'POST /fhir/R4/DocumentReference', {
      ...{ resourceType: 'DocumentReference', status: 'current', subject },
      content: [{ attachment: { contentType: 'application/pdf', data: PDF.toString('base64') } }],
    });
    doctor = await scene.created('hospital', 'POST /fhir/R4/Practitioner', {
      ...{ resourceType: 'Practitioner', name: [{ family: 'First' }] },
    });
    await scene.created('hospital', 'POST /fhir/R4/Encounter', {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject },
      participant: [{ individual: { reference: `Practitioner/${doctor}` } }],
    });
    const consent = await scene.consented(patient);
    await scene.becomes('patients', await scene.ask(patient), ({ status }) => status === 'granted');
    const { body, headers } = await scene.send(herself(), `GET /fhir/R4/Consent/${consent}`);
    const revoked = { ...body, status: 'inactive' };
    const etag = headers.get('etag') ?? '';
    const revocation = await scene.send(herself(), `PUT /fhir/R4/Consent/${consent}`, revoked, { 'if-match': etag });
    expect(revocation.status, JSON.stringify(revocation.body)).to.equal(200);
    for (const name of ['hospital', 'patients'])
      expect((await scene.send(name, 'POST /log-anchors', {})).status).to.equal(200);
    roots = await rootsAt(scene.consortium, 'patients');
    await until(async () => {
      archive = (await exported()).bytes;
      checked = await checkExport(archive, roots);
      const open = checked.withoutReceipt.filter(({ reason }) => /too few/.test(reason));
      return open.length === 0 && textOf('history.json').includes('Observation');
    }, LONG_MS);
  });
  after(() => scene?.close());

  it('holds, and every version that a transaction wrote is proven by its receipt', async () => {
    expect(checked.findings).to.deep.equal([]);
    expect(checked.withoutReceipt.map(({ of }) => of.split('/')[0])).to.deep.equal(['Consent']);
    expect(checked.proven).to.equal(checked.versions - 1);
    expect(checked.versions).to.be.at.least(6);
    expect(checked.decisions).to.equal(1);
    expect(checked.anchors).to.be.at.least(2);
    expect(checked.proved.join()).to.match(/digit for digit/);
    expect(checked.notProved.join()).to.match(/nothing is left out/);
  });

  it('has the record, its history with every digit, what it carries, her log and who read', () => {
    const record = JSON.parse(textOf('record.json'));
    expect(record).to.include({ resourceType: 'Bundle', type: 'collection' });
    const types = record.entry.map(({ resource }: { resource: { resourceType: string } }) => resource.resourceType);
    expect(types).to.include.members(['Patient', 'Observation', 'DocumentReference', 'Consent']);
    const there = record.entry.map(({ fullUrl }: { fullUrl: string }) => fullUrl.split('/').slice(-2).join('/'));
    expect(there).to.include(`Practitioner/${doctor}`);
    const leads = [...JSON.stringify(record).matchAll(/"reference":"([^"#]+)"/g)].map(([, text]) => text);
    expect(leads.filter((text) => !there.includes(text))).to.deep.equal([]);
    expect(
      new Set(record.entry.map(({ fullUrl }: { fullUrl: string }) => fullUrl.split('/').slice(0, -2).join('/'))),
    ).to.have.property('size', 1);
    expect(textOf('history.json')).to.contain('"value":1.50');
    const [carried] = files().filter((file) => file.path.startsWith('attachments/'));
    expect(carried?.path).to.match(/-1\.pdf$/);
    expect(Buffer.from(carried!.bytes).equals(PDF)).to.equal(true);
    expect(textOf('record.pdf')).to.match(/^%PDF-1/);
    expect(JSON.parse(textOf('access-log.json')).entry[0].resource.resourceType).to.equal('AuditEvent');
    expect(textOf('access-log.csv')).to.contain('clinic');
    expect(JSON.parse(textOf('reads.json')).reads.length).to.be.greaterThan(0);
  });

  it('has a page without script, whatever the records hold', () => {
    const page = textOf('record.html');
    expect(page).to.contain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).not.to.match(/<script|<img|<iframe|javascript:|\son\w+\s*=\s*["'a]/i);
    expect(page).to.contain('default-src &#39;none&#39;');
    const tags = new Set([...page.matchAll(/<([a-z0-9]+)/gi)].map(([, name]) => name!.toLowerCase()));
    const expected = 'html head meta title style body h1 p code section h2 article h3 dl dt dd small a br'.split(' ');
    expect([...tags].filter((tag) => !expected.includes(tag))).to.deep.equal([]);
  });

  it('is read and checked by code that is not ours: ZIP, JWS, RFC 6962 and Ed25519', async () => {
    const names = await new Promise<string[]>((resolve, reject) =>
      fromBuffer(archive, { validateEntrySizes: true }, (error, zip) => {
        const read: string[] = [];
        if (error !== null) return reject(error);
        zip.on('entry', ({ fileName }: { fileName: string }) => read.push(fileName));
        zip.on('error', reject);
        zip.on('end', () => resolve(read));
      }),
    );
    expect(names).to.deep.equal(files().map((file) => file.path));
    const [header, , signature] = textOf('manifest.jws').split('.');
    const payload = Buffer.from(textOf('manifest.json')).toString('base64url');
    const { x5c } = JSON.parse(Buffer.from(header!, 'base64url').toString()) as { x5c: string[] };
    const pem = `-----BEGIN CERTIFICATE-----\n${x5c[0]}\n-----END CERTIFICATE-----`;
    await compactVerify(`${header}.${payload}.${signature}`, await importX509(pem, 'ES256'));
    for (const file of files().filter((one) => one.path.endsWith('.tlog-proof'))) {
      const { checkpoint, extra, index, path: hashes, signatures } = readProof(Buffer.from(file.bytes).toString());
      const [, size, root] = checkpoint.split('\n');
      const logHash = Buffer.from(root!, 'base64');
      const inclusionProof = {
        ...{ logIndex: String(index), treeSize: size, rootHash: logHash },
        hashes: hashes.map((hash) => Buffer.from(hash)),
      };
      const entry = { canonicalizedBody: Buffer.from(extra.entry), inclusionProof };
      verifyMerkleInclusion(entry as never, { logSize: BigInt(size!), logHash } as never);
      for (const [at, line] of signatures.entries()) {
        const bytes = Buffer.from(line.split(' ')[2]!, 'base64');
        const x = Buffer.from(extra.witnesses[at]!.statement.split('\n')[3]!, 'hex').toString('base64url');
        const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
        const message = `cosignature/v1\ntime ${bytes.readBigUInt64BE(4)}\n${checkpoint}`;
        expect(verify(null, Buffer.from(message), key, bytes.subarray(12))).to.equal(true);
      }
    }
  });

  it('is checked in a browser by the page that the verifier is built into', async function () {
    const browser = chromium();
    if (browser === undefined) {
      console.log('skipped: there is no Chromium here');
      this.skip();
    }
    const receipt = files().find(({ path: name }) => name.endsWith('.tlog-proof'))!.bytes;
    const changed = Buffer.from(archive);
    changed[archive.indexOf('"value":1.50') + 8] = '2'.charCodeAt(0);
    const all = { export: archive, receipt, changed };
    const reports = await reportsInBrowser(browser, all, roots);
    expect(reports['export']!.lines.join('\n')).to.match(/^holds\n/);
    expect(reports['receipt']!.lines[0]).to.match(/^holds: transaction/);
    expect(reports['changed']!.holds).to.equal(false);
    expect(reports['changed']!.lines.join('\n')).to.contain('does not hold: history.json: it was changed');
  });

  it('is refused with any byte changed, and the file is named', async () => {
    const accepted: number[] = [];
    const step = Math.max(1, Math.floor(archive.length / 60));
    for (let at = 0; at < archive.length; at += step) {
      const mutated = Buffer.from(archive);
      mutated[at]! ^= 1 + (at % 127);
      if ((await found(mutated)).length === 0) accepted.push(at);
    }
    expect(accepted).to.deep.equal([]);
    const place = archive.indexOf('"value":1.50') + 8;
    const mutated = Buffer.from(archive);
    mutated[place] = '2'.charCodeAt(0);
    expect((await found(mutated)).join('\n')).to.match(/history\.json: it was changed/);
    for (const other of [
      archive.subarray(1),
      archive.subarray(0, -1),
      Buffer.concat([archive, Buffer.of(0)]),
      Buffer.of(),
    ])
      expect(await found(other)).not.to.deep.equal([]);
  });

  it('is refused with a file removed, added or exchanged, by name', async () => {
    for (const { path: name } of files())
      expect((await found(rebuilt(files().filter((file) => file.path !== name)))).join('\n'), name).to.contain(name);
    const added = [...files(), { path: 'receipts/more.txt', bytes: Buffer.from('x') }];
    expect((await found(rebuilt(added))).join('\n')).to.contain('receipts/more.txt: it was added');
    const [first, second, ...others] = files();
    expect((await found(rebuilt([second!, first!, ...others]))).join('\n')).to.contain('another order');
  });

  it('is refused with a record changed or removed, however the manifest is made to fit', async () => {
    const manifest = JSON.parse(textOf('manifest.json')) as Manifest;
    const fitted = async (changed: ArchivedFile[], change: (manifest: Manifest) => void = () => undefined) => {
      const { createHash } = await import('node:crypto');
      const made = structuredClone(manifest);
      for (const one of made.files) {
        const { bytes } = changed.find((file) => file.path === one.path) ?? { bytes: new Uint8Array() };
        Object.assign(one, { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
      }
      change(made);
      const text = Buffer.from(`${JSON.stringify(made, undefined, 1)}\n`);
      return rebuilt(changed.map((file) => (file.path === 'manifest.json' ? { path: file.path, bytes: text } : file)));
    };
    const digit = await found(await fitted(withText('history.json', (text) => text.replace('1.50', '1.5'))));
    expect(digit.join('\n'))
      .to.match(/has not signed/)
      .and.match(/Observation\/.*_history\/1: it is not what its receipt/);
    const removed = withText('record.json', (text) => {
      const bundle = JSON.parse(text);
      bundle.entry = bundle.entry.filter(({ resource }: { resource: { id: string } }) => resource.id !== observation);
      return JSON.stringify(bundle);
    });
    expect((await found(await fitted(removed))).join('\n')).to.match(
      new RegExp(`Observation/${observation}/_history/2: it was removed`),
    );
    const reads = withText('reads/patients.json', (text) => {
      const { proofs } = JSON.parse(text);
      const own = proofs.find((proof: { own?: { rows: string[] } }) => proof.own !== undefined).own;
      own.rows.pop();
      return JSON.stringify({ proofs });
    });
    expect((await found(await fitted(reads))).join('\n')).to.match(/reads\/patients\.json: anchor \d+ shows a leaf/);
    const silent = await fitted(files(), (made) => void made.receipts.shift());
    expect((await found(silent)).join('\n')).to.match(/it has no receipt, and nothing says why/);
  });

  it('is given to herself and the custodian alone, and is in her log', async () => {
    expect((await exported('patients')).status).to.equal(200);
    expect((await exported('patients patient Patient/another')).status).to.equal(404);
    for (const as of ['patients practitioner', 'patients operator', 'patients caretaker RelatedPerson/1'])
      expect((await exported(as)).status, as).to.equal(403);
    for (const as of ['hospital', 'clinic']) expect((await exported(as)).status, as).to.equal(404);
    const { headers } = await exported();
    expect(headers.get('content-type')).to.equal('application/zip');
    const { body } = await scene.send(herself(), 'GET /reads?count=200');
    const interactions = body.reads.map(({ interaction, type }: Record<string, string>) => `${interaction} ${type}`);
    expect(interactions).to.include.members(['search Observation', 'history Observation', 'search AuditEvent']);
  });

  it('stands in the CapabilityStatement of the custodian alone, and in the documentation', async () => {
    const operations = async (name: string): Promise<string[]> => {
      const { body } = await scene.send(name, 'GET /fhir/R4/metadata');
      const patients = body.rest[0].resource.find(({ type }: { type: string }) => type === 'Patient');
      return patients.operation.map((one: { name: string }) => one.name);
    };
    expect(await operations('patients')).to.include('export-record');
    expect(await operations('hospital')).not.to.include('export-record');
  });
});
