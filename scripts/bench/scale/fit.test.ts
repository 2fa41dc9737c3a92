import { expect } from 'chai';
import fc from 'fast-check';
import { type Costs, costsOf, type Measured, predicted } from './fit.ts';

/** Each load on each network, as the bench has them. */
const LOADS = [1, 14, 100].flatMap((records) => [2, 2 + records].map((keys) => ({ keys, records })));
const NETWORKS = [
  ...[14, 114, 414].map((collections) => ({ collections, organisations: 6 })),
  ...[12, 24].map((organisations) => ({ collections: 3 * organisations, organisations })),
];
const SETTINGS = LOADS.flatMap((load) => NETWORKS.map((network) => ({ ...load, ...network })));

describe('Costs by what a transaction is made of', () => {
  it('are found again in what they add up to', () => {
    const cost = fc.double({ min: 0.001, max: 50, noNaN: true });
    const costs: fc.Arbitrary<Costs> = fc.record({
      ...{ transaction: cost, record: cost, key: cost, keyAndCollection: cost, organisation: cost },
    });
    fc.assert(
      fc.property(costs, (made) => {
        const measured = SETTINGS.map((one) => ({ ...one, milliseconds: predicted(made, one) }));
        const found = costsOf(measured);
        for (const one of measured)
          expect(predicted(found, one)).to.be.closeTo(one.milliseconds, one.milliseconds / 1e6);
      }),
    );
  });

  it('need as many measurements as there are costs', () => {
    const one: Measured = { ...SETTINGS[0]!, milliseconds: 1 };
    expect(() => costsOf([one, one, one])).to.throw('5 measurements are needed');
  });
});
