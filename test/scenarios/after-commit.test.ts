/**
 * A write that is committed is answered as one, whatever fails afterwards. Every write route of the consortium is
 * called while each read of the request fails from the moment of its commit on; then the same request is sent again
 * under its Idempotency-Key and must find the same transaction.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { Server } from 'node:http';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { ReadModel } from '@telemed-ledger/gateway-api/index/read/queries.ts';
import { LedgerClient } from '@telemed-ledger/gateway-api/ledger/client.ts';
import { example278 } from '@telemed-ledger/gateway-api/subjects/x12/questions.fixture.ts';
import { example837 } from '@telemed-ledger/gateway-api/subjects/x12/x12.fixture.ts';
import { PatientClient } from '@telemed-ledger/patient-client/client.ts';
import { makeKey } from '@telemed-ledger/patient-client/key.ts';
import { bearerToken } from '@telemed-ledger/scripts/credentials.ts';
import { Party, type Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import type { Answer, Sending } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import {
  claimsIn,
  instructing,
  onPayment,
  PayableClaims,
  type PaymentBundle,
  paymentsIn,
} from './payable-claims.fixture.ts';
import { publishAndSign } from './signed-medicines.fixture.ts';
import { type Answered, EDI, X12Claims } from './x12-claims.fixture.ts';

type Method = (this: unknown, ...all: unknown[]) => unknown;

/** Lets every read of one request fail from the moment on when it has committed a transaction. */
class FailingReads {
  armed = false;
  commits = 0;
  /** One for each request to a gateway in this process. */
  readonly #request = new AsyncLocalStorage<{ failing: boolean }>();
  readonly #restore: (() => void)[] = [];

  install(): void {
    const reads = Object.getOwnPropertyNames(ReadModel.prototype).filter((name) => name !== 'constructor');
    for (const name of reads) this.#replace(ReadModel.prototype, name, (real) => this.#failing(real));
    this.#replace(LedgerClient.prototype, 'evaluate', (real) => this.#failing(real));
    this.#replace(LedgerClient.prototype, 'submit', (real) => this.#committing(real));
    this.#replace(Server.prototype, 'emit', (real) => this.#serving(real));
  }

  async during(send: () => Promise<Answer>): Promise<Answer> {
    this.armed = true;
    this.commits = 0;
    return send().finally(() => {
      this.armed = false;
    });
  }

  restore(): void {
    for (const one of this.#restore) one();
  }

  #serving(real: Method): Method {
    const request = this.#request;
    return function (this: unknown, ...all: unknown[]) {
      const emit = () => real.apply(this, all);
      return all[0] === 'request' ? request.run({ failing: false }, emit) : emit();
    };
  }

  #committing(real: Method): Method {
    const reads = this;
    return async function (this: unknown, ...all: unknown[]) {
      const submitted = await real.apply(this, all);
      const request = reads.#request.getStore();
      if (reads.armed && request !== undefined) {
        request.failing = true;
        reads.commits += 1;
      }
      return submitted;
    };
  }

  #failing(real: Method): Method {
    const request = this.#request;
    return function (this: unknown, ...all: unknown[]) {
      if (request.getStore()?.failing === true) throw new Error('reads fail');
      return real.apply(this, all);
    };
  }

  #replace(on: object, name: string, by: (real: Method) => Method): void {
    const methods = on as Record<string, unknown>;
    const own = Object.hasOwn(on, name);
    const real = methods[name];
    if (typeof real !== 'function') return;
    methods[name] = by(real as Method);
    this.#restore.push(() => {
      if (own) methods[name] = real;
      else delete methods[name];
    });
  }
}

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };

