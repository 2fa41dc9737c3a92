/** Who holds what: told by consent, for a treatment, to a practitioner, and nothing is delivered with it. */
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { ExamplePatient, toOrganisation } from './example-patient.fixture.ts';

const caller = { from: 'clinic', role: 'practitioner', fhirUser: 'Practitioner/d1' } as const;
const OVERVIEW = { overview: true as const, types: [] };

describe('Who holds what', () => {
  let example: ExamplePatient;
  let observation: string;
  let condition: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    const subject = { reference: `Patient/${example.patientId}` };
    observation = await example.observation();
    condition = await example.record({ resourceType: 'Condition', subject });
  });
  const permit = (provision: object = {}) =>
    example.permit({ type: 'permit', actor: toOrganisation('clinic'), ...provision });
  const ask = (change: object = {}, by: object = caller) => example.ask({ ...OVERVIEW, ...change }, by);

  it('is told by type where a consent permits it, and no copy goes with it', async () => {
    const { id: consent } = await permit();
    const id = await ask();
    const { writes } = await example.decide(id, [observation, condition], { counts: { Observation: 7, Condition: 1 } });
    const state = example.accessState(id);
    expect(state).to.deep.include({ status: 'granted', counts: { Observation: 7, Condition: 1 } });
    expect(state.toldBy).to.deep.equal({ id: consent, version: 1 });
    expect(state).to.not.have.any.keys('expiresAt', 'delivered', 'audience', 'consent');
    expect(Object.keys(writes.private).sort()).to.deep.equal([
      `care_hospital access/${id}/2`,
      `inbox_clinic access/${id}/2`,
    ]);
  });

  it('is told of no type that is not permitted, and of each that is shown', async () => {
    const types = [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }];
    await permit({ class: types });
    const id = await ask();
    const tell = (counts: object | undefined) => failureOf(example.decide(id, [observation, condition], { counts }));
    for (const counts of [{ Observation: 1, Condition: 1 }, { Condition: 1 }, {}, undefined])
      expect(await tell(counts)).to.match(/INVALID at <private.counts>/);
    await example.decide(id, [observation, condition], { counts: { Observation: 1 } });
    expect(example.accessState(id).counts).to.deep.equal({ Observation: 1 });
  });

  it('is refused as everything is where nothing permits it', async () => {
    const id = await ask();
    expect(await failureOf(example.decide(id, [observation], { counts: { Observation: 1 } }))).to.match(/CONFLICT/);
    expect(await example.settle(id, [observation])).to.include({ status: 'refused', reason: 'consent-absent' });
  });

  it('is no way to count what a request for records asks', async () => {
    await permit();
    const id = await example.ask();
    const counts = { Observation: 1 };
    expect(await failureOf(example.decide(id, [observation], { counts }))).to.match(/INVALID at <private.counts>/);
  });

  const REFUSED: [string, object, object, RegExp][] = [
    ['a system', {}, { from: 'clinic', role: 'system' }, /FORBIDDEN at <private.request.overview>/],
    ['nobody named', {}, { from: 'clinic', role: 'practitioner' }, /FORBIDDEN at <private.request.overview>/],
    ['whoever breaks the glass', { purpose: 'BTG', reason: 'x' }, caller, /INVALID at <private.request.purpose>/],
    ['whoever does research', { purpose: 'HRESCH' }, caller, /at <private.request.purpose>/],
  ];
  for (const [who, change, by, message] of REFUSED)
    it(`is not told ${who}`, async () => {
      expect(await failureOf(ask(change, by))).to.match(message);
    });
});
