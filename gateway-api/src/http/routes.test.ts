/** What no route knows is not passed over: every row that the gateway serves. `$export` says itself what it leaves out (bulk/). */
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { FairSlots } from '../clients/fair-slots.ts';
import { ROUTES } from '../subjects/table.ts';
import { serve } from './routes.ts';

describe('A name in a query that a route does not know', () => {
  it('is refused by every route, and the name is not repeated', async () => {
    const services = { reads: new FairSlots({ all: 8, client: 8, waitMs: 10_000 }) } as never;
    let asked = 0;
    for (const one of ROUTES.filter(({ open, path }) => open !== true && !path.endsWith('$export'))) {
      const app = express();
      const handle = () => Promise.resolve({ body: {} });
      const row = { ...one, handle, parameters: undefined, body: undefined };
      app.use(serve([row as never], services, { bodies: { limit: 1_000 } as never, roles: false }));
      app.use(((error: { expression?: string; reason?: string }, _request, response, _next) => {
        response.status(400).json({ text: `${error.expression} ${error.reason}` });
      }) as express.ErrorRequestHandler);
      const path = one.path.replaceAll(/:\w+/g, 'x');
      const { status, body } = await request(app)[one.method](`${path}?patiant=jones`);
      expect(status, `${one.method} ${path}`).to.equal(400);
      expect(body.text, path).to.not.contain('jones').and.not.contain('patiant');
      asked += 1;
    }
    expect(asked).to.be.greaterThan(100);
  });
});
