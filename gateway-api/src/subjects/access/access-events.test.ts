import { MAX_ACCESSES_AT_ONCE } from '@telemed-ledger/chaincode/model/decision-shape.ts';
import { expect } from 'chai';
import { accessIn, claimIn } from './access-events.ts';

describe('An event', () => {
  const of = (payload: unknown, name = 'AccessDecided') => accessIn({ name, payload: JSON.stringify(payload) });

  it('names one access, or several', () => {
    expect(of({ id: 'a' })).to.deep.equal(['a']);
    expect(of({ ids: ['a', 'b'] })).to.deep.equal(['a', 'b']);
  });

  it('names no more than a transaction carries, and nothing that is no id', () => {
    expect(of({ ids: Array.from({ length: 500 }, String) })).to.have.length(MAX_ACCESSES_AT_ONCE);
    for (const payload of [null, 7, 'x', {}, { id: 7 }, { ids: 'ab' }, { ids: { 0: 'a' } }, { ids: [7, ['a'], null] }])
      expect(of(payload), JSON.stringify(payload)).to.deep.equal([]);
    expect(accessIn({ name: 'AccessDecided', payload: '{' })).to.deep.equal([]);
    expect(accessIn(undefined)).to.deep.equal([]);
  });

  it('of something else names none', () => {
    expect(of({ ids: ['a'] }, 'ClaimSubmitted')).to.deep.equal([]);
    expect(claimIn({ name: 'AccessDecided', payload: '{"ids":["a"]}' })).to.deep.equal([]);
  });
});
