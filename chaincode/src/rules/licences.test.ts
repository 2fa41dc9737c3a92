import { expect } from 'chai';
import fc from 'fast-check';
import { decisionOn, licenceAct, licenceAfter, standingOn } from '../model/licences.ts';
import type { LicenceState } from '../model/transactions.ts';
import type { LicenceInput } from '../model/values.ts';
import { evaluateLicence, evaluateLicenceDuring, type Holder, names } from './licences.ts';

const licence: LicenceState = {
  number: '1234567893',
  status: 'active',
  start: '2024-01-01',
  end: '2025-12-31',
  updatedAt: '2024-01-01T00:00:00.000Z',
};

const holder: Holder = { organisation: 'hospital', practitioner: 'Practitioner/x' };
const bound: LicenceState = {
  ...licence,
  practitioners: [
    { organisation: 'hospital', practitioner: 'Practitioner/x' },
    { organisation: 'clinic', practitioner: 'Practitioner/y' },
  ],
};

describe('a licence', () => {
  const cases: [string, LicenceState | undefined, string, string][] = [
    ['in its middle', licence, '2024-06-15', 'permit'],
    ['on its first day', licence, '2024-01-01', 'permit'],
    ['on its last day', licence, '2025-12-31', 'permit'],
    ['the day before', licence, '2023-12-31', 'licence-not-begun'],
    ['the day after', licence, '2026-01-01', 'licence-expired'],
    ['while suspended', { ...licence, status: 'suspended' }, '2024-06-15', 'licence-suspended'],
    ['while excluded', { ...licence, status: 'excluded' }, '2024-06-15', 'licence-excluded'],
    ['that nobody registered', undefined, '2024-06-15', 'licence-absent'],
  ];
  for (const [when, state, date, expected] of cases)
    it(`${when} gives ${expected}`, () => {
      const decision = evaluateLicence(state, holder, date);
      expect(decision.outcome === 'permit' ? 'permit' : decision.reason).to.equal(expected);
    });

  it('is in force on no day when it is not active', () => {
    const day = fc.date({ min: new Date('2000-01-01'), max: new Date('2050-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.constantFrom('suspended' as const, 'excluded' as const), (date, status) => {
        const day = date.toISOString().slice(0, 10);
        expect(evaluateLicence({ ...licence, status }, holder, day).outcome).to.equal('deny');
      }),
    );
  });

  const held: [string, LicenceState, Holder, string][] = [
    ['whom it names', bound, holder, 'permit'],
    ['the same person elsewhere', bound, { organisation: 'clinic', practitioner: 'Practitioner/y' }, 'permit'],
    ["an organisation's that it names, by the number alone", bound, { ...holder, practitioner: undefined }, 'permit'],
    [
      'of the same reference at another organisation',
      bound,
      { ...holder, organisation: 'clinic' },
      'licence-of-another',
    ],
    ['of another reference', bound, { ...holder, practitioner: 'Practitioner/y' }, 'licence-of-another'],
    ['of an organisation that it does not name', bound, { ...holder, organisation: 'payer' }, 'licence-of-another'],
    ['of no organisation', bound, { ...holder, organisation: undefined }, 'licence-of-another'],
    [
      'when it names nobody, as licences of earlier chaincode',
      licence,
      { ...holder, organisation: 'clinic' },
      'permit',
    ],
  ];
  for (const [who, state, whose, expected] of held)
    it(`held by one ${who} gives ${expected}`, () => {
      const decision = evaluateLicence(state, whose, '2024-06-15');
      expect(decision.outcome === 'permit' ? 'permit' : decision.reason).to.equal(expected);
    });

  it('names those of its list alone', () => {
    const person = { organisation: 'hospital', practitioner: 'Practitioner/x' };
    expect(names(bound, person)).to.equal(true);
    expect(names(bound, { ...person, organisation: 'clinic' })).to.equal(false);
    expect(names(bound, { ...person, practitioner: 'Practitioner/y' })).to.equal(false);
    expect(names(licence, person), 'nobody').to.equal(false);
  });
});

