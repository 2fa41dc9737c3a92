/** What a request asks for, who sends it and how large it is are checked before any of its body is read. */
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { until } from '../consortium.fixture.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { type Answered, RawConnection } from '../http/connection.fixture.ts';
import { newServer } from '../http/server.ts';
import { patient, post } from './fixtures/resources.ts';
import { BASE, bodiesOf, type Server, serverOf } from './fixtures/server.ts';

const MIB = 1024 * 1024;
const JSON_TYPE = { 'Content-Type': 'application/fhir+json' };

describe('Admission', () => {
  let server: Server;
  let budget: BodyBudget;
  let refused: string[];
  let http: ReturnType<typeof newServer>;
  const open: RawConnection[] = [];

  const listen = async (kind: 'provider' | 'custodian' = 'provider', clientBytes = 96 * MIB): Promise<void> => {
    refused = [];
    budget = new BodyBudget({ clientBytes, allBytes: 128 * MIB }, (which) => refused.push(which));
    server = serverOf(kind, {
      bodies: bodiesOf({ budget, clientOf: (request) => request.get('x-client') ?? 'one' }),
    });
    http = newServer(server.app);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  };
  beforeEach(() => listen());
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.destroy();
    await new Promise((resolve) => http.close(resolve));
    expect(server.reports).to.deep.equal([]);
  });

  const connection = (): RawConnection => {
    const made = new RawConnection((http.address() as AddressInfo).port);
    open.push(made);
    return made;
  };
  /** The answer to a request of which nothing but the head is ever sent. */
  const answerToHead = async (line: string, headers: Record<string, string | number>): Promise<Answered> => {
    const [method, path] = line.split(' ');
    const made = connection();
    made.send(`${method} ${BASE}${path}`, headers);
    const answer = await made.answer();
    if (answer === undefined) throw new Error(`no answer to ${line}`);
    return answer;
  };

  const large = { ...JSON_TYPE, 'Content-Length': 15 * MIB };
  const refusals: [string, Record<string, string | number>, number][] = [
    ['POST /Spaceship', large, 404],
    ['POST /Linkage', large, 404],
    ['PUT /Spaceship/1', large, 404],
    ['POST /Patient/$everything', large, 404],
    ['POST /Patient/1/2/3', large, 404],
    ['PUT /Patient', large, 400],
    ['POST /Patient/1', large, 405],
    ['DELETE /Consent/1', large, 405],
    ['PATCH /Consent/1', large, 405],
    ['POST /Consent', large, 405],
    ['POST /AuditEvent', large, 405],
    ['PUT /Coverage/1', large, 405],
    ['POST /Patient', { 'Content-Type': 'application/fhir+xml', 'Content-Length': 15 * MIB }, 415],
    ['POST /Patient', { 'Content-Length': 15 * MIB }, 415],
    ['POST /Patient', { ...large, 'Content-Type': 'application/fhir+json; charset=utf-16' }, 415],
    ['POST /Patient', { ...large, 'Content-Type': 'application/fhir+json; charset=utf-7' }, 415],
    ['POST /Patient', { ...large, 'Content-Encoding': 'zstd' }, 415],
    ['POST /Patient', { ...large, 'Content-Encoding': 'gzip, gzip' }, 415],
    ['POST /Patient/_search', large, 415],
    ['POST /Spaceship/_search', { ...large, 'Content-Type': 'application/x-www-form-urlencoded' }, 404],
    ['POST /', { ...large, Accept: 'application/fhir+xml' }, 406],
    ['POST /', { ...large, 'Content-Length': 17 * MIB }, 413],
    ['POST /Patient', { ...large, 'Content-Length': 10 ** 12, 'Content-Encoding': 'gzip' }, 413],
    ['POST /Spaceship', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }, 404],
  ];
  for (const [line, headers, status] of refusals) {
    it(`answers ${line} with ${status} by its head (${Object.values(headers).join(', ')})`, async () => {
      const answer = await answerToHead(line, headers);
      expect(answer.status).to.equal(status);
      expect(JSON.parse(answer.body)).to.have.property('resourceType', 'OperationOutcome');
      expect(budget.bytes).to.equal(0);
    });
  }

  it('answers a caller who is not entitled by the head', async () => {
    server.repository.entitle = (_caller, type) => {
      throw new LedgerError('FORBIDDEN', `no ${type ?? 'Bundle'}`);
    };
    for (const line of ['POST /Patient', 'PUT /Patient/1', 'POST /']) {
      expect((await answerToHead(line, large)).status, line).to.equal(403);
    }
  });

  it('asks for the body of a client that waits for 100 Continue only when it wants it', async () => {
    const waiting = { ...JSON_TYPE, Expect: '100-continue' };
    const refusedAnswer = await answerToHead('POST /Spaceship', { ...waiting, 'Content-Length': 100 });
    expect(refusedAnswer.status).to.equal(404);
    expect(refusedAnswer.headers['connection']).to.equal('close');
    const body = JSON.stringify(patient());
    const made = connection();
    made.send(`POST ${BASE}/Patient`, { ...waiting, 'Content-Length': body.length });
    expect((await made.answer())?.status).to.equal(100);
    made.write(body);
    const created = await made.answer();
    expect(created?.status).to.equal(201);
    expect(created?.headers['connection']).not.to.equal('close');
    made.send(`GET ${BASE}/Patient`, {});
    expect((await made.answer())?.status).to.equal(200);
  });

  it('throws away the body of a refused request and goes on with the connection', async () => {
    const made = connection();
    made.send(`POST ${BASE}/Spaceship`, { ...JSON_TYPE, 'Content-Length': MIB }, Buffer.alloc(MIB, 0x20));
    made.send(`GET ${BASE}/Patient`, {});
    expect((await made.answer())?.status).to.equal(404);
    expect((await made.answer())?.status).to.equal(200);
  });

  describe('memory for bodies', () => {
    const text = JSON.stringify(patient());

    it('is taken by a stated length before anything is read, and given back when the client goes away', async () => {
      const made = connection();
      made.send(`POST ${BASE}/Patient`, large, '{');
      await until(() => budget.bytes >= 15 * MIB);
      made.destroy();
      await until(() => budget.bytes === 0);
    });

    it('is each client’s own: the greedy one is answered 429, and the next one is served', async () => {
      await new Promise((resolve) => http.close(resolve));
      await listen('provider', 64 * MIB);
      const held = [connection(), connection()];
      for (const one of held) one.send(`POST ${BASE}/Patient`, { ...large, 'X-Client': 'greedy' }, '{');
      await until(() => budget.bytes >= 60 * MIB);
      const third = await answerToHead('POST /Patient', { ...large, 'X-Client': 'greedy' });
      expect(third.status).to.equal(429);
      expect(Number(third.headers['retry-after'])).to.be.greaterThan(0);
      const modest = connection();
      modest.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': text.length, 'X-Client': 'two' }, text);
      expect((await modest.answer())?.status).to.equal(201);
      for (const one of held) one.destroy();
      await until(() => budget.bytes === 0);
      const again = connection();
      again.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': text.length, 'X-Client': 'greedy' }, text);
      expect((await again.answer())?.status).to.equal(201);
    });

    it('is limited for all together, and small bodies still pass', async () => {
      const held = Array.from({ length: 4 }, (_, index) => {
        const made = connection();
        made.send(`POST ${BASE}/Patient`, { ...large, 'X-Client': `c${index}` }, '{');
        return made;
      });
      await until(() => budget.bytes >= 4 * 30 * MIB);
      const fifth = await answerToHead('POST /Patient', { ...large, 'X-Client': 'c5' });
      expect(fifth.status).to.equal(503);
      expect(fifth.headers['retry-after']).to.equal('1');
      expect(refused).to.deep.equal(['all-bodies']);
      const small = connection();
      small.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': text.length, 'X-Client': 'c6' }, text);
      expect((await small.answer())?.status).to.equal(201);
      for (const one of held) one.destroy();
    });

    it('is taken by chunks where no length is stated', async () => {
      const made = connection();
      made.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' });
      const before = budget.bytes;
      made.write(`${(2 * MIB).toString(16)}\r\n{"x":"${'x'.repeat(2 * MIB - 6)}\r\n`);
      await until(() => budget.bytes > before + 2 * MIB);
      made.write('0\r\n\r\n');
      expect((await made.answer())?.status).to.equal(400);
      await until(() => budget.bytes === 0);
    });

    it('is given back after every answer', async () => {
      for (const body of [text, '{', '[]', JSON.stringify({ resourceType: 'Patient', gender: 7 })]) {
        const made = connection();
        made.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': body.length }, body);
        expect((await made.answer())?.status).to.be.a('number');
        await until(() => budget.bytes === 0);
      }
    });
  });

  describe('compressed bodies', () => {
    const send = async (body: Buffer, coding: string): Promise<Answered | undefined> => {
      const made = connection();
      const headers = { ...JSON_TYPE, 'Content-Encoding': coding, 'Content-Length': body.length };
      made.send(`POST ${BASE}/Patient`, headers, body);
      return made.answer();
    };

    it('are read in gzip, in several members, and in br', async () => {
      const text = JSON.stringify(patient());
      const members = Buffer.concat([gzipSync(text.slice(0, 10)), gzipSync(text.slice(10))]);
      for (const [body, coding] of [
        [gzipSync(text), 'gzip'],
        [members, 'x-gzip'],
        [brotliCompressSync(text), 'br'],
      ] as const) {
        expect((await send(body, coding))?.status, coding).to.equal(201);
      }
    });

    it('are refused where they grow beyond the limit, and not unpacked any further', async () => {
      const bomb = gzipSync(Buffer.alloc(300 * MIB, 0x20));
      expect(bomb.length).to.be.lessThan(MIB);
      const before = process.memoryUsage().rss;
      expect((await send(bomb, 'gzip'))?.status).to.equal(413);
      expect(process.memoryUsage().rss - before).to.be.lessThan(150 * MIB);
      await until(() => budget.bytes === 0);
    });

    it('are 400 where they are cut or are something else', async () => {
      const cut = gzipSync(JSON.stringify(patient())).subarray(0, 40);
      expect((await send(cut, 'gzip'))?.status).to.equal(400);
      expect((await send(Buffer.from('not gzip at all'), 'gzip'))?.status).to.equal(400);
    });
  });

  it('refuses what would take long to parse before parsing it', async () => {
    const bodies = [
      `{"resourceType":"Patient","x":[${'{},'.repeat(60_000)}{}]}`,
      `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"x":[${'1,'.repeat(60_000)}1]}}]}`,
      `{"resourceType":"Bundle","type":"batch","entry":[${'1,'.repeat(3_000)}1]}`,
    ];
    const paths = ['/', '/', '/', '/Patient'];
    const many = `{"resourceType":"Patient","entry":[${`[${'1,'.repeat(300)}1],`.repeat(200)}1]}`;
    for (const [index, body] of [...bodies, many].entries()) {
      const made = connection();
      made.send(`POST ${BASE}${paths[index]}`, { ...JSON_TYPE, 'Content-Length': body.length }, body);
      expect((await made.answer())?.status, body.slice(0, 60)).to.equal(413);
    }
    const deep = `{"resourceType":"Patient","x":${'['.repeat(5_000)}`;
    const made = connection();
    made.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': deep.length }, deep);
    expect((await made.answer())?.status).to.equal(400);
  });

  it('answers 400 to a body in another character set than it says', async () => {
    const body = Buffer.from('{"resourceType":"Patient","name":[{"family":"Müller"}]}', 'latin1');
    const made = connection();
    made.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': body.length }, body);
    expect((await made.answer())?.status).to.equal(400);
  });

  it('takes a byte order mark', async () => {
    const body = Buffer.from(`\u{feff}${JSON.stringify(patient())}`);
    const made = connection();
    made.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': body.length }, body);
    expect((await made.answer())?.status).to.equal(201);
  });

  it('reads a large Bundle as if it were parsed whole', async () => {
    const entries = Array.from({ length: 300 }, () => post({ ...patient(), text: undefined, language: 'en' }));
    const body = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: entries });
    expect(body.length).to.be.greaterThan(64 * 1024);
    const made = connection();
    made.send(`POST ${BASE}/`, { ...JSON_TYPE, 'Content-Length': body.length }, body);
    expect((await made.answer())?.status).to.equal(200);
    expect(server.repository.transactions.map((writes) => writes.length)).to.deep.equal([300]);
  });
});

describe('A slow client', () => {
  it('is let go when its headers, or its body, take too long', async () => {
    const { app } = serverOf();
    const http = newServer(app, { headersMs: 200, requestMs: 400 });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    const headless = new RawConnection(port);
    headless.write('GET / HTTP/1.1\r\nX: ');
    const bodyless = new RawConnection(port);
    bodyless.send(`POST ${BASE}/Patient`, { ...JSON_TYPE, 'Content-Length': 100 }, '{');
    for (const slow of [headless, bodyless]) {
      await slow.closed();
      expect((await slow.answer())?.status).to.equal(408);
    }
    await new Promise((resolve) => http.close(resolve));
  }).timeout(10_000);
});
