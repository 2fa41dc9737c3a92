import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { HttpClient } from '../http.ts';
import type { Entry } from './bundle.ts';
import { FakeGateway } from './fake-gateway.ts';
import { LoadJournal } from './journal.ts';
import { Loader, type LoadOptions } from './loader.ts';

const practitioner = (value: string): Entry => ({
  fullUrl: `urn:uuid:p${value}`,
  resource: { resourceType: 'Practitioner', identifier: [{ system: 'http://s', value }] },
  request: { method: 'POST', url: 'Practitioner', ifNoneExist: `identifier=http://s|${value}` },
});
const patient = (name: string): Entry => ({
  fullUrl: `urn:uuid:${name}`,
  resource: { resourceType: 'Patient', identifier: [{ system: 'http://patients', value: name }] },
  request: { method: 'POST', url: 'Patient' },
});
const encounter = (patientName: string, practitionerValue = '1', fullUrl = 'urn:uuid:e'): Entry => ({
  fullUrl,
  resource: {
    resourceType: 'Encounter',
    subject: { reference: `urn:uuid:${patientName}` },
    participant: [{ individual: { reference: `Practitioner?identifier=http://s|${practitionerValue}` } }],
  },
  request: { method: 'POST', url: 'Encounter' },
});

describe('The loader', () => {
  let directory: string;
  let gateway: FakeGateway;
  let http: HttpClient;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'load-'));
    gateway = new FakeGateway();
    http = new HttpClient(await gateway.listen());
  });

  afterEach(async () => {
    http.close();
    gateway.close();
    await rm(directory, { recursive: true });
  });

  async function file(name: string, type: string, entries: Entry[], zip = false): Promise<string> {
    const text = JSON.stringify({ resourceType: 'Bundle', type, entry: entries });
    await writeFile(join(directory, name), zip ? gzipSync(text) : text);
    return join(directory, name);
  }

  async function load(files: string[], options: Partial<LoadOptions> = {}): Promise<Loader> {
    const loader = new Loader({
      http,
      token: async () => 'token',
      patienceMs: 5_000,
      since: Date.now(),
      limits: { entries: 1000, bytes: 1e6 },
      concurrency: 3,
      journal: await LoadJournal.open(join(directory, 'journal', 'hospital.jsonl')),
      signal: new AbortController().signal,
      ...options,
    });
    await loader.load(files);
    return loader;
  }

  const twoFiles = async () => [
    await file('a-patient.json', 'transaction', [patient('x'), encounter('x')]),
    await file('z-practitioners.json.gz', 'batch', [practitioner('1'), practitioner('2')], true),
  ];

  it('sends what others refer to first, whatever the files are called', async () => {
    const loader = await load(await twoFiles());
    expect(loader.complete).to.equal(true);
    expect(loader.tally.total).to.deep.equal({ loaded: 4, there: 0, refused: 0 });
    expect([...gateway.tokens]).to.deep.equal(['Bearer token']);
  });

  it('sends numbers with the digits of the file', async () => {
    const observation = (value: number): Entry => ({
      resource: {
        resourceType: 'Observation',
        performer: [{ reference: 'Practitioner?identifier=http://s|1' }],
        valueQuantity: { value },
      },
      request: { method: 'POST', url: 'Observation' },
    });
    const digits = ['1.50', '0.010', '1.00e2', '12345678901234567890.5', '-0'];
    const path = await file(
      'z.json',
      'batch',
      digits.map((_, index) => observation(index + 1000)),
    );
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      digits.reduce((all, one, index) => all.replace(`${index + 1000}`, one), text),
    );
    await load([await file('a.json', 'batch', [practitioner('1')]), path]);
    const sent = gateway.bodies.at(-1) ?? '';
    expect([...sent.matchAll(/"value":([^"}]+)/g)].map(([, one]) => one)).to.deep.equal(digits);
  });

  it('finds everything already there when it runs again, even when the gateway has forgotten the keys', async () => {
    const files = await twoFiles();
    await load(files);
    gateway.forget();
    const again = await load(files);
    expect(again.complete).to.equal(true);
    expect(again.tally.total).to.deep.equal({ loaded: 0, there: 4, refused: 0 });
    expect(gateway.resources.size).to.equal(4);
  });

  it('does not believe a journal of a ledger that was begun anew', async () => {
    const files = await twoFiles();
    await load(files);
    gateway.close();
    gateway = new FakeGateway();
    http.close();
    http = new HttpClient(await gateway.listen());
    const again = await load(files);
    expect(again.tally.total).to.deep.equal({ loaded: 4, there: 0, refused: 0 });
  });

  it('asks again with the same key when the journal is lost, and says what was written before', async () => {
    const files = await twoFiles();
    await load(files);
    await rm(join(directory, 'journal'), { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const again = await load(files);
    expect(again.tally.total).to.deep.equal({ loaded: 0, there: 4, refused: 0 });
    expect(gateway.resources.size).to.equal(4);
  });

  for (const fault of ['unavailable', 'throttled', 'dropped before', 'dropped after', 'under way'] as const) {
    it(`writes once when the gateway is ${fault}`, async () => {
      gateway.faults.push(fault, fault);
      const retries: string[] = [];
      const path = await file('one.json', 'transaction', [patient('x')]);
      const loader = await load([path], { onRetry: (why) => retries.push(why) });
      expect(retries).to.have.length(2);
      expect(loader.tally.total).to.deep.equal({ loaded: 1, there: 0, refused: 0 });
      expect(gateway.resources.size).to.equal(1);
    });
  }

  it('gives up in time and says so', async () => {
    gateway.close();
    const loader = await load([await file('one.json', 'transaction', [patient('x')])], { patienceMs: 300 });
    expect(loader.complete).to.equal(false);
    expect(loader.tally.refused[0]).to.include({ type: 'Patient', count: 1 });
    expect(loader.tally.refused[0]?.reason).to.match(/given up: no answer/);
  });

  it('cuts a transaction over the limit and rewrites references between its parts', async () => {
    const entries = [encounter('x', '1', 'urn:uuid:e1'), patient('x'), encounter('x', '1', 'urn:uuid:e2')];
    const files = [await file('long.json', 'transaction', entries), await file('p.json', 'batch', [practitioner('1')])];
    const loader = await load(files, { limits: { entries: 2, bytes: 1e6 } });
    expect(loader.tally.total).to.deep.equal({ loaded: 4, there: 0, refused: 0 });
    expect(gateway.written).to.deep.equal([1, 2, 1]);
    const [location] = [...gateway.resources.keys()].filter((key) => key.startsWith('Patient/'));
    const subjects = [...gateway.resources.values()].flatMap(({ subject }) => subject ?? []);
    expect(subjects.filter((subject) => (subject as { reference: string }).reference === location)).to.have.length(1);
    const again = await load(files, { limits: { entries: 2, bytes: 1e6 } });
    expect(again.tally.total).to.deep.equal({ loaded: 0, there: 4, refused: 0 });
  });

  it('follows relative references to RESTful fullUrls when it cuts a transaction', async () => {
    const BASE = 'https://elsewhere.example/fhir';
    const of = (name: string, reference: string) => ({
      ...encounter('x', '1', `${BASE}/Encounter/${name}`),
      resource: { resourceType: 'Encounter', subject: { reference } },
    });
    const entries = [
      ...[of('e1', 'Patient/p1'), of('e2', 'Patient/p1'), of('e3', `${BASE}/Patient/p1`)],
      { ...patient('x'), fullUrl: `${BASE}/Patient/p1` },
    ];
    const { tally } = await load([await file('relative.json', 'transaction', entries)], {
      limits: { entries: 2, bytes: 1e6 },
    });
    expect(tally.total).to.deep.equal({ loaded: 4, there: 0, refused: 0 });
    const [location] = [...gateway.resources.keys()].filter((key) => key.startsWith('Patient/'));
    const subjects = [...gateway.resources.values()].flatMap(({ subject }) => subject ?? []);
    // The first is sent together with the Patient, to whom the gateway leads its reference.
    const references = [`${BASE}/Patient/p1`, location, location];
    expect(subjects).to.deep.equal(references.map((reference) => ({ reference })));
  });

  it('follows uris and links of narratives into another part, and leaves canonicals and texts', async () => {
    const div = (href: string) => `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${href}">x</a></div>`;
    const linking = (to: string) => ({
      resourceType: 'DocumentReference',
      text: { status: 'generated', div: div(to) },
      description: to,
      content: [{ attachment: { url: to } }],
      extension: [
        { url: 'urn:x', valueUri: to },
        { url: 'urn:x', valueCanonical: to },
      ],
      _status: { extension: [{ url: 'urn:x', valueUuid: to }] },
    });
    for (const to of ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520', 'https://elsewhere.example/fhir/Patient/p1']) {
      const name = to.startsWith('urn:') ? 'urn' : 'http';
      const entries = [
        { ...encounter('x', '1', 'urn:uuid:e1'), resource: linking(to) },
        { ...patient(name), fullUrl: to },
      ];
      const limits = { entries: 1, bytes: 1e6 };
      const { tally } = await load([await file(`${name}.json`, 'transaction', entries)], { limits });
      expect(tally.total).to.deep.equal({ loaded: 2, there: 0, refused: 0 });
      const location = [...gateway.resources.keys()].findLast((key) => key.startsWith('Patient/'));
      const expected = linking(location ?? '');
      expect([...gateway.resources.values()].at(-1)).to.deep.equal({
        ...{ ...expected, description: to },
        extension: [expected.extension[0], { url: 'urn:x', valueCanonical: to }],
      });
    }
  });

  it('creates what is only listed, in a Bundle or line by line, once, and finds what refers to it in another file', async () => {
    const [{ resource: one }, { resource: other }] = [patient('x'), patient('y')];
    const visit = (id: string) => ({ resourceType: 'Encounter', subject: { reference: `Patient/${id}` } });
    const listed = (type: 'collection' | 'searchset') =>
      file(`${type}.json`, type, [
        { fullUrl: 'https://elsewhere.example/fhir/Encounter/1', resource: visit('1') },
        { fullUrl: 'https://elsewhere.example/fhir/Patient/1', resource: { ...one!, id: '1' } },
      ]);
    const lines = async (name: string, resources: object[]): Promise<string> => {
      await writeFile(join(directory, name), `${resources.map((each) => JSON.stringify(each)).join('\n')}\n\n`);
      return join(directory, name);
    };
    const files = [
      await lines('Encounter.ndjson', [visit('a'), visit('b')]),
      await listed('collection'),
      await lines('Patient.ndjson', [
        { ...one!, id: 'a' },
        { ...other!, id: 'b' },
      ]),
    ];
    const limits = { entries: 1, bytes: 1e6 };
    expect((await load(files, { limits })).tally.total).to.deep.equal({ loaded: 6, there: 0, refused: 0 });
    const subjects = [...gateway.resources.values()].flatMap(({ subject }) => subject ?? []);
    const patients = [...gateway.resources.keys()].filter((key) => key.startsWith('Patient/'));
    expect(subjects.map((subject) => (subject as { reference: string }).reference)).to.have.members(patients);
    expect((await load(files, { limits })).tally.total).to.deep.equal({ loaded: 0, there: 6, refused: 0 });
    const bad = await lines('bad.ndjson', [{ ...one!, id: 'a' }, { id: 'nothing' }]);
    const empty = await file('empty.json', 'collection', [{ fullUrl: 'urn:uuid:1' }]);
    const { unreadable } = await load([bad, empty]);
    expect(unreadable.map((message) => message.slice(directory.length + 1))).to.deep.equal([
      'empty.json: has an entry without a resource (Bundle.entry[0])',
      'bad.ndjson: line 2: is no resource (resourceType)',
    ]);
  });

  it('keeps a transaction that is refused out whole, and loads the sound entries of a batch', async () => {
    const transaction = await file('t.json', 'transaction', [patient('x'), encounter('x', 'nobody')]);
    const batch = await file('b.json', 'batch', [patient('y'), encounter('absent', 'nobody', 'urn:uuid:other')]);
    const loader = await load([transaction, batch]);
    expect(loader.complete).to.equal(false);
    expect(loader.tally.total).to.deep.equal({ loaded: 1, there: 0, refused: 3 });
    expect(loader.tally.refused.find((one) => one.file === batch)).to.deep.equal({
      file: batch,
      type: 'Encounter',
      count: 1,
      reason: 'status 422: a reference to nothing (Bundle.entry[0].resource)',
    });
    expect(String(loader.tally)).to.match(/Encounter +0 +0 +2\n/);
  });

  it('names files that are no Bundles, quotes nothing of them, and loads the others', async () => {
    await writeFile(join(directory, 'cut.json'), '{"resourceType": "Bundle",\n "type": "Cassandra');
    await writeFile(join(directory, 'cut.json.gz'), gzipSync('{"resourceType": "Bundle"}').subarray(0, 20));
    await writeFile(join(directory, 'other.json'), '{"resourceType": "Patient"}');
    const names = ['cut.json', 'cut.json.gz', 'other.json', 'absent.json'];
    const sound = await file('one.json', 'transaction', [patient('x')]);
    const loader = await load([...names.map((name) => join(directory, name)), sound]);
    expect(loader.tally.total.loaded).to.equal(1);
    expect(loader.complete).to.equal(false);
    expect(loader.unreadable.map((message) => message.slice(directory.length + 1))).to.deep.equal([
      'cut.json: line 2, column 10: this is not JSON',
      'cut.json.gz: is gzip and broken after 20 bytes (unexpected end of file)',
      'other.json: is not a Bundle (Bundle.resourceType)',
      'absent.json: cannot be read (ENOENT)',
    ]);
  });

  for (const [name, pack] of Object.entries({ plain: (bytes: Buffer) => bytes, gzip: gzipSync })) {
    it(`names a file that is not UTF-8 and its line, and sends nothing of it: ${name}`, async () => {
      const entry = [{ ...patient('a'), resource: { resourceType: 'Patient', name: [{ family: 'Müller' }] } }];
      const text = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }, undefined, 1);
      const line = text.split('\n').findIndex((one) => one.includes('Müller')) + 1;
      const path = join(directory, 'latin1.json');
      await writeFile(path, pack(Buffer.from(text, 'latin1')));
      const loader = await load([path]);
      expect(loader.unreadable).to.deep.equal([`${path}: line ${line}: this is not UTF-8`]);
      expect([loader.complete, loader.tally.total.loaded]).to.deep.equal([false, 0]);
    });
  }

  it('has as many Bundles in flight as allowed', async () => {
    const names = Array.from({ length: 9 }, (_, index) => `${index}`);
    const files = await Promise.all(names.map((name) => file(`${name}.json`, 'transaction', [patient(name)])));
    gateway.together = 3;
    await load(files, { concurrency: 3 });
    expect(gateway.mostInFlight).to.equal(3);
  });

  it('goes on where it was interrupted', async () => {
    const names = Array.from({ length: 6 }, (_, index) => `${index}`);
    const files = await Promise.all(names.map((name) => file(`${name}.json`, 'transaction', [patient(name)])));
    const interrupt = new AbortController();
    const token = async () => {
      if (gateway.posts >= 2) interrupt.abort();
      return 'token';
    };
    const first = await load(files, { concurrency: 1, signal: interrupt.signal, token });
    expect(first.complete).to.equal(false);
    expect(first.tally.total.loaded).to.equal(3);
    const second = await load(files);
    expect(second.tally.total).to.deep.equal({ loaded: 3, there: 3, refused: 0 });
    expect(gateway.resources.size).to.equal(6);
  });
});
