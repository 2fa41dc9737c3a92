/** Caretakers: what a delegation lets them do for a patient, and everything that it does not. */
import { randomUUID } from 'node:crypto';
import {
  CARETAKER_ACT_SYSTEM,
  CARETAKER_ACTS,
  DELEGATION_SCOPES,
} from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';

const RELATIONSHIPS = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
const TO_ACT = [
  {
    coding: [
      ...['NCHILD', 'DELEGATEE'].map((code) => ({ system: RELATIONSHIPS, code })),
      ...CARETAKER_ACTS.map((code) => ({ system: CARETAKER_ACT_SYSTEM, code })),
    ],
  },
];
const PRIVACY = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] };
const OPTIN = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] };
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const inADay = () => new Date(Date.now() + 86_400_000).toISOString();

describe('A caretaker', function () {
  this.timeout(60_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let herself: string;
  let related: string;
  let caretaker: string;
  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
  });
  after(() => scene?.close());
  let identifier: object[];
  beforeEach(async () => {
    identifier = [{ system: 'urn:example:person', value: randomUUID() }];
    patient = await scene.patient();
    herself = `patients patient Patient/${patient.id}`;
    related = await scene.created('hospital', 'POST /fhir/R4/RelatedPerson', {
      ...{ resourceType: 'RelatedPerson', patient: { reference: `Patient/${patient.id}` }, identifier },
      relationship: TO_ACT,
    });
    caretaker = `patients caretaker RelatedPerson/${related}`;
    await here(`Patient/${patient.id}`);
    await here(`RelatedPerson/${related}`);
  });

  const here = (place: string) =>
    until(async () => (await scene.send('patients', `GET /fhir/R4/${place}`)).status === 200, 20_000);
  const delegation = (acts: string[], change: object = {}, of = related): object => ({
    ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'delegation' }] },
    scope: { coding: [{ system: DELEGATION_SCOPES, code: 'delegation' }] },
    ...{ patient: { reference: `Patient/${patient.id}` }, policyRule: OPTIN },
    provision: {
      type: 'permit',
      actor: [{ role: { text: 'daughter' }, reference: { reference: `RelatedPerson/${of}` } }],
      action: [{ coding: acts.map((code) => ({ system: CARETAKER_ACT_SYSTEM, code })) }],
      ...change,
    },
  });
  const delegated = (acts: string[], change: object = {}) =>
    scene.created(herself, 'POST /fhir/R4/Consent', delegation(acts, change));
  const permission = (performer?: string, change: object = {}): object => ({
    ...{
      resourceType: 'Consent',
      status: 'active',
      scope: PRIVACY,
      category: [{ text: 'privacy' }],
      policyRule: OPTIN,
    },
    patient: { reference: `Patient/${patient.id}` },
    ...(performer === undefined ? {} : { performer: [{ reference: performer }] }),
    provision: {
      type: 'permit',
      actor: [{ role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATIONS, value: 'clinic' } } }],
    },
    ...change,
  });
  const statusOf = async (request: string, as = caretaker, body?: object, headers?: Record<string, string>) =>
    (await scene.send(as, request, body, headers)).status;
  const revoked = (id: string, resource: object, as: string) =>
    scene.send(as, `PUT /fhir/R4/Consent/${id}`, { ...resource, id, status: 'inactive' });

  it('does nothing for anybody without a delegation in force', async () => {
    const tries = ['GET /fhir/R4/Patient', `GET /fhir/R4/Patient/${patient.id}`, 'GET /access-requests', 'GET /wishes'];
    const all403 = async () => {
      for (const request of tries) expect(await statusOf(request), request).to.equal(403);
      expect(await statusOf('POST /fhir/R4/Consent', caretaker, permission(`RelatedPerson/${related}`))).to.equal(403);
    };
    await all403();
    await delegated(['read', 'answer'], { period: { end: '2020-01-01' } });
    await delegated(['read', 'answer'], { period: { start: '2099-01-01' } });
    await all403();
    const id = await delegated(['read']);
    expect(await statusOf(tries[1]!)).to.equal(200);
    expect((await revoked(id, delegation(['read']), herself)).status).to.equal(200);
    await all403();
  });

  it('reads what is delegated and nothing of anybody else', async () => {
    const observation = await scene.observation(patient);
    const other = await scene.patient();
    const theirs = await scene.observation(other);
    await here(`Observation/${observation}`);
    await here(`Observation/${theirs}`);
    await delegated(['read'], { period: { end: inADay() } });
    expect(await statusOf(`GET /fhir/R4/Observation/${observation}`)).to.equal(200);
    expect(await statusOf(`GET /fhir/R4/Observation/${theirs}`)).to.equal(404);
    const { body } = await scene.send(caretaker, 'GET /fhir/R4/Observation');
    expect(body.entry.map(({ resource }: { resource: { id: string } }) => resource.id)).to.deep.equal([observation]);
    expect(await statusOf('GET /fhir/R4/AuditEvent')).to.equal(200);
    const everything = await scene.send(caretaker, `GET /fhir/R4/Patient/${patient.id}/$everything`);
    const types = everything.body.entry.map(
      ({ resource }: { resource: { resourceType: string } }) => resource.resourceType,
    );
    expect(types).to.include('Observation').and.include('OperationOutcome');
    expect(everything.body.entry.at(-1).resource.issue[0].diagnostics).to.match(/Not shown to this caller: .*Claim, /);
    expect(await statusOf(`GET /fhir/R4/Patient/${other.id}/$everything`)).to.equal(404);
    for (const type of ['Claim', 'ClaimResponse', 'Coverage', 'ExplanationOfBenefit'])
      expect(await statusOf(`GET /fhir/R4/${type}`), type).to.equal(403);
    expect(
      await statusOf(`GET /fhir/R4/Observation/${observation}`, `patients caretaker RelatedPerson/${randomUUID()}`),
    ).to.equal(403);
    await delegated(['bills']);
    expect(await statusOf('GET /fhir/R4/Coverage')).to.equal(200);
  });

  it('with bills alone sees no record', async () => {
    await delegated(['bills', 'book']);
    expect(await statusOf('GET /fhir/R4/Coverage')).to.equal(200);
    for (const type of ['Observation', 'Patient', 'AuditEvent', 'Consent'])
      expect(await statusOf(`GET /fhir/R4/${type}`), type).to.equal(403);
    for (const request of ['GET /access-requests', 'GET /access-requests/events', 'GET /wishes'])
      expect(await statusOf(request), request).to.equal(403);
  });

  it('answers a request that waits, by a refusal that is told as theirs', async () => {
    const id = await scene.ask(patient, { waitUntil: inADay() });
    await scene.becomes('patients', id, ({ status }) => status === 'requested');
    await delegated(['read']);
    expect(await statusOf(`POST /access-requests/${id}/refusal`)).to.equal(403);
    await delegated(['answer']);
    expect(await statusOf(`POST /access-requests/${id}/refusal`)).to.equal(202);
    const { because } = await scene.becomes('patients', id, ({ status }) => status === 'refused');
    expect(because).to.deep.equal({ reason: 'caretaker-refused' });
  });

  it('hears of requests only while it is delegated', async () => {
    const id = await delegated(['answer'], { period: { end: inADay() } });
    const answer = await fetch(`${scene.consortium.urls.get('patients')}/access-requests/events`, {
      headers: {
        authorization: `Bearer ${await scene.consortium.token('patients', 'caretaker', `RelatedPerson/${related}`)}`,
      },
    });
    expect(answer.status).to.equal(200);
    let heard = '';
    const ended = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of answer.body!) heard += decoder.decode(chunk as Uint8Array);
    })();
    await scene.ask(patient, { waitUntil: inADay() });
    await until(() => heard.includes('event: requested'), 20_000);
    await revoked(id, delegation(['answer']), herself);
    const told = heard.split('event:').length;
    await scene.ask(patient, { waitUntil: inADay() });
    await ended;
    expect(heard.split('event:').length).to.equal(told);
  });

  it('gives a consent in their own name alone, and takes one back where that is delegated', async () => {
    const name = `RelatedPerson/${related}`;
    await delegated(['answer']);
    for (const performer of [undefined, `Patient/${patient.id}`, `RelatedPerson/${randomUUID()}`])
      expect(await statusOf('POST /fhir/R4/Consent', caretaker, permission(performer)), performer).to.equal(422);
    const id = await scene.created(caretaker, 'POST /fhir/R4/Consent', permission(name));
    expect((await scene.send(herself, `GET /fhir/R4/Consent/${id}`)).body.performer).to.deep.equal([
      { reference: name },
    ]);
    const observation = await scene.observation(patient);
    const asked = await scene.ask(patient);
    await scene.becomes('clinic', asked, ({ status }) => status === 'granted');
    expect(await statusOf(`GET /fhir/R4/Observation/${observation}`, 'clinic')).to.equal(200);
    expect((await revoked(id, permission(name), caretaker)).status).to.equal(403);
    const narrower = { ...permission(name), id, policyRule: OPTIN, provision: undefined };
    expect(await statusOf(`PUT /fhir/R4/Consent/${id}`, caretaker, narrower)).to.equal(403);
    await delegated(['revoke']);
    expect((await revoked(id, permission(name), caretaker)).status).to.equal(200);
    await scene.becomes('clinic', asked, ({ status }) => status === 'purged');
  });

  it('delegates nothing, changes no delegation, and ends their own alone', async () => {
    const own = await delegated(['read', 'answer', 'revoke']);
    const another = await scene.created('hospital', 'POST /fhir/R4/RelatedPerson', {
      ...{ resourceType: 'RelatedPerson', patient: { reference: `Patient/${patient.id}` }, relationship: TO_ACT },
    });
    await here(`RelatedPerson/${another}`);
    const others = await scene.created(herself, 'POST /fhir/R4/Consent', delegation(['read'], {}, another));
    const performer = [{ reference: `RelatedPerson/${related}` }];
    const more = { ...delegation(['read', 'answer', 'revoke', 'bills']), performer };
    expect(await statusOf('POST /fhir/R4/Consent', caretaker, more)).to.equal(403);
    expect(await statusOf(`PUT /fhir/R4/Consent/${own}`, caretaker, { ...more, id: own })).to.equal(403);
    expect((await revoked(others, delegation(['read']), caretaker)).status).to.equal(403);
    const privacy = await scene.created(caretaker, 'POST /fhir/R4/Consent', permission(performer[0]!.reference));
    expect(await statusOf(`PUT /fhir/R4/Consent/${privacy}`, caretaker, { ...more, id: privacy })).to.equal(403);
    expect((await revoked(own, delegation(['read']), caretaker)).status).to.equal(200);
    expect(await statusOf('GET /fhir/R4/Patient')).to.equal(403);
  });

  it('of several patients says for whom, and gets nothing by naming another', async () => {
    await delegated(['read']);
    const first = patient;
    const second = await scene.patient();
    await here(`Patient/${second.id}`);
    patient = second;
    const hers = `patients patient Patient/${second.id}`;
    expect(await statusOf('POST /fhir/R4/Consent', hers, delegation(['read']))).to.equal(422);
    const same = await scene.created('hospital', 'POST /fhir/R4/RelatedPerson', {
      ...{ resourceType: 'RelatedPerson', patient: { reference: `Patient/${second.id}` }, identifier },
      relationship: TO_ACT,
    });
    await here(`RelatedPerson/${same}`);
    await scene.created(hers, 'POST /fhir/R4/Consent', delegation(['read']));
    const third = await scene.patient();
    await here(`Patient/${third.id}`);
    const as = (id?: string) => (id === undefined ? undefined : { 'x-patient': `Patient/${id}` });
    expect(await statusOf('GET /fhir/R4/Patient')).to.equal(403);
    const { body } = await scene.send(caretaker, 'GET /delegations');
    const named = body.delegations.map(({ patient: one, acts }: { patient: string; acts: string[] }) => [one, acts]);
    expect(named).to.have.deep.members([first, second].map(({ id }) => [`Patient/${id}`, ['read']]));
    for (const who of [hers, 'patients']) expect(await statusOf('GET /delegations', who)).to.equal(403);
    for (const { id } of [first, second]) {
      expect(await statusOf(`GET /fhir/R4/Patient/${id}`, caretaker, undefined, as(id))).to.equal(200);
      expect(await statusOf(`GET /fhir/R4/Patient/${third.id}`, caretaker, undefined, as(id))).to.equal(404);
    }
    expect(await statusOf(`GET /fhir/R4/Patient/${second.id}`, caretaker, undefined, as(first.id))).to.equal(404);
    for (const id of [third.id, 'x', ''])
      expect(await statusOf('GET /fhir/R4/Patient', caretaker, undefined, as(id)), id).to.equal(403);
  });

  it('of a child is named by two organisations, and by neither of them alone', async () => {
    expect(await statusOf('POST /fhir/R4/Consent', 'patients', delegation(['read']))).to.equal(403);
    const guardian = await scene.created('hospital', 'POST /fhir/R4/RelatedPerson', {
      ...{ resourceType: 'RelatedPerson', patient: { reference: `Patient/${patient.id}` } },
      relationship: [{ coding: [{ system: RELATIONSHIPS, code: 'MTH' }] }],
    });
    const other = await scene.patient();
    const elsewhere = await scene.created('hospital', 'POST /fhir/R4/RelatedPerson', {
      ...{ resourceType: 'RelatedPerson', patient: { reference: `Patient/${other.id}` } },
      relationship: [{ coding: [{ system: RELATIONSHIPS, code: 'MTH' }] }],
    });
    await here(`RelatedPerson/${guardian}`);
    await here(`RelatedPerson/${elsewhere}`);
    expect(await statusOf('POST /fhir/R4/Consent', 'patients', delegation(['read'], {}, elsewhere))).to.equal(403);
    expect(await statusOf('POST /fhir/R4/Consent', 'hospital', delegation(['read'], {}, guardian))).to.equal(405);
    expect(
      await statusOf(`GET /fhir/R4/Patient/${patient.id}`, `patients caretaker RelatedPerson/${guardian}`),
    ).to.equal(403);
    await scene.created('patients', 'POST /fhir/R4/Consent', delegation(['read'], {}, guardian));
    expect(
      await statusOf(`GET /fhir/R4/Patient/${patient.id}`, `patients caretaker RelatedPerson/${guardian}`),
    ).to.equal(200);
  });

  it('is told to the patient in plain words, and a delegation of two meanings is refused with its place', async () => {
    const { body } = await scene.send(herself, 'POST /fhir/R4/Consent', delegation(['read', 'bills']), {
      prefer: 'return=OperationOutcome',
    });
    expect(JSON.stringify(body)).to.contain('may act for you: read your records, consents and log; see your bills');
    const refused = await scene.send(herself, 'POST /fhir/R4/Consent', delegation(['sell']));
    expect(refused.status).to.equal(422);
    expect(refused.body.issue[0].expression).to.deep.equal(['Consent.provision.action[0]']);
  });

  it('permits no organisation anything', async () => {
    await delegated(['read', 'answer', 'revoke', 'book', 'bills']);
    const observation = await scene.observation(patient);
    const id = await scene.ask(patient);
    await scene.becomes('clinic', id, ({ status }) => status === 'refused');
    expect(await statusOf(`GET /fhir/R4/Observation/${observation}`, 'clinic')).to.equal(404);
  });
});
