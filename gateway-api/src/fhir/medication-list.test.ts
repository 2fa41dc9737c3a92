import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { tablesOn } from '@telemed-ledger/chaincode/model/medication-checks.ts';
import { expect } from 'chai';
import { reconcile } from './medication-list.ts';

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const now = Date.parse('2026-03-31T12:00:00Z');
const tables = tablesOn('2026-03-31');
const drug = (code: string, system = RXNORM) => ({ medicationCodeableConcept: { coding: [{ system, code }] } });
let next = 0;
const record = (resourceType: string, more: object): Resource => {
  next += 1;
  return { resourceType, id: `${next}`, status: 'active', ...more };
};
const request = (code: string, more: object = {}) =>
  record('MedicationRequest', { intent: 'order', authoredOn: '2026-01-01', ...drug(code), ...more });
const statement = (code: string, more: object = {}) => record('MedicationStatement', { ...drug(code), ...more });
const given = (code: string, day: string, status = 'completed') =>
  record('MedicationAdministration', { status, effectiveDateTime: `${day}T08:00:00Z`, ...drug(code) });
const daily = (frequency: number, more: object = {}) => ({
  dosageInstruction: [{ timing: { repeat: { frequency, period: 1, periodUnit: 'd', ...more } } }],
});
const listed = (records: Resource[], medications: Resource[] = []) => reconcile(records, { tables, now, medications });
const groups = (records: Resource[], medications: Resource[] = []) =>
  listed(records, medications).map(({ sources }) => sources.map(({ id }) => id).sort());
const idsOf = (...records: Resource[]) => records.map(({ id }) => id).sort();

describe('What a patient takes', () => {
  it('is one medicine by its ingredient, whoever recorded which product of it', () => {
    const [one, other, third] = [request('308191'), statement('723'), request('310965')];
    expect(groups([one, other, third])).to.have.deep.members([idsOf(one, other), idsOf(third)]);
    expect(listed([one])[0]?.ingredients).to.equal('amoxicillin');
  });

  it('is one by its codes or its record where no table has it, and never by words', () => {
    const [one, other] = [request('999999'), statement('999999')];
    const third = statement('', {
      medicationCodeableConcept: {
        coding: [
          { system: 'urn:atc', code: 'X' },
          { system: RXNORM, code: '999999' },
        ],
      },
    });
    const [words, same] = [0, 1].map(() => request('', { medicationCodeableConcept: { text: 'Aspirin' } }));
    const by = { medicationCodeableConcept: undefined, medicationReference: { reference: 'Medication/x' } };
    const [named, again] = [request('', by), statement('', by)];
    const atc = request('X', drug('X', 'urn:atc'));
    expect(groups([one, atc, other, third, words!, same!, named, again])).to.have.deep.members([
      idsOf(one, other, third, atc),
      idsOf(words!),
      idsOf(same!),
      idsOf(named, again),
    ]);
    const medication = { resourceType: 'Medication', id: 'x', code: drug('723').medicationCodeableConcept };
    const ours = request('308191');
    expect(groups([named, ours], [medication])).to.deep.equal([idsOf(named, ours)]);
  });

  it('is what is ordered or said to be taken now, as it stands', () => {
    for (const change of [{ status: 'stopped' }, { status: 'completed' }, { intent: 'plan' }, { doNotPerform: true }])
      expect(listed([request('723', change)]), JSON.stringify(change)).to.deep.equal([]);
    for (const status of ['completed', 'not-taken', 'entered-in-error', 'stopped'])
      expect(listed([statement('723', { status })]), status).to.deep.equal([]);
    expect(listed([given('723', '2026-03-30')])).to.deep.equal([]);
    expect(listed([request('723', { status: 'on-hold' })])[0]?.status).to.equal('on-hold');
    expect(listed([request('723', { status: 'on-hold' }), statement('723')])[0]?.status).to.equal('active');
  });

  const DAY = '2026-03-30';
  const adherence: [title: string, records: Resource[], due: number | undefined, taken: number, missed: number][] = [
    ['all of it', [request('723', daily(1)), ...days(30).map((day) => given('308191', day))], 30, 30, 0],
    ['some of it', [request('723', daily(1)), ...days(20).map((day) => given('723', day))], 30, 20, 10],
    ['more than lately', [request('723', daily(2)), given('723', '2026-01-02')], 60, 0, 60],
    ['since it began', [request('723', { ...daily(3), authoredOn: '2026-03-30T12:00:00Z' })], 3, 0, 3],
    ['once a week', [request('723', daily(1, { period: 1, periodUnit: 'wk' }))], 4, 0, 4],
    ['at times of the day', [request('723', daily(1, { timeOfDay: ['08:00:00', '20:00:00'] }))], 60, 0, 60],
    ['until it ended', [request('723', daily(1, { boundsPeriod: { end: '2026-03-10' } }))], 9, 0, 9],
    [
      'as needed',
      [request('723', { dosageInstruction: [{ asNeededBoolean: true }] }), given('723', DAY)],
      undefined,
      1,
      0,
    ],
    ['nobody knows when', [request('723'), given('723', DAY, 'not-done')], undefined, 0, 1],
    [
      'what she says herself',
      [
        request('723', daily(1)),
        statement('723', { status: 'completed', effectiveDateTime: DAY }),
        statement('723', { status: 'not-taken', effectiveDateTime: DAY }),
      ],
      30,
      1,
      29,
    ],
    [
      'by what renews it',
      [request('723', daily(1)), request('723', { ...daily(2), authoredOn: '2026-03-01' })],
      60,
      0,
      60,
    ],
    ['not by another', [request('723', daily(1)), given('5640', DAY)], 30, 0, 30],
  ];
  for (const [title, records, due, taken, missed] of adherence)
    it(`is taken, or not: ${title}`, () => {
      const { since, ...counts } = listed(records)[0]!.adherence;
      expect(counts).to.deep.equal({ ...(due === undefined ? {} : { due }), taken, missed });
      expect(since).to.be.at.least(now - 30 * 86_400_000);
    });

  it('is found of 2,000 records by no more work than each takes', () => {
    const all = Array.from({ length: 2_000 }, (_, index) => request(index % 2 === 0 ? '723' : `9${index}`));
    expect(listed(all)).to.have.length(1_001);
  });
});

/** The last days before now, as YYYY-MM-DD. */
function days(count: number): string[] {
  return Array.from({ length: count }, (_, index) => new Date(now - index * 86_400_000).toISOString().slice(0, 10));
}
