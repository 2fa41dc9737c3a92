/**
 * What a crash may not take: everything that was acknowledged is there after a restart, nothing is there twice, and the
 * chain of blocks is whole. The consortium runs as `npm start` runs it and is killed with SIGKILL.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { renewedToken } from '@telemed-ledger/scripts/credentials.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { HttpClient, NoAnswer } from '@telemed-ledger/scripts/http.ts';
import { LoadJournal } from '@telemed-ledger/scripts/load/journal.ts';
import { Loader } from '@telemed-ledger/scripts/load/loader.ts';
import { expect } from 'chai';
import { Member } from '../scenarios/consortium.fixture.ts';
import { ConsortiumProcess, isAlive, kill } from './process.fixture.ts';

const FILES = 24;
const PER_FILE = 40;
const KEYED = 40;
const MRN = 'https://hospital.example/mrn';

describe('When everything is killed (on Linux only)', function () {
  this.timeout(180_000);
  let directory: string;
  let dataDir: string;
  let files: string[];
  let consortium: ConsortiumProcess;

  before(async function () {
    // The tree of processes is found through /proc.
    if (process.platform !== 'linux') return this.skip();
    directory = mkdtempSync(join(tmpdir(), 'telemed-faults-'));
    dataDir = join(directory, 'data');
    files = Array.from({ length: FILES }, (_, index) => writeBundle(join(directory, `${index}.json`)));
    consortium = await ConsortiumProcess.start(dataDir);
  });

  after(async () => {
    await consortium?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function writeBundle(file: string): string {
    const patient = `urn:uuid:${randomUUID()}`;
    const observation = (value: number) => ({
      resource: {
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
        subject: { reference: patient },
        valueQuantity: { value, unit: '/min' },
      },
      request: { method: 'POST', url: 'Observation' },
    });
    const identifier = [{ system: MRN, value: randomUUID() }];
    const first = {
      fullUrl: patient,
      resource: { resourceType: 'Patient', identifier },
      request: { method: 'POST', url: 'Patient' },
    };
    const entry = [first, ...Array.from({ length: PER_FILE - 1 }, (_, index) => observation(index))];
    writeFileSync(file, JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
    return file;
  }

  const journalFile = () => join(directory, 'journal.jsonl');
  const hospital = () => new HttpClient(consortium.urls['hospital'] ?? '');
  const token = () => renewedToken({ dataDir, organisation: 'hospital', role: 'system' });

  async function newLoader(http: HttpClient, patienceMs: number): Promise<Loader> {
    return new Loader({
      http,
      token: token(),
      patienceMs,
      since: Date.now(),
      limits: { entries: 1000, bytes: 1e6 },
      concurrency: 3,
      journal: await LoadJournal.open(journalFile()),
      signal: new AbortController().signal,
    });
  }

  /** `Type/id` of everything that the journal says was acknowledged. */
  const acknowledged = (): string[] =>
    readFileSync(journalFile(), 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .flatMap((line) => (JSON.parse(line) as { locations: string[] }).locations);

  /** A create under a key; undefined where no answer came. */
  async function createKeyed(http: HttpClient, key: string, authorization: string): Promise<string | undefined> {
    const body = { resourceType: 'Patient', identifier: [{ system: MRN, value: key }] };
    const headers = { authorization, 'idempotency-key': key };
    const answer = await http
      .send({ method: 'POST', path: '/fhir/R4/Patient', body, headers })
      .catch((error: Error) => {
        if (error instanceof NoAnswer) return undefined;
        throw error;
      });
    if (answer === undefined || answer.status >= 500) return undefined;
    expect(answer.status).to.equal(201);
    return (answer.body as { id: string }).id;
  }

  async function total(query: string): Promise<number> {
    const parties = new Parties({ dataDir, urls: consortium.urls });
    try {
      const path = `/fhir/R4/${query}${query.includes('?') ? '&' : '?'}_summary=count`;
      return (await parties.of('hospital', 'system').ask<{ total: number }>({ path })).total;
    } finally {
      parties.close();
    }
  }

  it('during a load, nothing that was acknowledged is lost and nothing is written twice', async () => {
    const http = hospital();
    const loader = await newLoader(http, 1);
    const loading = loader.load(files);
    const authorization = `Bearer ${await token()()}`;
    const keys = Array.from({ length: KEYED }, () => randomUUID());
    const created = keys.map((key) => createKeyed(http, key, authorization));
    while (loader.tally.total.loaded < (FILES * PER_FILE) / 3) await sleep(5);
    await consortium.killAll();
    await loading;
    const answered = await Promise.all(created);
    http.close();
    const before = acknowledged();
    expect(before.length, 'it was killed in the middle').to.be.within(1, FILES * PER_FILE - 1);

    consortium = await ConsortiumProcess.start(dataDir);
    const again = hospital();
    const bearer = { authorization: `Bearer ${await token()()}` };
    for (const location of before) {
      const { status } = await again.send({ path: `/fhir/R4/${location}`, headers: bearer });
      expect(status, location).to.equal(200);
    }
    const ids = await Promise.all(keys.map((key) => createKeyed(again, key, bearer.authorization)));
    ids.forEach((id, index) => {
      expect(id).to.be.a('string');
      if (answered[index] !== undefined) expect(id).to.equal(answered[index]);
    });
    const second = await newLoader(again, 30_000);
    await second.load(files);
    again.close();
    expect(second.tally.refused).to.deep.equal([]);
    expect(second.tally.total.there).to.be.at.least(before.length);
    expect(await total('Observation')).to.equal(FILES * (PER_FILE - 1));
    expect(await total('Patient')).to.equal(FILES + KEYED);
  });

  it('the chain of blocks is whole, and every gateway holds what was anchored', async () => {
    const regulator = new Member(dataDir, 'regulator');
    const parties = new Parties({ dataDir, urls: consortium.urls });
    try {
      const last = (await parties.of('regulator', 'system').ask<{ block: number }>({ path: '/readyz' })).block;
      const blocks = await regulator.network.getBlockEvents({ startBlock: 0n });
      let previous: Buffer | undefined;
      let number = 0;
      for await (const block of blocks) {
        const header = block.getHeader();
        expect(header?.getNumber()).to.equal(number);
        const stated = Buffer.from(header?.getPreviousHash_asU8() ?? []);
        if (previous !== undefined)
          expect(stated.toString('hex'), `block ${number}`).to.equal(previous.toString('hex'));
        const data = Buffer.concat((block.getData()?.getDataList_asU8() ?? []).map((one) => Buffer.from(one)));
        const dataHash = Buffer.from(header?.getDataHash_asU8() ?? []);
        expect(dataHash.toString('hex')).to.equal(createHash('sha256').update(data).digest('hex'));
        previous = headerHash(number, stated, dataHash);
        if (number === last) break;
        number += 1;
      }
      blocks.close();
      expect(number).to.equal(last);
      for (const organisation of Object.keys(consortium.urls)) {
        const { differences } = await parties
          .of(organisation, 'operator')
          .ask<{ differences: unknown[] }>({ method: 'POST', path: '/verify' });
        expect(differences, organisation).to.deep.equal([]);
      }
    } finally {
      parties.close();
      regulator.close();
    }
  });

  it('by the chaincode alone, the consortium says so and ends, leaves no process behind, and starts again', async () => {
    const { pids } = consortium;
    expect(pids).to.have.length(3);
    const chaincode = pids.find((pid) => commandOf(pid).includes('chaincode/src/main.ts'));
    expect(chaincode).to.be.a('number');
    kill(chaincode ?? 0, 'SIGKILL');
    expect(await consortium.ended).to.equal(1);
    expect(consortium.output).to.match(/the chaincode ended with SIGKILL/);
    while (pids.some(isAlive)) await sleep(20);
    consortium = await ConsortiumProcess.start(dataDir);
    expect(await total('Observation')).to.equal(FILES * (PER_FILE - 1));
  });
});

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

/** SHA-256 of the header's ASN.1 (Fabric: protoutil.BlockHeaderBytes): number, previous hash, data hash. */
function headerHash(number: number, previousHash: Buffer, dataHash: Buffer): Buffer {
  const element = (tag: number, content: Buffer) => Buffer.concat([Buffer.from([tag, content.length]), content]);
  const digits = number.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  const integer = element(0x02, (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
  const content = Buffer.concat([integer, element(0x04, previousHash), element(0x04, dataHash)]);
  return createHash('sha256').update(element(0x30, content)).digest();
}
