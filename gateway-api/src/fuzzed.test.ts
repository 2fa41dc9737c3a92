/**
 * Every path and method that the OpenAPI document names, asked in ways that nobody means: no answer is a fault of ours, none takes five seconds,
 * and none tells what it was asked with or how it is made.
 */
import { connect } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { FixtureConsortium } from './consortium.fixture.ts';

const MARK = 'zqxfuzzed';
const SLOW_MS = 5_000;
/** Compares all that is stored with the ledger: it takes as long as that takes. */
const LONG = '/verify';
const SEED = 20_261_129;
const TRIES = 4;
/** What only the inside of a server has. */
const INSIDE = /\bat [\w.<>]+ \(|node_modules|\.ts:\d+|SQLITE|syntax error at|select .+ from|BEGIN .*PRIVATE KEY/i;

const texts = fc.constantFrom(
  ...[MARK, `${MARK}'`, `${MARK}"--`, `../${MARK}`, `%00${MARK}`, `${MARK}\u0000`, `${MARK}\ud800`, `\u202e${MARK}`],
  ...['', '-1', '0', '99999999999999999999', '1e400', 'NaN', 'null', 'true', '*', `${MARK}|`, `|${MARK}`, `$${MARK}`],
  ...[
    '2026-02-30',
    '0000-00-00',
    'ge',
    'Patient/',
    `urn:uuid:${MARK}`,
    `https://${MARK}.example/Patient/1`,
    '😀'.repeat(50),
  ],
  ...['a'.repeat(3_000), '__proto__', 'constructor', '\\', '(', '[', '{}', `<${MARK}>`, ','.repeat(40)],
);
const names = fc.constantFrom(
  ...[
    '_count',
    '_sort',
    '_include',
    '_revinclude',
    '_has:Observation:patient:code',
    '_elements',
    '_summary',
    '_total',
    '_page',
    '_since',
  ],
  ...[
    '_lastUpdated',
    '_id',
    'identifier',
    'code',
    'patient',
    'subject.name',
    'date',
    'value-quantity',
    '_type',
    '__proto__',
    'nonsense',
    '',
  ],
);
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    texts,
    fc.constantFrom(null, true, 0, -1, 1e21, 0.1),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(
    fc.constantFrom(
      'resourceType',
      'id',
      'meta',
      'identifier',
      'name',
      'status',
      'subject',
      'entry',
      'parameter',
      'patient',
      'extension',
      'contained',
      'type',
      '__proto__',
      'nonsense',
    ),
    tie('value'),
    { maxKeys: 5 },
  ),
})).value;
const bodies = fc.oneof(
  anything.map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '',
    '{',
    '[]',
    '""',
    `{"a":"${MARK}`,
    '['.repeat(5_000),
    '{"resourceType":"Bundle","type":"transaction","entry":[{}]}',
    '\ufeff{}',
  ),
  anything.map((value) => JSON.stringify({ resourceType: 'Patient', name: value })),
  anything.map((value) =>
    JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry: [value, { request: value, resource: value }] }),
  ),
  anything.map((value) =>
    JSON.stringify({ resourceType: 'Parameters', parameter: [{ name: 'resource', resource: value }, value] }),
  ),
);
const headers = fc.record(
  {
    'content-type': fc.constantFrom(
      'application/fhir+json',
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/fhir+json; charset=latin1',
      MARK,
    ),
    accept: fc.constantFrom('*/*', 'application/fhir+xml', 'application/fhir+json;fhirVersion=5.0', MARK, ''),
    prefer: fc.constantFrom('return=minimal', `return=${MARK}`, 'handling=lenient', 'respond-async', ';;;'),
    'if-match': fc.constantFrom('W/"1"', '*', MARK, 'W/"', 'W/"99999999999999999999"'),
    'if-none-match': fc.constantFrom('*', 'W/"1"', MARK),
    'if-none-exist': fc.constantFrom(`identifier=${MARK}`, MARK, 'identifier=a|b&_count=1', ''),
    'if-modified-since': fc.constantFrom(MARK, 'Thu, 01 Jan 1970 00:00:00 GMT'),
    'idempotency-key': fc.constantFrom(MARK, 'k', 'x'.repeat(300)),
    'x-patient': fc.constantFrom(MARK, 'Patient/x'),
    'content-encoding': fc.constantFrom('identity', 'gzip', MARK),
  },
  { requiredKeys: [] },
);

