import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson, canonicalText } from './canonical.ts';
import { numberText } from './numbers.fixture.ts';
import { isExactNumber, isNumber, numberOf, parseExact, textOfNumber } from './numbers.ts';

/** As a reviver sees it: slow, and plain. */
const parsedSlowly = (text: string): unknown =>
  (
    JSON.parse as (
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ) => unknown
  )(text, (_key, value, { source }) =>
    typeof value === 'number' && String(value) !== source
      ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source!)
      : value,
  );
const failureOf = (parse: () => unknown): string => {
  try {
    return `no failure: ${canonicalJson(parse())}`;
  } catch (error) {
    return (error as Error).message;
  }
};

const space = fc.constantFrom('', ' ', '\n\t ');
/** JSON texts full of numbers, and of strings that look like them. */
const { jsonText } = fc.letrec<{ jsonText: string; string: string }>((tie) => ({
  string: fc
    .oneof(
      fc.string({ unit: 'grapheme' }),
      numberText.map((text) => `[${text}, `),
      numberText.map((text) => `: ${text}]`),
    )
    .map((text) => JSON.stringify(text)),
  jsonText: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    numberText,
    tie('string'),
    fc.constantFrom('null', 'true', '"\u{E000}1.50"', '"\\ue0001.50"'),
    fc
      .tuple(fc.array(tie('jsonText'), { maxLength: 4 }), space)
      .map(([items, gap]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`),
    fc
      .tuple(
        fc.array(fc.tuple(fc.oneof(tie('string'), fc.constant('"__proto__"')), tie('jsonText')), { maxLength: 4 }),
        space,
      )
      .map(
        ([members, gap]) => `{${members.map(([key, value]) => `${gap}${key}${gap}:${gap}${value}${gap}`).join(',')}}`,
      ),
  ),
}));

describe('A number', () => {
  it('keeps every digit that was sent, wherever it stands', () => {
    fc.assert(
      fc.property(numberText, (text) => {
        for (const whole of [text, `[${text}]`, `{"a":${text}}`, `{"a":[1,{"b":${text}}],"c":"${text}"}`]) {
          expect(JSON.stringify(parseExact(whole))).to.equal(whole);
          expect(canonicalText(whole)).to.equal(whole);
        }
        const value = parseExact(text);
        expect(isNumber(value)).to.equal(true);
        expect(textOfNumber(value as number)).to.equal(text);
      }),
    );
  });

  it('is plain where JavaScript writes the same digits', () => {
    for (const text of ['0', '1', '-1.5', '0.1', '1e+21', '1e-7', '9007199254740992'])
      expect(parseExact(text)).to.equal(Number(text));
    for (const text of ['1.0', '1e21', '-0', '1E5', '0.0000001', '9007199254740993', '1e400'])
      expect(isExactNumber(parseExact(text)), text).to.equal(true);
    expect(isExactNumber({ rawJSON: '1.0' })).to.equal(false);
  });

  it('compares as the double next to it, and never loses its sign', () => {
    for (const [text, value] of [
      ['1.50', 1.5],
      ['9007199254740993', 9007199254740992],
      ['1e400', Number.POSITIVE_INFINITY],
      ['-1e-400', -Number.MIN_VALUE],
      ['1e-400', Number.MIN_VALUE],
      ['0e5', 0],
      ['0.00', 0],
    ] as const)
      expect(numberOf(parseExact(text) as number), text).to.equal(value);
  });
});

describe('A text', () => {
  it('is parsed as a reviver parses it that sees every digit', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(parseExact(text)).to.deep.equal(parsedSlowly(text));
        expect(JSON.stringify(parseExact(text))).to.equal(JSON.stringify(parsedSlowly(text)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is parsed alike however long it is, and however many numbers stand in it or in its strings', () => {
    const many = Array.from({ length: 12_000 }, (_, index) => `${index}.50`).join(',');
    for (const text of [
      `{"a":[${many}],"b":1e400}`,
      `{"a":"[${many}]","b":1e400}`,
      `{"a":"x${'y'.repeat(1024 * 1024)}","b":[1.50,2.5,-0]}`,
      `{"a":${'9'.repeat(2_000_000)}}`,
    ])
      expect(JSON.stringify(parseExact(text)) === text, text.slice(0, 20)).to.equal(true);
  });

  it('is refused where it is no JSON, in the same words', () => {
    fc.assert(
      fc.property(
        jsonText,
        fc.nat(),
        fc.constantFrom('', '1.50', ',', ':', '"', '0', '[', '}', '1.0,'),
        (text, at, junk) => {
          const place = at % (text.length + 1);
          const broken = text.slice(0, place) + junk + text.slice(place + 1);
          expect(failureOf(() => parseExact(broken))).to.equal(failureOf(() => parsedSlowly(broken)));
        },
      ),
      { numRuns: 1_000 },
    );
    for (const text of [
      '{1.50:1}',
      '{"a":1,1.50 :2}',
      '[01.50]',
      '[1.50 1.50]',
      '["a: 1.50, b" 1.50]',
      '[+1.50]',
      '[1.]',
      '',
    ])
      expect(() => parseExact(text), text).to.throw(SyntaxError);
  });
});