describe('a licence over time', () => {
  const NOW = '2026-01-01T00:00:00.000Z';
  const { number, start } = licence;
  const said = (change: Partial<LicenceInput>): LicenceInput => ({
    ...{ number, start, end: '2029-12-31', status: 'active' },
    ...change,
  });
  const after = (...statements: Partial<LicenceInput>[]): LicenceState =>
    statements.reduce<LicenceState | undefined>((before, one) => licenceAfter(before, said(one), NOW), undefined)!;
  const reasonOn = (state: LicenceState, day: string): string => {
    const decision = evaluateLicence(state, holder, day);
    return decision.outcome === 'permit' ? 'permit' : decision.reason;
  };
  const suspended = { status: 'suspended', effective: '2026-03-01' } as const;
  const reinstated = { effective: '2026-06-01' } as const;

  const cases: [string, LicenceState, [string, string][]][] = [
    [
      'suspended and reinstated',
      after({}, suspended, reinstated),
      [
        ...([
          ['2026-02-28', 'permit'],
          ['2026-03-01', 'licence-suspended'],
        ] as [string, string][]),
        ...([
          ['2026-05-31', 'licence-suspended'],
          ['2026-06-01', 'permit'],
        ] as [string, string][]),
      ],
    ],
    [
      'excluded from a day that lies behind what was said since',
      after({}, suspended, reinstated, { status: 'excluded', effective: '2025-01-01' }),
      [
        ['2024-12-31', 'permit'],
        ['2025-01-01', 'licence-excluded'],
        ['2026-07-01', 'licence-excluded'],
      ],
    ],
    [
      'said anew without a day, which is all of it',
      after({}, suspended, reinstated, { status: 'suspended' }),
      [
        ['2024-06-01', 'licence-suspended'],
        ['2026-07-01', 'licence-suspended'],
      ],
    ],
    [
      'renewed with a gap',
      after({ end: '2024-12-31' }, { start: '2025-03-01', effective: '2025-03-01' }),
      [
        ...([
          ['2024-12-31', 'permit'],
          ['2025-01-01', 'licence-expired'],
        ] as [string, string][]),
        ...([
          ['2025-02-28', 'licence-expired'],
          ['2025-03-01', 'permit'],
        ] as [string, string][]),
      ],
    ],
    [
      'issued with a day after its start',
      after({ effective: '2024-07-01' }),
      [
        ['2024-06-30', 'licence-not-begun'],
        ['2024-07-01', 'permit'],
      ],
    ],
    ['excluded before it was ever issued', after({ status: 'excluded' }), [['2020-01-01', 'licence-excluded']]],
  ];
  for (const [what, state, days] of cases)
    for (const [day, expected] of days)
      it(`${what}: ${day} gives ${expected}`, () => expect(reasonOn(state, day)).to.equal(expected));

  it('is not in force for a stay in the middle of which it was not', () => {
    const state = after({}, suspended, reinstated);
    const during = (first: string, last: string) => evaluateLicenceDuring(state, holder, { first, last }).outcome;
    expect(during('2026-01-01', '2026-02-28')).to.equal('permit');
    expect(during('2026-06-01', '2026-08-01')).to.equal('permit');
    expect(during('2026-02-01', '2026-07-01')).to.equal('deny');
    const gap = after({ end: '2024-12-31' }, { start: '2025-03-01', effective: '2025-03-01' });
    expect(evaluateLicenceDuring(gap, holder, { first: '2024-12-01', last: '2025-04-01' }).outcome).to.equal('deny');
    expect(evaluateLicenceDuring(undefined, holder, { first: '2024-12-01', last: '2025-04-01' }).outcome).to.equal(
      'deny',
    );
  });

  it('counts on every day of a stay as on each day alone', () => {
    const days = Array.from({ length: 40 }, (_, index) =>
      new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10),
    );
    const day = fc.constantFrom(...days);
    const statement = fc.record({
      status: fc.constantFrom('active', 'suspended', 'excluded'),
      effective: day,
      start: day,
    });
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 6 }), day, day, (statements, one, other) => {
        const state = after(...statements.map((each) => ({ ...each, end: '2026-01-25' })));
        const [first = one, last = other] = [one, other].sort();
        const each = days
          .filter((at) => first <= at && at <= last)
          .map((at) => evaluateLicence(state, holder, at).outcome);
        const all = each.every((outcome) => outcome === 'permit') ? 'permit' : 'deny';
        expect(evaluateLicenceDuring(state, holder, { first, last }).outcome).to.equal(all);
      }),
    );
  });

  it('is on a day what was said last of those days, whatever was said before', () => {
    const day = fc.integer({ min: 1, max: 28 }).map((at) => `2026-05-${String(at).padStart(2, '0')}`);
    const statement = fc.record({ status: fc.constantFrom('active', 'suspended', 'excluded'), effective: day });
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 12 }), day, (statements, on) => {
        const state = after(...statements);
        const last = statements.findLast(({ effective }) => effective <= on);
        expect(standingOn(state, on)?.status).to.equal(last?.status);
      }),
    );
  });

  it('counts where its jurisdictions say, a country for all its parts, and goes on to where it is left out', () => {
    const state = after({ jurisdictions: ['US-MA', 'DE'] }, suspended, reinstated);
    const inPlace = (place?: string) => decisionOn(state, '2026-07-01', place);
    for (const place of ['US-MA', 'DE', 'DE-BY', undefined]) expect(inPlace(place).outcome, place).to.equal('permit');
    for (const place of ['US', 'US-M', 'US-NY', 'D', 'DEU'])
      expect(inPlace(place), place).to.deep.equal({ outcome: 'deny', reason: 'licence-elsewhere' });
  });

  it('has an act for what was said, in the field’s word', () => {
    const issued = after({});
    const acts: [LicenceState | undefined, Partial<LicenceInput>, string][] = [
      [undefined, {}, 'issue'],
      [issued, { end: '2031-12-31' }, 'renew'],
      [issued, { end: '2028-12-31' }, 'correct'],
      [issued, suspended, 'suspend'],
      [issued, { status: 'excluded' }, 'exclude'],
      [after({}, suspended), reinstated, 'reinstate'],
    ];
    for (const [before, change, act] of acts)
      expect(licenceAct(before, licenceAfter(before, said(change), NOW)), act).to.equal(act);
  });
});
