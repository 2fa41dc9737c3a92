import type { AuthorizationState } from '@telemed-ledger/chaincode/model/authorizations.ts';
import { expect } from 'chai';
import { metricsOf, roundsOf } from './metrics.ts';

const HOUR_MS = 3_600_000;
const START = Date.parse('2026-03-01T00:00:00Z');
const at = (hours: number): string => new Date(START + hours * HOUR_MS).toISOString();

const state = (hours: number | undefined, more: Partial<AuthorizationState> = {}): AuthorizationState => ({
  ...{ schema: 1, id: '00000000-0000-4000-8000-000000000001', step: 1, payer: 'payer', status: 'approved' },
  ...{ urgency: 'standard', receivedAt: at(0), dueAt: at(168), revisions: 0, updatedAt: at(0), salt: 'a'.repeat(64) },
  ...(hours === undefined ? { status: 'pended' } : { decidedAt: at(hours) }),
  ...more,
});

describe('The metrics of prior authorizations', () => {
  it('count what was decided in the year, with mean and median time, and what was late', () => {
    const rounds = [
      state(1),
      state(2),
      state(9, { status: 'denied' }),
      state(200, { status: 'partial', isLate: true }),
      state(undefined),
      state(undefined, { dueAt: at(1) }),
      state(3, { status: 'denied', urgency: 'expedited', reason: 'coverage-not-in-force' }),
      state(1, { receivedAt: '2025-12-31T23:59:59Z' }),
    ];
    const { standard, expedited, denials } = metricsOf(rounds, 2026, at(2));
    expect(standard).to.deep.equal({
      ...{ requests: 6, decided: 4, approved: 2, approvedInPart: 1, denied: 1, pended: 2, cancelled: 0 },
      ...{ approvedPercent: 50, approvedInPartPercent: 25, deniedPercent: 25, meanHours: 53, medianHours: 5.5 },
      ...{ decidedLate: 1, overdue: 1 },
    });
    expect(expedited).to.include({ requests: 1, deniedPercent: 100, meanHours: 3, medianHours: 3 });
    expect(denials).to.deep.equal({ reviewed: 1, 'coverage-not-in-force': 1 });
    expect(metricsOf([], 2026, at(0)).standard).to.not.have.property('meanHours');
  });

  it('count each revision for itself, and what is taken back after its decision as decided', () => {
    const steps = [
      state(undefined),
      state(4),
      state(undefined, { revisions: 1, receivedAt: at(10) }),
      state(undefined, { revisions: 1, receivedAt: at(10), status: 'cancelled' }),
    ];
    expect(roundsOf(steps).map(({ status }) => status)).to.deep.equal(['approved', 'cancelled']);
    expect(roundsOf([state(4), state(4, { status: 'cancelled' })]).map(({ status }) => status)).to.deep.equal([
      'approved',
    ]);
  });
});
