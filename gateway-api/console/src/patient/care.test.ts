/** What a patient's appointments, forms and medicines become, without a browser. */
import type {
  Appointment,
  MedicationRequest,
  MedicationStatement,
  Questionnaire,
  Schedule,
  Slot,
} from '@medplum/fhirtypes';
import { expect } from 'chai';
import { isInDanger, openIn, responseTo, scoreIn } from '../parts/answers.ts';
import { bookedAt, byDay, mayArrive, offersIn, practitionersOf, whoIs } from './appointment.ts';
import { dosesOf, statementOf } from './doses.ts';

const her = { reference: 'Patient/p' };
const slot = (id: string, start: string): Slot => ({
  ...{ resourceType: 'Slot', id, start, end: start, status: 'free', schedule: { reference: 'Schedule/s' } },
});

describe('What a patient can book', () => {
  it('is offered once by the same people, however many schedules they have', () => {
    const schedule = (id: string, actors: string[], active?: boolean): Schedule => ({
      ...{ resourceType: 'Schedule', id, actor: actors.map((reference) => ({ reference })) },
      ...(active === undefined ? {} : { active }),
    });
    const [a, b] = ['Practitioner/a', 'Practitioner/b'];
    const found = offersIn([
      ...[schedule('1', [a!]), schedule('2', [b!, a!]), schedule('3', [a!], true), schedule('4', [a!, b!])],
      ...[schedule('5', [b!], false), schedule('6', ['Location/room'])],
    ]);
    expect(found).to.deep.equal([
      { practitioners: [a], schedules: ['Schedule/1', 'Schedule/3'] },
      { practitioners: [a, b], schedules: ['Schedule/2', 'Schedule/4'] },
    ]);
    const members = [
      { name: 'clinic', kind: 'provider' as const, people: [{ system: 's', value: 'Practitioner/a', name: 'Dr. A' }] },
    ];
    expect(whoIs('Practitioner/a', members)).to.deep.equal({ name: 'Dr. A', at: 'clinic' });
    expect(whoIs('Practitioner/z', members)).to.equal(undefined);
  });

  it('lies by day, each time once and in order', () => {
    const days = byDay([
      slot('2', '2026-03-02T09:00:00'),
      slot('1', '2026-03-01T09:00:00'),
      slot('3', '2026-03-02T08:00:00'),
      slot('4', '2026-03-02T08:00:00'),
    ]);
    expect([...days].map(([day, slots]) => [day, slots.map(({ id }) => id)])).to.deep.equal([
      ['2026-03-01', ['1']],
      ['2026-03-02', ['4', '2']],
    ]);
  });

  it('names her and those who offer it, and is arrived at around its time alone', () => {
    const booked = bookedAt(slot('1', '2026-03-01T09:00:00Z'), ['Practitioner/a'], 'Patient/p');
    expect(booked.slot).to.deep.equal([{ reference: 'Slot/1' }]);
    expect(booked.participant.map(({ actor }) => actor.reference)).to.deep.equal(['Patient/p', 'Practitioner/a']);
    const appointment = { resourceType: 'Appointment', ...booked } as Appointment;
    expect(practitionersOf(appointment)).to.deep.equal(['Practitioner/a']);
    const at = (time: string): boolean => mayArrive(appointment, new Date(time));
    expect([at('2026-03-01T07:59:00Z'), at('2026-03-01T08:01:00Z'), at('2026-03-01T10:01:00Z')]).to.deep.equal([
      ...[false, true, false],
    ]);
    expect(mayArrive({ ...appointment, status: 'cancelled' }, new Date('2026-03-01T09:00:00Z'))).to.equal(false);
  });
});

describe('A form that is answered', () => {
  const options = ['no', 'yes'].map((code) => ({ valueCoding: { system: 's', code, display: code.toUpperCase() } }));
  const form: Questionnaire = {
    ...{ resourceType: 'Questionnaire', status: 'active', url: 'urn:form', title: 'Form' },
    item: [
      { linkId: 'a', text: 'A?', type: 'choice', required: true, answerOption: options },
      { linkId: 'self-harm', text: 'B?', type: 'choice', required: true, answerOption: options },
      { linkId: 'c', text: 'C?', type: 'choice', answerOption: options },
      { linkId: 'sum', text: 'Sum', type: 'decimal', readOnly: true },
    ],
  };

  it('says what is open, and is sent with its answers and no score', () => {
    expect(openIn(form, { a: 1 })).to.deep.equal(['self-harm']);
    const sent = responseTo(form, { a: 1, 'self-harm': 0 }, { subject: her, authored: '2026-03-01T10:00:00Z' });
    expect(sent).to.include({ status: 'completed', questionnaire: 'urn:form' });
    expect(sent.item?.map(({ linkId, answer }) => [linkId, answer?.[0]?.valueCoding?.code])).to.deep.equal([
      ['a', 'yes'],
      ['self-harm', 'no'],
    ]);
    expect(scoreIn(sent)).to.equal(undefined);
    const scored = { ...sent, item: [...(sent.item ?? []), { linkId: 'sum', answer: [{ valueDecimal: 7 }] }] };
    expect(scoreIn(scored)).to.equal(7);
  });

  it('says where help is as soon as somebody says that she is in danger', () => {
    expect([isInDanger({ a: 1 }), isInDanger({ 'self-harm': 0 })]).to.deep.equal([false, false]);
    expect([isInDanger({ 'self-harm': 1 }), isInDanger({ '44260-8': 1 })]).to.deep.equal([true, true]);
  });
});

describe('Doses of today', () => {
  it('lie with their prescription, without those that were a mistake', () => {
    const order = {
      ...{ resourceType: 'MedicationRequest', id: 'm', status: 'active', intent: 'order', subject: her },
      medicationCodeableConcept: { text: 'x' },
    } as MedicationRequest;
    const said = (isTaken: boolean, at: string): MedicationStatement =>
      statementOf(order, { isTaken, patient: 'Patient/p', author: 'RelatedPerson/r', at });
    const [taken, missed] = [said(true, '2026-03-01T20:00:00Z'), said(false, '2026-03-01T08:00:00Z')];
    expect(taken).to.deep.include({ status: 'completed', informationSource: { reference: 'RelatedPerson/r' } });
    expect(missed.status).to.equal('not-taken');
    const slip: MedicationStatement = { ...taken, status: 'entered-in-error' };
    const found = dosesOf([taken, slip, missed]).get('MedicationRequest/m');
    expect(found?.map(({ isTaken, at }) => [isTaken, at])).to.deep.equal([
      [false, '2026-03-01T08:00:00Z'],
      [true, '2026-03-01T20:00:00Z'],
    ]);
  });
});
