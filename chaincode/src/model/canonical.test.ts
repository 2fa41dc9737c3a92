/** Canonical JSON is RFC 8785's but for numbers, whatever a value holds and whatever was written before it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson, canonicalText } from './canonical.ts';

/** As RFC 8785 says it. */
function plainly(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${plainly(member)}`).join(',')}}`;
}

describe('Canonical JSON', () => {
  it('is what RFC 8785 says of any value, written twice', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const parsed: unknown = JSON.parse(JSON.stringify(value));
        const text = canonicalJson(parsed);
        expect(text).to.equal(plainly(parsed));
        expect(canonicalText(text)).to.equal(text);
      }),
    ));

  it('has members in the order of their UTF-16 code units, and none that is undefined', () => {
    const value = { '\u{1f600}': 1, '\ue000': 2, b: undefined, a10: [], a2: [undefined, {}], '': null, '"\\': '\n' };
    expect(canonicalJson(value)).to.equal('{"":null,"\\"\\\\":"\\n","a10":[],"a2":[null,{}],"\u{1f600}":1,"\ue000":2}');
  });

  it('writes names as it did after thousands of others', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`"${index}`, index]));
    expect(canonicalJson(many)).to.equal(plainly(many));
    expect(canonicalJson({ ...many, 'another"': 1 })).to.equal(plainly({ ...many, 'another"': 1 }));
  });
});
