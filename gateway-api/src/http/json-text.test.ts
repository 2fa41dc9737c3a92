/** A text taken apart and parsed piece by piece comes out as JSON.parse makes it of the whole. */
import { expect } from 'chai';
import fc from 'fast-check';
import { JsonScan } from './json-scan.ts';
import { JsonSyntaxError, parseText } from './json-text.ts';

/** Longer than what is parsed whole. */
const PADDING = 'x'.repeat(70_000);

const scanned = (bytes: Buffer, sizes: readonly number[] = []): JsonScan => {
  const scan = new JsonScan();
  let from = 0;
  for (const size of sizes) {
    scan.push(bytes.subarray(from, from + size));
    from += size;
  }
  scan.push(bytes.subarray(from));
  scan.finish();
  return scan;
};
const parse = (text: string, sizes?: number[]) => {
  const bytes = Buffer.from(text);
  return parseText(bytes, scanned(bytes, sizes));
};
const failure = async (text: string): Promise<string> => {
  try {
    await parse(text);
  } catch (error) {
    expect(error).to.be.instanceOf(JsonSyntaxError);
    return (error as Error).message;
  }
  throw new Error(`${text.slice(0, 40)} was taken for JSON`);
};

describe('A long JSON text', () => {
  it('is what JSON.parse makes of it, wherever its chunks end', async () => {
    const bundles = fc.record({
      resourceType: fc.constant('Bundle'),
      padding: fc.constant(PADDING),
      entry: fc.oneof(fc.array(fc.json().map((json) => JSON.parse(json) as unknown)), fc.jsonValue()),
      more: fc.jsonValue(),
    });
    await fc.assert(
      fc.asyncProperty(bundles, fc.array(fc.nat(200)), fc.nat(3), async (bundle, sizes, space) => {
        const text = JSON.stringify(bundle, null, space);
        expect((await parse(text, sizes)).value).to.deep.equal(JSON.parse(text));
      }),
    );
  });

  it('has its entries taken apart, not those of what lies in it', () => {
    const inner = { entry: [1, 2], x: '","entry":[{"', entries: [{}] };
    const bytes = Buffer.from(JSON.stringify({ a: ['entry', [7]], b: 'entry', entry: [inner, [], 'x', 5, null] }));
    const pieces = scanned(bytes).pieces.map(({ start, end }) => JSON.parse(bytes.subarray(start, end).toString()));
    expect(pieces).to.deep.equal([inner, [], 'x', 5, null]);
  });

  it('counts what there is to be parsed', () => {
    const { marks, deepest, mostAtOnce, frame } = scanned(Buffer.from('{"entry":[[[1,2,3]],{}],"a":",,[[{{"}'));
    expect({ marks, deepest, mostAtOnce, frame: frame.marks }).to.deep.equal({
      marks: 9,
      deepest: 4,
      mostAtOnce: 4,
      frame: 4,
    });
  });

  it('says where it is no JSON as JSON.parse does, and quotes nothing', async () => {
    const long = `{"padding":"${PADDING}é😀",\n"entry":[{"a":1},\n {"b":}],"c":1}`;
    const told = (text: string): string => {
      try {
        JSON.parse(text);
      } catch (error) {
        return /at position \d+ \(line \d+ column \d+\)/.exec((error as Error).message)?.[0] ?? 'somewhere';
      }
      return 'no failure';
    };
    for (const text of [
      long,
      long.replace('}],"c"', '2}],c'),
      long.replace('{"a":1}', ''),
      long.replace('{"b":}', 'Zanzibar'),
      `{"entry":[1,2]],"x":"${PADDING}"}`,
      long.slice(0, -20),
      `{"x":"${PADDING}","entry":[{"a":`,
      `{"x":"${PADDING}`,
    ]) {
      const found = await failure(text);
      expect(found).to.match(/^(at position \d+ \(line \d+ column \d+\)|somewhere)$/);
      if (told(text) !== 'somewhere') expect(found).to.equal(told(text));
    }
  });

  it('is refused where its entries stand there twice, however they are written', async () => {
    for (const second of ['"entry":[]', '"entry":1', '"entr\\u0079":[{}]']) {
      expect(await failure(`{"x":"${PADDING}","entry":[{}],${second}}`)).to.match(/twice/);
    }
  });

  it('has numbers that parsing changes told by their place', async () => {
    const number = '12345678901234567890.123456789';
    const text = `{"resourceType":"Bundle","total":${number},"x":"${PADDING}","entry":[{"a":1},{"a":[${number}]}]}`;
    expect((await parse(text)).inexact).to.deep.equal(['Bundle.total', 'Bundle.entry[1].a[0]']);
    expect((await parse(`{"resourceType":"X","a":${number}}`)).inexact).to.deep.equal(['X.a']);
    expect((await parse(`\u{feff}{"resourceType":"X","a":${number}}`)).inexact).to.deep.equal(['X.a']);
    expect((await parse(`\u{feff}${text}`)).inexact).to.deep.equal(['Bundle.total', 'Bundle.entry[1].a[0]']);
  });
});
