import { expect } from 'chai';
import fc from 'fast-check';
import {
  comparePlaces,
  type DeliveryPlace,
  isWithin,
  placeOfRecord,
  restOf,
  type Stretch,
  sameOf,
} from './deliveries.ts';

const TYPES = ['Patient', 'AllergyIntolerance', 'Condition', 'MedicationRequest', 'Observation', 'Encounter'];
const places = fc.uniqueArray(
  fc
    .record({ type: fc.constantFrom(...TYPES), minute: fc.nat(5), id: fc.uuid() })
    .map(({ type, minute, id }) => placeOfRecord(type, `2026-03-01T10:0${minute}:00.000Z`, id)),
  { minLength: 1, selector: ({ id }) => id },
);

describe('The parts of a delivery', () => {
  it('begin with what is critical, and in each group with what was recorded last', () => {
    const at = (minute: number) => `2026-03-01T10:0${minute}:00.000Z`;
    const all = [
      placeOfRecord('Observation', at(5), 'a'),
      placeOfRecord('MedicationStatement', at(1), 'b'),
      placeOfRecord('MedicationRequest', at(2), 'c'),
      placeOfRecord('Condition', at(0), 'd'),
      placeOfRecord('AllergyIntolerance', at(0), 'e'),
      placeOfRecord('Patient', at(0), 'f'),
    ];
    expect(all.sort(comparePlaces).map(({ id }) => id)).to.deep.equal(['f', 'e', 'd', 'c', 'b', 'a']);
  });

  it('hold each record once, also when each of them is cut anew while it is delivered anew', () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (all, size, smaller) => {
        const sorted = all.sort(comparePlaces);
        const parts = cut(sorted, {}, size);
        const anew = parts.flatMap((part) => cut(sorted, sameOf(part).stretch ?? {}, smaller));
        for (const one of [parts, anew]) expect(one.flatMap(({ holds }) => holds)).to.deep.equal(sorted);
      }),
    );
  });
});

interface Cut {
  holds: DeliveryPlace[];
  stretch: Stretch;
  through?: DeliveryPlace;
}

/** Cuts what lies in a stretch into parts, as they would follow each other. */
function cut(sorted: readonly DeliveryPlace[], stretch: Stretch, size: number): Cut[] {
  const within = sorted.filter((place) => isWithin(place, stretch));
  const holds = within.slice(0, size);
  if (within.length <= size) return [{ holds, stretch }];
  const part = { holds, stretch, through: holds.at(-1)! };
  return [part, ...cut(sorted, restOf(part).stretch ?? {}, size)];
}
