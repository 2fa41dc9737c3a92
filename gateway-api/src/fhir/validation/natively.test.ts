/** The shortcuts of natively.ts say what FHIRPath says of the same invariant. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Structures } from './definitions/rows.ts';
import { invariantByFhirPath } from './invariants.ts';
import { isNotAfter, natively } from './natively.ts';

const { constraints } = JSON.parse(
  readFileSync(new URL('definitions/structures.json', import.meta.url), 'utf8'),
) as Structures;
const expressionOf = (key: string): string => constraints.find((constraint) => constraint[0] === key)![1];

const TYPES: Record<string, string> = {
  'qty-3': 'Quantity',
  'sqty-1': 'Quantity',
  'cpt-2': 'ContactPoint',
  'att-1': 'Attachment',
  'obs-3': 'ObservationReferenceRange',
};
const ELEMENTS = ['value', 'comparator', 'code', 'system', 'data', 'contentType', 'text', 'url'];
const values = fc.record(Object.fromEntries(ELEMENTS.map((element) => [element, fc.constant('x')])), {
  requiredKeys: [],
});

const OF_OBSERVATIONS = ['obs-6', 'obs-7'];
const code = (name: string) => ({ coding: [{ system: 'http://loinc.org', code: name }] });
const observations = fc.record(
  {
    code: fc.constantFrom(code('a'), code('b')),
    dataAbsentReason: fc.constant(code('unknown')),
    valueString: fc.constant('x'),
    valueQuantity: fc.constant({ value: 1 }),
    _valueString: fc.constant({ id: 'x' }),
    component: fc.constantFrom([{ code: code('a'), valueString: 'x' }], [{ code: code('b') }]),
  },
  { requiredKeys: ['code'] },
);

describe('invariants as functions', () => {
  for (const [key, type] of Object.entries(TYPES)) {
    it(`${key} answers as its FHIRPath does`, () => {
      const holds = invariantByFhirPath(expressionOf(key));
      const root = { type: 'Basic', value: { resourceType: 'Basic' } };
      fc.assert(
        fc.property(values, (value) => {
          fc.pre(Object.keys(value).length > 0);
          expect(natively[key]!(value)).to.equal(holds(value, type, { resource: root, root }));
        }),
      );
    });
  }

  for (const key of OF_OBSERVATIONS) {
    it(`${key} is left to FHIRPath or answers as it does`, () => {
      const holds = invariantByFhirPath(expressionOf(key));
      let answered = 0;
      fc.assert(
        fc.property(observations, (observation) => {
          const value = { resourceType: 'Observation', ...observation };
          const root = { type: 'Observation', value };
          const answer = natively[key]!(value);
          fc.pre(answer !== undefined);
          answered += 1;
          expect(answer).to.equal(holds(value, 'Observation', { resource: root, root }));
        }),
      );
      expect(answered).to.be.above(0);
    });
  }

  it('every shortcut is of an invariant that the definitions have', () => {
    const known = new Set(constraints.map(([key]) => key));
    expect(Object.keys(natively).filter((key) => !known.has(key))).to.deep.equal([]);
    expect(Object.keys(natively).sort()).to.deep.equal(
      [...Object.keys(TYPES), ...OF_OBSERVATIONS, 'per-1', 'que-2'].sort(),
    );
  });

  it('per-1 compares instants, and what is less precise only as far as both say', () => {
    expect(isNotAfter('2026-01-02T10:00:00Z', '2026-01-02T10:30:00+01:00')).to.equal(false);
    expect(isNotAfter('2026-01-02T10:00:00+01:00', '2026-01-02T09:30:00Z')).to.equal(true);
    expect(isNotAfter('2026-03', '2026-03-01')).to.equal(true);
    expect(isNotAfter('2026-03-02', '2026')).to.equal(true);
    expect(isNotAfter('2026-03', '2026-02-28')).to.equal(false);
  });
});