interface Asked {
  path: string;
  method: string;
  body: string | undefined;
  headers: Record<string, string>;
}

describe('A gateway that is asked anything', function () {
  this.timeout(600_000);
  let consortium: FixtureConsortium;
  const tokens = new Map<string, string>();
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients', 'payer']);
    for (const at of consortium.urls.keys()) tokens.set(at, await consortium.token(at, 'system'));
  });
  after(() => consortium?.close());

  const faultOf = async (at: string, { path, method, body, headers: sent }: Asked): Promise<string | undefined> => {
    const given = { authorization: `Bearer ${tokens.get(at)}`, ...sent };
    const started = performance.now();
    const response = await fetch(consortium.urls.get(at) + path, {
      ...{ method: method.toUpperCase(), headers: given, redirect: 'manual' },
      signal: AbortSignal.timeout(SLOW_MS),
      ...(method === 'get' || body === undefined ? {} : { body }),
    }).catch((error: Error) => error);
    if (response instanceof Error) {
      const took = performance.now() - started;
      return took >= SLOW_MS - 50 ? 'no answer in time' : undefined;
    }
    if (response.headers.get('content-type')?.includes('event-stream')) {
      await response.body?.cancel();
      return undefined;
    }
    const text = await response.text().catch(() => 'did not end');
    if (response.status >= 500) return `${response.status} ${text}`;
    if (INSIDE.test(text)) return `tells its inside: ${text}`;
    if (response.status >= 400 && text.includes(MARK)) return `${response.status} repeats what it was sent: ${text}`;
    return undefined;
  };

  for (const at of ['hospital', 'patients', 'payer'])
    it(`at ${at} answers every path and method of its document, faults of ours never`, async () => {
      const document = (await consortium.send(at, 'GET /openapi.json')).body as {
        paths: Record<string, Record<string, unknown>>;
      };
      const faults: string[] = [];
      let asked = 0;
      for (const [path, methods] of Object.entries(document.paths).filter(([path]) => path !== LONG))
        for (const method of Object.keys(methods)) {
          const filled = fc
            .tuple(fc.array(texts, { minLength: 6, maxLength: 6 }), fc.boolean())
            .map(([all, isType]) => {
              let next = 0;
              return path.replace(/\{(\w+)\}/g, (_, name) =>
                name === 'type' && isType
                  ? 'Patient'
                  : encodeURIComponent((all[next++] ?? MARK).replace(/[\ud800-\udfff]/g, '') || MARK),
              );
            });
          const queries = fc.array(
            fc.tuple(
              names,
              texts.map((one) => one.replace(/[\ud800-\udfff]/g, '')),
            ),
            { maxLength: 3 },
          );
          const requests = fc.record({
            path: filled,
            query: queries,
            body: fc.option(bodies, { nil: undefined }),
            headers,
          });
          for (const one of fc.sample(requests, { numRuns: TRIES, seed: SEED + asked })) {
            const url = one.query.length === 0 ? one.path : `${one.path}?${new URLSearchParams(one.query)}`;
            const fault = await faultOf(at, { ...one, path: url, method });
            asked += 1;
            if (fault !== undefined)
              faults.push(
                `${method} ${url.slice(0, 200)} ${(one.body ?? '').slice(0, 200)} ${JSON.stringify(one.headers)}: ${fault.slice(0, 400)}`,
              );
          }
        }
      expect(asked).to.be.greaterThan(200);
      expect(faults).to.deep.equal([]);
    });

  it('refuses a body of 99 GB as it is declared, before it comes', async () => {
    const { hostname, port } = new URL(consortium.urls.get('hospital') ?? '');
    for (const path of ['/fhir/R4/Patient', '/fhir/R4', '/access-requests']) {
      const started = performance.now();
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(
            `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokens.get('hospital')}\r\nContent-Type: application/fhir+json\r\nContent-Length: 99000000000\r\n\r\n{`,
          );
        });
        socket.setTimeout(SLOW_MS, () => reject(new Error('no answer in time')));
        socket.once('data', (data) => {
          resolve(data.toString('utf8'));
          socket.destroy();
        });
        socket.once('error', reject);
      });
      expect(answer, path).to.match(/^HTTP\/1\.1 413 /);
      expect(performance.now() - started).to.be.lessThan(1_000);
    }
  });
});
