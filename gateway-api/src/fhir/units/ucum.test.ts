import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { text } from './definitions/generate.ts';
import { canonicalOf, isUnit } from './ucum.ts';

/** What 1 of a unit is in the canonical one, and which that is. */
const inBase = (code: string): [number, string] | undefined => {
  const canonical = canonicalOf(code);
  return canonical && [Number((canonical.factor + canonical.offset).toPrecision(9)), canonical.unit];
};

describe('UCUM', () => {
  it('is the table that its generator writes', () => {
    expect(readFileSync(new URL('definitions/units.json', import.meta.url), 'utf8') === text).to.equal(true);
  });

  const equal: [string, string, number][] = [
    ['mg/dL', 'g/L', 0.01],
    ['ug', 'mg', 0.001],
    ['10*9/L', '10*3/uL', 1],
    ['10^9/L', '/nL', 1],
    ['kPa', 'mm[Hg]', 1 / 0.133322],
    ['m[IU]/mL', '[iU]/L', 1],
    ['{beats}/min', '/min', 1],
    ['mL/min/{1.73_m2}', 'mL/min', 1],
    ['kg.m/s2', 'N', 1],
    ['m2', 'm.m', 1],
    ['1/s', 'Hz', 1],
    ['L/(min.m2)', 'L.min-1.m-2', 1],
    ['[lb_av]', 'kg', 0.45359237],
    ['100.g', 'kg', 0.1],
    ['%', '{ratio}', 0.01],
  ];
  for (const [one, other, factor] of equal)
    it(`holds ${one} against ${other}`, () => {
      const [left, right] = [canonicalOf(one), canonicalOf(other)];
      expect(left?.unit).to.equal(right?.unit);
      expect(left!.factor / right!.factor).to.be.closeTo(factor, 1e-9 * factor);
    });

  it('knows scales with a zero of their own', () => {
    expect(inBase('Cel')).to.deep.equal([274.15, 'K']);
    const { factor, offset } = canonicalOf('[degF]')!;
    expect(212 * factor + offset).to.be.closeTo(373.15, 1e-9);
  });

  it('keeps apart what does not compare', () => {
    const units = ['mg', 'mL', '[iU]', "[arb'U]", 'mol/L', 'g/L', 'K'].map((code) => canonicalOf(code)?.unit);
    expect(new Set(units).size).to.equal(units.length);
    for (const code of ['[pH]', 'dB', 'Cel/s', 'B[10.nV]']) {
      expect(canonicalOf(code), code).to.equal(undefined);
      expect(isUnit(code), code).to.equal(true);
    }
  });

  const none = [
    '',
    'month',
    'ea',
    'drop',
    'TAB',
    'MMG',
    'mg/',
    '(mg',
    'mg)',
    'm g',
    '100g',
    '1.5.',
    '{a b}',
    '{',
    '//m',
    'kk',
  ];
  for (const code of [...none, '('.repeat(100), 'm'.repeat(201), 'm.'.repeat(1000)])
    it(`has no unit ${JSON.stringify(code.slice(0, 12))}`, () => {
      expect(isUnit(code)).to.equal(false);
      expect(canonicalOf(code)).to.equal(undefined);
    });
});
