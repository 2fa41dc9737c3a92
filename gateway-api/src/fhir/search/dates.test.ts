import { expect } from 'chai';
import { boundsOf, rangeOf } from './dates.ts';

describe('FHIR dates in a search', () => {
  const ranges: [string, string, string][] = [
    ['2026', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2026-02-28', '2026-02-28T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['2026-02-28T10:30Z', '2026-02-28T10:30:00.000Z', '2026-02-28T10:31:00.000Z'],
    ['2026-02-28T10:30:15+02:00', '2026-02-28T08:30:15.000Z', '2026-02-28T08:30:16.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z', '2017-01-01T00:00:01.000Z'],
    ['2026-02-28T10:30:15.5001234567Z', '2026-02-28T10:30:15.500Z', '2026-02-28T10:30:15.501Z'],
    ['2026-02-28T10:30:15.5Z', '2026-02-28T10:30:15.500Z', '2026-02-28T10:30:15.501Z'],
  ];
  for (const [value, from, to] of ranges) {
    it(`take ${value} for the range as wide as its precision`, () => {
      expect(rangeOf(value)).to.deep.equal({ from, to });
    });
  }

  it('are nothing when they are no date', () => {
    for (const value of [
      '',
      'today',
      '2026-13-01',
      '2026-02-30',
      '2025-02-29T10:00Z',
      '26-01-01',
      '2026-01-01T25:00Z',
    ]) {
      expect(rangeOf(value), value).to.equal(undefined);
      expect(boundsOf({ prefix: 'eq', value })).to.deep.equal([]);
    }
  });

  const inside = '2026-02-28T12:00:00.000Z';
  const before = '2026-02-27T23:59:59.999Z';
  const after = '2026-03-01T00:00:00.000Z';
  const matches: Record<string, string[]> = {
    eq: [inside],
    ne: [before, after],
    gt: [after],
    sa: [after],
    lt: [before],
    eb: [before],
    ge: [inside, after],
    le: [before, inside],
  };
  for (const [prefix, expected] of Object.entries(matches)) {
    it(`${prefix} a day matches what it should`, () => {
      const alternatives = boundsOf({ prefix: prefix as 'eq', value: '2026-02-28' });
      const found = [before, inside, after].filter((instant) =>
        alternatives.some((all) =>
          all.every((bound) => (bound.operator === '<' ? instant < bound.instant : instant >= bound.instant)),
        ),
      );
      expect(found).to.deep.equal(expected);
    });
  }
});
