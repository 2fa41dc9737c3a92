import { expect } from 'chai';
import fc from 'fast-check';
import type { LicenceState } from '../model/transactions.ts';
import { evaluateLicence } from './licences.ts';

const licence: LicenceState = {
  number: '1234567893',
  status: 'active',
  start: '2024-01-01',
  end: '2025-12-31',
  updatedAt: '2024-01-01T00:00:00.000Z',
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
      const decision = evaluateLicence(state, date);
      expect(decision.outcome === 'permit' ? 'permit' : decision.reason).to.equal(expected);
    });

  it('is in force on no day when it is not active', () => {
    const day = fc.date({ min: new Date('2000-01-01'), max: new Date('2050-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.constantFrom('suspended' as const, 'excluded' as const), (date, status) => {
        expect(evaluateLicence({ ...licence, status }, date.toISOString().slice(0, 10)).outcome).to.equal('deny');
      }),
    );
  });
});
