import { parseConsortium } from '@telemed-ledger/consortium/loader.ts';
import { collectionConfigsOf } from '@telemed-ledger/network/collections.ts';
import { expect } from 'chai';
import { definedConsortium } from '../../command-line.ts';
import { consortiumOf } from './setting.ts';

describe('The consortium of a measurement', () => {
  for (const setting of [
    { organisations: 6 },
    { organisations: 6, collections: 414 },
    { organisations: 12 },
    { organisations: 24, collections: 114 },
  ])
    it(`has what was asked for and no mistake: ${JSON.stringify(setting)}`, () => {
      const made = consortiumOf(definedConsortium(), setting);
      expect(parseConsortium(JSON.stringify(made), 'made')).to.deep.equal(made);
      expect(made.organisations).to.have.length(setting.organisations);
      const names = collectionConfigsOf(made).map(({ name }) => name);
      expect(new Set(names).size).to.equal(names.length);
      if (setting.collections !== undefined) expect(names).to.have.length(setting.collections);
    });

  it('has no fewer organisations and collections than are needed', () => {
    const made = (organisations: number, collections: number) => () =>
      consortiumOf(definedConsortium(), { organisations, collections });
    expect(made(5, 100)).to.throw('at least the 6 organisations');
    expect(made(6, 3)).to.throw(/6 organisations need \d+ collections/);
  });
});
