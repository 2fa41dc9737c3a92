import { expect } from 'chai';
import { spanOf, spanOfPeriod } from './periods.ts';

const utc = (text: string): number => Date.parse(text);

describe('a FHIR date', () => {
  const cases: [string, string, string][] = [
    ['2025', '2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
    ['2024-02', '2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2025-12', '2025-12-01T00:00:00Z', '2026-01-01T00:00:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2025-06-15T10:00:00-05:00', '2025-06-15T15:00:00Z', '2025-06-15T15:00:01Z'],
    ['2025-06-15T10:00:00.250Z', '2025-06-15T10:00:00.250Z', '2025-06-15T10:00:00.251Z'],
    ['2025-06-15T10:00:00.2501234567Z', '2025-06-15T10:00:00.250Z', '2025-06-15T10:00:00.251Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z', '2017-01-01T00:00:01Z'],
    ['2016-12-31T18:59:60.5-05:00', '2017-01-01T00:00:00.500Z', '2017-01-01T00:00:00.501Z'],
    ['2025-06-15T10:00:00', '2025-06-15T10:00:00Z', '2025-06-15T10:00:01Z'],
  ];
  for (const [text, start, end] of cases)
    it(`such as ${text} spans all that it leaves open`, () => {
      expect(spanOf(text)).to.deep.equal({ start: utc(start), end: utc(end) });
    });

  for (const text of [
    '',
    'soon',
    '2025-6',
    '25-06-15',
    '2025-06-15T',
    '2025-06-15Tnoon',
    '2025-06-15T10:00:61Z',
    '2025-06-15T10:60:00Z',
    2025,
    null,
    undefined,
  ])
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(spanOf(text)).to.equal(undefined);
    });
});

describe('a FHIR Period', () => {
  it('is open where it has no start or no end', () => {
    expect(spanOfPeriod({})).to.deep.equal({ start: -Infinity, end: Infinity });
    expect(spanOfPeriod({ end: '2025' })).to.deep.equal({ start: -Infinity, end: utc('2026-01-01T00:00:00Z') });
  });

  it('is none when one of its ends is no date', () => {
    expect(spanOfPeriod({ start: '2025', end: 'later' })).to.equal(undefined);
    expect(spanOfPeriod(undefined)).to.equal(undefined);
  });
});
