/**
 * What is billed is what the records say, by the payer's crosswalk and tables, which are loaded while claims come in, dated, and can
 * be read back; what is unusual waits and is not denied. On either network.
 */
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
const CPT = 'http://www.ama-assn.org/go/cpt';
const SNOMED = 'http://snomed.info/sct';
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';

interface Answer extends Resource {
  outcome: string;
  disposition?: string;
  request: { reference: string };
}
interface Line {
  code: { system: string; code: string }[];
  of: Resource;
  more?: object;
}

describe('What is billed', function () {
  this.timeout(90_000);
  let story: Story;
  let hospital: Party;
  let payer: Party;
  let practitioner: { individual: object }[];
  let map: Resource;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    const { parties } = await consortium();
    story = { parties, visit: newVisit(), startedAt: '', locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
    hospital = parties.of('hospital', 'system');
    payer = parties.of('payer', 'adjudicator');
    const location = [...story.locations.values()].find((one) => one.startsWith('Encounter/'));
    const path = `/fhir/R4/${location}`;
    practitioner = (await hospital.ask<Resource & { participant: { individual: object }[] }>({ path })).participant;
  });

  after(async () => {
    // Other claims are not to be held against these.
    if (map !== undefined) await putMap({ ...map, status: 'retired' });
    await putTables({});
  });

  const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<Resource> =>
    (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;
  const { day } = newVisit();
  const subject = () => ({ reference: `Patient/${story.patientId}` });
  let minute = 0;

  /** A consultation of so many minutes, each at another time of that day. */
  function consulted(minutes: number, code = '448337001'): Promise<Resource> {
    const start = Date.parse(`${day}T05:00:00-05:00`) + minute * 60_000;
    minute += minutes + 1;
    return create({
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' }, subject: subject() },
      ...{ type: [{ coding: [{ system: SNOMED, code }] }], participant: practitioner },
      period: { start: atOffset(start), end: atOffset(start + minutes * 60_000) },
    });
  }
  const atOffset = (time: number): string => new Date(time - 5 * 3_600_000).toISOString().replace(/\.\d+Z$/, '-05:00');

  async function bill({ code, of, more = {} }: Line, claim: object = {}): Promise<Answer> {
    const isVisit = of.resourceType === 'Encounter';
    const reference = { reference: `${of.resourceType}/${of.id}` };
    const body = {
      ...{ resourceType: 'Claim', status: 'active', use: 'claim', created: day },
      priority: { coding: [{ code: 'normal' }] },
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
      patient: subject(),
      provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${story.coverageId}` } }],
      ...(isVisit
        ? {}
        : { supportingInfo: [{ sequence: 1, category: { text: 'record' }, valueReference: reference }] }),
      item: [
        {
          ...{
            sequence: 1,
            productOrService: { coding: code },
            servicedDate: day,
            net: { value: 80, currency: 'USD' },
          },
          ...(isVisit ? { encounter: [reference] } : { informationSequence: [1] }),
          ...more,
        },
      ],
      ...claim,
    };
    return (await hospital.write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body })).body;
  }
  const cpt = (code: string, of: Resource, more: object = {}): Line => ({ code: [{ system: CPT, code }], of, more });

  const expectTaken = ({ outcome, disposition }: Answer): void => {
    expect(outcome, disposition).to.equal('queued');
  };
  const expectDenied = ({ outcome, disposition }: Answer, edit: string): void => {
    expect(outcome, disposition).to.equal('error');
    expect(disposition).to.include(edit);
  };

  /** Until the hospital has them too: it shows them with its claims. */
  async function untilShown(generation: number): Promise<void> {
    await hospital.find<{ generation: number }>(
      { path: '/claim-tables' },
      'the tables at the hospital',
      (shown) => shown.generation >= generation,
    );
  }
  const newest = async (): Promise<number> =>
    (await payer.ask<{ generation: number }>({ path: '/claim-tables' })).generation;

  async function putTables(tables: object): Promise<void> {
    await payer.write({ method: 'PUT', path: '/claim-tables', body: tables });
    await untilShown(await newest());
  }
  async function putMap(body: Resource): Promise<void> {
    await payer.write({ method: 'PUT', path: `/fhir/R4/ConceptMap/${body.id}`, body });
    await untilShown(await newest());
  }
  const mapped = (code: string, more: object = {}) => ({
    ...{ resourceType: 'ConceptMap', status: 'active' },
    group: [
      {
        ...{ source: SNOMED, target: CPT },
        element: [{ code: '448337001', target: [{ code, equivalence: 'equivalent', ...more }] }],
      },
    ],
  });

  it('is denied where a record of the same system says something else, without any table', async () => {
    const visit = await consulted(20);
    expectDenied(await bill({ code: [{ system: SNOMED, code: '185349003' }], of: visit }), 'code-not-of-record');
    expectTaken(await bill({ code: [{ system: SNOMED, code: '448337001' }], of: visit }));
  });

  it('is denied for a medicine that was not dispensed, and taken with its dispense, once', async () => {
    const pharmacy = { type: { coding: [{ code: 'pharmacy' }] } };
    const medicine = { coding: [{ system: RXNORM, code: '313782' }] };
    const code = medicine.coding;
    expectDenied(await bill({ code, of: await consulted(10) }, pharmacy), 'dispense-not-shown');
    const dispense = await create({
      ...{ resourceType: 'MedicationDispense', status: 'completed', subject: subject() },
      ...{ medicationCodeableConcept: medicine, quantity: { value: 30 }, whenHandedOver: `${day}T12:00:00-05:00` },
      performer: practitioner.map(({ individual }) => ({ actor: individual })),
    });
    expectDenied(await bill({ code, of: dispense, more: { quantity: { value: 60 } } }, pharmacy), 'units-exceeded');
    expectTaken(await bill({ code, of: dispense, more: { quantity: { value: 30 } } }, pharmacy));
    expectDenied(await bill({ code, of: dispense, more: { quantity: { value: 30 } } }, pharmacy), 'duplicate');
  });

  it('is taken by the codes that the payer’s ConceptMap has for its record, as soon as it has them', async () => {
    const visit = await consulted(20);
    map = (await payer.write({ method: 'POST', path: '/fhir/R4/ConceptMap', body: mapped('99213') })).body;
    await hospital.find({ path: `/fhir/R4/ConceptMap/${map.id}` }, 'the map at the hospital');
    await untilShown(await newest());
    expectDenied(await bill(cpt('99215', visit)), 'code-not-of-record');
    expectDenied(await bill({ code: [{ system: 'urn:other', code: '1' }], of: visit }), 'code-not-of-record');
    expectTaken(await bill(cpt('99213', visit)));
    const period = {
      url: 'http://hl7.org/fhir/StructureDefinition/resource-effectivePeriod',
      valuePeriod: { end: '2020' },
    };
    await putMap({ ...mapped('99213', { extension: [period] }), id: map.id });
    expectDenied(await bill(cpt('99213', await consulted(20))), 'code-not-of-record');
    await putMap({ ...mapped('99213'), id: map.id });
    expect((await payer.ask<Resource>({ path: `/fhir/R4/ConceptMap/${map.id}/_history/1` })).id).to.equal(map.id);
  });

  it('is held against durations and units that can be read back, from the day on that they say', async () => {
    await putTables({
      version: '2026-1',
      durations: [{ code: '99213', minutes: 20 }],
      units: [{ code: '99213', perLine: 1 }],
    });
    const shown = await hospital.ask<{ version: string; payer: string; generation: number }>({ path: '/claim-tables' });
    expect(shown).to.include({ version: '2026-1', payer: 'payer' });
    expectDenied(await bill(cpt('99213', await consulted(15))), 'duration-too-short');
    expectDenied(await bill(cpt('99213', await consulted(25), { quantity: { value: 2 } })), 'units-exceeded');
    expectTaken(await bill(cpt('99213', await consulted(25))));
    await putTables({ durations: [{ code: '99213', minutes: 20, from: '2100-01-01' }] });
    expectTaken(await bill(cpt('99213', await consulted(15))));
    const earlier = await payer.ask<{ version: string }>({ path: `/claim-tables?generation=${shown.generation}` });
    expect(earlier.version).to.equal('2026-1');
  });

  it('waits where its patient says at her own gateway that she was not there, and not where she says that she was', async () => {
    const patient = story.parties.of('patients', 'patient', `Patient/${story.patientId}`);
    const say = async (visit: Resource, body?: object) => {
      await patient.find({ path: `/fhir/R4/Encounter/${visit.id}` }, 'the visit at the patient’s end');
      await patient.write({ method: 'POST', path: `/fhir/R4/Encounter/${visit.id}/$confirm`, ...(body && { body }) });
    };
    const decided = async (visit: Resource): Promise<string | undefined> => {
      const taken = await bill(cpt('99213', visit));
      expectTaken(taken);
      const path = `/fhir/R4/${taken.request.reference}`;
      await payer.find({ path }, 'the claim at the payer');
      return (await payer.write<Answer>({ method: 'POST', path: `${path}/$adjudicate` })).body.disposition;
    };
    const confirmed = await consulted(21);
    await say(confirmed);
    expect(await decided(confirmed)).to.equal('approved');
    const disputed = await consulted(22);
    const parameter = [{ name: 'took-place', valueBoolean: false }];
    await say(disputed, { resourceType: 'Parameters', parameter });
    expect(await decided(disputed)).to.match(/^pended: /);
    const path = `/fhir/R4/Encounter/${disputed.id}/$confirm`;
    expect((await hospital.send({ method: 'POST', path })).status).to.be.oneOf([403, 404]);
    const odd = { resourceType: 'Parameters', parameter: [{ name: 'took-place', valueString: 'no' }] };
    expect((await patient.send({ method: 'POST', path, body: odd })).status).to.equal(422);
  });

  it('waits where its practitioner’s day is too long with other claims, and says why', async () => {
    await putTables({ signals: { 'hours-in-day': { limit: 30, weight: 100 } } });
    const taken = await bill(cpt('99213', await consulted(25)));
    expectTaken(taken);
    const path = `/fhir/R4/${taken.request.reference}`;
    await payer.find({ path }, 'the claim at the payer');
    const decided = await payer.write<Answer>({ method: 'POST', path: `${path}/$adjudicate` });
    expect(decided.body.outcome).to.equal('queued');
    expect(decided.body.disposition).to.match(/^pended: /);
    const notes = decided.body['processNote'] as { text: string }[];
    const note = notes.find(({ text }) => text.startsWith('hours-in-day'));
    expect(note?.text).to.match(/^hours-in-day \(100\): practitioner \w+, day [\d-]+, minutes \d+, .*limit 30$/);
  });

  it('is refused as a table where it says what is not computed', async () => {
    const body = mapped('99213', { dependsOn: [{ property: 'urn:x', value: 'y' }] });
    const refused = await payer.send({ method: 'POST', path: '/fhir/R4/ConceptMap', body });
    expect(refused.status).to.equal(422);
    expect(JSON.stringify(refused.body)).to.include('ConceptMap.group[0].element[0].target[0].dependsOn');
    expect((await hospital.send({ method: 'PUT', path: '/claim-tables', body: {} })).status).to.equal(403);
    const odd = await payer.send({
      method: 'PUT',
      path: '/claim-tables',
      body: { units: [{ code: '1', perLine: -1 }] },
    });
    expect(odd.status).to.be.oneOf([400, 422]);
  });
});
