/** That a consent has one meaning or is refused, through the gateways of an embedded consortium. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';

const SYSTEM = 'urn:example:mrn';
const NPI = 'http://hl7.org/fhir/sid/us-npi';
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
const PRIVACY = coding('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy');
const PRCP = coding('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'PRCP');
const OPTIN = coding('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'OPTIN');
const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const READY_MS = 30_000;

describe('A consent at the gateway', function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  let patient: string;
  let mrn: string;
  let observation: string;
  let doctor: string;
  let nurse: string;

  before(async function () {
    this.timeout(150_000);
    consortium = await FixtureConsortium.start(['hospital', 'clinic', 'patients', 'payer']);
    [doctor, nurse] = (await Promise.all(['1234567893', '1679576722'].map(practitioner))) as [string, string];
  });
  after(() => consortium?.close());
  beforeEach(newPatient);

  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);
  const ok = ({ status, body }: Answer): Answer['body'] => {
    expect(status, JSON.stringify(body)).to.be.oneOf([200, 201]);
    return body;
  };
  /** The clinic's, known at the custodian. */
  async function practitioner(npi: string): Promise<string> {
    const body = { resourceType: 'Practitioner', identifier: [{ system: NPI, value: npi }], name: [{ family: npi }] };
    const { id } = ok(await send('clinic', 'POST /fhir/R4/Practitioner', body));
    await until(async () => (await send('patients', `GET /fhir/R4/Practitioner/${id}`)).status === 200, READY_MS);
    return id;
  }

  async function newPatient(): Promise<void> {
    mrn = randomUUID();
    const body = { resourceType: 'Patient', identifier: [{ system: SYSTEM, value: mrn }] };
    patient = ok(await send('hospital', 'POST /fhir/R4/Patient', body)).id;
    const subject = { reference: `Patient/${patient}` };
    const observed = { resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, subject };
    observation = ok(await send('hospital', 'POST /fhir/R4/Observation', observed)).id;
    await until(async () => (await send('patients', `GET /fhir/R4/Observation/${observation}`)).status === 200);
  }

  const consent = (content: object) => ({
    resourceType: 'Consent',
    status: 'active',
    scope: PRIVACY,
    category: [coding('http://loinc.org', '59284-0')],
    patient: { reference: `Patient/${patient}` },
    organization: [{ reference: 'Organization/hospital' }],
    policyRule: OPTIN,
    ...content,
  });
  const grant = (content: object) =>
    send(`patients patient Patient/${patient}`, 'POST /fhir/R4/Consent', consent(content));
  const actor = (reference: object) => [{ role: PRCP, reference }];

  /** What a request comes to, with the reason as the custodian knows it. */
  async function access(as: string, more: object = {}): Promise<{ status: string; reason?: string }> {
    const asked = {
      holder: 'hospital',
      patient: { system: SYSTEM, value: mrn },
      types: ['Observation'],
      purpose: 'TREAT',
    };
    const { id } = ok(await send(as, 'POST /access-requests', { ...asked, ...more }));
    let decided: Answer | undefined;
    await until(async () => {
      decided = await send('patients', `GET /access-requests/${id}`);
      return decided.status === 200 && decided.body.status !== 'requested';
    }, READY_MS);
    return { ...decided!.body, ...decided!.body.because };
  }

  it('is refused with every doubt, where it stands, and how to write each reading', async () => {
    const provision = {
      actor: [{ role: PRCP, reference: { display: 'Bill T Lookafter' } }],
      purpose: [{ system: ACT_REASON, code: 'NOSUCH' }],
      provision: [{ class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Condition' }] }],
    };
    const { status, body } = await grant({ provision });
    expect([status, body.resourceType]).to.deep.equal([422, 'OperationOutcome']);
    const issues = body.issue as { code: string; expression: string[]; diagnostics: string }[];
    expect(issues.map(({ code, expression }) => [code, ...expression])).to.deep.equal([
      ['business-rule', 'Consent.provision'],
      ['business-rule', 'Consent.provision.actor[0].reference'],
      ['code-invalid', 'Consent.provision.purpose[0]'],
      ['business-rule', 'Consent.provision.provision[0]'],
    ]);
    expect(issues[0]?.diagnostics).to.match(/two ways.*type permit here.*type deny here/);
    expect((await send(`patients patient Patient/${patient}`, 'GET /fhir/R4/Consent')).body.entry ?? []).to.deep.equal(
      [],
    );
    expect((await send(`patients patient Patient/${patient}`, 'GET /wishes')).body.wishes, 'kept').to.deep.equal([]);
  });

  it('is refused when it is amended so that it has two meanings, and stays as it was', async () => {
    const { id } = ok(await grant({ provision: { type: 'deny', actor: actor({ reference: 'Organization/clinic' }) } }));
    const amended = consent({ id, provision: { actor: actor({ reference: 'Organization/clinic' }) } });
    const as = `patients patient Patient/${patient}`;
    expect((await send(as, `PUT /fhir/R4/Consent/${id}`, amended)).status).to.equal(422);
    expect((await send(as, `GET /fhir/R4/Consent/${id}`)).body).to.have.nested.property('meta.versionId', '1');
    expect(await access('clinic')).to.include({ status: 'refused', reason: 'consent-denied' });
  });

  it('of another scope is kept, whatever it says, and permits nothing', async () => {
    const scope = coding('http://terminology.hl7.org/CodeSystem/consentscope', 'research');
    ok(await grant({ scope, provision: { purpose: [{ system: ACT_REASON, code: 'HRESCH' }] } }));
    expect(await access('clinic')).to.include({ status: 'refused', reason: 'consent-absent' });
  });

  const organisations: [string, () => object][] = [
    ['by identifier', () => ({ identifier: { system: ORGANISATIONS, value: 'clinic' } })],
    ['by reference', () => ({ reference: 'Organization/clinic' })],
    ['by absolute URL', () => ({ reference: `${consortium.urls.get('patients')}/fhir/R4/Organization/clinic` })],
    ["by its people's address", () => ({ reference: `${ORGANISATIONS}/clinic` })],
  ];
  for (const [how, reference] of organisations)
    it(`names an organisation ${how}, to permit and to deny`, async () => {
      ok(
        await grant({
          policyRule: undefined,
          policy: [{ uri: 'urn:example:policy' }],
          provision: { type: 'permit', actor: actor(reference()) },
        }),
      );
      expect(await access('clinic')).to.include({ status: 'granted' });
      ok(await grant({ provision: { type: 'deny', actor: actor(reference()) } }));
      expect(await access('clinic')).to.include({ status: 'refused', reason: 'consent-denied' });
    });

  const people: [string, (id: string, npi: string) => object][] = [
    ['by reference', (id) => ({ reference: `Practitioner/${id}` })],
    ['by absolute URL', (id) => ({ reference: `${consortium.urls.get('patients')}/fhir/R4/Practitioner/${id}` })],
    ['in full', (id) => ({ reference: `${ORGANISATIONS}/clinic/Practitioner/${id}` })],
    ['by NPI', (_, value) => ({ identifier: { system: NPI, value } })],
  ];
  for (const [how, reference] of people)
    it(`names a practitioner ${how}, to permit and to deny`, async () => {
      const permitted = { type: 'permit', actor: actor(reference(doctor, '1234567893')) };
      ok(await grant({ policyRule: undefined, policy: [{ uri: 'urn:example:policy' }], provision: permitted }));
      expect(await access(`clinic practitioner Practitioner/${doctor}`)).to.include({ status: 'granted' });
      for (const as of [`clinic practitioner Practitioner/${nurse}`, 'clinic practitioner', 'clinic system'])
        expect(await access(as), as).to.include({ status: 'refused', reason: 'consent-absent' });
      await newPatient();
      ok(await grant({ provision: { type: 'deny', actor: actor(reference(nurse, '1679576722')) } }));
      expect(await access(`clinic practitioner Practitioner/${doctor}`)).to.include({ status: 'granted' });
      for (const as of [`clinic practitioner Practitioner/${nurse}`, 'clinic practitioner'])
        expect(await access(as), as).to.include({ status: 'refused', reason: 'consent-denied' });
    });

  const strangers: [string, object][] = [
    ['an organisation by reference', { reference: 'Organization/f001' }],
    ['an organisation by identifier', { identifier: { system: ORGANISATIONS, value: 'f001' } }],
    ['an organisation by URL', { reference: 'https://example.org/fhir/Organization/f001' }],
    ['a practitioner by reference', { reference: 'Practitioner/f204' }],
    ['a practitioner by NPI', { identifier: { system: NPI, value: '1111111111' } }],
    ['a practitioner on another server', { reference: 'https://example.org/fhir/Practitioner/f204' }],
  ];
  for (const [who, reference] of strangers)
    it(`is refused for ${who} whom nobody here is`, async () => {
      const { status, body } = await grant({ provision: { type: 'deny', actor: actor(reference) } });
      expect([status, body.issue[0].code]).to.deep.equal([422, 'not-found']);
      expect(body.issue[0].expression[0]).to.match(/^Consent\.provision\.actor\[0\]\.reference/);
    });

  it('is asked about for purposes that the kind of who asks has, and for no others', async () => {
    ok(await grant({}));
    const asked = { holder: 'hospital', patient: { system: SYSTEM, value: mrn }, types: [], purpose: 'TREAT' };
    const { status, body } = await send('payer', 'POST /access-requests', asked);
    expect(status).to.equal(403);
    expect(JSON.stringify(body)).to.match(/a payer asks for HPAYMT/);
    expect(await access('payer', { purpose: 'CLMATTCH' })).to.include({ status: 'granted' });
    expect((await send('clinic', 'POST /access-requests', { ...asked, purpose: 'CURIOSITY' })).status).to.be.oneOf([
      400, 422,
    ]);
  });
});
