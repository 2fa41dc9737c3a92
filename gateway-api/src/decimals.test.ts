/** Numbers keep the digits that they were sent with from one organisation's client to another's, on each database. */
import { randomUUID } from 'node:crypto';
import { numberText } from '@telemed-ledger/chaincode/model/numbers.fixture.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { FixtureConsortium, until } from './consortium.fixture.ts';
import { onEachDatabase } from './index/databases.fixture.ts';
import { silent } from './index/index.fixture.ts';
import { emptyIndex } from './index/stores.ts';

const FEW = 60;
const observation = (patient: string, digits: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: `between ${digits}, and` },
  subject: { reference: `Patient/${patient}` },
  valueQuantity: { value: parseExact(digits) },
  ...more,
});
const extension = (digits: string) => [{ url: 'urn:example:decimal', valueDecimal: parseExact(digits) }];
const digitsIn = (text: string): string[] =>
  [...text.matchAll(/"(?:value|valueDecimal)":(-?\d[^,}\]]*)/g)].map(([, digits]) => digits!);

const NPI = '1234567893';
const BILLED = ['120.00', '2.000', '15.2500', '30.50', '150.50'];
const usd = (digits: string) => ({ value: parseExact(digits), currency: 'USD' });
const costType = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-copay-type', code }],
});
const service = (sequence: number, code: string, encounter: string) => ({
  sequence,
  productOrService: { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code }] },
  encounter: [{ reference: encounter }],
  servicedDate: '2026-10-05',
});

