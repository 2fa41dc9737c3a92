/** How a gateway serves its pages: to whoever asks for HTML, under a policy that lets nothing of others in, and the API as before. */
import { expect } from 'chai';
import { FixtureConsortium } from '../consortium.fixture.ts';

describe('The pages of a gateway', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let base: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital']);
    base = consortium.urls.get('hospital') ?? '';
  });
  after(() => consortium?.close());

  const get = (path: string, headers: Record<string, string> = {}) => fetch(base + path, { headers });
  const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  const assetsIn = (text: string): string[] =>
    [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map((found) => found[1] ?? '');

  it('are at / for whoever asks for HTML, without a token', async () => {
    const answer = await get('/', html);
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(await answer.text()).to.include('<div id="app">');
  });

  it('leave everything else as it is: other clients at /, FHIR and the other routes, whatever they accept', async () => {
    for (const headers of [{}, { accept: 'application/json' }, { accept: '*/*' }])
      expect((await get('/', headers)).status).to.equal(401);
    expect((await get('/fhir/R4/Patient', html)).status).to.equal(401);
    expect((await get('/healthz', html)).status).to.equal(200);
    expect((await fetch(`${base}/`, { method: 'POST', headers: html })).status).to.equal(401);
    expect((await get('/console/none.js', html)).status).to.equal(401);
    expect((await get('/console/..%2fbuild.ts', html)).status).to.equal(401);
  });

  it('let nothing of another origin in, no script in the page, and nobody frame it', async () => {
    const page = await get('/', html);
    const paths = ['/', ...assetsIn(await page.text())];
    expect(paths.length).to.be.greaterThan(3);
    for (const path of paths) {
      const { headers } = await get(path, html);
      const policy = new Map(
        (headers.get('content-security-policy') ?? '').split(';').map((one) => {
          const [name = '', ...values] = one.trim().split(' ');
          return [name, values.join(' ')];
        }),
      );
      expect(Object.fromEntries(policy), path).to.deep.equal({
        ...{ 'default-src': "'none'", 'script-src': "'self'", 'style-src': "'self'", 'img-src': "'self'" },
        ...{ 'connect-src': "'self'", 'base-uri': "'none'", 'form-action': "'none'", 'frame-ancestors': "'none'" },
        ...{ 'require-trusted-types-for': "'script'", 'trusted-types': 'narrative' },
      });
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('referrer-policy')).to.equal('no-referrer');
      expect(headers.get('set-cookie')).to.equal(null);
    }
  });

  it('are sent in gzip, kept for good by their hash, and asked for anew by their ETag', async () => {
    const page = await get('/', html);
    expect(page.headers.get('cache-control')).to.equal('no-cache');
    expect(page.headers.get('vary')).to.match(/Accept\b/);
    const etag = page.headers.get('etag') ?? '';
    expect((await get('/', { ...html, 'if-none-match': etag })).status).to.equal(304);
    for (const path of assetsIn(await page.text())) {
      const plain = await get(path, { 'accept-encoding': 'identity' });
      expect(plain.status, path).to.equal(200);
      expect(plain.headers.get('cache-control')).to.include('immutable');
      expect(plain.headers.get('content-encoding')).to.equal(null);
      const packed = await get(path, { 'accept-encoding': 'gzip' });
      expect(packed.headers.get('content-encoding')).to.equal('gzip');
      expect(packed.headers.get('vary')).to.include('Accept-Encoding');
      expect(Buffer.from(await packed.arrayBuffer())).to.deep.equal(Buffer.from(await plain.arrayBuffer()));
    }
  });
});
