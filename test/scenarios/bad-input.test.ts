/**
 * What must not get in: each kind of bad request gets its 4xx with an OperationOutcome that names the place, and the ledger
 * is byte for byte where it was.
 */
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueToken } from '@telemed-ledger/gateway-api/auth/issuer.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { type Answer, HttpClient, type Sending } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { consortium, Member, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

interface Outcome {
  resourceType: string;
  issue: { severity: string; code: string; expression?: string[]; diagnostics?: string }[];
}

const FHIR = '/fhir/R4';
const json = { 'content-type': 'application/fhir+json' };

describe('Bad input', function () {
  this.timeout(30_000);
  let scene: Scene;
  let hospital: Party;
  let regulator: Member;
  let patient: Resource;
  let observation: Resource;

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    regulator = new Member(scene.dataDir, 'regulator');
    const identifier = [{ system: 'https://hospital.example/mrn', value: randomUUID() }];
    const body = { resourceType: 'Patient', identifier, birthDate: '1950-02-03' };
    patient = (await hospital.write({ method: 'POST', path: `${FHIR}/Patient`, body })).body;
    observation = (await hospital.write({ method: 'POST', path: `${FHIR}/Observation`, body: newObservation() })).body;
  });

  after(() => regulator?.close());

  const newObservation = (): Record<string, unknown> => ({
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    subject: { reference: `Patient/${patient.id}` },
    valueQuantity: { value: 72, unit: '/min' },
  });
  const create = (change: Record<string, unknown>): Sending => ({
    method: 'POST',
    path: `${FHIR}/Observation`,
    body: { ...newObservation(), ...change },
  });
  const bundleOf = (type: string, ...resources: Record<string, unknown>[]): Sending => ({
    method: 'POST',
    path: FHIR,
    body: {
      resourceType: 'Bundle',
      type,
      entry: resources.map((resource) => ({ resource, request: { method: 'POST', url: resource['resourceType'] } })),
    },
  });

  /** Sends, and expects the ledger not to move. */
  async function unmoved(send: () => Promise<Answer>): Promise<Answer> {
    const before = await regulator.chainInfo();
    const answer = await send();
    expect(await regulator.chainInfo(), 'the ledger').to.equal(before);
    return answer;
  }

  function expectOutcome(answer: Answer, status: number, expression?: string): void {
    const outcome = answer.body as Outcome;
    expect({ status: answer.status, type: outcome.resourceType }).to.deep.equal({ status, type: 'OperationOutcome' });
    expect(outcome.issue[0]).to.include.keys('severity', 'code');
    if (expression !== undefined)
      expect(outcome.issue.flatMap((issue) => issue.expression ?? [])).to.include(expression);
  }

  const cases: [what: string, sending: () => Sending, status: number, expression?: string][] = [
    ['malformed JSON', () => ({ method: 'POST', path: `${FHIR}/Observation`, body: '{"resourceType": "Obs' }), 400],
    ['a body that is no object', () => ({ method: 'POST', path: `${FHIR}/Observation`, body: '[1, 2]' }), 422],
    ['a number where text is due', () => create({ status: 7 }), 422, 'Observation.status'],
    ['text where an object is due', () => create({ code: 'heart rate' }), 422, 'Observation.code'],
    ['an unknown element', () => create({ statsu: 'final' }), 422, 'Observation.statsu'],
    ['a missing required element', () => create({ code: undefined }), 422, 'Observation.code'],
    ['an unknown code of a required binding', () => create({ status: 'bogus' }), 422, 'Observation.status'],
    ['a date that is none', () => create({ effectiveDateTime: '2026-02-31' }), 422, 'Observation.effectiveDateTime'],
    ['two values of one choice', () => create({ valueString: '72' }), 422],
    ['an unknown resource type', () => ({ method: 'POST', path: `${FHIR}/Spaceship`, body: {} }), 404],
    ['a type that is not the address’s', () => ({ ...create({}), path: `${FHIR}/Condition` }), 400],
    [
      'a reference to nothing',
      () => create({ subject: { reference: `Patient/${randomUUID()}` } }),
      422,
      'Observation.subject.reference',
    ],
    [
      'a conditional reference that matches nothing',
      () => bundleOf('transaction', { ...newObservation(), performer: [{ reference: 'Practitioner?identifier=x|y' }] }),
      412,
    ],
    [
      'a transaction of which one entry is wrong',
      () => bundleOf('transaction', newObservation(), { ...newObservation(), status: 'bogus' }),
      422,
      'Bundle.entry[1].resource.status',
    ],
    ['a Bundle of another type', () => bundleOf('collection', newObservation()), 400, 'Bundle.type'],
    [
      'more entries than one transaction takes',
      () => bundleOf('transaction', ...Array.from({ length: 2001 }, newObservation)),
      413,
      'Bundle.entry',
    ],
    ['a body over the limit', () => create({ note: [{ text: 'x'.repeat(33 * 1024 * 1024) }] }), 413],
    [
      'a stale If-Match',
      () => ({
        method: 'PUT',
        path: `${FHIR}/Observation/${observation.id}`,
        headers: { 'if-match': 'W/"7"' },
        body: { ...newObservation(), id: observation.id },
      }),
      412,
    ],
    [
      'an update that names another id',
      () => ({
        method: 'PUT',
        path: `${FHIR}/Observation/${observation.id}`,
        body: { ...newObservation(), id: 'other' },
      }),
      400,
      'Observation.id',
    ],
    [
      'a consent written by a provider',
      () => ({ method: 'POST', path: `${FHIR}/Consent`, body: minimalConsent() }),
      405,
    ],
    ['a search parameter that is not supported', () => ({ path: `${FHIR}/Observation?height=1` }), 400],
    ['a record that is not there', () => ({ path: `${FHIR}/Observation/${randomUUID()}` }), 404],
    ['a delete of what others need', () => ({ method: 'DELETE', path: `${FHIR}/Patient/${patient.id}` }), 409],
    ['a delete of a consent', () => ({ method: 'DELETE', path: `${FHIR}/Consent/${randomUUID()}` }), 405],
  ];

  const minimalConsent = () => ({
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${patient.id}` },
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
  });

  for (const [what, sending, status, expression] of cases) {
    it(`${what} is answered with ${status}`, async () => {
      expectOutcome(await unmoved(() => hospital.send(sending())), status, expression);
    });
  }

  it('the same Idempotency-Key with another body is answered with 422 or 409, and with the same body once written', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await hospital.write({ ...create({}), headers });
    const other = await unmoved(() => hospital.send({ ...create({ status: 'preliminary' }), headers }));
    expect(other.status).to.be.oneOf([409, 422]);
    expectOutcome(other, other.status, 'Idempotency-Key');
    const again = await unmoved(() => hospital.send({ ...create({}), headers }));
    expect((again.body as Resource).id).to.equal(first.body.id);
    expect(again.headers['x-transaction-id']).to.equal(first.transactionId);
  });

  describe('in who asks', () => {
    let http: HttpClient;
    let forger: string;

    before(() => {
      http = new HttpClient(scene.urls['hospital'] ?? '');
      forger = mkdtempSync(join(tmpdir(), 'telemed-forger-'));
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'forged', alg: 'ES256' };
      writeFileSync(join(forger, 'key.json'), JSON.stringify(jwk));
    });

    after(() => {
      http?.close();
      rmSync(forger, { recursive: true, force: true });
    });

    const issuerOf = (organisation: string) => join(scene.dataDir, 'organisations', organisation, 'issuer');
    const read = (authorization?: string): Promise<Answer> =>
      http.send({
        path: `${FHIR}/Observation/${observation.id}`,
        headers: { ...json, ...(authorization === undefined ? {} : { authorization }) },
      });

    /** The token with other claims under its old signature. */
    const changed = (token: string, claims: object): string => {
      const [head, content = '', signature] = token.split('.');
      const before = JSON.parse(Buffer.from(content, 'base64url').toString());
      return [head, Buffer.from(JSON.stringify({ ...before, ...claims })).toString('base64url'), signature].join('.');
    };

    /** The token with other claims, rightly signed by the hospital's issuer. */
    const signedAgain = (token: string, claims: object): string => {
      const input = changed(token, claims).split('.').slice(0, 2).join('.');
      const jwk = JSON.parse(readFileSync(join(issuerOf('hospital'), 'key.json'), 'utf8'));
      const key = createPrivateKey({ key: jwk, format: 'jwk' });
      return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    };

    it('a token signed again with claims of now is accepted, so that the refusals below are for what they say', async () => {
      const token = await issueToken({ directory: issuerOf('hospital'), organisation: 'hospital', role: 'system' });
      expect((await read(`Bearer ${signedAgain(token, {})}`)).status).to.equal(200);
    });

    const tokens: [what: string, token: () => Promise<string>][] = [
      ['a token of another key', () => issueToken({ directory: forger, organisation: 'hospital', role: 'system' })],
      [
        'a token of another organisation',
        () => issueToken({ directory: issuerOf('clinic'), organisation: 'clinic', role: 'system' }),
      ],
      [
        'a token of another issuer that names this organisation',
        () => issueToken({ directory: issuerOf('clinic'), organisation: 'hospital', role: 'system' }),
      ],
      [
        'a token whose content was changed',
        async () => {
          const token = await issueToken({
            directory: issuerOf('hospital'),
            organisation: 'hospital',
            role: 'operator',
          });
          return changed(token, { role: 'system' });
        },
      ],
      [
        'an expired token',
        async () => {
          const issued = Math.floor(Date.now() / 1000) - 600;
          const token = await issueToken({ directory: issuerOf('hospital'), organisation: 'hospital', role: 'system' });
          return signedAgain(token, { iat: issued, exp: issued + 300 });
        },
      ],
      ['what is no token', async () => 'letmein'],
    ];

    for (const [what, token] of tokens) {
      it(`${what} is answered with 401`, async () => {
        const bearer = `Bearer ${await token()}`;
        expectOutcome(await unmoved(() => read(bearer)), 401);
      });
    }

    it('no token at all is answered with 401, for reading and for writing', async () => {
      expectOutcome(await unmoved(() => read()), 401);
      expectOutcome(await unmoved(() => http.send(create({}))), 401);
    });

    it('another organisation’s record is not found', async () => {
      const clinic = scene.parties.of('clinic', 'system');
      expectOutcome(await unmoved(() => clinic.send({ path: `${FHIR}/Observation/${observation.id}` })), 404);
    });

    it('another organisation’s record cannot be written over', async () => {
      const clinic = scene.parties.of('clinic', 'system');
      const path = `${FHIR}/Patient/${patient.id}`;
      const body = { resourceType: 'Patient', id: patient.id, birthDate: '1950-02-04' };
      const answer = await clinic.send({ method: 'PUT', path, body });
      expect(answer.status).to.be.within(400, 499);
      const kept = await hospital.ask<Resource & { birthDate: string }>({ path });
      expect(kept.birthDate).to.equal('1950-02-03');
    });

    it('another patient’s record is not found, and no operator sees any', async () => {
      const path = `${FHIR}/Observation/${observation.id}`;
      const other = scene.parties.of('patients', 'patient', `Patient/${randomUUID()}`);
      expectOutcome(await unmoved(() => other.send({ path })), 404);
      expectOutcome(await unmoved(() => scene.parties.of('hospital', 'operator').send({ path })), 403);
    });

    it('a patient cannot consent for another', async () => {
      const other = scene.parties.of('patients', 'patient', `Patient/${randomUUID()}`);
      const sending = { method: 'POST', path: `${FHIR}/Consent`, body: minimalConsent() } as const;
      const answer = await unmoved(() => other.send(sending));
      expect(answer.status).to.be.oneOf([403, 422]);
      expectOutcome(answer, answer.status);
    });

    it('an organisation of another kind cannot do what is not its business', async () => {
      const bank = scene.parties.of('bank', 'system');
      expectOutcome(await unmoved(() => bank.send(create({}))), 405);
      const body = { status: 'active', start: '2026-01-01', end: '2026-12-31' };
      expectOutcome(await unmoved(() => bank.send({ method: 'PUT', path: '/licences/1', body })), 403);
    });
  });
});
