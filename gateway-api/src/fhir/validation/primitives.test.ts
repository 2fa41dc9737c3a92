/** hl7.org/fhir/R4/datatypes.html#primitive: what is on either side of each type's edge. */
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { expect } from 'chai';
import { isOfPrimitive } from './primitives.ts';

const TIMES: [good: string[], bad: string[]] = [
  ['00:00:00', '23:59:60', '10:00:00.1', '10:00:00.1234567890', `10:00:00.${'1'.repeat(40)}`],
  ['24:00:00', '10:60:00', '10:00:61', '10:00', '10:00:00.', '10:00:00,5', '1:00:00', ' 10:00:00', ''],
];
const ZONES: [good: string[], bad: string[]] = [
  ['Z', '+00:00', '-00:00', '+14:00', '-13:59', '+05:45'],
  ['', 'z', '+14:01', '+15:00', '+0500', '+05', '+05:60', 'UTC', 'Z '],
];
const at = (times: string[], zones: string[]): string[] =>
  times.flatMap((time) => zones.map((zone) => `2024-02-29T${time}${zone}`));
const INSTANTS: [good: string[], bad: string[]] = [
  [...at(TIMES[0], ZONES[0]), '0001-01-01T00:00:00Z', '9999-12-31T23:59:60Z'],
  [
    ...at(TIMES[1], ['Z']),
    ...at(['10:00:00'], ZONES[1]),
    '2023-02-29T10:00:00Z',
    '0000-01-01T00:00:00Z',
    '2024-02-29t10:00:00Z',
  ],
];
const DATES: [good: string[], bad: string[]] = [
  ['0001', '1000', '9999', '2024-01', '2024-12', '2024-02-29', '2000-02-29', '2024-04-30'],
  [
    '0000',
    '24',
    '02024',
    '2024-00',
    '2024-13',
    '2024-1',
    '2024-02-30',
    '1900-02-29',
    '2024-04-31',
    '2024-01-32',
    '20240101',
    '2024-01-01 ',
    '-2024',
    '2024-',
    '',
  ],
];
const text = (count: number): string => 'a'.repeat(count);

/** JSON of what a type takes, and of what it does not. */
const EDGES: Record<string, [good: unknown[], bad: unknown[]]> = {
  date: [DATES[0], [...DATES[1], '2024-01-01T10:00:00Z', 2024]],
  dateTime: [
    [...DATES[0], ...INSTANTS[0]],
    [...DATES[1], ...INSTANTS[1], '2024-01T10:00:00Z', '2024T10:00:00Z', 2024],
  ],
  instant: [INSTANTS[0], [...INSTANTS[1], ...DATES[0], ...DATES[1]]],
  time: [TIMES[0], [...TIMES[1], '10:00:00Z', 100_000]],
  id: [
    ['a', '-', '.', 'A-1.b', text(64)],
    ['', text(65), 'a_b', 'a/b', 'a b', 'a\n', 'ä', 1],
  ],
  oid: [
    ['urn:oid:0.0', 'urn:oid:1.2.3', 'urn:oid:2.16.840.1.113883'],
    ['urn:oid:3.1', 'urn:oid:1', 'urn:oid:1.02', 'urn:oid:1.', 'urn:oid:1..2', 'URN:OID:1.2', '1.2.3', 'urn:oid:1.2 '],
  ],
  uuid: [
    ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520', 'urn:uuid:00000000-0000-0000-0000-000000000000'],
    [
      'c757873d-ec9a-4326-a141-556f43239520',
      'urn:uuid:C757873D-EC9A-4326-A141-556F43239520',
      'urn:uuid:c757873dec9a4326a141556f43239520',
      'urn:uuid:c757873d-ec9a-4326-a141-556f4323952',
    ],
  ],
  uri: [
    ['x', '#', 'http://a/b?c#d', 'urn:oid:1.2', 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', 'urn:isbn:1', 'ä'],
    ['', ' ', 'a b', 'a\n', 'urn:oid:1.02', 'urn:uuid:1', 1, null],
  ],
  code: [
    ['a', 'a b', 'a b c', '-', '1'],
    ['', ' ', ' a', 'a ', 'a  b', 'a\tb', 'a\nb', 1],
  ],
  base64Binary: [
    ['YQ==', 'YWI=', 'YWJj', 'YWJj\nYWJj', 'YWJj\r\n YWI=', '++//'],
    ['', ' ', 'YQ=', 'YQ', 'Y', '=', '====', 'YQ==YWJj', 'YW-_', 'Y===', 'YWJj YQ', 1],
  ],
};

/** As they stand in JSON. */
const DECIMALS: [good: string[], bad: string[]] = [
  [
    '0',
    '-0',
    '-0.0',
    '1.0',
    '1.50',
    '1E400',
    '1e-400',
    '1.0e-7',
    '1E+2',
    '0.1234567890123456789012345678901',
    '-1',
    '1'.repeat(30),
  ],
  ['"1"', 'null', 'true', '"NaN"', '"Infinity"', '{}', '[]'],
];

describe('A primitive value', () => {
  for (const [type, [good, bad]] of Object.entries(EDGES))
    it(`of type ${type} is what R4 says, to its edges`, () => {
      for (const value of good) expect(isOfPrimitive(type, value), `takes ${String(value)}`).to.equal(true);
      for (const value of bad) expect(isOfPrimitive(type, value), `refuses ${String(value)}`).to.equal(false);
    });

  it('of type decimal is any number of JSON', () => {
    for (const json of DECIMALS[0]) expect(isOfPrimitive('decimal', parseExact(json)), json).to.equal(true);
    for (const json of DECIMALS[1]) expect(isOfPrimitive('decimal', parseExact(json)), json).to.equal(false);
  });
});
