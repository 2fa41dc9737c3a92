/** Scopes at a gateway: they narrow every interaction and every route, and a token without them is as it was. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { FixtureConsortium } from './consortium.fixture.ts';
import { demandOf as demandOfOperation } from './fhir/operations.ts';
import { OPERATIONS, ROUTES } from './subjects/table.ts';

const LAB = 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory';

describe('A token with scopes', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let her: string;
  let other: string;
  let lab: string;
  let vital: string;
  let others: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    const create = async (type: string, more: object): Promise<string> => {
      const answer = await consortium.send('hospital', `POST /fhir/R4/${type}`, { resourceType: type, ...more });
      expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
      return answer.body.id;
    };
    her = await create('Patient', { identifier: [{ system: 'urn:x', value: 'her' }] });
    other = await create('Patient', { identifier: [{ system: 'urn:x', value: 'other' }] });
    lab = await create('Observation', observation(her, 'laboratory'));
    vital = await create('Observation', observation(her, 'vital-signs'));
    others = await create('Observation', observation(other, 'laboratory'));
  });
  after(() => consortium?.close());

  const observation = (patient: string, category: string): object => ({
    ...{
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${patient}` },
    },
    category: [{ coding: [{ system: LAB.split('|')[0], code: category }] }],
  });
  const ask = async (scope: string, request: string, body?: unknown, at = 'hospital', more: object = {}) => {
    const token = await consortium.token(at, 'practitioner', undefined, { scope, ...more });
    return consortium.send(at, request, body, { authorization: `Bearer ${token}` });
  };
  const statusOf = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status;
  const idsIn = (bundle: { entry?: { resource: { id: string; resourceType: string } }[] }) =>
    (bundle.entry ?? []).flatMap(({ resource: { id, resourceType } }) =>
      resourceType === 'OperationOutcome' ? [] : [id],
    );

  it('reads and searches what they say, and what it includes', async () => {
    expect(await statusOf('user/Observation.r', `GET /fhir/R4/Observation/${lab}`)).to.equal(200);
    for (const path of ['', '/_history', '/_history/1']) {
      expect(await statusOf('user/Observation.s', `GET /fhir/R4/Observation/${lab}${path}`), path).to.equal(403);
      expect(await statusOf('user/Patient.rs', `GET /fhir/R4/Observation/${lab}${path}`), path).to.equal(403);
    }
    const refused = await ask('user/Observation.r', 'GET /fhir/R4/Observation');
    expect([refused.status, refused.headers.get('www-authenticate')]).to.deep.equal([
      403,
      'Bearer realm="telemed-ledger", error="insufficient_scope"',
    ]);
    const url = `GET /fhir/R4/Observation?_id=${lab}&_include=Observation:subject`;
    expect(idsIn((await ask('user/Observation.rs', url)).body)).to.deep.equal([lab]);
    expect(idsIn((await ask('user/*.rs', url)).body)).to.deep.equal([lab, her]);
    const reverse = `GET /fhir/R4/Patient?_id=${her}&_revinclude=Observation:patient`;
    expect(idsIn((await ask('user/Patient.rs', reverse)).body)).to.deep.equal([her]);
    for (const query of ['subject.identifier=urn:x%7Cher', '_has:Provenance:target:agent=x'])
      expect(await statusOf('user/Observation.rs', `GET /fhir/R4/Observation?${query}`), query).to.equal(403);
  });

  it('of a patient shows her records alone, and of a search what it finds', async () => {
    const context = { patient: her };
    const all = await ask('patient/*.rs', 'GET /fhir/R4/Observation', undefined, 'hospital', context);
    expect(idsIn(all.body)).to.have.members([lab, vital]);
    expect(all.body.total).to.equal(undefined);
    for (const [path, status] of [
      [`/Observation/${lab}`, 200],
      [`/Observation/${others}`, 404],
      [`/Observation/${others}/_history`, 404],
      [`/Patient/${other}`, 404],
      [`/Patient/${her}`, 200],
      [`/Patient/${other}/$everything`, 404],
    ] as const)
      expect(await statusOf('patient/*.rs', `GET /fhir/R4${path}`, undefined, 'hospital', context), path).to.equal(
        status,
      );
    const scope = `patient/Observation.rs?category=${LAB}`;
    const found = await ask(scope, 'GET /fhir/R4/Observation', undefined, 'hospital', context);
    expect(idsIn(found.body)).to.deep.equal([lab]);
    const wide = `user/Observation.rs?category=${LAB}`;
    expect(idsIn((await ask(wide, 'GET /fhir/R4/Observation?_sort=_id')).body)).to.have.members([lab, others]);
    expect((await ask(wide, 'GET /fhir/R4/Observation?_summary=count')).body.total).to.equal(2);
    for (const path of ['', '/_history', '/_history/1']) {
      expect(await statusOf(wide, `GET /fhir/R4/Observation/${lab}${path}`), path).to.equal(200);
      expect(await statusOf(wide, `GET /fhir/R4/Observation/${vital}${path}`), path).to.equal(404);
    }
    const everything = await ask(
      `patient/Patient.rs ${scope}`,
      `GET /fhir/R4/Patient/${her}/$everything`,
      undefined,
      'hospital',
      context,
    );
    expect(idsIn(everything.body)).to.have.members([her, lab]);
    for (const query of ['nonsense=1', '_id=x', 'subject.name=x', '_page=x'])
      expect(await statusOf(`user/Observation.rs?${query}`, 'GET /fhir/R4/Observation'), query).to.equal(403);
  });

  it('writes what they say, one by one and in Bundles', async () => {
    const body = observation(her, 'laboratory');
    expect(await statusOf('user/Observation.rs', 'POST /fhir/R4/Observation', body)).to.equal(403);
    expect(await statusOf('user/Observation.u', 'POST /fhir/R4/Observation', body)).to.equal(403);
    expect(await statusOf('user/Observation.c', 'POST /fhir/R4/Observation', body)).to.equal(201);
    const context = { patient: other };
    const asHers = (scope: string) => ask(scope, 'POST /fhir/R4/Observation', body, 'hospital', context);
    expect((await asHers('patient/Observation.c')).status).to.equal(403);
    const narrowed = 'user/Observation.cru?category=vital-signs';
    expect(await statusOf(narrowed, 'POST /fhir/R4/Observation', body)).to.equal(403);
    expect(await statusOf(narrowed, 'POST /fhir/R4/Observation', observation(her, 'vital-signs'))).to.equal(201);
    const moved = { ...observation(her, 'vital-signs'), id: lab };
    expect(await statusOf(narrowed, `PUT /fhir/R4/Observation/${lab}`, moved), 'out of what is not theirs').to.be.oneOf(
      [403, 405, 409, 422],
    );
    const kept = await consortium.send('hospital', `GET /fhir/R4/Observation/${lab}`);
    expect(kept.body.category[0].coding[0].code).to.equal('laboratory');
    const bundle = (type: string) => ({
      ...{ resourceType: 'Bundle', type },
      entry: [
        { request: { method: 'POST', url: 'Observation' }, resource: body },
        { request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient' } },
        { request: { method: 'GET', url: `Patient/${her}` } },
      ],
    });
    expect(await statusOf('user/Observation.c', 'POST /fhir/R4/', bundle('transaction'))).to.equal(403);
    const batch = await ask('user/Observation.c', 'POST /fhir/R4/', bundle('batch'));
    const statuses = batch.body.entry.map((one: { response: { status: string } }) => one.response.status.slice(0, 3));
    expect(statuses).to.deep.equal(['201', '403', '403']);
    const conditional = {
      authorization: `Bearer ${await consortium.token('hospital', 'practitioner', undefined, { scope: 'user/Patient.c' })}`,
    };
    const asked = await consortium.send(
      'hospital',
      'POST /fhir/R4/Patient',
      { resourceType: 'Patient' },
      { ...conditional, 'if-none-exist': 'identifier=urn:x|her' },
    );
    expect(asked.status, 'a condition is a search').to.equal(403);
  });

  it('is refused by every route and operation that they say nothing of', async () => {
    for (const at of ['hospital', 'patients']) {
      const kind = at === 'hospital' ? 'provider' : 'custodian';
      const token = await consortium.token(at, 'system', undefined, { scope: 'openid user/Binary.d' });
      const sent = (method: string, path: string) => {
        const url = path.replace(/:\w+/g, randomUUID());
        return consortium.send(at, `${method.toUpperCase()} ${url}`, method === 'get' ? undefined : {}, {
          authorization: `Bearer ${token}`,
        });
      };
      const send = async (method: string, path: string) => {
        const answer = await sent(method, path);
        expect(answer.headers.get('www-authenticate'), `${method} ${path} ${JSON.stringify(answer.body)}`).to.match(
          /insufficient_scope/,
        );
        expect(answer.status).to.equal(403);
      };
      // What they let nobody ask for, nobody finds there.
      for (const one of ROUTES.filter((route) => (route.kind ?? kind) === kind && route.open !== true))
        if (one.scope === 'asked before') expect((await sent(one.method, one.path)).status, one.path).to.equal(404);
        else await send(one.method, one.path);
      for (const one of OPERATIONS.filter((operation) => operation.kind === kind)) {
        const path = `/fhir/R4/${one.type}${one.level === 'instance' ? '/:id' : ''}/$${one.name}`;
        expect(demandOfOperation(one).acts.length).to.be.greaterThan(0);
        await send('post', path);
      }
    }
  });

  it('without the claim is as it was', async () => {
    const answer = await consortium.send('hospital practitioner', `GET /fhir/R4/Observation/${others}`);
    expect(answer.status).to.equal(200);
  });
});
