/** Where clients find a gateway: as it is set, as a trusted proxy says, and never as anybody else does; and by HTTPS. */

import { request } from 'node:https';
import { expect } from 'chai';
import express from 'express';
import supertest from 'supertest';
import { FixtureConsortium } from '../consortium.fixture.ts';
import { networksIn, originOf, setPublicUrl } from './origin.ts';

const FORWARDED = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'fhir.example', Host: 'inside:1' };

describe('Where a gateway is found', () => {
  const asked = async (proxies: string[], publicUrl?: string) => {
    const app = express();
    app.set('trust proxy', proxies);
    if (publicUrl !== undefined) setPublicUrl(app, publicUrl);
    app.get('/', (request, response) => void response.send(originOf(request)));
    return (await supertest(app).get('/').set(FORWARDED)).text;
  };

  it('is said by a trusted proxy, and by nobody else', async () => {
    expect(await asked(['loopback'])).to.equal('https://fhir.example');
    expect(await asked([])).to.equal('http://inside:1');
    expect(await asked(['10.0.0.0/8'])).to.equal('http://inside:1');
  });

  it('is as it is set, whatever a request says', async () => {
    for (const proxies of [[], ['loopback']])
      expect(await asked(proxies, 'https://fhir.hospital.example')).to.equal('https://fhir.hospital.example');
  });

  it('has proxies by address and network, and says what is none', () => {
    const mistakes: string[] = [];
    expect(networksIn('P', 'loopback, 10.0.0.0/8,::1', mistakes)).to.deep.equal(['loopback', '10.0.0.0/8', '::1']);
    expect(mistakes).to.deep.equal([]);
    networksIn('P', '10.0.0.0/33, x', mistakes);
    expect(mistakes).to.deep.equal(['P: 10.0.0.0/33, x is no address and no network']);
  });
});

describe('A gateway by HTTPS', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let files: ReturnType<FixtureConsortium['tlsFiles']>;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    files = consortium.tlsFiles('hospital');
  });
  after(() => consortium?.close());

  const get = (path: string, options: object) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const url = new URL(path, consortium.urls.get('hospital'));
      const asking = request(
        url,
        { ...options, servername: 'localhost', checkServerIdentity: () => undefined, agent: false },
        (response) => {
          let body = '';
          response.on('data', (chunk) => {
            body += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      asking.on('error', reject);
      asking.end();
    });

  it('answers with its certificate, writes https into its links, and asks for one of clients where it is to', async () => {
    const { certificate, key, authority: ca, clientAuthorities } = files;
    const client = await consortium.identities('hospital').of('system');
    await consortium.shut('hospital');
    await consortium.open('hospital', { tls: { certificate, key } });
    const { status, body } = await get('/fhir/R4/metadata', { ca });
    expect([status, JSON.parse(body).implementation.url.slice(0, 8)]).to.deep.equal([200, 'https://']);
    await consortium.shut('hospital');
    await consortium.open('hospital', {
      tls: { certificate, key, clientAuthorities },
      publicUrl: 'https://fhir.example',
    });
    expect(await get('/fhir/R4/metadata', { ca }).catch((error) => error)).to.be.instanceOf(Error);
    const mutual = await get('/fhir/R4/metadata', { ca, cert: client.certificate, key: client.privateKey });
    expect([mutual.status, JSON.parse(mutual.body).implementation.url]).to.deep.equal([
      200,
      'https://fhir.example/fhir/R4',
    ]);
  });
});
