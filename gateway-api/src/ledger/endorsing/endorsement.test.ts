import { expect } from 'chai';
import { differenceOf } from './differences.ts';
import { isSameResult, joined, readEndorsement } from './endorsement.ts';
import { endorsementOf, payloadOf, preparedOf } from './results.fixture.ts';

describe('Endorsements of one proposal', () => {
  it('are read from what the gateway of a peer prepares', () => {
    const { prepared, payload, signatures } = endorsementOf('AMSP', { answer: 'yes' });
    expect(readEndorsement('AMSP', prepared)).to.deep.equal({ organisation: 'AMSP', prepared, payload, signatures });
  });

  it('are put together into one transaction, whose other bytes are those of each', () => {
    const [a, b, c] = ['AMSP', 'BMSP', 'CMSP'].map((name) => endorsementOf(name)) as [never, never, never];
    const whole = joined([a, b, c]);
    const { payload, signatures } = readEndorsement('', whole);
    expect(payload).to.deep.equal(payloadOf({}));
    expect(signatures.map(String)).to.deep.equal(
      [a, b, c].flatMap(({ signatures }: { signatures: Buffer[] }) => signatures.map(String)),
    );
    expect(Buffer.from(joined([a]))).to.deep.equal(Buffer.from(preparedOf(payloadOf({}), 'AMSP')));
  });

  it('are of the same result when every byte of it is the same', () => {
    const result = { reads: { a: { block: 3, tx: 0 } }, writes: { a: '1' } };
    expect(isSameResult(endorsementOf('AMSP', result), endorsementOf('BMSP', result))).to.equal(true);
    expect(isSameResult(endorsementOf('AMSP', result), endorsementOf('BMSP', { ...result, answer: '1' }))).to.equal(
      false,
    );
  });
});

describe('The difference of two results', () => {
  const base = { reads: { a: { block: 3, tx: 0 } }, privateReads: { b: { block: 4, tx: 1 } }, writes: { c: '1' } };
  const cases: [string, object, { parts: string[]; isOfReads: boolean; newestBlock: number }][] = [
    ['another answer', { answer: 'no' }, { parts: ['response'], isOfReads: false, newestBlock: -1 }],
    ['another write', { writes: { c: '2' } }, { parts: ['writes'], isOfReads: false, newestBlock: -1 }],
    ['one write less', { writes: {} }, { parts: ['writes'], isOfReads: false, newestBlock: -1 }],
    [
      'a key read at another version',
      { reads: { a: { block: 5, tx: 0 } }, writes: { c: '2' } },
      { parts: ['reads', 'writes'], isOfReads: true, newestBlock: 5 },
    ],
    ['a key that was not there', { reads: { a: undefined } }, { parts: ['reads'], isOfReads: true, newestBlock: 3 }],
    ['a key that was not read', { reads: {} }, { parts: ['reads'], isOfReads: true, newestBlock: 3 }],
    [
      'a private value read at another version',
      { privateReads: { b: { block: 4, tx: 2 } } },
      { parts: ['reads'], isOfReads: true, newestBlock: 4 },
    ],
    ['another definition', { definition: '2.0' }, { parts: ['definition'], isOfReads: true, newestBlock: -1 }],
  ];
  for (const [what, change, expected] of cases) {
    it(`is told for ${what}`, () => {
      expect(differenceOf(payloadOf(base), payloadOf({ ...base, ...change }))).to.deep.equal(expected);
      expect(differenceOf(payloadOf({ ...base, ...change }), payloadOf(base))).to.deep.equal(expected);
    });
  }
});
