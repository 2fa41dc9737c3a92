import { expect } from 'chai';
import fc from 'fast-check';
import type { LicenceState } from '../model/transactions.ts';
import { evaluateLicence, type Holder, names } from './licences.ts';

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
