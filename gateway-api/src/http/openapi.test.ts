/** What is documented is what is served: every row in the document, the document sound, every path of it answered. */

import { Validator } from '@seriousme/openapi-schema-validator';
import { KINDS, type Kind } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { BUILT_IN } from '../fhir/built-in.ts';
import { serverOf } from '../fhir/fixtures/server.ts';
import { documentedRoutes } from '../fhir/router.ts';
import { OPERATIONS, ROUTES } from '../subjects/table.ts';
import { docs } from './docs.ts';
import { openApiDocument } from './openapi.ts';

const documentOf = (kind: Kind) => {
  const operations = OPERATIONS.filter((one) => one.kind === kind).map((one) => ({
    ...one,
    handle: () => Promise.reject(new Error('nobody asks')),
  }));
  const fhir = documentedRoutes({ organisation: { name: 'x', mspId: 'X', kind }, operations } as never);
  return openApiDocument({ organisation: 'x', version: '1.2.3', routes: routesOf(kind), fhirBase: '/fhir/R4', fhir });
};
const routesOf = (of: Kind) => ROUTES.filter(({ kind = of }) => kind === of);
const inBraces = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

describe('The OpenAPI document', () => {
  for (const kind of KINDS) {
    it(`of a ${kind} is sound, and holds every route, operation and interaction`, async () => {
      const document = documentOf(kind);
      const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
      expect(valid, JSON.stringify(errors)).to.equal(true);
      for (const { method, path, summary } of routesOf(kind)) {
        expect(document.paths?.[inBraces(path)]?.[method]?.summary, path).to.equal(summary);
      }
      const operations = Object.keys(document.paths ?? {}).filter((path) => path.includes('$'));
      const own = OPERATIONS.filter((one) => one.kind === kind).map(
        ({ type, name, level }) => `/fhir/R4/${type}${level === 'instance' ? '/{id}' : ''}/$${name}`,
      );
      const beside = routesOf(kind).map(({ path }) => inBraces(path));
      const reading = BUILT_IN.flatMap(({ type = '{type}', name, levels }) =>
        levels.map((level) => `/fhir/R4/${type}${level === 'instance' ? '/{id}' : ''}/$${name}`),
      );
      const writes = ['provider', 'custodian', 'payer'].includes(kind);
      const writing = writes ? ['meta-add', 'meta-delete'].map((name) => `/fhir/R4/{type}/{id}/$${name}`) : [];
      if (writes) writing.push('/fhir/R4/$import');
      const all = [...beside.filter((path) => path.includes('$')), ...reading, ...writing, ...own];
      expect(operations).to.have.members([...new Set(all)]);
      expect(document.paths?.['/fhir/R4/{type}']?.post !== undefined).to.equal(writes);
      expect(document.paths?.['/fhir/R4/{type}/{id}']?.get).to.not.equal(undefined);
    });
  }

  it('documents no interaction of FHIR that is not there', async () => {
    const server = serverOf('provider');
    for (const [path, methods] of Object.entries(documentOf('provider').paths ?? {})) {
      if (!path.startsWith('/fhir/R4') || path.includes('$')) continue;
      const url = path.replace('{type}', 'Patient').replace(/\{\w+\}/g, '1');
      for (const method of Object.keys(methods)) {
        const { status } = await request(server.app)[method as 'get'](url === '/fhir/R4' ? '/fhir/R4/' : url);
        expect(status, `${method} ${url}`).to.not.equal(405);
      }
    }
  });

  it('says who may ask, what a write takes and what it answers', () => {
    const { paths = {}, components } = documentOf('regulator');
    expect(paths['/healthz']?.get?.security).to.deep.equal([]);
    expect(paths['/verify']?.post?.description).to.match(/operator/);
    const put = paths['/licences/{number}']?.put;
    expect(put?.parameters?.map((one) => ('name' in one ? one.name : ''))).to.have.members([
      'number',
      'Idempotency-Key',
      'X-Wait-For-Block',
    ]);
    expect(put).to.have.nested.property('requestBody.content.application/json.schema');
    expect(put).to.have.nested.property('responses.200.headers.X-Transaction-Id');
    expect(components?.schemas).to.include.keys('Licence', 'OperationOutcome', 'Receipt', 'AccessState');
  });

  it('takes no question for a write', () => {
    const { paths = {} } = documentOf('custodian');
    const headersOf = (path: string) => paths[path]?.post?.parameters?.map((one) => ('name' in one ? one.name : ''));
    expect(headersOf('/fhir/R4/Consent/$evaluate')).to.deep.equal(['X-Wait-For-Block']);
    expect(headersOf('/fhir/R4/Observation/{id}/$erase')).to.include('Idempotency-Key');
  });

  it('is served with a page that loads everything from here', async () => {
    const app = express().use(docs(documentOf('provider'), (_request, _response, next) => next()));
    expect((await request(app).get('/openapi.json').expect(200)).body.info.version).to.equal('1.2.3');
    const page = await request(app).get('/docs/').expect(200);
    expect(page.text).to.not.match(/(?:src|href)="https?:/);
    expect(page.get('content-security-policy')).to.not.include('upgrade-insecure-requests');
    const scripts = [...page.text.matchAll(/src="\.\/([^"]+)"/g)].map((found) => found[1]);
    expect(scripts).to.include('swagger-ui-bundle.js');
    for (const script of scripts) await request(app).get(`/docs/${script}`).expect(200);
    expect((await request(app).get('/docs/swagger-ui-init.js')).text).to.include('/access-requests');
  });
});
