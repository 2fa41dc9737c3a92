import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { ExamplePatient, toOrganisation } from './example-patient.fixture.ts';

const DAY_MS = 86_400_000;
const forClinic = { type: 'permit', actor: toOrganisation('clinic') };
const DOCTOR = { role: 'practitioner', fhirUser: 'Practitioner/d1' };

describe('a request that waits for the patient', () => {
  let example: ExamplePatient;
  let observation: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    observation = await example.observation();
  });
  const after = (days: number): string => new Date(Date.parse(example.ledger.time) + days * DAY_MS).toISOString();

  it('says until when, in the request and in every step of it', async () => {
    const waitUntil = after(30);
    const id = await example.ask({ waitUntil });
    expect(JSON.parse(example.text(`request/${id}`))).to.include({ waitUntil });
    expect(example.accessState(id)).to.include({ status: 'requested', waitUntil });
    await example.refuse(id);
    expect(example.accessState(id)).to.include({ status: 'refused', reason: 'not-permitted', waitUntil });
  });

  it('waits no longer than 30 days, for nothing that is over, and in no emergency', async () => {
    for (const [waitUntil, refusal] of [
      [example.ledger.time, /is not ahead/],
      [after(-1), /is not ahead/],
      [after(30.001), /more than 30 days ahead/],
      ['tomorrow', /INVALID/],
    ] as const)
      expect(await failureOf(example.ask({ waitUntil }))).to.match(refusal);
    const emergency = { purpose: 'BTG', reason: 'Unconscious', waitUntil: after(1) };
    expect(await failureOf(example.ask(emergency, DOCTOR))).to.match(
      /INVALID at <private.request.waitUntil>: an emergency does not wait/,
    );
  });

  it('is permitted by a consent that is given meanwhile, and by none once its time is over', async () => {
    const [one, other] = [await example.ask({ waitUntil: after(1) }), await example.ask({ waitUntil: after(1) })];
    expect(await example.evaluate(one, [observation])).to.deep.equal({
      ...{ outcome: 'deny', reason: 'consent-absent', reasons: ['consent-absent'] },
    });
    await example.permit(forClinic);
    await example.decide(one, [observation]);
    expect(example.accessState(one)).to.include({ status: 'granted' });
    const late = { time: after(1) };
    expect(await example.evaluate(other, [observation], late)).to.deep.equal({ outcome: 'deny', reason: 'wait-over' });
    expect(await failureOf(example.decide(other, [observation], {}, late))).to.match(/CONFLICT at <id>/);
  });

  it('is told when a consent that it knows begins to permit it, or a denial ends, in time', async () => {
    const id = await example.ask({ waitUntil: after(10) });
    const tomorrow = after(1).slice(0, 10);
    await example.permit({ ...forClinic, period: { start: tomorrow } });
    expect(await example.evaluate(id, [observation])).to.deep.equal({
      ...{ outcome: 'deny', reason: 'consent-absent', again: `${tomorrow}T00:00:00.000Z` },
      reasons: ['consent-absent'],
    });
    const short = await example.ask({ waitUntil: after(0.1) });
    expect(await example.evaluate(short, [observation])).to.not.have.property('again');
    const plain = await example.ask();
    expect(await example.evaluate(plain, [observation])).to.not.have.property('again');
    const day = after(3).slice(0, 10);
    await example.permit({ type: 'deny', period: { end: day } });
    expect(await example.evaluate(id, [observation])).to.deep.include({
      again: `${after(4).slice(0, 10)}T00:00:00.000Z`,
    });
  });
});
