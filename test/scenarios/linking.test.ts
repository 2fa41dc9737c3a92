/**
 * One person known to two providers: she links her records herself, has one token and one log for them, and nobody else can link
 * anybody, or find out by matching who is known where. On either network.
 */
import { randomUUID } from 'node:crypto';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const SSN = 'http://hl7.org/fhir/sid/us-ssn';
const GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade';

interface Bundle {
  total?: number;
  entry?: {
    resource: Resource;
    search: { score: number; mode: string; extension: { url: string; valueCode: string }[] };
  }[];
}
interface Linked {
  patients: { patient: string; provider: string }[];
}

describe('A person known to two providers', function () {
  this.timeout(90_000);
  let scene: Scene;
  const ssn = randomUUID();
  const jane = {
    name: [{ family: `Müller-${ssn.slice(0, 8)}`, given: ['Jane'] }],
    birthDate: '1970-01-01',
    gender: 'female',
  };
  /** Ids of Patients, and of an Observation of each. */
  let atHospital: string;
  let atClinic: string;
  let stranger: string;
  const observations: string[] = [];
  let hers: Party;
  let hersToo: Party;
  let others: Party;

  const at = (organisation: string) => scene.parties.of(organisation, 'system');
  const asPatient = (id: string) => scene.parties.of('patients', 'patient', `Patient/${id}`);
  const create = async (organisation: string, body: Record<string, unknown> & { resourceType: string }) =>
    (await at(organisation).write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
  const patientAt = async (organisation: string, content: object): Promise<string> => {
    const id = await create(organisation, { resourceType: 'Patient', ...content });
    const code = { text: 'pressure' };
    const observation = { resourceType: 'Observation', status: 'final', code, subject: { reference: `Patient/${id}` } };
    observations.push(await create(organisation, observation));
    await at('patients').find({ path: `/fhir/R4/Observation/${observations.at(-1)}` }, 'the observation');
    return id;
  };
  const match = (who: Party, resource: object, more: object[] = []) => {
    const parameter = [{ name: 'resource', resource: { resourceType: 'Patient', ...resource } }, ...more];
    const body = { resourceType: 'Parameters', parameter };
    return who.send({ method: 'POST', path: '/fhir/R4/Patient/$match', body });
  };
  const found = async (...asked: Parameters<typeof match>): Promise<[id: string, grade: string, score: number][]> => {
    const { status, body } = await match(...asked);
    expect(status, JSON.stringify(body)).to.equal(200);
    return ((body as Bundle).entry ?? []).map(({ resource, search }) => {
      const grade = search.extension.find(({ url }) => url === GRADE)?.valueCode ?? '';
      expect(search.mode).to.equal('match');
      return [resource.id, grade, search.score];
    });
  };
  const codeOf = async (who: Party): Promise<string> =>
    (await who.ask<{ code: string } & Resource>({ method: 'POST', path: '/links/codes' }, 201)).code;
  const link = (who: Party, code: string) => who.send({ method: 'POST', path: '/links', body: { code } });
  const statusAt = async (who: Party, path: string): Promise<number> =>
    (await who.send({ path: `/fhir/R4/${path}` })).status;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    const identified = { identifier: [{ system: SSN, value: ssn }] };
    atHospital = await patientAt('hospital', { ...jane, ...identified });
    atClinic = await patientAt('clinic', identified);
    stranger = await patientAt('clinic', {
      ...jane,
      identifier: [{ system: SSN, value: randomUUID() }],
      birthDate: '1980-02-02',
    });
    [hers, hersToo, others] = [asPatient(atHospital), asPatient(atClinic), asPatient(stranger)];
  });

  describe('by $match', () => {
    it('is found by who sees her, by identifier or by name, birth date and gender, with a grade', async () => {
      expect(await found(at('hospital'), { identifier: [{ system: SSN, value: ssn }] })).to.deep.equal([
        [atHospital, 'certain', 1],
      ]);
      expect(
        await found(at('hospital'), {
          ...jane,
          name: [{ family: jane.name[0]!.family.toUpperCase(), given: ['jane'] }],
        }),
      ).to.deep.equal([[atHospital, 'probable', 0.8]]);
      expect(await found(at('hospital'), { name: jane.name })).to.deep.equal([[atHospital, 'possible', 0.5]]);
      const contradicts = { identifier: [{ system: SSN, value: ssn }], birthDate: '1999-09-09' };
      expect(await found(at('hospital'), contradicts)).to.deep.equal([[atHospital, 'possible', 0.5]]);
      const sure = [{ name: 'onlyCertainMatches', valueBoolean: true }];
      expect(await found(at('hospital'), jane, sure)).to.deep.equal([]);
      const both = await found(at('patients'), { identifier: [{ system: SSN, value: ssn }] });
      expect(both.map(([id]) => id).sort()).to.deep.equal([atHospital, atClinic].sort());
      expect(await found(at('patients'), { identifier: [{ system: SSN, value: ssn }] }, sure), 'which?').to.deep.equal(
        [],
      );
      expect(
        await found(at('patients'), { identifier: [{ value: ssn }] }, [{ name: 'count', valueInteger: 1 }]),
      ).to.have.length(1);
    });

    it('is nobody to a member that does not know her, and to other patients', async () => {
      const nobody = { identifier: [{ system: SSN, value: randomUUID() }], name: [{ family: randomUUID() }] };
      const empty = { resourceType: 'Bundle', type: 'searchset', total: 0 };
      for (const who of [at('clinic'), others, hersToo])
        for (const asked of [jane, nobody])
          expect(await match(who, asked)).to.deep.include({ status: 200, body: empty });
      expect(await found(hers, { identifier: [{ system: SSN, value: ssn }] })).to.deep.equal([
        [atHospital, 'certain', 1],
      ]);
    });

    const FAULTY: [string, object][] = [
      ['no Patient', { resourceType: 'Parameters', parameter: [{ name: 'count', valueInteger: 3 }] }],
      [
        'another resource',
        { resourceType: 'Parameters', parameter: [{ name: 'resource', resource: { resourceType: 'Device' } }] },
      ],
      [
        'nothing to go by',
        {
          resourceType: 'Parameters',
          parameter: [{ name: 'resource', resource: { resourceType: 'Patient', gender: 'male' } }],
        },
      ],
      [
        'a parameter that it has not',
        { resourceType: 'Parameters', parameter: [{ name: 'fuzzy', valueBoolean: true }] },
      ],
    ];
    for (const [what, body] of FAULTY)
      it(`is refused with ${what}, saying where`, async () => {
        const answer = await at('hospital').send({ method: 'POST', path: '/fhir/R4/Patient/$match', body });
        expect(answer.status).to.equal(422);
        const { issue } = answer.body as unknown as { issue: { expression: string[] }[] };
        expect(issue[0]?.expression[0]).to.match(/^Parameters/);
      });
  });

  describe('links her records', () => {
    it('by a code of one record given back with the token of another, and by nothing else', async () => {
      const refused = (await link(hersToo, 'no-such-code')).body;
      expect(await codeOf(others).then((code) => link(hersToo, code))).to.deep.include({ status: 404, body: refused });
      expect(await codeOf(hers).then((code) => link(others, code))).to.deep.include({ status: 404, body: refused });
      expect(await codeOf(hers).then((code) => link(hers, code))).to.deep.include({ status: 404, body: refused });
      for (const who of [at('patients'), scene.parties.of('patients', 'operator')])
        for (const path of ['/links', '/links/codes'])
          expect((await who.send({ method: 'POST', path, body: { code: 'x' } })).status, path).to.equal(403);
      const named = { method: 'POST' as const, path: '/links', body: { patients: [atHospital, atClinic] } };
      for (const who of [hers, others, scene.parties.of('patients', 'operator')])
        expect((await who.send(named)).status, 'names others').to.equal(403);
      expect((await at('hospital').send({ method: 'POST', path: '/links/codes' })).status).to.equal(404);
      expect(await statusAt(hersToo, `Patient/${atHospital}`)).to.equal(404);
      const code = await codeOf(hers);
      const { status, body } = await link(hersToo, code);
      expect(status, JSON.stringify(body)).to.equal(201);
      const linked = (body as unknown as Linked).patients.map(({ patient, provider }) => [patient, provider]);
      expect(linked).to.deep.equal([
        [`Patient/${atClinic}`, 'clinic'],
        [`Patient/${atHospital}`, 'hospital'],
      ]);
      expect(await link(hersToo, code), 'a code counts once').to.deep.include({ status: 404, body: refused });
    });

    it('has one token for all, each Patient saying which others are hers', async () => {
      for (const [who, own, other] of [
        [hers, atHospital, atClinic],
        [hersToo, atClinic, atHospital],
      ] as const) {
        for (const id of [own, other]) {
          const { link: links } = await who.ask<Resource>({ path: `/fhir/R4/Patient/${id}` });
          const linkedId = id === own ? other : own;
          expect(links).to.deep.equal([{ other: { reference: `Patient/${linkedId}` }, type: 'seealso' }]);
        }
        for (const observation of observations.slice(0, 2))
          await who.ask({ path: `/fhir/R4/Observation/${observation}` });
        const all = await who.ask<Bundle & Resource>({ path: '/fhir/R4/Observation' });
        expect(all.entry).to.have.length(2);
        expect(await statusAt(who, `Patient/${stranger}`)).to.equal(404);
        expect(
          await found(who, { identifier: [{ system: SSN, value: ssn }] }, [
            { name: 'onlyCertainMatches', valueBoolean: true },
          ]),
        ).to.have.length(2);
      }
      const { link: unsaid } = await at('hospital').ask<Resource>({ path: `/fhir/R4/Patient/${atHospital}` });
      expect(unsaid, 'the hospital learns nothing').to.equal(undefined);
      expect(await statusAt(others, `Observation/${observations[0]}`)).to.equal(404);
    });

    it('has one log, and acts for either record', async () => {
      const body = {
        holder: 'hospital',
        patient: { system: SSN, value: ssn },
        types: ['Observation'],
        purpose: 'TREAT',
      };
      const waitUntil = new Date(Date.now() + 3_600_000).toISOString();
      const clinic = at('clinic');
      const { id } = (
        await clinic.write<{ id: string }>(
          { method: 'POST', path: '/access-requests', body: { ...body, waitUntil } },
          [201],
        )
      ).body;
      await hersToo.find<{ accessRequests: { id: string }[] }>(
        { path: '/access-requests' },
        'the request',
        ({ accessRequests }) => accessRequests.some((one) => one.id === id),
      );
      await hersToo.find({ path: `/fhir/R4/AuditEvent/${id}` }, 'the event');
      expect(await statusAt(others, `AuditEvent/${id}`)).to.equal(404);
      const actor = { reference: { identifier: { system: ORGANISATION_SYSTEM, value: 'clinic' } } };
      const consent = {
        ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }] },
        scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
        patient: { reference: `Patient/${atHospital}` },
        organization: [{ identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } }],
        policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
        provision: { type: 'permit', actor: [{ role: { text: 'recipient' }, ...actor }] },
      };
      await hersToo.write({ method: 'POST', path: '/fhir/R4/Consent', body: consent }, [201, 202]);
      await clinic.find({ path: `/fhir/R4/Observation/${observations[0]}` }, 'the copy');
      const reads = await hersToo.ask<{ reads: { patient: string; interaction: string }[] } & Resource>({
        path: '/reads?count=100',
      });
      expect(new Set(reads.reads.map(({ patient }) => patient))).to.deep.equal(new Set([atHospital, atClinic]));
      expect(reads.reads.filter(({ interaction }) => interaction === 'link')).to.have.length(2);
      const withHeader = (id: string) => ({ path: '/links', headers: { 'x-patient': `Patient/${id}` } });
      const { patients } = await hersToo.ask<Linked & Resource>(withHeader(atHospital));
      expect(patients[0], 'she acts for it').to.include({ patient: `Patient/${atHospital}` });
      expect((await hersToo.send(withHeader(stranger))).status).to.equal(403);
    });

    it('is the same person when a provider changes an identifier, or gives it to another', async () => {
      const path = `/fhir/R4/Patient/${atHospital}`;
      const { meta: _, ...patient } = await at('hospital').ask<Resource>({ path });
      await at('hospital').write({
        method: 'PUT',
        path,
        body: { ...patient, identifier: [{ system: SSN, value: randomUUID() }] },
      });
      const bearer = await patientAt('hospital', { identifier: [{ system: SSN, value: ssn }] });
      expect(await statusAt(asPatient(bearer), `Patient/${atClinic}`)).to.equal(404);
      expect(await statusAt(hersToo, `Patient/${bearer}`)).to.equal(404);
      expect(await statusAt(hersToo, `Patient/${atHospital}`)).to.equal(200);
    });

    it('ends it from either side, at once', async () => {
      expect((await others.send({ method: 'POST', path: `/links/${atHospital}/end` })).status).to.equal(404);
      await hersToo.write({ method: 'POST', path: `/links/${atHospital}/end` }, [200]);
      expect(await statusAt(hersToo, `Patient/${atHospital}`)).to.equal(404);
      expect(await statusAt(hers, `Observation/${observations[1]}`)).to.equal(404);
      expect(
        (await hers.ask<Linked & Resource>({ path: '/links' })).patients.map(({ patient }) => patient),
      ).to.deep.equal([`Patient/${atHospital}`]);
    });

    it('has them linked by the custodian in trust while she has no key, where they identify one person', async () => {
      const identified = { identifier: [{ system: SSN, value: randomUUID() }] };
      const [one, other] = [await patientAt('hospital', identified), await patientAt('clinic', identified)];
      const custodian = at('patients');
      const linking = (patients: string[]) => custodian.send({ method: 'POST', path: '/links', body: { patients } });
      expect((await linking([one, stranger])).status).to.equal(404);
      expect((await linking([one, one])).status).to.equal(404);
      expect((await linking([one])).status).to.be.oneOf([400, 422]);
      const { status, body } = await linking([one, other]);
      expect(status, JSON.stringify(body)).to.equal(201);
      expect((body as unknown as Linked).patients).to.have.length(2);
      expect(await statusAt(asPatient(one), `Patient/${other}`)).to.equal(200);
      for (const id of [one, other]) {
        const { entries } = await asPatient(id).ask<{ entries: { text: string }[] } & Resource>({
          path: '/access-log?count=100',
          headers: { 'x-patient': `Patient/${id}`, accept: 'application/json' },
        });
        const told = entries.map(({ text }) => text).filter((text) => text.includes('linked the patient’s records'));
        expect(told.join(), id).to.match(/a system .*linked .*, which patients recorded in trust/);
      }
      await asPatient(other).write({ method: 'POST', path: `/links/${one}/end` }, [200]);
      expect(await statusAt(asPatient(one), `Patient/${other}`)).to.equal(404);
    });
  });
});
