/** What a patient records herself: at both ends, marked as hers, and apart from what her provider recorded. On either network. */
import { randomBytes, randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { FORMS } from '@telemed-ledger/chaincode/model/forms.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import { delegationTo, toAct } from '@telemed-ledger/scripts/demo/caretakers.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attacker, refusalOf } from './forgery.fixture.ts';

const MRN = 'urn:of-the-clinic';

describe('A patient', function () {
  this.timeout(120_000);
  let scene: Scene;
  let clinic: Party;
  let patient: Party;
  let her: { reference: string };
  let doctor: { reference: string };
  let mrn: string;
  const create = async (party: Party, body: object & { resourceType: string }): Promise<string> =>
    `${body.resourceType}/${(await party.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id}`;
  const post = (party: Party, body: object & { resourceType: string }) =>
    party.send({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body });
  const tagsIn = ({ meta }: Resource) => (meta as { tag: { code: string }[] }).tag.map(({ code }) => code);
  const refusedAs = ({ status, body }: { status: number; body: unknown }, reason: string): void => {
    expect(`${status} ${JSON.stringify(body)}`).to.match(new RegExp(`^403 .*${reason}`));
  };
  const observation = (change: object = {}) => ({
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'weight' } },
    ...{ subject: her, performer: [her], valueQuantity: { value: 71.5, unit: 'kg' }, ...change },
  });
  const statement = (source: object) => ({
    ...{ resourceType: 'MedicationStatement', status: 'active', subject: her, informationSource: source },
    medicationCodeableConcept: { text: 'example' },
  });

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    clinic = scene.parties.of('clinic', 'system');
    mrn = randomUUID();
    her = {
      reference: await create(clinic, { resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] } as never),
    };
    doctor = { reference: await create(clinic, { resourceType: 'Practitioner' }) };
    patient = scene.parties.of('patients', 'patient', her.reference);
    await patient.find({ path: `/fhir/R4/${her.reference}` }, 'her record');
  });

  it('records every type of hers, which her clinic has with who reported it', async () => {
    const form = FORMS[0];
    const item = form.item
      .filter(({ required }) => required)
      .map(({ linkId }) => ({ linkId, answer: [{ valueCoding: { system: 'http://loinc.org', code: 'LA6570-1' } }] }));
    const bodies = [
      observation(),
      statement(her),
      { resourceType: 'Communication', status: 'completed', subject: her, sender: her, recipient: [doctor] },
      { resourceType: 'Appointment', status: 'proposed', participant: [{ actor: her, status: 'accepted' }] },
      {
        ...{ resourceType: 'DocumentReference', status: 'current', subject: her, author: [her] },
        content: [{ attachment: { contentType: 'text/plain', data: 'QQ==' } }],
      },
      {
        resourceType: 'QuestionnaireResponse',
        status: 'completed',
        questionnaire: form.url,
        subject: her,
        author: her,
        item,
      },
      { resourceType: 'Device', patient: her, serialNumber: 'A-1' },
    ];
    for (const body of bodies) {
      const { body: stored, transactionId } = await patient.write({
        ...{ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body },
      });
      const { endorsers } = await patient.receipt(transactionId);
      expect(endorsers).to.include.members(['ClinicMSP', 'PatientsMSP']);
      const path = `/fhir/R4/${body.resourceType}/${stored.id}`;
      const found = await clinic.find<Resource>({ path }, body.resourceType);
      expect(tagsIn(found)).to.deep.equal(['PATRPT']);
      expect(found).to.deep.equal(await patient.ask({ path }));
      if (body.resourceType === 'QuestionnaireResponse') expect(JSON.stringify(found)).to.contain('"valueDecimal":18');
    }
  });

  it('sends a reading with the device that took it', async () => {
    const [device, reading] = [randomUUID(), randomUUID()];
    const entry = [
      [
        device,
        { resourceType: 'Device', patient: her, identifier: [{ system: 'urn:example:devices', value: device }] },
      ],
      [reading, observation({ device: { reference: `urn:uuid:${device}` } })],
    ].map(([id, resource]) => ({
      ...{ fullUrl: `urn:uuid:${id}`, resource },
      request: { method: 'POST', url: (resource as { resourceType: string }).resourceType },
    }));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    const { body: answer } = await patient.write<{ entry: { response: { location: string } }[] }>({
      ...{ method: 'POST', path: '/fhir/R4', body },
    });
    const [, made] = answer.entry.map(({ response }) => response.location.replace(/\/_history.*/, ''));
    const found = await clinic.find<Resource>({ path: `/fhir/R4/${made}` }, 'the reading');
    const again = await create(patient, observation({ device: found['device'] }));
    expect(again).to.not.equal(made);
    const other = await create(clinic, { resourceType: 'Device', serialNumber: 'of-the-clinic' } as never);
    refusedAs(await post(patient, observation({ device: { reference: other } })), 'device-not-shown');
  });

  it('changes her own and nothing of her provider’s, nor her provider hers', async () => {
    const own = await create(patient, observation());
    const path = `/fhir/R4/${own}`;
    const put = (party: Party, at: string, change: object) =>
      party.send({ method: 'PUT', path: `/fhir/R4/${at}`, body: { ...observation(change), id: at.split('/')[1] } });
    expect((await put(patient, own, { note: [{ text: 'again' }] })).status).to.equal(200);
    expect((await put(patient, own, { note: [{ text: 'once more' }] })).status).to.equal(200);
    await clinic.find<Resource>({ path }, 'her third version', ({ meta }) => (meta as never)['versionId'] === '3');
    expect((await put(clinic, own, {})).status).to.equal(403);
    const theirs = await create(clinic, observation({ performer: [doctor] }));
    await patient.find({ path: `/fhir/R4/${theirs}` }, 'the clinic’s');
    expect((await put(patient, theirs, {})).status).to.equal(403);
    expect((await patient.send({ method: 'DELETE', path: `/fhir/R4/${theirs}` })).status).to.equal(403);
    expect((await patient.send({ method: 'DELETE', path })).status).to.equal(204);
  });

  it('records nothing of another’s, as another, or of what providers record', async () => {
    const other = { reference: await create(clinic, { resourceType: 'Patient' }) };
    refusedAs(await post(patient, observation({ subject: other })), 'other-patient');
    refusedAs(await post(patient, observation({ performer: [doctor] })), 'not-in-own-name');
    const condition = { resourceType: 'Condition', subject: her, code: { text: 'example' } };
    expect((await post(patient, condition)).status).to.equal(405);
    const system = scene.parties.of('patients', 'system');
    expect((await post(system, observation())).status).to.equal(403);
  });

  it('is refused with what her own gateway would let pass, by every endorser', async () => {
    const attacker = new Attacker(scene.dataDir, 'patients');
    const sheet = randomUUID();
    const salt = randomBytes(32).toString('hex');
    const id = recordIdAt({ sheet, index: 0 }, 'Observation');
    const draft = { id, version: 1, salt, resource: canonicalJson(observation() && { ...observation(), id }) };
    const evidence = { id, version: 1, text: '{}', sheet, index: 0, path: [], tree: '{}' };
    const hidden = { sheets: [{ id: sheet, salt, records: [draft] }], patient: evidence };
    try {
      expect(
        await refusalOf(attacker.submit('RecordByPatient', { provider: 'clinic' }, hidden, ['patients', 'clinic'])),
      ).to.be.oneOf(['NOT_FOUND', 'INVALID']);
      const asProvider = { sheets: hidden.sheets };
      expect(await refusalOf(attacker.submit('RecordVersions', {}, asProvider, ['patients', 'clinic']))).to.equal(
        'FORBIDDEN',
      );
      const key = `sheet/${sheet}`;
      const forged = { private: { care_clinic: { [key]: '{}' } } };
      expect(await attacker.forge(['patients', 'hospital'], forged)).to.equal(10);
      expect(await attacker.forge(['patients'], forged)).to.equal(10);
    } finally {
      attacker.close();
    }
  });

  it('has what she recorded delivered to whom she permits it', async () => {
    const made = await create(patient, observation());
    const classes = [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }];
    await granted(patient, {
      ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }], patient: her },
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
      provision: {
        ...{ type: 'permit', class: classes },
        actor: [
          {
            role: { text: 'recipient' },
            reference: { identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } },
          },
        ],
      },
    });
    const hospital = scene.parties.of('hospital', 'system');
    const body = { holder: 'clinic', patient: { system: MRN, value: mrn }, types: ['Observation'], purpose: 'TREAT' };
    await hospital.write({ method: 'POST', path: '/access-requests', body }, [201]);
    const copy = await hospital.find<Resource>({ path: `/fhir/R4/${made}` }, 'the copy of what she recorded');
    expect(tagsIn(copy)).to.deep.equal(['PATRPT']);
  });

  it('lets a caretaker record for her as far as her delegation goes', async () => {
    const related = await create(clinic, {
      resourceType: 'RelatedPerson',
      patient: her,
      relationship: toAct('read', 'record'),
    } as never);
    const caretaker = scene.parties.of('patients', 'caretaker', related);
    await patient.find({ path: `/fhir/R4/${related}` }, 'the caretaker’s record');
    const until = new Date(Date.now() + 86_400_000).toISOString();
    const delegation = delegationTo(related, her.reference.split('/')[1]!, ['read', 'record'], until);
    const { id } = await granted(patient, delegation);
    const by = { reference: related };
    const made = await create(caretaker, observation({ performer: [by] }));
    const found = await clinic.find<Resource>({ path: `/fhir/R4/${made}` }, 'the caretaker’s reading');
    expect(tagsIn(found)).to.deep.equal(['PACQRPT']);
    refusedAs(await post(caretaker, observation()), 'not-in-own-name');
    const log = await patient.ask<{ reads: { interaction: string; fhirUser?: string; records: string[] }[] }>({
      path: '/reads?count=500',
    });
    const recorded = log.reads.filter(({ interaction, fhirUser }) => interaction === 'record' && fhirUser === related);
    expect(recorded.map(({ records }) => records)).to.deep.equal([[made.split('/')[1]]]);
    const { entries } = await patient.ask<{ entries: { text: string }[] }>({
      ...{ path: '/access-log?lang=en&count=500', headers: { accept: 'application/json' } },
    });
    expect(entries.some(({ text }) => text.includes(related) && text.includes('recorded one record'))).to.equal(true);
    refusedAs(await post(caretaker, statement(by)), 'not delegated');
    const other = { reference: await create(clinic, { resourceType: 'Patient' }) };
    refusedAs(await post(caretaker, observation({ subject: other, performer: [by] })), 'other-patient');
    const ended = { ...delegation, id, status: 'inactive' };
    await patient.send({ method: 'PUT', path: `/fhir/R4/Consent/${id}`, body: ended });
    expect((await post(caretaker, observation({ performer: [by] }))).status).to.equal(403);
  });
});
