/** A patient's own key through the gateways, by the client that she would use: what it takes, and what takes it. */
import { randomUUID } from 'node:crypto';
import { CARETAKER_ACT_SYSTEM, DELEGATION_SCOPES } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { DELEGATEE, ROLE_CODES } from '@telemed-ledger/chaincode/model/related-persons.ts';
import { PatientClient, Swapped } from '@telemed-ledger/patient-client/client.ts';
import { caretakerKey, type Resource } from '@telemed-ledger/patient-client/consent.ts';
import { makeKey, type OwnKey } from '@telemed-ledger/patient-client/key.ts';
import { expect } from 'chai';
import { Consents } from '../../../../chaincode/src/contracts/consents.ts';
import { type Answer, until } from '../../consortium.fixture.ts';
import { validateResource } from '../../fhir/validation/validation.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';

const TO_ACT = [{ coding: [{ system: ROLE_CODES, code: DELEGATEE }] }];

const PRIVACY = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] };
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const OPTIN = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] };

describe("A patient's own key", function () {
  this.timeout(60_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let client: PatientClient;
  let key: OwnKey;
  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
  });
  after(() => scene?.close());

  const as = () => `patients patient Patient/${patient.id}`;
  const clientWith = (fetch?: typeof globalThis.fetch): PatientClient =>
    new PatientClient({
      baseUrl: scene.consortium.urls.get('patients')!,
      token: () => scene.consortium.token('patients', 'patient', `Patient/${patient.id}`),
      patient: patient.id,
      ...(fetch === undefined ? {} : { fetch }),
    });
  const issue = (who = 'hospital practitioner Practitioner/1'): Promise<Answer> =>
    scene.send(who, `POST /fhir/R4/Patient/${patient.id}/$issue-key-code`);
  const parameterOf = ({ body }: Answer, name: string): string => {
    const parameter = body.parameter.find((one: { name: string }) => one.name === name);
    return parameter.valueString ?? parameter.valueInstant ?? parameter.valueReference.reference;
  };
  const arrived = async (): Promise<void> => {
    patient = await scene.patient();
    await until(async () => (await scene.send(as(), `GET /fhir/R4/Patient/${patient.id}`)).status === 200, 20_000);
    client = clientWith();
  };
  const enrolled = async (): Promise<void> => {
    await arrived();
    key = await makeKey();
    await client.enrol(parameterOf(await issue(), 'code'), key);
  };
  const permission = (change: object = {}): Resource => ({
    ...{ resourceType: 'Consent', status: 'active', scope: PRIVACY, category: [{ text: 'privacy' }] },
    ...{ patient: { reference: `Patient/${patient.id}` }, policyRule: OPTIN },
    provision: {
      type: 'permit',
      actor: [{ role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATIONS, value: 'clinic' } } }],
    },
    ...change,
  });
  const post = (body: unknown, who = as()): Promise<Answer> => scene.send(who, 'POST /fhir/R4/Consent', body);
  const issuesOf = ({ status, body }: Answer): string =>
    [
      status,
      ...body.issue.map(({ code, expression }: { code: string; expression?: string[] }) => `${code} ${expression}`),
    ].join();

  describe('is enrolled', () => {
    beforeEach(arrived);

    it('by a code that her provider issues, and by nobody else’s', async () => {
      const answer = await issue();
      expect(answer.status).to.equal(200);
      expect(answer.headers.get('cache-control')).to.equal('no-store');
      expect(parameterOf(answer, 'patient')).to.equal(`Patient/${patient.id}`);
      expect(Date.parse(parameterOf(answer, 'expires'))).to.be.greaterThan(Date.now() + 23 * 3_600_000);
      for (const [who, status] of [
        ['hospital operator', 403],
        ['clinic', 404],
        ['patients', 404],
        [as(), 404],
      ] as const)
        expect((await issue(who)).status, who).to.equal(status);
      const fresh = await makeKey();
      const list = await client.enrol(parameterOf(answer, 'code').toLowerCase(), fresh);
      expect(list).to.deep.include({ provider: 'hospital', inForce: fresh.thumbprint });
      const again = await client.enrol(parameterOf(answer, 'code'), await makeKey()).catch(({ status }) => status);
      expect(again).to.equal(409);
    });

    it('shows the same to her, her provider and the custodian, with who handed out the code, and nothing to others', async () => {
      const answer = await issue();
      const fresh = await makeKey();
      await client.enrol(parameterOf(answer, 'code'), fresh);
      const path = `GET /patient-keys?patient=Patient/${patient.id}`;
      await until(async () => (await scene.send('hospital', path)).body.inForce !== undefined, 20_000);
      for (const who of [as(), 'patients', 'hospital']) {
        const { status, body } = await scene.send(who, path);
        expect(status, who).to.equal(200);
        expect(body.keys).to.have.length(1);
        expect(body.keys[0]).to.deep.include({ thumbprint: fresh.thumbprint, how: 'enrolled' });
        expect(body.keys[0].codeIssuedBy).to.include({ role: 'practitioner', user: 'Practitioner/1' });
      }
      expect((await scene.send('clinic', path)).status).to.equal(404);
      expect((await scene.send(`patients patient Patient/${randomUUID()}`, path)).status).to.equal(403);
      const { body } = await scene.send('patients', 'GET /reads?count=20');
      expect(JSON.stringify(body)).to.include('PatientKey');
    });

    it('by no code that her provider or she has taken back; both see which are open, and her log has each', async () => {
      type Code = { id: string; status: string; cancelledBy?: string };
      const codes = async (who: string, query = ''): Promise<Code[]> => {
        const { status, body } = await scene.send(who, `GET /patient-keys/codes?patient=${patient.id}${query}`);
        expect(status, JSON.stringify(body)).to.equal(200);
        expect(JSON.stringify(body)).to.not.match(/publicKey|salt/);
        return body.codes;
      };
      const [first, second, third] = [await issue(), await issue(), await issue()];
      const isOpen = async () => (await codes(as(), '&status=open')).length === 3;
      await until(isOpen, 20_000);
      const [c, b, a] = await codes('hospital', '&status=open');
      const cancel = (who: string, id: string) => scene.send(who, `POST /patient-keys/codes/${id}/cancellation`);
      for (const [who, status] of [
        [`patients patient Patient/${randomUUID()}`, 404],
        ['patients', 403],
        ['clinic', 404],
        ['hospital operator', 403],
      ] as const)
        expect((await cancel(who, a!.id)).status, who).to.equal(status);
      expect((await cancel('hospital practitioner Practitioner/1', a!.id)).body).to.include({
        status: 'cancelled',
        cancelledBy: 'provider',
      });
      expect((await cancel(as(), b!.id)).body).to.include({ status: 'cancelled', cancelledBy: 'patient' });
      expect((await cancel(as(), b!.id)).status).to.equal(409);
      const tried = async (answer: Answer) =>
        client.enrol(parameterOf(answer, 'code'), await makeKey()).then(
          () => 200,
          ({ status }) => status,
        );
      expect([await tried(first), await tried(second), await tried(third)]).to.deep.equal([409, 409, 200]);
      await until(async () => (await codes('hospital')).find(({ id }) => id === c!.id)?.status === 'used', 20_000);
      expect((await cancel('hospital', c!.id)).status).to.equal(409);
      expect((await codes(as())).map(({ status }) => status)).to.have.members(['used', 'cancelled', 'cancelled']);
      expect((await scene.send('clinic', 'GET /patient-keys/codes')).body.codes).to.deep.equal([]);
      const { body } = await scene.send(as(), `GET /fhir/R4/AuditEvent?patient=${patient.id}&_count=200`);
      const events: { id: string; subtype: { code: string }[] }[] = body.entry.map(
        ({ resource }: { resource: object }) => resource,
      );
      const ofCodes = events
        .flatMap(({ subtype }) => subtype.map(({ code }) => code))
        .filter((code) => /-code$/.test(code));
      expect(ofCodes.toSorted()).to.deep.equal([
        ...['cancel-code', 'cancel-code', 'issue-code', 'issue-code', 'issue-code'],
      ]);
      for (const event of events.filter(({ id }) => id.startsWith('key.'))) {
        expect(validateResource(event as never).issues, JSON.stringify(event)).to.deep.equal([]);
        expect((await scene.send(as(), `GET /fhir/R4/AuditEvent/${event.id}`)).body.id).to.equal(event.id);
      }
    });

    it('by herself alone, and by what is of the form that is asked for', async () => {
      const operation = `POST /fhir/R4/Patient/${patient.id}/$enrol-key`;
      const parameters = (parameter: object[]) => ({ resourceType: 'Parameters', parameter });
      const sound = parameters([{ name: 'code-id', valueString: randomUUID() }]);
      expect((await scene.send('patients', operation, sound)).status).to.equal(403);
      expect((await scene.send(`patients patient Patient/${randomUUID()}`, operation, sound)).status).to.equal(403);
      for (const [body, where] of [
        [undefined, 'resourceType'],
        [sound, "Parameters.parameter.where(name='request')"],
        [parameters([{ name: 'code', valueString: 'x' }]), 'Parameters.parameter[0].name'],
        [parameters([{ name: 'request', valueString: 'x' }]), "Parameters.parameter.where(name='request')"],
      ] as const)
        expect(issuesOf(await scene.send(as(), operation, body))).to.equal(`422,invalid ${where}`);
    });

    it('is once where the request comes again under its key, and the code is shown once', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      const path = `POST /fhir/R4/Patient/${patient.id}/$issue-key-code`;
      expect((await scene.send('hospital', path, undefined, headers)).status).to.equal(200);
      expect((await scene.send('hospital', path, undefined, headers)).status).to.equal(409);
    });
  });

  it('is one for each record that she has linked, by any of her tokens', async () => {
    const identifier = [{ system: 'urn:example:mrn', value: randomUUID() }];
    const body = { resourceType: 'Patient', identifier };
    const other = await scene.created('clinic', 'POST /fhir/R4/Patient', body);
    patient = { id: await scene.created('hospital', 'POST /fhir/R4/Patient', body), value: '' };
    for (const id of [patient.id, other])
      await until(async () => (await scene.send('patients', `GET /fhir/R4/Patient/${id}`)).status === 200, 20_000);
    const byOther = `patients patient Patient/${other}`;
    const { code } = (await scene.send(as(), 'POST /links/codes', {})).body;
    expect((await scene.send(byOther, 'POST /links', { code })).status).to.be.lessThan(300);
    const linked = async () => (await scene.send(byOther, `GET /fhir/R4/Patient/${patient.id}`)).status === 200;
    await until(linked, 20_000);
    const token = () => scene.consortium.token('patients', 'patient', `Patient/${other}`);
    const linkedClient = new PatientClient({
      baseUrl: scene.consortium.urls.get('patients')!,
      token,
      patient: patient.id,
    });
    const fresh = await makeKey();
    const list = await linkedClient.enrol(parameterOf(await issue(), 'code'), fresh);
    expect(list).to.deep.include({ provider: 'hospital', inForce: fresh.thumbprint });
    expect((await linkedClient.give(await linkedClient.prepare(permission()), fresh)).kept).to.equal(false);
    expect((await linkedClient.examine([fresh])).map(({ by }) => by)).to.deep.equal([fresh.thumbprint]);
    expect((await scene.send(byOther, 'GET /patient-keys')).body).to.deep.include({ provider: 'clinic', keys: [] });
  });

  describe('in force', () => {
    beforeEach(enrolled);

    it('gives what is decided by, changes it, and is not needed to end it', async () => {
      const observation = await scene.observation(patient);
      const access = await scene.ask(patient, { waitUntil: new Date(Date.now() + 3_600_000).toISOString() });
      const shown = await client.prepare(permission());
      const given = await client.give(shown, key);
      expect(given).to.deep.include({ kept: false, version: 1 });
      const { id = '' } = given.consent;
      await scene.becomes('clinic', access, ({ status }) => status === 'granted');
      await until(async () => (await scene.send('clinic', `GET /fhir/R4/Observation/${observation}`)).status === 200);
      const narrower = permission({
        id,
        provision: {
          ...(given.consent['provision'] as object),
          class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Patient' }],
        },
      });
      const amended = await client.give(await client.prepare(narrower), key);
      expect(amended).to.deep.include({ kept: false, version: 2 });
      await scene.becomes('clinic', access, ({ status }) => status === 'purged');
      const ended = await scene.send(as(), `PUT /fhir/R4/Consent/${id}`, { ...narrower, status: 'inactive' });
      expect(ended.status).to.equal(200);
      const { body } = await scene.send(as(), 'GET /patient-keys');
      expect(body.given[0]).to.deep.include({ by: 'patient-key', thumbprint: key.thumbprint });
    });

    it('is asked for with the place, of the patient and the custodian alike, and of a delegation', async () => {
      expect(issuesOf(await post(permission()))).to.equal('422,required Consent.extension');
      expect(issuesOf(await post(permission(), 'patients'))).to.equal('422,required Consent.extension');
      const subject = { patient: { reference: `Patient/${patient.id}` } };
      const body = { resourceType: 'RelatedPerson', ...subject, relationship: TO_ACT };
      const daughter = `RelatedPerson/${await scene.created('hospital', 'POST /fhir/R4/RelatedPerson', body)}`;
      await until(async () => (await scene.send('patients', `GET /fhir/R4/${daughter}`)).status === 200, 20_000);
      const delegation = {
        scope: { coding: [{ system: DELEGATION_SCOPES, code: 'delegation' }] },
        provision: {
          type: 'permit',
          actor: [{ role: { text: 'daughter' }, reference: { reference: daughter } }],
          action: [{ coding: [{ system: CARETAKER_ACT_SYSTEM, code: 'answer' }] }],
        },
      };
      expect(issuesOf(await post(permission(delegation)))).to.equal('422,required Consent.extension');
    });

    it('lets a caretaker give by a key that her delegation names, and without one only read, refuse and revoke', async () => {
      const subject = { patient: { reference: `Patient/${patient.id}` } };
      const related = { resourceType: 'RelatedPerson', ...subject, relationship: TO_ACT };
      const name = `RelatedPerson/${await scene.created('hospital', 'POST /fhir/R4/RelatedPerson', related)}`;
      await until(async () => (await scene.send('patients', `GET /fhir/R4/${name}`)).status === 200, 20_000);
      const his = await makeKey();
      const delegation = permission({
        scope: { coding: [{ system: DELEGATION_SCOPES, code: 'delegation' }] },
        provision: {
          type: 'permit',
          actor: [{ role: { text: 'son' }, reference: { reference: name }, extension: [await caretakerKey(his)] }],
          action: [{ coding: ['read', 'answer'].map((code) => ({ system: CARETAKER_ACT_SYSTEM, code })) }],
        },
      });
      const { consent } = await client.give(await client.prepare(delegation), key);
      const unsigned = await post(permission({ performer: [{ reference: name }] }), `patients caretaker ${name}`);
      expect(issuesOf(unsigned)).to.equal('422,required Consent.extension');
      const caretaker = new PatientClient({
        baseUrl: scene.consortium.urls.get('patients')!,
        token: () => scene.consortium.token('patients', 'caretaker', name),
        patient: patient.id,
        caretaker: { name, delegation: consent.id! },
      });
      const given = await caretaker.give(await caretaker.prepare(permission()), his);
      expect(given).to.deep.include({ kept: false, version: 1 });
      const observation = await scene.observation(patient);
      await scene.becomes('clinic', await scene.ask(patient), ({ status }) => status === 'granted');
      await until(async () => (await scene.send('clinic', `GET /fhir/R4/Observation/${observation}`)).status === 200);
      const { body } = await scene.send(as(), 'GET /patient-keys');
      expect(body.given[0]).to.deep.include({ by: 'caretaker', name, thumbprint: his.thumbprint });
      const ended = { ...delegation, id: consent.id, status: 'inactive' };
      expect((await scene.send(as(), `PUT /fhir/R4/Consent/${consent.id}`, ended)).status).to.equal(200);
      expect(await caretaker.prepare(permission()).catch(({ status }) => status)).to.equal(403);
    });

    it('is no other, for no other consent, and of no other text', async () => {
      const shown = await client.prepare(permission());
      const byOther = await client
        .give(shown, await makeKey())
        .catch(({ outcome }) => ({ status: 422, body: outcome }));
      expect(issuesOf(byOther as unknown as Answer)).to.equal('422,security Consent.extension[0].valueSignature.data');
      const given = await client.give(await client.prepare(permission()), key);
      const { consent } = given;
      const data = '422,security Consent.extension[0].valueSignature.data';
      // The same once more, as another consent, as its next version, and changed.
      expect((await post(consent)).status).to.equal(409);
      expect(issuesOf(await post({ ...consent, id: randomUUID() }))).to.equal(data);
      const { meta: _, ...again } = consent;
      expect(issuesOf(await scene.send(as(), `PUT /fhir/R4/Consent/${consent.id}`, again))).to.equal(data);
      const other = await client.prepare(permission());
      const changing: typeof fetch = (url, init) =>
        fetch(url, {
          ...init,
          ...(init?.method === 'POST' && { body: String(init.body).replace('"clinic"', '"payer"') }),
        });
      const changed = await clientWith(changing)
        .give(other, key)
        .catch(({ outcome }) => outcome);
      expect(issuesOf({ status: 422, body: changed } as Answer)).to.equal(data);
    });

    it('is not replaced by what a gateway shows: the client compares byte for byte', async () => {
      const answering =
        (change: (text: string) => string, only: string): typeof fetch =>
        async (url, init) => {
          const response = await fetch(url, init);
          if ((init?.method ?? 'GET') !== only || !String(url).includes('/Consent')) return response;
          const { status, headers } = response;
          return new Response(change(await response.text()), { status, headers });
        };
      const swap = (text: string) => text.replaceAll('"clinic"', '"payer"');
      for (const method of ['POST', 'GET']) {
        const swapped = clientWith(answering(swap, method));
        const failure = await swapped.give(await swapped.prepare(permission()), key).catch((error: unknown) => error);
        expect(failure, method).to.be.instanceOf(Swapped);
      }
      const honest = await client.give(await client.prepare(permission()), key);
      expect(honest.kept).to.equal(false);
    });

    it('tells which of her consents it gave', async () => {
      const given = await client.give(await client.prepare(permission()), key);
      const found = await client.examine([key]);
      expect(found.map(({ consent, by }) => [consent.id, by])).to.deep.equal([[given.consent.id, key.thumbprint]]);
      expect((await client.examine([await makeKey()])).map(({ by }) => by)).to.deep.equal(['somebody else']);
    });

    it('gives what waits for a provider that is away', async () => {
      let kept: Awaited<ReturnType<PatientClient['give']>> | undefined;
      const shown = await client.prepare(permission());
      await scene.whileFails('hospital', 'drop', async () => {
        kept = await client.give(shown, key);
        expect(kept.kept).to.equal(true);
      });
      await until(
        async () => (await scene.send(as(), `GET /fhir/R4/Consent/${kept?.consent.id}`)).status === 200,
        30_000,
      );
      await client.confirm(kept!.consent, 1);
    });

    it('is asked for by the provider where the custodian runs changed chaincode', async () => {
      const changed = (name: string) => async () => (name === 'CheckConsent' ? '{"doubts":[],"actors":{}}' : '{}');
      const names = ['CheckConsent', 'GrantConsent'] as const;
      const [check, grant] = names.map((name) => () => changed(name));
      await scene.whileRuns('patients', Consents, [names[0]], check!, () =>
        scene.whileRuns('patients', Consents, [names[1]], grant!, async () => {
          const { status, headers } = await post(permission());
          expect(status).to.equal(202);
          const { body } = await scene.send(as(), `GET ${headers.get('location')}`);
          expect(body.status).to.be.oneOf(['pending', 'refused']);
          expect((await client.examine([key])).length).to.equal(0);
        }),
      );
    });
  });

  describe('is changed by her signature', () => {
    beforeEach(enrolled);

    /** Her stream of events. */
    async function listening() {
      const stopping = new AbortController();
      const token = await scene.consortium.token('patients', 'patient', `Patient/${patient.id}`);
      const response = await fetch(`${scene.consortium.urls.get('patients')}/access-requests/events`, {
        headers: { authorization: `Bearer ${token}` },
        signal: stopping.signal,
      });
      let text = '';
      const reading = (async () => {
        for await (const chunk of response.body!) text += new TextDecoder().decode(chunk);
      })();
      reading.catch(() => undefined);
      return { text: () => text, stop: () => stopping.abort() };
    }

    it('to another one, or to none', async () => {
      const next = await makeKey();
      expect((await client.rotate(key, next)).inForce).to.equal(next.thumbprint);
      const old = await client.revoke(key).catch(({ status }) => status);
      expect(old).to.equal(409);
      const list = await client.revoke(next);
      expect(list.inForce).to.equal(undefined);
      expect(list.keys.map(({ ended }) => ended)).to.deep.equal(['rotated', 'revoked']);
      expect((await post(permission())).status).to.equal(201);
      const { body } = await scene.send(as(), 'GET /patient-keys');
      expect(body.given.map(({ by }: { by: string }) => by)).to.deep.equal(['custodian']);
    });

    it('and a recovery that she has not asked for is ended by it', async () => {
      const thief = await makeKey();
      const told = await listening();
      const list = await client.enrol(parameterOf(await issue(), 'code'), thief);
      expect(list.inForce).to.equal(key.thumbprint);
      expect(list.pending?.thumbprint).to.equal(thief.thumbprint);
      const refused = await client.give(await client.prepare(permission()), thief).catch(({ status }) => status);
      expect(refused).to.equal(422);
      await until(() => told.text().includes(`"pending":{"thumbprint":"${thief.thumbprint}"`));
      told.stop();
      const late = await listening();
      await until(() => late.text().includes(thief.thumbprint));
      late.stop();
      const after = await client.cancel(key);
      expect(after.pending).to.equal(undefined);
      expect(after.keys.map(({ ended }) => ended)).to.deep.equal([undefined, 'cancelled']);
      expect((await client.give(await client.prepare(permission()), key)).kept).to.equal(false);
      const { body } = await scene.send(as(), 'GET /fhir/R4/AuditEvent?_count=200');
      const lines: string[] = body.entry.map(
        ({ resource }: { resource: { text?: { div: string } } }) => resource.text?.div,
      );
      for (const said of [
        /put in a key of the patient’s own, by a code that hospital/,
        /brought another key/,
        /kept another key/,
      ])
        expect(
          lines.filter((text) => said.test(text)),
          String(said),
        ).to.have.length(1);
      expect(lines.filter((text) => text.includes(`signed with the key ${key.thumbprint}`))).to.have.length(1);
      for (const { resource } of body.entry.filter(({ resource }: { resource: { id: string } }) =>
        resource.id.startsWith('key.'),
      )) {
        expect(validateResource(resource).issues).to.deep.equal([]);
        expect((await scene.send(as(), `GET /fhir/R4/AuditEvent/${resource.id}`)).status).to.equal(200);
      }
    });
  });
});
