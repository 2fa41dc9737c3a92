import { expect } from 'chai';
import fc from 'fast-check';
import { findLedgerError, LedgerError } from './errors.ts';
import {
  type Decimal,
  decimalOf,
  exponentOf,
  MAX_UNITS,
  multiply,
  parseMoney,
  percentOf,
  roundHalfUp,
  toMoney,
} from './money.ts';
import { parseExact } from './numbers.ts';

const decimal = (value: number): Decimal => decimalOf(value)!;

describe('money', () => {
  for (const [value, currency, units] of [
    [0, 'USD', 0],
    [0.1, 'USD', 10],
    [0.07, 'USD', 7],
    [1.5, 'XCG', 150],
    [1.005e3, 'USD', 100500],
    [4.35, 'USD', 435],
    [1.15, 'EUR', 115],
    [19.99, 'USD', 1999],
    [6416.03, 'USD', 641603],
    [1234, 'JPY', 1234],
    [0.001, 'KWD', 1],
    [12.3456, 'CLF', 123456],
    [9999999999999.99, 'USD', MAX_UNITS],
  ] as const) {
    it(`reads ${value} ${currency} as ${units} minor units and writes it back`, () => {
      expect(parseMoney({ value, currency }, 'x')).to.deep.equal({ units, currency });
      expect(toMoney({ units, currency })).to.deep.equal({ value, currency });
    });
  }

  for (const [title, money, expression] of [
    ['more decimals than the currency has', { value: 1.234, currency: 'USD' }, 'x.value'],
    ['a fraction of a yen', { value: 1.5, currency: 'JPY' }, 'x.value'],
    ['a tiny exponent', { value: 1e-7, currency: 'USD' }, 'x.value'],
    ['a negative amount', { value: -1, currency: 'USD' }, 'x.value'],
    ['an amount over fifteen digits', { value: 1e14, currency: 'USD' }, 'x.value'],
    ['a huge exponent', { value: 1e300, currency: 'USD' }, 'x.value'],
    ['an amount given as text', { value: '10', currency: 'USD' }, 'x.value'],
    ['not a number', { value: Number.NaN, currency: 'USD' }, 'x.value'],
    ['no value', { currency: 'USD' }, 'x.value'],
    ['no currency', { value: 1 }, 'x.currency'],
    ['an unknown currency', { value: 1, currency: 'XYZ' }, 'x.currency'],
    ['nothing', undefined, 'x.currency'],
  ] as const) {
    it(`refuses ${title}`, () => {
      expect(() => parseMoney(money, 'x'))
        .to.throw(LedgerError)
        .that.satisfies((error: Error) => {
          const found = findLedgerError(error.message);
          return found?.code === 'INVALID' && found.expression === expression;
        });
    });
  }

  it('reads the digits that were sent, not the double next to them', () => {
    for (const [text, units] of [
      ['120.50', 12050],
      ['120.5000', 12050],
      ['1.2050E+2', 12050],
      ['0.00', 0],
      ['9999999999999.990', MAX_UNITS],
      ['120.50000000000000000001', undefined],
      ['0.29999999999999998889776975', undefined],
      ['1e-400', undefined],
      ['1e400', undefined],
      ['1e99999', undefined],
      [`1.${'0'.repeat(200)}`, undefined],
      ['-0.01', undefined],
    ] as const) {
      const read = () => parseMoney({ value: parseExact(text), currency: 'USD' }, 'x').units;
      if (units === undefined) expect(read, text).to.throw(LedgerError);
      else expect(read(), text).to.equal(units);
    }
  });

  it('gives every amount of every kind of currency back unchanged through JSON', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: MAX_UNITS }),
        fc.constantFrom('USD', 'JPY', 'KWD', 'CLF'),
        (units, currency) => {
          const money = JSON.parse(JSON.stringify(toMoney({ units, currency })));
          expect(parseMoney(money, 'x')).to.deep.equal({ units, currency });
        },
      ),
    );
  });

  it('knows how many decimals a currency has', () => {
    expect(['USD', 'JPY', 'KWD', 'CLF', 'usd', ''].map(exponentOf)).to.deep.equal([2, 0, 3, 4, undefined, undefined]);
  });

  it('multiplies decimals exactly', () => {
    expect(multiply(decimal(0.1), decimal(0.2))).to.deep.equal({ digits: 2n, scale: 2 });
    expect(decimal(1e21)).to.deep.equal({ digits: 10n ** 21n, scale: 0 });
    expect(decimal(1.5e-7)).to.deep.equal({ digits: 15n, scale: 8 });
    expect(decimalOf(Number.POSITIVE_INFINITY)).to.equal(undefined);
  });

  it('rounds halves up', () => {
    expect([0.49, 0.5, 1.5, 2.4999].map((value) => roundHalfUp(decimal(value)))).to.deep.equal([0, 1, 2, 2]);
    expect(roundHalfUp(decimal(-1))).to.equal(undefined);
    expect(roundHalfUp(decimal(1e15))).to.equal(undefined);
  });

  it('takes a percentage in whole minor units, never more than the whole', () => {
    expect(percentOf(101, decimal(50))).to.equal(51);
    expect(percentOf(1, decimal(0.5))).to.equal(0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_UNITS }), fc.integer({ min: 0, max: 1000 }), (units, tenths) => {
        const share = percentOf(units, { digits: BigInt(tenths), scale: 1 });
        expect(share).to.be.within(0, units);
      }),
    );
  });
});
