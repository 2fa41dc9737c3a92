import { expect } from 'chai';
import { CONSULTATION_REFUSALS, consultationRefusal } from './consultations.ts';
import type { Resource } from './fhir.ts';
import { unrecordable } from './record-types.ts';

const visit = (start: string | undefined, end: string | undefined, code = 'VR'): Resource => ({
  ...{ resourceType: 'Encounter', id: 'e', status: 'finished', class: { code }, period: { start, end } },
});

describe('a consultation', () => {
  it('ends after it starts, and within a day', () => {
    for (const [start, end, reason] of [
      ['2026-03-01T10:00:00Z', '2026-03-01T09:59:59Z', 'ends-before-it-starts'],
      ['2026-03-01T10:00:00+02:00', '2026-03-01T10:00:00+03:00', 'ends-before-it-starts'],
      ['2026-03-01', '2026-02-28', 'ends-before-it-starts'],
      ['2026-03-01T10:00:00Z', '2026-03-02T16:00:00Z', 'longer-than-a-day'],
      ['2026-03-01T10:00:00Z', '2026-03-02T10:00:01Z', 'longer-than-a-day'],
    ] as const) {
      expect(consultationRefusal(visit(start, end)), `${start} ${end}`).to.equal(reason);
      expect(unrecordable(visit(start, end))).to.equal(`${reason}: ${CONSULTATION_REFUSALS[reason]}`);
    }
  });

  it('may be under way, of one day, over midnight, or a stay of another class', () => {
    for (const one of [
      visit('2026-03-01T10:00:00Z', undefined),
      visit(undefined, undefined),
      visit('2026-03-01', '2026-03-01'),
      visit('2026-03-01T23:50:00Z', '2026-03-02T00:20:00Z'),
      visit('2026-03-01T10:00:00Z', '2026-03-09T10:00:00Z', 'IMP'),
    ])
      expect(unrecordable(one)).to.equal(undefined);
  });
});