describe('After a commit, while every read fails', function () {
  this.timeout(120_000);
  let scene: Scene;
  let story: Story;
  const reads = new FailingReads();
  /** `METHOD path` of every write that was sent. */
  const sent: string[] = [];
  const send = Party.prototype.send;

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    const startedAt = new Date().toISOString();
    story = { parties: scene.parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    reads.install();
    Party.prototype.send = function (sending) {
      return isWrite(sending) ? twice(this, sending) : send.call(this, sending);
    };
  });

  after(() => {
    reads.restore();
    Party.prototype.send = send;
    story?.restore?.();
  });

  const isWrite = ({ method = 'GET', path }: Sending): boolean => method !== 'GET' && path !== '/verify';

  /** The write with failing reads, then the same once more; answers the second answer. */
  async function twice(party: Party, sending: Sending): Promise<Answer> {
    const headers = { ...sending.headers, 'idempotency-key': randomUUID() };
    const first = await reads.during(() => send.call(party, { ...sending, headers }));
    const route = `${sending.method} ${sending.path}`;
    expect(first.status, `${route}: ${JSON.stringify(first.body)}`).to.be.within(200, 299);
    expect(reads.commits, `${route} committed`).to.be.at.least(1);
    expect(first.headers['x-transaction-id'], route).to.be.a('string');
    sent.push(route);
    // Whoever made a claim is to find it. One that voids another is none of its own.
    const isVoid = /claim-frequency","valueCode":"8"/.test(JSON.stringify(sending.body));
    if (sending.path.endsWith('/Claim/$submit') && !isVoid)
      expect(JSON.stringify(first.body)).to.match(/\bClaim\/[\w-]{36}/);
    const again = await send.call(party, { ...sending, headers });
    expect(again.status, route).to.equal(first.status);
    expect(again.headers['x-transaction-id'], route).to.equal(first.headers['x-transaction-id']);
    return again;
  }

  // What changes bytes on disk, or tries what is refused, is no write that is committed.
  const told = steps.filter(({ title }) => !/byte|consultation|They meet|handed out|recalled/.test(title));
  for (const { title, run } of told) it(title, () => run(story, silent));

  it('One patient is created, updated, and written in a batch with faults in it', async () => {
    const hospital = scene.parties.of('hospital', 'practitioner');
    const body = { resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] };
    const created = await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body });
    const path = `/fhir/R4/Patient/${created.body.id}`;
    const headers = { 'if-match': 'W/"1"' };
    await hospital.write({ method: 'PUT', path, headers, body: { ...body, id: created.body.id, gender: 'other' } });
    const condition = `/fhir/R4/Patient?identifier=urn:example:mrn|${randomUUID()}`;
    await hospital.write({ method: 'PUT', path: condition, body: { resourceType: 'Patient' } });
    const gone = await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body: { resourceType: 'Patient' } });
    const patch = {
      method: 'PATCH',
      headers: { 'content-type': 'application/json-patch+json' },
      body: [{ op: 'add', path: '/active', value: true }],
    } as const;
    await hospital.send({ ...patch, path: `/fhir/R4/Patient/${gone.body.id}` });
    const tag = [{ system: 'urn:example:tags', code: 'looked-at' }];
    const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag } }] };
    for (const name of ['meta-add', 'meta-delete'])
      await hospital.send({ method: 'POST', path: `/fhir/R4/Patient/${gone.body.id}/$${name}`, body: meta });
    await hospital.send({ method: 'DELETE', path: `/fhir/R4/Patient/${gone.body.id}` });
    const listed = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: { resourceType: 'Patient' } }] };
    await hospital.send({ method: 'POST', path: '/fhir/R4/$import', body: listed });
    const identifier = [{ system: 'urn:example:mrn', value: randomUUID() }];
    await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body: { resourceType: 'Patient', identifier } });
    const wanted = `/fhir/R4/Patient?identifier=urn:example:mrn|${identifier[0]!.value}`;
    await hospital.send({ ...patch, path: wanted });
    await hospital.send({ method: 'DELETE', path: wanted });
    const entry = [2, 3].map((version) => ({
      resource: { ...body, id: created.body.id, gender: version === 2 ? 'male' : 'female' },
      request: { method: 'PUT', url: `Patient/${created.body.id}`, ifMatch: `W/"${version}"` },
    }));
    const bundle = { resourceType: 'Bundle', type: 'batch', entry };
    const batch = await reads.during(() =>
      send.call(hospital, {
        method: 'POST',
        path: '/fhir/R4',
        body: bundle,
        headers: { 'idempotency-key': randomUUID() },
      }),
    );
    expect(batch.status, JSON.stringify(batch.body)).to.equal(200);
    const statuses = (batch.body as { entry: { response: { status: string } }[] }).entry.map(({ response }) =>
      response.status.slice(0, 3),
    );
    // The first entry is committed and says so; the second cannot be planned and fails alone.
    expect(statuses).to.deep.equal(['200', '500']);
  });

  it('A consent is amended and revoked', async () => {
    const patient = scene.parties.of('patients', 'patient', `Patient/${story.patientId}`);
    const page = await patient.ask<{ entry: { resource: { id: string } }[] }>({ path: '/fhir/R4/Consent' });
    const consent = page.entry[0]?.resource as { id: string };
    const path = `/fhir/R4/Consent/${consent.id}`;
    await patient.write({ method: 'PUT', path, headers: { 'if-match': 'W/"1"' }, body: consent });
    const ended = { ...consent, status: 'inactive' };
    const { body } = await patient.write({ method: 'PUT', path, headers: { 'if-match': 'W/"2"' }, body: ended });
    expect(body).to.include({ status: 'inactive' });
  });

  it('A coverage is renewed, and a fee schedule given', async () => {
    const payer = scene.parties.of('payer', 'adjudicator');
    const path = `/fhir/R4/Coverage/${story.coverageId}`;
    const coverage = await payer.ask({ path });
    await payer.write({ method: 'PUT', path, headers: { 'if-match': 'W/"1"' }, body: coverage });
    const fees = { version: '1', currency: 'USD', prices: { '99213': 100_00 } };
    await payer.write({ method: 'PUT', path: '/fee-schedules/clinic', body: fees });
    const list = { body: 'CODE,PRICE\n99213,101.00', headers: { 'content-type': 'text/csv' } };
    const sending = { ...list, method: 'POST', path: '/fee-schedules/clinic/list?version=2' } as const;
    const first = await reads.during(() => send.call(payer, sending));
    expect(first.status, JSON.stringify(first.body)).to.equal(200);
    expect(reads.commits).to.equal(1);
    // What stands already is not written again: the list itself is its key.
    expect((await send.call(payer, sending)).body).to.deep.include({ unchanged: 1, transactionIds: [] });
    sent.push('POST /fee-schedules/clinic/list');
  });

  it('A patient refuses a request that waits', async () => {
    const waitUntil = new Date(Date.now() + 3_600_000).toISOString();
    const body = { holder: 'hospital', patient: story.visit.mrn, types: ['Encounter'], purpose: 'TREAT', waitUntil };
    const asked = await scene.parties.of('clinic', 'system').write({ method: 'POST', path: '/access-requests', body });
    const patient = scene.parties.of('patients', 'patient', `Patient/${story.patientId}`);
    const path = `/access-requests/${asked.body.id}`;
    await patient.find({ path }, 'the request');
    expect((await patient.send({ method: 'POST', path: `${path}/refusal` })).status).to.equal(202);
  });

  it('A record is erased', async () => {
    const hospital = scene.parties.of('hospital', 'system');
    const body = { resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] };
    const created = await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body });
    const sending = { method: 'POST', path: `/fhir/R4/Patient/${created.body.id}/$erase` } as const;
    const first = await reads.during(() => send.call(hospital, sending));
    expect([200, 202], JSON.stringify(first.body)).to.include(first.status);
    expect(reads.commits).to.be.at.least(1);
    // It may have been purged meanwhile, which the second answer says.
    const again = await send.call(hospital, sending);
    expect([200, 202]).to.include(again.status);
    expect(again.headers['x-transaction-id']).to.equal(first.headers['x-transaction-id']);
    sent.push(`${sending.method} ${sending.path}`);
  });

  it('Lots of a medicine are published, and a recall, and a prescription is signed', () =>
    publishAndSign(scene.parties));

  it('The rules are set, and lists of licences and exclusions taken', async () => {
    const regulator = scene.parties.of('regulator', 'auditor');
    const { updatedAt: _, ...rules } = await regulator.ask<Record<string, unknown>>({ path: '/consortium-rules' });
    await regulator.write({ method: 'PUT', path: '/consortium-rules', body: rules });
    const number = randomUUID().slice(0, 8);
    const lists = {
      '/licences/list': `NUMBER,START,END\nL-${number},2026-01-01,2027-01-01`,
      '/licences/exclusions': `NPI,EXCLDATE\n${number},20260101`,
    };
    for (const [path, list] of Object.entries(lists)) {
      const headers = { 'content-type': 'text/csv' };
      const sending = { method: 'POST', path, body: list, headers } as const;
      const first = await reads.during(() => send.call(regulator, sending));
      expect(first.status, JSON.stringify(first.body)).to.equal(200);
      expect(reads.commits).to.equal(1);
      expect((first.body as { transactionIds: string[] }).transactionIds).to.have.length(1);
      // What is in the register already is not written again: the list itself is its key.
      const again = await send.call(regulator, sending);
      expect(again.body).to.deep.include({ unchanged: 1, transactionIds: [] });
      sent.push(`${sending.method} ${sending.path}`);
    }
  });

  it('A practitioner asks who holds what', async () => {
    const body = { patient: story.visit.mrn, purpose: 'TREAT' };
    const physician = scene.parties.of('clinic', 'practitioner', `Practitioner/${randomUUID()}`);
    await physician.write({ method: 'POST', path: '/holdings', body });
  });

  it('Two records of a person are linked, and the link is ended', async () => {
    const identifier = [{ system: 'urn:example:ssn', value: randomUUID() }];
    const [one, other] = await Promise.all(
      ['hospital', 'clinic'].map(async (name) => {
        const party = scene.parties.of(name, 'system');
        const body = { resourceType: 'Patient', identifier };
        const { id } = (await party.write({ method: 'POST', path: '/fhir/R4/Patient', body })).body;
        const hers = scene.parties.of('patients', 'patient', `Patient/${id}`);
        await hers.find({ path: `/fhir/R4/Patient/${id}` }, 'her record');
        return { id, hers };
      }),
    );
    const { body } = await send.call(one!.hers, { method: 'POST', path: '/links/codes' });
    await other!.hers.write({ method: 'POST', path: '/links', body: { code: (body as { code: string }).code } });
    await other!.hers.write({ method: 'POST', path: `/links/${one!.id}/end` });
  });

  it('A key is enrolled, and another put in its place', async () => {
    const hospital = scene.parties.of('hospital', 'system');
    const body = { resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] };
    const { id } = (await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body })).body;
    const patient = scene.parties.of('patients', 'patient', `Patient/${id}`);
    await patient.find({ path: `/fhir/R4/Patient/${id}` }, 'her record');
    const issuing = { method: 'POST', path: `/fhir/R4/Patient/${id}/$issue-key-code` } as const;
    const headers = { 'idempotency-key': randomUUID() };
    const issued = await reads.during(() => send.call(hospital, { ...issuing, headers }));
    expect(issued.status, JSON.stringify(issued.body)).to.equal(200);
    expect(reads.commits).to.equal(1);
    // A code is shown once.
    expect((await send.call(hospital, { ...issuing, headers })).status).to.equal(409);
    sent.push(`${issuing.method} ${issuing.path}`);
    const { parameter } = issued.body as { parameter: { name: string; valueString?: string }[] };
    const code = parameter.find(({ name }) => name === 'code')?.valueString ?? '';
    const who = {
      dataDir: scene.dataDir,
      organisation: 'patients',
      role: 'patient',
      fhirUser: `Patient/${id}`,
    } as const;
    const client = new PatientClient({
      ...{ baseUrl: scene.urls['patients'] ?? '', patient: id, token: () => bearerToken(who) },
      // Through the party, which sends each write twice.
      fetch: async (url, { method, body } = {}) => {
        const sending = {
          method,
          path: new URL(String(url)).pathname,
          ...(body == null ? {} : { body: String(body) }),
        };
        const answer = await patient.send(sending as Sending);
        const headers = { 'content-type': 'application/fhir+json' };
        return new Response(JSON.stringify(answer.body), { status: answer.status, headers });
      },
    });
    const [first, next] = [await makeKey(), await makeKey()];
    await client.enrol(code, first);
    await client.rotate(first, next);
  });

  it('A code for a key is taken back', async () => {
    const hospital = scene.parties.of('hospital', 'system');
    const body = { resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] };
    const { id } = (await hospital.write({ method: 'POST', path: '/fhir/R4/Patient', body })).body;
    const headers = { 'idempotency-key': randomUUID() };
    await send.call(hospital, { method: 'POST', path: `/fhir/R4/Patient/${id}/$issue-key-code`, headers });
    const path = `/patient-keys/codes?patient=${id}`;
    const { codes } = await hospital.find<{ codes: { id: string }[] }>(
      { path },
      'the code',
      (one) => one.codes.length === 1,
    );
    await hospital.write({ method: 'POST', path: `/patient-keys/codes/${codes[0]!.id}/cancellation` });
  });

  it('A record is to be corrected, is restricted, and the correction is answered', async () => {
    const patient = scene.parties.of('patients', 'patient', `Patient/${story.patientId}`);
    const path = `/fhir/R4/Observation/${story.observationId}`;
    const body = { resourceType: 'Parameters', parameter: [{ name: 'text', valueString: 'This was not me.' }] };
    const asked = await patient.send({ method: 'POST', path: `${path}/$request-correction`, body });
    for (const name of ['restrict', 'lift-restriction'])
      await patient.send({ method: 'POST', path: `${path}/$${name}` });
    const place = String(asked.headers['location']);
    const hospital = scene.parties.of('hospital', 'system');
    await hospital.find({ path: place }, 'the correction at the hospital');
    const refusal = { outcome: 'refused', reason: 'It was.' };
    await hospital.write({ method: 'POST', path: `${place}/answer`, body: refusal });
  });

  it('A payer sets its rules and tables, and its accounts and terms of payment', async () => {
    const payer = scene.parties.of('payer', 'adjudicator');
    const currency = 'USD';
    await payer.write({
      ...{ method: 'PUT', path: '/claim-rules' },
      body: { terms: [{ from: '2020-01-01', currency, appealDays: 200 }] },
    });
    const units = [{ code: 'ZZ999', perLine: 1 }];
    await payer.write({ method: 'PUT', path: '/claim-tables', body: { units } });
    await payer.write({ method: 'PUT', path: '/payment-terms/clinic', body: { bank: 'bank', runs: 'each' } });
    const account = { iban: 'DE89370400440532013000', name: 'payer' };
    const registered = { bank: 'bank', currency, account };
    const { id } = (await payer.write({ method: 'POST', path: '/bank-accounts', body: registered })).body;
    const bank = scene.parties.of('bank', 'settlement');
    const path = `/bank-accounts/${id}`;
    await bank.find<{ account?: object }>(
      { path },
      'the number at the bank',
      ({ account: shown }) => shown !== undefined,
    );
    await bank.write({ method: 'PUT', path, body: { status: 'confirmed' } });
  });

  it('A claim is cancelled, another appealed by the patient, and its visit confirmed', async () => {
    const claims = await PayableClaims.open(scene.parties);
    const patient = scene.parties.of('patients', 'patient', claims.patient);
    const on = (reference: string, name: string, ...parameter: object[]): Sending => ({
      ...{ method: 'POST', path: `/fhir/R4/${reference}/$${name}` },
      ...(parameter.length === 0 ? {} : { body: { resourceType: 'Parameters', parameter } }),
    });
    const cancelled = await claims.submitted();
    await claims.hospital.write(on(cancelled.reference, 'cancel'));
    const denied = await claims.submitted();
    const reason = { name: 'reason', valueString: 'looked at' };
    const clerk = scene.parties.of('payer', 'adjudicator', `Practitioner/${randomUUID()}`);
    await clerk.write(on(denied.reference, 'adjudicate', { name: 'decision', valueCode: 'deny' }, reason));
    await clerk.write({
      method: 'POST',
      path: `/claims/${denied.reference.slice('Claim/'.length)}/evidence`,
      body: {},
    });
    await patient.find({ path: `/fhir/R4/${denied.encounter}` }, 'the visit');
    await patient.write(on(denied.encounter, 'confirm'));
    await patient.find<{ entry?: object[] }>(
      { path: `/fhir/R4/ExplanationOfBenefit?claim=${denied.reference}` },
      'the denial',
      ({ entry = [] }) => entry.length === 1,
    );
    await patient.write(on(denied.reference, 'appeal', reason));
  });

  it('A file of X12 claims is submitted', async () => {
    const claims = await X12Claims.open(scene.parties);
    const two = [claims.claimFor(await claims.account()), claims.claimFor(await claims.account())];
    const { body } = await claims.sent(two.slice(0, 1));
    expect((body as Answered).claims.map(({ status }) => status)).to.deep.equal(['submitted']);
    // What cannot be read for the second does not hide that the first is written.
    const headers = { 'idempotency-key': randomUUID(), ...EDI };
    const file = { method: 'POST', path: '/x12/837', body: example837(two, 'payer'), headers } as const;
    const first = await reads.during(() => send.call(claims.hospital, file));
    expect((first.body as Answered).claims.map(({ status }) => status)).to.deep.equal(['committed', 'not-submitted']);
    const again = await send.call(claims.hospital, file);
    expect((again.body as Answered).claims.map(({ status }) => status)).to.deep.equal(['denied', 'submitted']);
  });

  it('An authorization is asked for by X12', async () => {
    const { hospital, story: own } = await X12Claims.open(scene.parties);
    const asked = {
      ...{ trace: randomUUID().slice(0, 20), member: own.visit.member.value, isUrgent: true },
      services: [{ code: '97110', units: '6', trace: 'L-1' }],
    };
    const headers = { ...EDI, accept: 'application/json', 'idempotency-key': randomUUID() };
    const file = { method: 'POST', path: '/x12/278', body: example278([asked], 'payer'), headers } as const;
    const first = await reads.during(() => send.call(hospital, file));
    expect([first.status, reads.commits], JSON.stringify(first.body)).to.deep.equal([200, 1]);
    const again = await send.call(hospital, file);
    expect((again.body as Answered).claims)
      .to.deep.equal((first.body as Answered).claims)
      .and.have.length(1);
    sent.push('POST /x12/278');
  });

  it('An authorization is asked for, and decided', async () => {
    const coded = (code: string): object => ({ coding: [{ code }] });
    const cpt = { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code: '99213' }] };
    const body = {
      ...{ resourceType: 'Claim', status: 'active', use: 'preauthorization', created: story.visit.day },
      ...{ type: coded('professional'), priority: coded('normal'), item: [{ sequence: 1, productOrService: cpt }] },
      patient: { reference: `Patient/${story.patientId}` },
      provider: { identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${story.coverageId}` } }],
    };
    const hospital = scene.parties.of('hospital', 'system');
    const asked = await hospital.write<Resource & { request: { reference: string } }>({
      ...{ method: 'POST', path: '/fhir/R4/Claim/$submit', body },
    });
    const { reference } = asked.body.request;
    const payer = scene.parties.of('payer', 'adjudicator');
    await payer.find({ path: `/fhir/R4/${reference}` }, 'the request at the payer');
    const decision = { resourceType: 'Parameters', parameter: [{ name: 'outcome', valueCode: 'approve' }] };
    await payer.write({ method: 'POST', path: `/fhir/R4/${reference}/$authorize`, body: decision });
  });

  it('Payments are instructed, and what their banks report of them is written', async () => {
    const claims = await PayableClaims.open(scene.parties);
    await claims.pay('together');
    for (const end of ['reject', 'fail', 'stop'] as const) {
      const claim = await claims.approved();
      const id = await instructed(claims, claim);
      if (end === 'stop') await claims.bank.write(onPayment(id, 'accept'));
      await claims.bank.write(onPayment(id, end, { reason: 'AC04' }));
      if (end !== 'reject') continue;
      const path = '/claims?status=rejected&count=500';
      await claims.payer.find<{ claims: { id: string }[] }>({ path }, 'the claim unpaid', (page) =>
        page.claims.some((one) => `Claim/${one.id}` === claim),
      );
      const again = (await claims.payer.write(onPayment(id, 'retry'))).body;
      await claims.bank.find({ path: `/fhir/R4/PaymentReconciliation/${again.id}` }, 'the second payment');
      const paidOn = new Date().toISOString().slice(0, 10);
      await claims.bank.write(onPayment(again.id, 'settle', { reference: `TRF-${again.id.slice(0, 8)}`, paidOn }));
      await claims.bank.write(onPayment(again.id, 'return', { reason: 'AC04' }));
    }
    await claims.pay('each');
  });

  it('What is owed to a payer is paid back', async () => {
    const claims = await PayableClaims.open(scene.parties);
    await claims.pay('each');
    const reference = await claims.approved();
    const day = new Date().toISOString().slice(0, 10);
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${day}&_count=1000`;
    const of = (page: PaymentBundle) => paymentsIn(page).find((payment) => claimsIn([payment]).includes(reference));
    const paid = await claims.bank.find<PaymentBundle>({ path }, 'the payment', (page) => of(page) !== undefined);
    const settled = { reference: `TRF-${randomUUID().slice(0, 8)}`, paidOn: day };
    await claims.bank.write(onPayment(of(paid)!.id, 'settle', settled));
    const isDone = (page: PaymentBundle) => of(page)?.outcome === 'complete';
    await claims.hospital.find<PaymentBundle>({ path }, 'what was paid', isDone);
    await claims.void(reference);
    await claims.hospital.find<{ debts: { claimId: string }[] }>({ path: '/debts' }, 'the debt', ({ debts }) =>
      debts.some(({ claimId }) => reference.endsWith(claimId)),
    );
    const body = { resourceType: 'Parameters', parameter: [{ name: 'claim', valueString: reference }] };
    await claims.hospital.write({ method: 'POST', path: '/fhir/R4/PaymentReconciliation/$pay-back', body });
  });

  /** A run looks for what is not instructed yet: sent again under its key it answers the same, under another nothing. */
  async function instructed({ payer, bank }: PayableClaims, claim: string): Promise<string> {
    const sending = instructing({ provider: 'hospital', claim });
    const headers = { 'idempotency-key': randomUUID() };
    const first = await reads.during(() => send.call(payer, { ...sending, headers }));
    expect(first.status, JSON.stringify(first.body)).to.equal(200);
    expect(reads.commits).to.equal(1);
    expect(first.headers['x-transaction-id']).to.be.a('string');
    const again = await send.call(payer, { ...sending, headers });
    expect([again.status, again.headers['x-transaction-id']]).to.deep.equal([200, first.headers['x-transaction-id']]);
    expect(paymentsIn(again.body as PaymentBundle).flatMap((one) => claimsIn([one]))).to.deep.equal([claim]);
    const other = await send.call(payer, sending);
    expect([other.status, other.headers['x-transaction-id']]).to.deep.equal([200, undefined]);
    sent.push(`${sending.method} ${sending.path}`);
    const of = (page: PaymentBundle) => paymentsIn(page).find((payment) => claimsIn([payment]).includes(claim));
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${encodeURIComponent(story.startedAt)}&_count=1000`;
    const page = await bank.find<PaymentBundle>({ path }, 'the payment at the bank', (one) => of(one) !== undefined);
    return of(page)!.id;
  }

  it('left no write route out', async () => {
    const missed: string[] = [];
    for (const organisation of Object.keys(scene.urls)) {
      for (const route of await writeRoutes(scene.urls[organisation] as string)) {
        if (!sent.some((one) => patternOf(route).test(one))) missed.push(`${organisation}: ${route}`);
      }
    }
    expect(missed).to.deep.equal([]);
  });
});

/** `POST /fhir/R4/Claim/:id/$adjudicate` as an expression. */
const patternOf = (route: string): RegExp =>
  new RegExp(`^${route.replaceAll('$', '\\$').replaceAll(/:\w+/g, '[^/]+')}$`);

interface Capability {
  rest: {
    resource: { type: string; interaction: { code: string }[]; operation?: { name: string }[] }[];
  }[];
}

interface OpenApi {
  paths: Record<string, Record<string, { parameters?: { name: string }[] }>>;
}

/** What a gateway says can be written, but for Bundles, whose entries are written as single requests are. */
async function writeRoutes(url: string): Promise<string[]> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === 'Idempotency-Key'))
      .map(([method]) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
  const statement = (await (await fetch(`${url}/fhir/R4/metadata`)).json()) as Capability;
  const types = statement.rest.flatMap(({ resource }) => resource);
  const can = (code: string): boolean => types.some(({ interaction }) => interaction.some((one) => one.code === code));
  const fhir = [
    ...(can('create') ? ['POST /fhir/R4/:type'] : []),
    ...(can('update') ? ['PUT /fhir/R4/:type/:id'] : []),
  ];
  expect(documented).to.include.members(fhir);
  // One handler for all types.
  const folded = documented.map((route) =>
    route.replace(
      /^POST \/fhir\/R4\/\w+\/:id\/(\$erase|\$request-correction|\$restrict|\$lift-restriction)$/,
      'POST /fhir/R4/:type/:id/$1',
    ),
  );
  return [...new Set(folded)].filter((route) => route !== 'POST /fhir/R4');
}
