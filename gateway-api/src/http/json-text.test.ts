/** A text taken apart and parsed piece by piece comes out as the whole does, every digit of its numbers kept. */
import { numberText } from '@telemed-ledger/chaincode/model/numbers.fixture.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Failure } from './failures.ts';
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

const twice = (text: string): Promise<string> =>
  parse(text).then(
    () => 'taken',
    (error: Failure) => (error.status === 400 ? error.message : 'another status'),
  );

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
        expect(await parse(text, sizes)).to.deep.equal(JSON.parse(text));
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
      expect(await twice(`{"x":"${PADDING}","entry":[{}],${second}}`)).to.match(/^A member stands twice in one object/);
    }
  });

  it('is refused where any member stands twice in one object, with its place, and taken where it stands in two', async () => {
    const padded = (inner: string): string[] => [
      `{"a":${inner}}`,
      `{"x":"${PADDING}","entry":[{},${inner}]}`,
      `{"x":"${PADDING}","entry":[{}],"more":${inner}}`,
    ];
    for (const inner of [
      '{"b":1,"c":2,"b":1}',
      '[1,{"b":{"d":[{"k":1.50,"k":"\\"k\\":"}]}}]',
      '{"b":1,"\\u0062":2}',
      '{"__proto__":1,"__proto__":2}',
      '{"":1,"":2}',
      '{"b":"}","c":[],"b":{}}',
    ])
      for (const text of padded(inner))
        expect(await twice(text), inner).to.match(
          /^A member stands twice in one object, at position \d+ \(line 1 column \d+\)\.$/,
        );
    for (const inner of [
      '[{"b":1},{"b":1}]',
      '{"b":{"b":{"b":1}}}',
      '{"b":"\\"b\\":1,","c":"b"}',
      '{"__proto__":{"a":1},"a":2}',
    ])
      for (const text of padded(inner))
        expect(JSON.stringify(await parse(text)), inner).to.equal(JSON.stringify(JSON.parse(text)));
    expect(await twice('{"b":1,\n"b":2}')).to.include('(line 2 column 1)');
  });

  it('is refused wherever a member is said again', async () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(objects, fc.nat(), fc.boolean(), async (object, which, isLong) => {
        const entries = Object.entries(object).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
        const again = entries[which % entries.length]!;
        const inner = (members: string[]): string =>
          `{"x":"${isLong ? PADDING : ''}","entry":[[{${members.join(',')}}]]}`;
        await parse(inner(entries));
        expect(await twice(inner([...entries, again]))).to.match(/^A member stands twice/);
      }),
    );
  });

  it('keeps the digits of its numbers, in its entries and between them', async () => {
    const bundles = fc.record({
      total: numberText,
      entries: fc.array(
        fc.array(
          fc.oneof(
            numberText,
            fc.string().map((one) => JSON.stringify(`: ${one}, 1.50,`)),
          ),
        ),
      ),
    });
    await fc.assert(
      fc.asyncProperty(bundles, fc.array(fc.nat(200)), fc.constantFrom('', PADDING), async (bundle, sizes, padding) => {
        const entries = bundle.entries.map((numbers) => `{"a":[${numbers.join(',')}]}`);
        const text = `{"total":${bundle.total},"padding":"${padding}","entry":[${entries.join(',')}],"end":${bundle.total}}`;
        const { total, padding: middle, entry, end } = (await parse(text, sizes)) as Record<string, unknown>;
        expect(JSON.stringify({ total, padding: middle, entry, end })).to.equal(text);
        expect(JSON.stringify(await parse(`\u{feff}[${bundle.total}]`))).to.equal(`[${bundle.total}]`);
      }),
    );
  });

  it('is an object or an array, no number', async () => {
    for (const number of ['1', '1.50', '1e400']) expect(await failure(number)).to.match(/^at position 0/);
  });
});
