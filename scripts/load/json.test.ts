import { expect } from 'chai';
import fc from 'fast-check';
import { BrokenJson, parseJson } from './json.ts';

const faultOf = (text: string): BrokenJson => {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof BrokenJson) return error;
    throw error;
  }
  throw new Error('the text was accepted');
};

describe('JSON of a file', () => {
  it('reads what is whole, with a byte order mark too', () => {
    expect(parseJson('\uFEFF{"a": [1, true, null, "x"]}')).to.deep.equal({ a: [1, true, null, 'x'] });
  });

  for (const [text, line, column] of [
    ['', 1, 1],
    ['{"a": 1', 1, 8],
    ['{\n  "a": 1,\n  "b": tru\n}', 3, 8],
    ['{"a": 1,}', 1, 9],
    ['[1, 2] x', 1, 8],
    ['{"a" 1}', 1, 6],
    ['{"a": "x\ny"}', 1, 7],
    ['[1,,2]', 1, 4],
  ] as const) {
    it(`names line ${line}, column ${column} of ${JSON.stringify(text)}`, () => {
      const fault = faultOf(text);
      expect([fault.line, fault.column]).to.deep.equal([line, column]);
    });
  }

  it('never quotes the text', () => {
    expect(faultOf('{"name": "Cassandra" "birthDate"}').message).to.not.match(/Cassandra|birth/);
  });

  it('places a cut inside any document at or before its end', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, cut) => {
        const part = text.slice(0, cut % text.length);
        try {
          JSON.parse(part);
        } catch {
          const fault = faultOf(part);
          expect(fault.line).to.be.at.least(1);
          expect(fault.column).to.be.within(1, part.length + 1);
        }
      }),
    );
  });
});