onEachDatabase('Decimals through the gateways', function (kind) {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let patient: string;
  const identifier = { system: 'urn:example:mrn', value: randomUUID() };
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'clinic', 'patients', 'payer', 'regulator'], kind);
    const { body } = await send('hospital', 'POST /fhir/R4/Patient', {
      resourceType: 'Patient',
      identifier: [identifier],
    });
    patient = body.id;
  });
  after(() => consortium?.close());

  const send = async (as: string, request: string, content?: unknown, headers: Record<string, string> = {}) => {
    const [organisation = '', role = 'system', fhirUser] = as.split(' ');
    const [method = 'GET', path = '/'] = request.split(' ');
    const response = await fetch(consortium.urls.get(organisation) + path, {
      method,
      headers: {
        authorization: `Bearer ${await consortium.token(organisation, role as Role, fhirUser)}`,
        prefer: 'return=representation',
        'content-type': 'application/fhir+json',
        ...headers,
      },
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
    });
    const text = await response.text();
    expect(response.status, text).to.be.below(300);
    return { text, body: JSON.parse(text), digits: digitsIn(text) };
  };
  const locations = (body: { entry: { response: { location: string } }[] }): string[] =>
    body.entry.map(({ response }) => response.location.replace(/\/_history.*/, ''));
  const bundle = (type: string, entry: unknown[]) => ({ resourceType: 'Bundle', type, entry });

  it('come back from a transaction, its updates, searches and histories, and from block 0', async () => {
    const first = fc.sample(numberText, FEW);
    const created = await send(
      'hospital',
      'POST /fhir/R4',
      bundle(
        'transaction',
        first.map((digits) => ({
          resource: observation(patient, digits),
          request: { method: 'POST', url: 'Observation' },
        })),
      ),
    );
    expect(created.digits).to.deep.equal(first);
    const places = locations(created.body);
    const searched = await send('hospital', `GET /fhir/R4/Observation?subject=Patient/${patient}&_count=1000`);
    expect(searched.digits).to.deep.equal(first);
    const second = fc.sample(numberText, FEW);
    const updates = second.map((digits, index) => ({
      resource: observation(patient, digits, { id: places[index]?.split('/')[1] }),
      request: { method: 'PUT', url: places[index] },
    }));
    expect((await send('hospital', 'POST /fhir/R4', bundle('batch', updates))).digits).to.deep.equal(second);
    const read = async () => {
      for (const index of [0, FEW >> 1, FEW - 1]) {
        expect((await send('hospital', `GET /fhir/R4/${places[index]}`)).digits).to.deep.equal([second[index]]);
        const history = await send('hospital', `GET /fhir/R4/${places[index]}/_history`);
        expect(history.digits).to.deep.equal([second[index], first[index]]);
      }
      const newest = await send('hospital', `GET /fhir/R4/Observation?subject=Patient/${patient}&_count=1000`);
      expect(newest.digits.sort()).to.deep.equal([...second].sort());
    };
    await read();
    expect((await send('hospital operator', 'POST /verify')).body.differences).to.deep.equal([]);
    await consortium.shut('hospital');
    await emptyIndex(await consortium.place('hospital'), silent);
    await consortium.open('hospital');
    await read();
  });

  it('come back from single writes, conditional ones, and those that are sent again', async () => {
    for (const digits of [
      '1.0',
      '0.010',
      '1.00e2',
      `1.${'0'.repeat(99)}`,
      '-1.50E-400',
      '123456789012345678901234567890',
    ]) {
      const own = { system: 'urn:example:own', value: randomUUID() };
      const headers = { 'if-none-exist': `identifier=${own.system}|${own.value}`, 'idempotency-key': randomUUID() };
      const resource = observation(patient, digits, { identifier: [own] });
      const created = await send('hospital', 'POST /fhir/R4/Observation', resource, headers);
      expect(created.digits).to.deep.equal([digits]);
      expect((await send('hospital', 'POST /fhir/R4/Observation', resource, headers)).digits).to.deep.equal([digits]);
      const { 'if-none-exist': condition } = headers;
      const other = observation(patient, '7', { identifier: [own] });
      const found = await send('hospital', 'POST /fhir/R4/Observation', other, { 'if-none-exist': condition });
      expect(found.digits).to.deep.equal([digits]);
    }
  });

  it('come back at the custodian, and at whoever a consent lets have them; so do those of the consent', async () => {
    const resource = observation(patient, '98.60', {
      referenceRange: [{ high: { value: parseExact('1e+400') }, text: 'x' }],
    });
    const { body } = await send('hospital', 'POST /fhir/R4/Observation', resource);
    const as = `patients patient Patient/${patient}`;
    const consent = {
      resourceType: 'Consent',
      status: 'active',
      extension: extension('0.50'),
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: `Patient/${patient}` },
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    };
    const granted = await send(as, 'POST /fhir/R4/Consent', consent);
    expect(granted.digits).to.deep.equal(['0.50']);
    const narrowed = { ...consent, id: granted.body.id, extension: extension('0.500') };
    expect((await send(as, `PUT /fhir/R4/Consent/${granted.body.id}`, narrowed)).digits).to.deep.equal(['0.500']);
    const asked = await send('clinic practitioner Practitioner/c1', 'POST /access-requests', {
      ...{ holder: 'hospital', patient: identifier, types: ['Observation'], purpose: 'TREAT' },
    });
    await until(async () => (await send('clinic', `GET /access-requests/${asked.body.id}`)).body.status === 'granted');
    for (const reader of ['clinic practitioner Practitioner/c1', 'patients', as]) {
      expect((await send(reader, `GET /fhir/R4/Observation/${body.id}`)).digits).to.have.members(['98.60', '1e+400']);
    }
  });

  it('come back in coverages and claims, which are decided by them', async () => {
    await send('regulator', `PUT /licences/${NPI}`, { status: 'active', start: '2020-01-01', end: '2035-01-01' });
    const [encounter] = await visit();
    const { body: registered, digits } = await send('payer adjudicator', 'POST /fhir/R4/Coverage', coverage());
    expect(digits).to.deep.equal(['20.00', '1.0E+1']);
    const read = async (organisation: string, path: string) => {
      const url = consortium.urls.get(organisation) + path;
      const authorization = `Bearer ${await consortium.token(organisation, 'system')}`;
      return fetch(url, { headers: { authorization } });
    };
    for (const [organisation, path] of [
      ['hospital', `/fhir/R4/Coverage/${registered.id}`],
      ['hospital', `/licences/${NPI}`],
    ] as const)
      await until(async () => (await read(organisation, path)).status === 200);
    expect((await send('hospital', `GET /fhir/R4/Coverage/${registered.id}`)).digits).to.deep.equal([
      '20.00',
      '1.0E+1',
    ]);
    const submitted = await send('hospital', 'POST /fhir/R4/Claim/$submit', claim(registered.id, encounter!));
    expect(submitted.body, submitted.text).to.include({ outcome: 'queued' });
    const id = submitted.body.request.reference.split('/')[1];
    await until(async () => (await read('payer', `/fhir/R4/Claim/${id}`)).status === 200);
    for (const organisation of ['hospital', 'payer'])
      expect((await send(organisation, `GET /fhir/R4/Claim/${id}`)).digits).to.have.members(BILLED);
    const { body: response } = await send('payer adjudicator', `POST /fhir/R4/Claim/${id}/$adjudicate`);
    // (150.50 - 20.00) × 0.9
    expect(response.payment.amount).to.deep.equal({ value: 117.45, currency: 'USD' });
  });

  /** A finished visit of the patient's with a practitioner, as locations. */
  async function visit(): Promise<string[]> {
    const create = (resource: object, url: string, fullUrl: string) => ({
      fullUrl,
      resource,
      request: { method: 'POST', url },
    });
    const practitioner = {
      resourceType: 'Practitioner',
      identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: NPI }],
    };
    const encounter = {
      resourceType: 'Encounter',
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      subject: { reference: `Patient/${patient}` },
      participant: [{ individual: { reference: 'urn:uuid:6f0c7b5c-6a0e-4a3c-8f0b-3f0a6b1b2c3d' } }],
      period: { start: '2026-10-05T09:00:00Z', end: '2026-10-05T09:30:00Z' },
    };
    const { body } = await send(
      'hospital',
      'POST /fhir/R4',
      bundle('transaction', [
        create(encounter, 'Encounter', 'urn:uuid:0b6f3c55-5d0e-4b7a-9f5e-0d6a2b1c3e4f'),
        create(practitioner, 'Practitioner', 'urn:uuid:6f0c7b5c-6a0e-4a3c-8f0b-3f0a6b1b2c3d'),
      ]),
    );
    return locations(body);
  }

  const coverage = () => ({
    resourceType: 'Coverage',
    status: 'active',
    extension: [
      { url: 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider', valueString: 'hospital' },
    ],
    beneficiary: { identifier },
    period: { start: '2026-01-01', end: '2026-12-31' },
    payor: [{ display: 'payer' }],
    costToBeneficiary: [
      { type: costType('copay'), valueMoney: usd('20.00') },
      { type: costType('copaypct'), valueQuantity: { value: parseExact('1.0E+1') } },
    ],
  });

  const claim = (coverageId: string, encounter: string) => ({
    resourceType: 'Claim',
    status: 'active',
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
    use: 'claim',
    patient: { reference: `Patient/${patient}` },
    created: '2026-10-06',
    provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
    priority: { coding: [{ code: 'normal' }] },
    insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${coverageId}` } }],
    item: [
      { ...service(1, '99213', encounter), net: usd('120.00') },
      {
        ...service(2, '82947', encounter),
        quantity: { value: parseExact('2.000') },
        unitPrice: usd('15.2500'),
        net: usd('30.50'),
      },
    ],
    total: usd('150.50'),
  });
});
