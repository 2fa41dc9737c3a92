/**
 * One service is paid once, whatever it is billed as, and for what its records say when it is decided; an honest second visit
 * and a claim that was put right are. On either network.
 */
import { randomUUID } from 'node:crypto';
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
const CPT = 'http://www.ama-assn.org/go/cpt';

interface Answer extends Resource {
  outcome: string;
  disposition?: string;
  request: { reference: string };
  error?: { code: { coding: { code: string }[] } }[];
}
interface Billed {
  code?: string;
  day?: string;
  period?: object;
  patient?: string;
}

describe('A service that is billed', function () {
  this.timeout(90_000);
  let story: Story;
  let hospital: Party;
  let payer: Party;
  let practitioner: object;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    const { parties } = await consortium();
    story = { parties, visit: newVisit(), startedAt: '', locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
    hospital = parties.of('hospital', 'system');
    payer = parties.of('payer', 'adjudicator');
    const location = [...story.locations.values()].find((one) => one.startsWith('Encounter/'));
    const { participant } = await hospital.ask<Resource & { participant: object }>({ path: `/fhir/R4/${location}` });
    practitioner = participant;
  });

  const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<Resource> =>
    (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body;

  /** A finished visit of the story's patient, from minute to minute of yesterday at UTC-5. */
  const visited = (start: string, end: string, patient = story.patientId): Promise<Resource> =>
    create({
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' } },
      ...{ subject: { reference: `Patient/${patient}` }, participant: practitioner },
      period: { start, end },
    });
  const { day } = newVisit();
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  const at = (time: string, of = day): string => `${of}T${time}:00-05:00`;

  async function bill(encounter: Resource, { code = '99213', day: on, period, patient }: Billed = {}): Promise<Answer> {
    const served = period === undefined ? { servicedDate: on ?? day } : { servicedPeriod: period };
    const body = {
      ...{
        resourceType: 'Claim',
        status: 'active',
        use: 'claim',
        created: next,
        priority: { coding: [{ code: 'normal' }] },
      },
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
      patient: { reference: `Patient/${patient ?? story.patientId}` },
      provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${story.coverageId}` } }],
      item: [
        {
          ...{ sequence: 1, productOrService: { coding: [{ system: CPT, code }] }, ...served },
          ...{ encounter: [{ reference: `Encounter/${encounter.id}` }], net: { value: 80, currency: 'USD' } },
        },
      ],
    };
    return (await hospital.write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body })).body;
  }

  const expectTaken = ({ outcome, disposition }: Answer): void => {
    expect(outcome, disposition).to.equal('queued');
  };
  const expectDenied = ({ outcome, disposition }: Answer, edit: string): void => {
    expect(outcome, disposition).to.equal('error');
    expect(disposition).to.include(edit);
  };

  /** It waits for the records as they are now, which the hospital's gateway shows, and is decided by these. */
  async function decidedByRecords(answer: Answer): Promise<Answer> {
    expect((await adjudicate(answer)).disposition).to.equal('pended: evidence-outdated');
    const decisionIn = ({ entry }: { entry: { resource: Answer }[] }): Answer | undefined =>
      entry.map(({ resource }) => resource).find(({ outcome }) => outcome === 'complete');
    const path = `/fhir/R4/ClaimResponse?request=${answer.request.reference}`;
    const isThere = (found: Parameters<typeof decisionIn>[0]): boolean => decisionIn(found) !== undefined;
    return decisionIn(await payer.find({ path }, 'the decision by the records as they are now', isThere))!;
  }
  async function expectDeniedByRecords(answer: Answer, edit: string): Promise<void> {
    const { disposition, error } = await decidedByRecords(answer);
    expect(disposition).to.equal('denied');
    expect(error?.[0]?.code.coding[0]?.code).to.equal(edit);
  }

  async function adjudicate({ request }: Answer): Promise<Answer> {
    await payer.find({ path: `/fhir/R4/${request.reference}` }, 'the claim at the payer');
    return (await payer.write<Answer>({ method: 'POST', path: `/fhir/R4/${request.reference}/$adjudicate` })).body;
  }

  /** Changes a record of the hospital's. */
  async function change({ resourceType, id }: Resource, by: object): Promise<void> {
    const path = `/fhir/R4/${resourceType}/${id}`;
    await hospital.write({ method: 'PUT', path, body: { ...(await hospital.ask({ path })), ...by } });
  }

  it('is paid once over midnight, by either day, another code, another day or another patient', async () => {
    const visit = await visited(at('23:50'), at('00:20', next));
    expectTaken(await bill(visit));
    expectDenied(await bill(visit, { day: next }), 'duplicate');
    expectDenied(await bill(visit, { code: '99215' }), 'duplicate');
    expectDenied(await bill(visit, { code: 'G2012' }), 'duplicate');
    await change(visit, { period: { start: at('08:00'), end: at('08:30') } });
    expectDenied(await bill(visit), 'duplicate');
    const other = await create({ resourceType: 'Patient', identifier: [story.visit.member] });
    await change(visit, { subject: { reference: `Patient/${other.id}` } });
    expectDenied(await bill(visit, { patient: other.id }), 'duplicate');
    const again = await visited(at('23:50'), at('00:20', next), other.id);
    expectDenied(await bill(again, { patient: other.id }), 'duplicate');
  });

  it('is another one where it took place at another time of the day, by the same code', async () => {
    expectTaken(await bill(await visited(at('10:00'), at('10:15'))));
    expectTaken(await bill(await visited(at('14:00'), at('14:15'))));
    expectDenied(await bill(await visited(at('14:00'), at('14:20'))), 'duplicate');
  });

  it('may be billed by the same instants in another offset', async () => {
    const visit = await visited(at('21:00'), at('21:30'));
    expectTaken(await bill(visit, { period: { start: `${next}T02:00:00Z`, end: `${next}T02:30:00Z` } }));
  });

  it('is not paid where its visit was voided before it was decided, and is free again', async () => {
    const visit = await visited(at('16:00'), at('16:15'));
    const taken = await bill(visit);
    expectTaken(taken);
    expectDenied(await bill(visit), 'duplicate');
    await change(visit, { status: 'entered-in-error' });
    await expectDeniedByRecords(taken, 'service-not-shown');
    expectDenied(await bill(visit), 'service-not-shown');
    await change(visit, { status: 'finished' });
    const right = await bill(visit);
    expectTaken(right);
    expect((await adjudicate(right)).disposition).to.equal('approved');
    expectDenied(await bill(visit), 'duplicate');
  });

  it('is paid line by line by a fee schedule that can be read back, and not where it has no price', async () => {
    const visit = await visited(at('20:00'), at('20:15'));
    const path = '/fee-schedules/hospital';
    const tariff = { version: randomUUID(), currency: 'USD', prices: { '99213': 5000 } };
    await payer.write({ method: 'PUT', path, body: tariff });
    for (const reader of [payer, hospital]) {
      type Shown = { version: string; unlisted: string };
      const isIt = ({ version }: Shown): boolean => version === tariff.version;
      const shown = await reader.find<Shown>({ path }, 'the fee schedule', isIt);
      expect(shown).to.deep.include({ ...tariff, unlisted: 'not-covered', payer: 'payer', provider: 'hospital' });
      expect((await reader.send({ path: `${path}?version=none` })).status).to.equal(404);
    }
    const rows = {
      method: 'POST' as const,
      body: 'CODE,PRICE\n99213,55.00\n99214,x',
      headers: { 'content-type': 'text/csv' },
    };
    const listed = randomUUID();
    const preview = await payer.ask<{ changes: object[]; unusable: object[] }>({
      ...{ ...rows, path: `${path}/list?version=${listed}&preview=true` },
    });
    expect(preview.changes).to.deep.equal([{ line: 2, code: '99213', before: 5000, after: 5500 }]);
    expect(preview.unusable).to.deep.equal([{ line: 3, reason: 'is no amount of USD', expression: 'PRICE' }]);
    expect((await payer.send({ path: `${path}?version=${listed}` })).status, 'nothing is written').to.equal(404);
    await payer.write({ ...rows, path: `${path}/list?version=${listed}` });
    const after = await hospital.find<{ prices: object }>({ path: `${path}?version=${listed}` }, 'the prices');
    expect(after.prices).to.deep.equal({ '99213': 5500 });
    expect((await hospital.send({ ...rows, path: `${path}/list?version=x` })).status).to.be.oneOf([403, 404]);
    const taken = await bill(visit, { code: '99999' });
    expectTaken(taken);
    const body = { resourceType: 'Parameters', parameter: [{ name: 'deny', valueBoolean: true }] };
    await payer.find({ path: `/fhir/R4/${taken.request.reference}` }, 'the claim at the payer');
    const asked = { method: 'POST', path: `/fhir/R4/${taken.request.reference}/$adjudicate`, body } as const;
    expect((await payer.send(asked)).status).to.equal(422);
    const denied = await adjudicate(taken);
    expect(denied.disposition).to.equal('denied');
    expect(JSON.stringify(denied['item'])).to.include('not-covered');
    await payer.write({ method: 'PUT', path, body: { ...tariff, prices: {}, unlisted: 'as-billed' } });
  });

  it('is paid where a record was corrected before it was decided, and nothing that is billed was', async () => {
    const visit = await visited(at('19:00'), at('19:15'));
    const taken = await bill(visit);
    await change(visit, { language: 'en' });
    expect((await decidedByRecords(taken)).disposition).to.equal('approved');
  });

  it('is not paid where the patient’s death was recorded before it was decided', async () => {
    const member = { system: 'https://payer.example/members', value: randomUUID() };
    const patient = await create({ resourceType: 'Patient', identifier: [member, story.visit.member] });
    const visit = await visited(at('18:00'), at('18:15'), patient.id);
    const taken = await bill(visit, { patient: patient.id });
    expectTaken(taken);
    await change(patient, { deceasedDateTime: '2020-01-01' });
    await expectDeniedByRecords(taken, 'outside-lifetime');
    expectDenied(await bill(visit, { patient: patient.id }), 'outside-lifetime');
  });
});
