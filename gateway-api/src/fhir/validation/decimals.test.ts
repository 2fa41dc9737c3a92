/** Which numbers lose digits when they are parsed, and where they stand. */
import { expect } from 'chai';
import fc from 'fast-check';
import { changedNumbers, losesDigits } from './decimals.ts';

describe('numbers of a body', () => {
  it('keep their value where a double or its print says the same', () => {
    const kept = ['0', '-0', '1.0', '100', '0.1', '1e3', '1.50E+2', '0.000001', '9007199254740991', '1e22', '0.0e5'];
    for (const text of [...kept, '177.43482733946948', '1.00000000000000000000', '123456789012345680000']) {
      expect(losesDigits(text), text).to.equal(false);
    }
  });

  it('lose digits where a double has fewer', () => {
    const lost = ['9007199254740993', '12345678901234567890', '0.1234567890123456789', '1.0000000000000000001'];
    for (const text of [...lost, '-9007199254740993']) expect(losesDigits(text), text).to.equal(true);
  });

  it('print as themselves whatever the double', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => !losesDigits(JSON.stringify(x))));
  });

  it('are told by their place, and text that looks like them is not', () => {
    const places = (text: string): string[] => changedNumbers(Buffer.from(text));
    expect(places('{"resourceType":"X","a":[{"b":1},{"b":9007199254740993}]}')).to.deep.equal(['X.a[1].b']);
    expect(places('[ 9007199254740993 ]')).to.deep.equal(['body[0]']);
    expect(places('{"a":"x:9007199254740993,"}')).to.deep.equal([]);
    expect(places('{"a":"urn:oid:2.16.840.1.113883.4.642.40"}')).to.deep.equal([]);
    expect(places('{"a":9007199254740993,')).to.deep.equal([]);
  });
});
