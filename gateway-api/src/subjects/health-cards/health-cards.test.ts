/** SMART Health Cards and Links, read by a library that is not ours, and what is refused of each. */
import { expect } from 'chai';
import { importJWK } from 'jose';
import { SHCReader, SHLViewer } from 'kill-the-clipboard';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';

const LONG_MS = 20_000;
const CVX = 'http://hl7.org/fhir/sid/cvx';
const NOTE = 'a note that stays at home';
interface Parameter {
  name: string;
  valueString?: string;
  valueUri?: string;
  part?: Parameter[];
}

describe('SMART Health', function () {
  this.timeout(60_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  const herself = (id = patient.id) => `patients patient Patient/${id}`;
  const parameters = (...parameter: object[]) => ({
    resourceType: 'Parameters',
    ...(parameter.length === 0 ? {} : { parameter }),
  });
  const send = (...request: Parameters<AccessScene['send']>) => scene.send(...request);

  before(async () => {
    scene = await AccessScene.open('hospital', 'patients');
    const id = await scene.created('hospital', 'POST /fhir/R4/Patient', {
      ...{ resourceType: 'Patient', name: [{ family: 'Example', given: ['Ada'], text: 'Dr Ada Example' }] },
      ...{ birthDate: '1980-02-03', telecom: [{ system: 'phone', value: '555-0100' }] },
    });
    patient = { id, value: '' };
    const vaccination = (status: string, code: string, occurrenceDateTime: string) => ({
      ...{ resourceType: 'Immunization', status, occurrenceDateTime, lotNumber: 'L-1' },
      vaccineCode: { coding: [{ system: CVX, code, display: 'a vaccine' }], text: NOTE },
      ...{ patient: { reference: `Patient/${id}` }, note: [{ text: NOTE }] },
    });
    for (const one of [
      vaccination('completed', '208', '2026-05-01'),
      vaccination('completed', '207', '2025-01-02'),
      vaccination('entered-in-error', '210', '2026-06-01'),
    ])
      await scene.created('hospital', 'POST /fhir/R4/Immunization', one);
    await until(async () => {
      const { body } = await send(herself(), 'GET /fhir/R4/Immunization');
      return body.entry?.length === 3;
    }, LONG_MS);
  });
  after(() => scene?.close());

  describe('Cards', () => {
    const issued = (as: string, ...wanted: object[]) =>
      send(as, `POST /fhir/R4/Patient/${patient.id}/$health-cards-issue`, parameters(...wanted));
    const IMMUNIZATION = { name: 'credentialType', valueUri: 'https://smarthealth.cards#immunization' };
    const cardIn = (body: { parameter?: Parameter[] }): string =>
      body.parameter?.find(({ name }) => name === 'verifiableCredential')?.valueString ?? '';
    const verified = async (card: string, organisation: string) => {
      const { body } = await send(organisation, 'GET /.well-known/jwks.json');
      const publicKey = (await importJWK(body.keys[0], 'ES256')) as never;
      return new SHCReader({ publicKey, enableQROptimization: false }).fromJWS(card);
    };

    for (const as of ['hospital', 'patients', 'patients patient'])
      it(`are issued to ${as}, hold her vaccinations and no more, and verify under the issuer's published key`, async () => {
        const whom = as.endsWith(' patient') ? herself() : as;
        const { status, body } = await issued(whom, IMMUNIZATION);
        expect(status, JSON.stringify(body)).to.equal(200);
        const [organisation = ''] = as.split(' ');
        const card = await verified(cardIn(body), organisation);
        const bundle = await card.asBundle();
        const [first, ...others] = bundle.entry!.map(({ resource }) => resource as unknown as Record<string, unknown>);
        expect(first).to.deep.equal({
          resourceType: 'Patient',
          name: [{ family: 'Example', given: ['Ada'] }],
          birthDate: '1980-02-03',
        });
        expect(others.map((one) => one['occurrenceDateTime'])).to.deep.equal(['2025-01-02', '2026-05-01']);
        expect(others[0]).to.deep.equal({
          ...{ resourceType: 'Immunization', status: 'completed', lotNumber: 'L-1' },
          ...{ patient: { reference: 'resource:0' }, occurrenceDateTime: '2025-01-02' },
          vaccineCode: { coding: [{ system: CVX, code: '207' }] },
        });
        expect(JSON.stringify(bundle)).not.to.contain(NOTE);
        const links = body.parameter.filter(({ name }: Parameter) => name === 'resourceLink');
        expect(links.length).to.equal(2);
        expect(links[0].part[2].valueUri).to.match(/^Immunization\//);
        const [header] = cardIn(body).split('.');
        const { alg, zip, kid } = JSON.parse(Buffer.from(header!, 'base64url').toString());
        const { keys } = (await send(organisation, 'GET /.well-known/jwks.json')).body;
        expect([alg, zip, kid]).to.deep.equal(['ES256', 'DEF', keys[0].kid]);
        expect(keys[0]).not.to.have.property('d');
      });

    it('do not verify once changed, nor under another organisation’s key', async () => {
      const card = cardIn((await issued('hospital', IMMUNIZATION)).body);
      const [header = '', payload = '', signature = ''] = card.split('.');
      const at = Math.floor(payload.length / 2);
      const other = payload[at] === 'A' ? 'B' : 'A';
      const changed = [header, payload.slice(0, at) + other + payload.slice(at + 1), signature].join('.');
      for (const [one, organisation] of [
        [changed, 'hospital'],
        [card, 'patients'],
      ] as const)
        expect(await verified(one, organisation).catch(() => 'refused')).to.equal('refused');
    });

    it('are narrowed as asked: since, identity, kinds that there are none of', async () => {
      const since = { name: '_since', valueDateTime: '2026-01-01' };
      const claim = { name: 'includeIdentityClaim', valueString: 'Patient.birthDate' };
      const card = await verified(cardIn((await issued(herself(), IMMUNIZATION, since, claim)).body), 'patients');
      const bundle = await card.asBundle();
      expect(bundle.entry!.length).to.equal(2);
      expect(bundle.entry![0]!.resource).to.deep.equal({ resourceType: 'Patient', birthDate: '1980-02-03' });
      const none = await issued(herself(), { name: 'credentialType', valueUri: 'Observation' });
      expect([none.status, none.body]).to.deep.equal([200, { resourceType: 'Parameters' }]);
      const short = await issued(herself(), { name: 'credentialType', valueUri: 'Immunization' });
      expect(cardIn(short.body)).not.to.equal('');
    });

    it('are refused to others, and what is not understood is refused with its place', async () => {
      expect((await issued(herself('another'), IMMUNIZATION)).status).to.equal(404);
      expect((await issued('patients operator', IMMUNIZATION)).status).to.equal(403);
      expect((await issued('patients caretaker RelatedPerson/1', IMMUNIZATION)).status).to.equal(403);
      for (const [wanted, place] of [
        [[], "Parameters.parameter.where(name='credentialType')"],
        [[IMMUNIZATION, { name: 'colour', valueString: 'red' }], 'Parameters.parameter[1].name'],
        [[IMMUNIZATION, { name: '_since', valueString: 'lately' }], "Parameters.parameter.where(name='_since')"],
      ] as const) {
        const { status, body } = await issued(herself(), ...wanted);
        expect(status, JSON.stringify(body)).to.be.oneOf([400, 422]);
        expect(body.issue[0].expression).to.deep.equal([place]);
      }
    });

    it('have their keys published to pages of any origin, without a token', async () => {
      const answer = await fetch(`${scene.consortium.urls.get('patients')}/.well-known/jwks.json`);
      expect(answer.status).to.equal(200);
      expect(answer.headers.get('access-control-allow-origin')).to.equal('*');
    });
  });

  describe('Links', () => {
    const made = async (...wanted: object[]) => {
      const answer = await send(herself(), `POST /fhir/R4/Patient/${patient.id}/$health-link`, parameters(...wanted));
      expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
      const named = (name: string) => answer.body.parameter.find((one: Parameter) => one.name === name);
      return { uri: String(named('link').valueUri), id: String(named('id').valueString) };
    };
    const shownBy = (uri: string, more: object = {}) =>
      new SHLViewer({ shlinkURI: uri }).resolveSHL({ recipient: 'Dr Away', ...more });
    const payloadOf = (uri: string) => JSON.parse(Buffer.from(uri.slice('shlink:/'.length), 'base64url').toString());
    const mine = async () => (await send(herself(), 'GET /health-links')).body.links;

    it('lead whoever has one to her summary, embedded or as a file, and each look is in her log', async () => {
      const { uri, id } = await made({ name: 'label', valueString: 'for the doctor' });
      for (const embeddedLengthMax of [undefined, 10]) {
        const { fhirResources } = await shownBy(uri, embeddedLengthMax === undefined ? {} : { embeddedLengthMax });
        expect(fhirResources[0]).to.deep.include({ resourceType: 'Bundle', type: 'document' });
        expect(JSON.stringify(fhirResources[0])).to.contain('Example');
      }
      expect(payloadOf(uri)).to.deep.include({ label: 'for the doctor', v: 1 });
      const [link] = (await mine()).filter((one: { id: string }) => one.id === id);
      expect(link).to.include({ status: 'open', fetches: 2, hasPasscode: false });
      const { body } = await send(herself(), 'GET /reads?count=50');
      const looks = body.reads.filter(({ subject }: { subject: string }) => subject === `link ${id} to Dr Away`);
      expect(looks.length).to.equal(2);
    });

    it('keep neither key nor address here: what is stored is of no use', async () => {
      const { uri, id } = await made();
      const { key, url } = payloadOf(uri);
      expect(url.length).to.be.at.most(128);
      expect(Buffer.from(key, 'base64url').length).to.equal(32);
      const listed = JSON.stringify(await mine());
      expect(listed).to.contain(id);
      for (const secret of [key, url.split('/').at(-1)]) expect(listed).not.to.contain(secret);
    });

    it('open with their passcode alone, ten times wrong at most', async () => {
      const { uri, id } = await made({ name: 'passcode', valueString: '123456' });
      const { url, flag } = payloadOf(uri);
      expect(flag).to.equal('P');
      const asked = async (passcode?: string) => {
        const body = JSON.stringify({ recipient: 'a guesser', ...(passcode === undefined ? {} : { passcode }) });
        const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
        return { status: answer.status, body: (await answer.json()) as { remainingAttempts?: number } };
      };
      expect(await asked()).to.deep.equal({ status: 401, body: { remainingAttempts: 10 } });
      expect(await asked('000000')).to.deep.equal({ status: 401, body: { remainingAttempts: 9 } });
      expect((await shownBy(uri, { passcode: '123456' })).fhirResources.length).to.equal(1);
      const wrong = await Promise.all(Array.from({ length: 20 }, (_, index) => asked(`wrong ${index}`)));
      expect(wrong.filter(({ status }) => status === 401).length).to.equal(9);
      expect((await asked('123456')).status).to.equal(404);
      const [link] = (await mine()).filter((one: { id: string }) => one.id === id);
      expect(link.attemptsLeft).to.equal(0);
    });

    it('end when she takes them back, and at their time', async () => {
      const { uri, id } = await made();
      expect((await send(herself('another'), `POST /health-links/${id}/revocation`)).status).to.equal(404);
      const { body } = await send(herself(), `POST /health-links/${id}/revocation`);
      const { reads } = (await send(herself(), 'GET /reads?count=500')).body;
      const acts = reads.map(({ interaction }: { interaction: string }) => interaction);
      expect(acts).to.include('share').and.include('unshare');
      expect(body.status).to.equal('ended');
      expect(await shownBy(uri).catch(() => 'refused')).to.equal('refused');
      const exp = new Date(Date.now() + 1_000).toISOString();
      const soon = await made({ name: 'exp', valueInstant: exp });
      const { url } = payloadOf(soon.uri);
      const request = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ recipient: 'late' }),
      };
      await until(async () => (await fetch(url, request)).status === 404, LONG_MS);
      expect(Date.now()).to.be.at.least(Date.parse(exp));
    });

    it('end when she has a record erased: they were made of it', async () => {
      const { uri } = await made();
      const id = await scene.observation(patient);
      await until(async () => (await send('patients', `GET /fhir/R4/Observation/${id}`)).status === 200, LONG_MS);
      expect((await send(herself(), `POST /fhir/R4/Observation/${id}/$erase`)).status).to.be.oneOf([200, 202]);
      expect(await shownBy(uri).catch(() => 'refused')).to.equal('refused');
    });

    it('are made by herself or her custodian, in the form that is asked for', async () => {
      const path = `POST /fhir/R4/Patient/${patient.id}/$health-link`;
      expect((await send(herself('another'), path)).status).to.equal(404);
      for (const as of ['patients caretaker RelatedPerson/1', 'patients practitioner', 'patients operator'])
        expect((await send(as, path)).status, as).to.equal(403);
      expect((await send('hospital', path)).status).to.equal(404);
      for (const wanted of [
        { name: 'exp', valueInstant: '2020-01-01T00:00:00Z' },
        { name: 'passcode', valueString: '1' },
        { name: 'label', valueString: 'x'.repeat(81) },
        { name: 'colour', valueString: 'red' },
      ])
        expect((await send(herself(), path, parameters(wanted))).status, wanted.name).to.be.oneOf([400, 422]);
      const stranger = await fetch(`${scene.consortium.urls.get('patients')}/shl/unknown`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      expect(stranger.status).to.be.oneOf([400, 422]);
    });
  });
});
