/**
 * Whoever prescribes or hands out is shown what speaks against it by what she lets them know: a reason is recorded for what can be
 * overridden, and nothing gets past what cannot, whatever code its provider runs. On either network.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { delivered, permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attacker, refusalOf } from './forgery.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const [AMOXICILLIN, WARFARIN, ASPIRIN, IBUPROFEN] = ['308191', '855332', '243670', '310965'];
const [METFORMIN, ISOTRETINOIN, NITROGLYCERIN, SILDENAFIL] = ['861007', '197843', '198037', '312950'];
const drug = (code: string) => ({
  coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code }],
});
const dosed = (mg: number, times: number) => ({
  dosageInstruction: [
    {
      timing: { repeat: { frequency: times, period: 1, periodUnit: 'd' } },
      doseAndRate: [{ doseQuantity: { value: mg, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' } }],
    },
  ],
});
const active = {
  clinicalStatus: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
  },
};
type Body = Record<string, unknown> & { resourceType: string };
type Checked = { entry?: { resource: Resource & { severity: string; code: { coding: { code: string }[] } } }[] };

describe('What speaks against a medicine', function () {
  this.timeout(120_000);
  let scene: Scene;
  let hospital: Party;
  let clinic: Party;
  const she = { birthDate: '1980-01-01' };

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    clinic = scene.parties.of('clinic', 'system');
  });

  const create = async (who: Party, body: Body): Promise<Resource> =>
    (await who.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;
  const patientWith = async (change: object = {}): Promise<{ id: string; mrn: string }> => {
    const mrn = randomUUID();
    const body = { resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }], ...she, ...change };
    return { id: (await create(hospital, body)).id, mrn };
  };
  const about = (id: string) => ({ subject: { reference: `Patient/${id}` } });
  const order = (patient: string, code: string, change: object = {}): Body => ({
    ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', ...about(patient) },
    ...{ medicationCodeableConcept: drug(code), ...change },
  });
  const dispense = (patient: string, change: object = {}): Body => ({
    ...{ resourceType: 'MedicationDispense', status: 'completed', ...about(patient) },
    ...{ medicationCodeableConcept: drug(AMOXICILLIN!), ...change },
  });
  const observed = (patient: string, code: string, more: object): Body => ({
    ...{ resourceType: 'Observation', status: 'final', ...about(patient), ...more },
    code: { coding: [{ system: 'http://loinc.org', code }] },
  });
  const measured = (value: number, unit: string) => ({ valueQuantity: { value, unit } });
  const allergic = (patient: string, code: string, criticality = 'high'): Body => ({
    ...{ resourceType: 'AllergyIntolerance', criticality, ...active, code: drug(code) },
    patient: { reference: `Patient/${patient}` },
  });
  const post = (who: Party, body: Body) => who.send({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body });
  const check = async (who: Party, body: Body) => {
    const found = await who.ask<Checked>({ method: 'POST', path: `/fhir/R4/${body.resourceType}/$check`, body });
    return (found.entry ?? []).map(({ resource }) => resource);
  };
  const kinds = async (who: Party, body: Body): Promise<string[]> =>
    (await check(who, body)).map(({ severity, code }) => `${code.coding[0]?.code} ${severity}`);
  /** The order with what was found for it, each with that reason, in one transaction. */
  const overridden = async (who: Party, body: Body, reason: string | undefined) => {
    const fullUrl = `urn:uuid:${randomUUID()}`;
    const issues = (await check(who, body)).map(({ id: _, implicated, ...issue }) => ({
      ...{ ...issue, status: 'final', implicated: [{ reference: fullUrl }, ...((implicated ?? []) as object[])] },
      ...(reason === undefined ? {} : { mitigation: [{ action: { text: reason } }] }),
    }));
    const entry = [{ ...body, fullUrl }, ...issues].map(({ fullUrl: url, ...resource }: Record<string, unknown>) => ({
      ...(url === undefined ? {} : { fullUrl: url }),
      resource,
      request: { method: 'POST', url: String(resource['resourceType']) },
    }));
    return who.send({ method: 'POST', path: '/fhir/R4', body: { resourceType: 'Bundle', type: 'transaction', entry } });
  };
  const refused = async (sent: ReturnType<typeof post>, reason: string): Promise<void> => {
    const { status, body } = await sent;
    expect(`${status} ${JSON.stringify(body)}`).to.match(new RegExp(`^409 .*${reason}: `));
  };

  const CASES: [what: string, records: (patient: string) => Body[], code: string, found: string, change?: object][] = [
    ['an allergy on record', (id) => [allergic(id, '723')], AMOXICILLIN!, 'allergy high'],
    ['an allergy to its class', (id) => [allergic(id, '7980')], AMOXICILLIN!, 'allergy moderate'],
    ['what she takes already', (id) => [order(id, IBUPROFEN!)], IBUPROFEN!, 'duplicate-therapy moderate'],
    ['an interaction', (id) => [order(id, WARFARIN!)], ASPIRIN!, 'interaction moderate'],
    ['one that never goes', (id) => [order(id, NITROGLYCERIN!)], SILDENAFIL!, 'interaction high'],
    ['a dose by her age', () => [], IBUPROFEN!, 'dose moderate', dosed(800, 4)],
    ['far too much', () => [], IBUPROFEN!, 'dose high', dosed(2400, 4)],
    [
      'a pregnancy',
      (id) => [observed(id, '82810-3', { valueCodeableConcept: { coding: [{ code: 'LA15173-0' }] } })],
      ISOTRETINOIN!,
      'pregnancy high',
    ],
    ['kidneys that fail', (id) => [observed(id, '62238-1', measured(25, 'mL/min'))], METFORMIN!, 'renal-function high'],
    [
      'kidneys that are weak',
      (id) => [observed(id, '62238-1', measured(40, 'mL/min'))],
      METFORMIN!,
      'renal-function moderate',
    ],
  ];
  for (const [what, records, code, found, change] of CASES)
    it(`is ${what}, as its prescriber is shown`, async () => {
      const { id } = await patientWith();
      for (const one of records(id)) await create(hospital, one);
      const body = order(id, code, change);
      expect(await kinds(hospital, body)).to.deep.equal([found]);
      const isHard = found.endsWith('high');
      await refused(post(hospital, body), isHard ? 'hard-stop' : 'no-reason');
      await refused(overridden(hospital, body, undefined), isHard ? 'hard-stop' : 'no-reason');
      if (isHard) return refused(overridden(hospital, body, 'nothing else helps'), 'hard-stop');
      const answer = await overridden(hospital, body, 'nothing else helps');
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      const issues = await hospital.ask<Checked>({ path: `/fhir/R4/DetectedIssue?patient=${id}` });
      expect(JSON.stringify(issues)).to.include('nothing else helps').and.include('MedicationRequest/');
      const path = `/fhir/R4/DetectedIssue?patient=${id}`;
      await scene.parties
        .of('patients', 'patient', `Patient/${id}`)
        .find<Checked>({ path }, 'what was shown and decided', ({ entry = [] }) => entry.length === 1);
    });

  it('is a dose by the weight of a child', async () => {
    const { id } = await patientWith({
      birthDate: new Date(Date.now() - 6 * 365 * 86_400_000).toISOString().slice(0, 10),
    });
    const body = order(id, AMOXICILLIN!, dosed(500, 3));
    expect(await kinds(hospital, body)).to.deep.equal([]);
    await create(hospital, observed(id, '29463-7', measured(12, 'kg')));
    expect(await kinds(hospital, body)).to.deep.equal(['dose moderate']);
    await refused(post(hospital, body), 'no-reason');
  });

  it('is looked at when a medicine is handed out, and when a draft becomes an order', async () => {
    const { id } = await patientWith();
    const draft = await create(hospital, order(id, AMOXICILLIN!, { status: 'draft' }));
    await create(hospital, allergic(id, '723'));
    const path = `/fhir/R4/MedicationRequest/${draft.id}`;
    const put = hospital.send({ method: 'PUT', path, body: { ...draft, status: 'active' } });
    await refused(put, 'hard-stop');
    const handed = dispense(id);
    expect(await kinds(hospital, handed)).to.deep.equal(['allergy high']);
    await refused(post(hospital, handed), 'hard-stop');
  });

  it('is no prescription for nobody, nor another resource', async () => {
    const asked = (body: object) => hospital.send({ method: 'POST', path: '/fhir/R4/MedicationRequest/$check', body });
    const { subject: _, ...nobody } = order('x', AMOXICILLIN!);
    for (const body of [nobody, { resourceType: 'Basic', code: { text: 'x' } }])
      expect((await asked(body)).status).to.be.oneOf([400, 422]);
  });

  it('is held by the custodian, whatever a provider leaves out', async () => {
    const { id } = await patientWith();
    await create(hospital, allergic(id, '723'));
    const sheet = randomUUID();
    const salt = () => randomBytes(32).toString('hex');
    const order1 = { ...order(id, AMOXICILLIN!), id: recordIdAt({ sheet, index: 0 }, 'MedicationRequest') };
    const records = [{ id: order1.id, version: 1, salt: salt(), resource: canonicalJson(order1), handle: salt() }];
    const attacker = new Attacker(scene.dataDir, 'hospital');
    try {
      for (const endorsers of [['patients'], ['hospital', 'patients']]) {
        const sent = attacker.submit(
          'RecordVersions',
          {},
          { sheets: [{ id: sheet, salt: salt(), records }] },
          endorsers,
        );
        expect(await refusalOf(sent)).to.equal('CONFLICT');
      }
    } finally {
      attacker.close();
    }
  });

  it('is known elsewhere as far as she permits: the record, an alert without it, or nothing', async () => {
    for (const [types, found] of [
      [['MedicationRequest', 'Patient'], []],
      [['MedicationRequest', 'Patient', 'DetectedIssue'], ['allergy moderate']],
      [['MedicationRequest', 'Patient', 'AllergyIntolerance'], ['allergy moderate']],
    ] as const) {
      const { id, mrn } = await patientWith();
      const patient = scene.parties.of('patients', 'patient', `Patient/${id}`);
      await patient.find({ path: `/fhir/R4/Patient/${id}` }, 'the patient');
      await create(hospital, allergic(id, '723', 'low'));
      const answer = await overridden(hospital, order(id, AMOXICILLIN!), 'tolerated before');
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      const classes = types.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code }));
      await granted(patient, permissionOf(id, { class: classes }));
      await delivered(clinic, { system: MRN, value: mrn }, types);
      const [prescription] = (
        await clinic.find<Checked>(
          { path: `/fhir/R4/MedicationRequest?patient=${id}` },
          'the prescription',
          ({ entry = [] }) => entry.length === 1,
        )
      ).entry!;
      const authorizingPrescription = [{ reference: `MedicationRequest/${prescription!.resource.id}` }];
      const handed = dispense(id, { authorizingPrescription });
      expect(await kinds(clinic, handed), types.join()).to.deep.equal(found);
      const { entry = [] } = await clinic.ask<Checked>({ path: `/fhir/R4/AllergyIntolerance?patient=${id}` });
      expect(entry.length, types.join()).to.equal(types.includes('AllergyIntolerance' as never) ? 1 : 0);
    }
  });
});
