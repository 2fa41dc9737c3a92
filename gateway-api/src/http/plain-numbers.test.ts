/** Which numbers lose digits as doubles, and what routes that compute are given. */
import { isExactNumber, parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { z } from 'zod';
import { losesDigits, withPlainNumbers } from './plain-numbers.ts';

describe('numbers of a body that is computed with', () => {
  it('keep their value where a double says the same', () => {
    const kept = ['0', '-0', '1.0', '100', '0.1', '1e3', '1.50E+2', '0.000001', '9007199254740991', '1e22', '0.0e5'];
    for (const text of [...kept, '177.43482733946948', '1.00000000000000000000', '123456789012345680000']) {
      expect(losesDigits(text), text).to.equal(false);
    }
  });

  it('lose digits where a double has fewer', () => {
    const lost = ['9007199254740993', '12345678901234567890', '0.1234567890123456789', '1.0000000000000000001'];
    for (const text of [...lost, '-9007199254740993', '1e400', '1e-400', '0.30000000000000001'])
      expect(losesDigits(text), text).to.equal(true);
  });

  it('print as themselves whatever the double', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => !losesDigits(JSON.stringify(x))));
  });

  it('are plain, and those that would be others are no numbers to a schema', () => {
    const body = parseExact('{"a":[1.0,2],"b":{"c":1E+2},"d":9007199254740993,"e":"1.0"}');
    const plain = withPlainNumbers(body) as { d: unknown };
    expect(plain).to.deep.include({ a: [1, 2], b: { c: 100 }, e: '1.0' });
    expect(isExactNumber(plain.d)).to.equal(true);
    const read = z.object({ d: z.int() }).safeParse(plain);
    expect(read.error?.issues[0]?.path).to.deep.equal(['d']);
  });
});
