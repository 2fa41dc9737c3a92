/** Answers in gzip: to whoever accepts it, of what shrinks, and the same as without. */
import { get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import express from 'express';
import { compressed } from './compressed.ts';
import { sendJson } from './streamed-json.ts';

const LONG = { resourceType: 'Bundle', entry: Array.from({ length: 500 }, (_, id) => ({ id, note: 'x'.repeat(300) })) };
const SHORT = { resourceType: 'Patient' };

describe('Compressed answers', () => {
  let server: Server;
  before(async () => {
    const app = express().use(compressed());
    app.get('/long', (_request, response) => sendJson(response.type('application/fhir+json'), LONG, 'entry'));
    app.get('/short', (_request, response) => sendJson(response.type('application/fhir+json'), SHORT, 'entry'));
    app.get(
      '/lines',
      (_request, response) => void response.type('application/fhir+ndjson').end('{"a":1}\n'.repeat(999)),
    );
    app.get('/events', (_request, response) => void response.type('text/event-stream').end('data: x\n\n'.repeat(999)));
    app.get('/content', (_request, response) => void response.type('image/png').end(Buffer.alloc(9_999)));
    server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  after(() => server.close());

  const asked = async (path: string, accepted?: string) => {
    const { port } = server.address() as AddressInfo;
    const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
    const answer = await new Promise<IncomingMessage>((resolve) => {
      get({ host: '127.0.0.1', port, path, headers }, resolve);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { encoding: answer.headers['content-encoding'], vary: answer.headers.vary, bytes: Buffer.concat(chunks) };
  };

  it('are of JSON and its lines, whole, and far smaller', async () => {
    for (const path of ['/long', '/lines']) {
      const [plain, small] = [await asked(path), await asked(path, 'gzip')];
      expect([plain.encoding, small.encoding], path).to.deep.equal([undefined, 'gzip']);
      expect(small.vary, path).to.match(/accept-encoding/i);
      expect(gunzipSync(small.bytes).equals(plain.bytes), path).to.equal(true);
      expect(small.bytes.length, path).to.be.lessThan(plain.bytes.length / 8);
    }
    expect(JSON.parse((await asked('/long')).bytes.toString())).to.deep.equal(LONG);
  });

  it('are of nothing that is short, a stream of events or a content, and for nobody who does not take them', async () => {
    for (const path of ['/short', '/events', '/content'])
      expect((await asked(path, 'gzip')).encoding, path).to.equal(undefined);
    for (const accepted of ['identity', 'gzip;q=0', ''])
      expect((await asked('/long', accepted)).encoding, accepted).to.equal(undefined);
  });
});
