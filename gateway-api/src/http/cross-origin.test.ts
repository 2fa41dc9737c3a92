/** A patient's app in a browser: which origins may call, what a preflight is answered, and that nobody else is let. */
import { expect } from 'chai';
import { FixtureConsortium } from '../consortium.fixture.ts';
import { originsIn } from './cross-origin.ts';

const APP = 'https://app.example';
const LOCAL = 'http://localhost:5173';
const PATHS = [
  '/fhir/R4/Patient',
  '/fhir/R4/Patient/x/$everything',
  '/access-requests',
  '/patient-keys',
  '/access-log',
];

describe('A page of another origin', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let token: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['patients', 'hospital']);
    await consortium.shut('patients');
    await consortium.open('patients', { browserOrigins: [APP, LOCAL] });
    token = await consortium.token('patients', 'system');
  });
  after(() => consortium?.close());

  const call = (path: string, method: string, headers: Record<string, string>, at = 'patients') =>
    fetch(`${consortium.urls.get(at)}${path}`, { method, headers });
  const preflight = (path: string, origin: string, at?: string) => {
    const asked = {
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization,if-match',
    };
    return call(path, 'OPTIONS', { origin, ...asked }, at);
  };
  const allowed = ({ headers }: Response): string | null => headers.get('access-control-allow-origin');
  const namesIn = ({ headers }: Response, name: string): string[] =>
    (headers.get(name) ?? '').split(',').map((one) => one.trim().toLowerCase());

  it('is let in by its whole origin, also before it has a token, and never by a wildcard', async () => {
    for (const origin of [APP, LOCAL])
      for (const path of PATHS) {
        const answer = await preflight(path, origin);
        expect([answer.status, allowed(answer)], path).to.deep.equal([204, origin]);
        expect(answer.headers.get('access-control-allow-credentials')).to.equal('true');
        expect(namesIn(answer, 'vary')).to.include('origin');
        expect(namesIn(answer, 'access-control-allow-methods')).to.include.members(['get', 'post', 'put']);
        const sent = namesIn(answer, 'access-control-allow-headers');
        expect(sent).to.include.members(['authorization', 'if-match', 'idempotency-key', 'x-patient', 'content-type']);
        expect(
          JSON.stringify([...answer.headers].filter(([name]) => name.startsWith('access-control'))),
        ).to.not.include('*');
        expect(Number(answer.headers.get('access-control-max-age'))).to.be.greaterThan(0);
      }
  });

  it('reads what is answered, refusals too, with the headers that it needs', async () => {
    const authorization = `Bearer ${token}`;
    for (const [path, headers, status] of [
      ['/fhir/R4/Patient', { authorization }, 200],
      ['/fhir/R4/Patient', {}, 401],
      ['/fhir/R4/Patient/nobody', { authorization }, 404],
      ['/fhir/R4/metadata', {}, 200],
      ['/nothing', { authorization }, 404],
    ] as const) {
      const answer = await call(path, 'GET', { origin: APP, ...headers });
      expect([answer.status, allowed(answer)], path).to.deep.equal([status, APP]);
      expect(answer.headers.get('access-control-allow-credentials')).to.equal('true');
      const read = namesIn(answer, 'access-control-expose-headers');
      expect(read).to.include.members(['etag', 'location', 'retry-after', 'x-transaction-id', 'link']);
    }
  });

  it('is not let in from anywhere else, however like it looks', async () => {
    const others = [
      ...['https://app.example.evil.example', 'https://evil.example', 'http://app.example', 'https://app.example:8443'],
      ...['null', '*', 'https://APP.example', `${APP}/`, 'https://sub.app.example'],
    ];
    for (const origin of others) {
      const asked = await preflight('/fhir/R4/Patient', origin);
      expect([asked.status, allowed(asked)], origin).to.deep.equal([401, null]);
      expect(asked.headers.get('access-control-allow-credentials')).to.equal(null);
      const answer = await call('/fhir/R4/Patient', 'GET', { origin, authorization: `Bearer ${token}` });
      expect([answer.status, allowed(answer)], origin).to.deep.equal([200, null]);
      expect(namesIn(answer, 'vary'), 'kept apart').to.include('origin');
    }
    const plain = await call('/fhir/R4/Patient', 'OPTIONS', { authorization: `Bearer ${token}` });
    expect(plain.headers.get('allow')).to.include('POST');
    expect(allowed(plain)).to.equal(null);
  });

  it('is let in nowhere that does not name it', async () => {
    const answer = await preflight('/fhir/R4/Patient', APP, 'hospital');
    expect([answer.status, allowed(answer)]).to.deep.equal([401, null]);
    const open = await call('/fhir/R4/metadata', 'GET', { origin: APP }, 'hospital');
    expect([open.status, allowed(open)]).to.deep.equal([200, null]);
  });

  it('is named by an origin, and by nothing that means more than one', () => {
    const mistakes: string[] = [];
    expect(originsIn(` ${APP}, ${LOCAL},`, mistakes)).to.deep.equal([APP, LOCAL]);
    expect(originsIn(undefined, mistakes)).to.deep.equal([]);
    expect(mistakes).to.deep.equal([]);
    for (const text of [
      '*',
      'null',
      'app.example',
      `${APP}/`,
      `${APP}/x`,
      'http://app.example',
      'https://*.example',
      'ftp://x',
    ]) {
      const found: string[] = [];
      originsIn(text, found);
      expect(found, text).to.have.length(1);
    }
  });
});
