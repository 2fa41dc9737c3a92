/** What may not be read any more when it would be sent is not sent, in whatever way; nor anything to whoever may not be told any more. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';
import { CHANNELS, type Channel, saidTo, subscriptionBy } from './channels.fixture.ts';
import { Endpoint } from './endpoint.fixture.ts';

const LONG_MS = 30_000;
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
type Headers = Record<string, string>;

describe('What a subscription may not be told any more', function () {
  this.timeout(120_000);
  const endpoint = new Endpoint();
  let scene: AccessScene;
  let own: string;
  before(async () => {
    await endpoint.open();
    scene = await AccessScene.open('hospital', 'patients', 'regulator');
    const { witnessDir } = await scene.consortium.config('clinic');
    const issuerDir = join(witnessDir, '..', 'issuer');
    const settings = { subscriptionHosts: [endpoint.origin], subscriptionRetryMs: 20 };
    await scene.consortium.open('clinic', { ...settings, issuerDir });
    own = await scene.created('clinic', 'POST /fhir/R4/Patient', { resourceType: 'Patient' });
  });
  after(async () => {
    endpoint.close();
    await scene?.close();
  });
  beforeEach(() => {
    endpoint.status = 200;
  });

  const status = async (as: string, id: string, headers: Headers): Promise<string> =>
    (await scene.send(as, `GET /fhir/R4/Subscription/${id}`, undefined, headers)).body.status;
  const become = async (as: string, ids: Map<Channel, string>, wanted: string, headers: Headers) => {
    for (const id of ids.values()) await until(async () => (await status(as, id, headers)) === wanted, LONG_MS);
  };
  async function subscribed(as: string, path: string, headers: Headers = {}): Promise<Map<Channel, string>> {
    const ids = new Map<Channel, string>();
    for (const channel of CHANNELS) {
      const body = subscriptionBy(channel, endpoint, path);
      ids.set(channel, await scene.created(as, 'POST /fhir/R4/Subscription', body, headers));
    }
    await become(as, ids, 'active', headers);
    return ids;
  }
  const askAgain = async (as: string, ids: Map<Channel, string>, path: string, headers: Headers = {}) => {
    for (const [channel, id] of ids) {
      const body = { ...subscriptionBy(channel, endpoint, path), id };
      const answer = await scene.send(as, `PUT /fhir/R4/Subscription/${id}`, body, headers);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    }
  };
  /** One owner has no more than twenty. */
  const turnOff = async (as: string, ids: Map<Channel, string>, path: string) => {
    for (const [channel, id] of ids) {
      const body = { ...subscriptionBy(channel, endpoint, path), id, status: 'off' };
      expect((await scene.send(as, `PUT /fhir/R4/Subscription/${id}`, body)).status).to.equal(200);
    }
  };
  /** A record of the clinic's own, which whoever is there may read. */
  const marker = (): Promise<string> =>
    scene.created('clinic', 'POST /fhir/R4/Observation', {
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'marker' } },
      subject: { reference: `Patient/${own}` },
    });
  const isTold = (path: string, channel: Channel, about: string): boolean => {
    const said = saidTo(endpoint, path, channel);
    if (channel === 'resource') return said.includes(`Observation/${about}`);
    return channel === 'call' ? said.length > 1 : said.at(-1)?.startsWith('events') === true;
  };
  const allAreTold = (path: string, about: string) =>
    until(() => CHANNELS.every((channel) => isTold(path, channel, about)), LONG_MS);
  const isAt = async (as: string, id: string) => (await scene.send(as, `GET /fhir/R4/Observation/${id}`)).status;
  /** An observation of the hospital's that the clinic was given. */
  async function delivered(patient: ExamplePatient, as = 'clinic'): Promise<string> {
    const observation = await scene.observation(patient);
    await scene.ask(patient, {}, as);
    await until(async () => (await isAt(as, observation)) === 200, LONG_MS);
    return observation;
  }
  const asHer = ({ id }: ExamplePatient) => `patients patient Patient/${id}`;

  async function amend(patient: ExamplePatient, consent: string, change: object): Promise<void> {
    const given = (await scene.send(asHer(patient), `GET /fhir/R4/Consent/${consent}`)).body;
    const path = `PUT /fhir/R4/Consent/${consent}`;
    const answer = await scene.send(asHer(patient), path, { ...given, ...change }, { 'if-match': 'W/"1"' });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
  }
  const toClinic = {
    role: { text: 'recipient' },
    reference: { identifier: { system: ORGANISATIONS, value: 'clinic' } },
  };
  const permission = { type: 'permit', actor: [toClinic] };
  const denial = { type: 'deny', code: [{ text: 'all' }] };

  /** Each gives the clinic something, and takes it back when it is called. */
  const withdrawals: Record<string, () => Promise<{ gone: string; withdraw: () => Promise<unknown> }>> = {
    'a consent is revoked': async () => {
      const patient = await scene.patient();
      const consent = await scene.consented(patient);
      return { gone: await delivered(patient), withdraw: () => amend(patient, consent, { status: 'inactive' }) };
    },
    'a consent comes to its end': async () => {
      const patient = await scene.patient();
      const end = new Date(Date.now() + 8_000).toISOString();
      await scene.consented(patient, { ...permission, period: { end } });
      return { gone: await delivered(patient), withdraw: async () => {} };
    },
    'the record is erased': async () => {
      const patient = await scene.patient();
      await scene.consented(patient);
      const gone = await delivered(patient);
      return {
        gone,
        withdraw: async () => {
          const answer = await scene.send(asHer(patient), `POST /fhir/R4/Observation/${gone}/$erase`);
          expect(answer.status, JSON.stringify(answer.body)).to.be.oneOf([200, 202]);
        },
      };
    },
    'it is labelled beyond what she permits': async () => {
      const patient = await scene.patient();
      await scene.consented(patient, { ...permission, securityLabel: [NORMAL] });
      const gone = await delivered(patient);
      const withdraw = async () => {
        const path = `/fhir/R4/Observation/${gone}`;
        const { body } = await scene.send('hospital', `GET ${path}`);
        const meta = { security: [{ ...NORMAL, code: 'R' }] };
        const answer = await scene.send('hospital', `PUT ${path}`, { ...body, meta });
        expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      };
      return { gone, withdraw };
    },
    'she denies it by another consent': async () => {
      const patient = await scene.patient();
      await scene.consented(patient);
      const gone = await delivered(patient);
      return { gone, withdraw: () => scene.consented(patient, { ...denial, code: undefined, actor: [toClinic] }) };
    },
  };

  for (const [index, [what, begin]] of Object.entries(withdrawals).entries())
    it(`is what was there, where ${what} before it is sent`, async () => {
      const path = `withdrawn-${index}`;
      const ids = await subscribed('clinic', path);
      endpoint.status = 503;
      const { gone, withdraw } = await begin();
      await become('clinic', ids, 'error', {});
      await withdraw();
      await until(async () => [403, 404, 410].includes(await isAt('clinic', gone)), LONG_MS);
      endpoint.got.length = 0;
      endpoint.status = 200;
      await askAgain('clinic', ids, path);
      await become('clinic', ids, 'active', {});
      for (const channel of CHANNELS)
        expect(saidTo(endpoint, path, channel), channel).to.deep.equal([
          channel === 'call' || channel === 'resource' ? 'call' : 'handshake',
        ]);
      await allAreTold(path, await marker());
      for (const channel of CHANNELS) expect(saidTo(endpoint, path, channel), channel).to.have.length(2);
      expect(JSON.stringify(endpoint.got)).to.not.contain(gone);
      await turnOff('clinic', ids, path);
    });

  it('is what was delivered for another', async () => {
    const [one, other] = ['Practitioner/one', 'Practitioner/other'].map((user) => `clinic practitioner ${user}`);
    await subscribed(one!, 'one');
    await subscribed(other!, 'other');
    const patient = await scene.patient();
    await scene.consented(patient);
    const his = await delivered(patient, one);
    expect(await isAt(other!, his)).to.equal(404);
    await allAreTold('one', his);
    const calls = saidTo(endpoint, 'one', 'call').length;
    const about = await marker();
    await allAreTold('other', about);
    await until(() => saidTo(endpoint, 'one', 'call').length > calls, LONG_MS);
    for (const channel of CHANNELS) expect(saidTo(endpoint, 'other', channel), channel).to.have.length(2);
  });

  /** Each makes a caller's headers, and takes his right away when it is called. */
  const rights: Record<string, () => Promise<{ as: string; headers: Headers; withdraw: () => Promise<unknown> }>> = {
    'licence is suspended': async () => {
      const as = 'clinic practitioner Practitioner/licensed';
      const practitioners = [{ organisation: 'clinic', practitioner: 'Practitioner/licensed' }];
      const licence = { status: 'active', start: '2020-01-01', end: '2040-01-01', practitioners };
      const set = async (change: object) => {
        const answer = await scene.send('regulator', 'PUT /licences/1234567893', { ...licence, ...change });
        expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
        const seen = async () => (await scene.send('clinic', 'GET /licences/1234567893')).body;
        await until(
          async () => JSON.stringify((await seen()).status) === JSON.stringify({ ...licence, ...change }.status),
          LONG_MS,
        );
      };
      await set({});
      return { as, headers: {}, withdraw: () => set({ status: 'suspended' }) };
    },
    'application is removed': async () => {
      const json = { 'content-type': 'application/json' };
      const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
      const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES384' }] };
      const scope = 'system/*.cruds';
      const client = { name: 'Loader', jwks, role: 'system', scope };
      const id = await scene.created('clinic operator', 'POST /clients', client, json);
      const base = `${scene.consortium.urls.get('clinic')}/fhir/R4`;
      const said = (await (await fetch(`${base}/.well-known/smart-configuration`)).json()) as Record<string, string>;
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: id, sub: id, aud: said['token_endpoint']!, jti: id, exp: now + 240 };
      const header = { alg: 'ES384', kid: 'k', typ: 'JWT' };
      const body = new URLSearchParams({
        ...{ grant_type: 'client_credentials', scope },
        client_assertion: await new SignJWT(claims).setProtectedHeader(header).sign(privateKey),
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });
      const token = (await (await fetch(said['token_endpoint']!, { method: 'POST', body })).json()) as Record<
        string,
        string
      >;
      return {
        as: 'clinic',
        headers: { authorization: `Bearer ${token['access_token']}` },
        withdraw: () => scene.send('clinic operator', `POST /clients/${id}/remove`, {}, json),
      };
    },
  };

  for (const [what, begin] of Object.entries(rights))
    it(`is anything, to whoever’s ${what} before it is sent`, async () => {
      const path = what.replaceAll(' ', '-');
      const { as, headers, withdraw } = await begin();
      const ids = await subscribed(as, path, headers);
      endpoint.status = 503;
      await marker();
      await become(as, ids, 'error', headers);
      await withdraw();
      endpoint.status = 200;
      endpoint.got.length = 0;
      await askAgain(as, ids, path, headers);
      await become(as, ids, 'error', headers);
      for (const id of ids.values())
        expect((await scene.send(as, `GET /fhir/R4/Subscription/${id}`, undefined, headers)).body.error).to.match(
          /^The (?:licence|application)/,
        );
      expect(endpoint.got).to.deep.equal([]);
    });

  it('is what was linked, by events to a patient as well', async () => {
    const identifier = [{ system: 'urn:example:mrn', value: randomUUID() }];
    const made = async (at: string): Promise<ExamplePatient> => {
      const id = await scene.created(at, 'POST /fhir/R4/Patient', { resourceType: 'Patient', identifier });
      await until(async () => (await scene.send('patients', `GET /fhir/R4/Patient/${id}`)).status === 200, LONG_MS);
      return { id, value: identifier[0]!.value };
    };
    const [hers, linked] = [await made('clinic'), await made('hospital')];
    const { code } = (await scene.send(asHer(linked), 'POST /links/codes', {})).body;
    expect((await scene.send(asHer(hers), 'POST /links', { code })).status).to.be.oneOf([200, 201]);
    const acting = { 'x-patient': `Patient/${linked.id}` };
    const isLinked = async () =>
      (await scene.send(asHer(hers), `GET /fhir/R4/Patient/${linked.id}`, undefined, acting)).status === 200;
    await until(isLinked, LONG_MS);
    const stream = await fetch(`${scene.consortium.urls.get('patients')}/access-requests/events`, {
      headers: {
        authorization: `Bearer ${await scene.consortium.token('patients', 'patient', `Patient/${hers.id}`)}`,
        ...acting,
      },
    });
    expect(stream.status).to.equal(200);
    expect((await scene.send('patients', `POST /links/${linked.id}/end`)).status).to.equal(200);
    await until(async () => !(await isLinked()), LONG_MS);
    await scene.ask(linked);
    expect(await stream.text()).to.not.contain('event:');
  });
});

const NORMAL = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' };
