import { expect } from 'chai';
import { assertReadable } from './deployment.ts';

describe('A deployment', () => {
  it('goes on from what the same major version wrote, and refuses another with what to do', () => {
    for (const written of [undefined, '2.0-0123456789ab', '2.7', '2']) assertReadable('2.0', written);
    for (const written of ['1.0-0123456789ab', '3.0', '20.0'])
      expect(() => assertReadable('2.0', written), written).to.throw(`version ${written} of the chaincode`);
    expect(() => assertReadable('2.0', '1.0')).to.throw('npm run network -- reset');
  });
});
