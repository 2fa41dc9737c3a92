import { expect } from 'chai';
import fc from 'fast-check';
import { newestNumber } from './series.ts';

describe('The newest of a series', () => {
  it('is found whatever its length and whatever was known of it, also where that is gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(300), fc.nat(400), async (length, known) => {
        expect(await newestNumber(async (number) => number >= 1 && number <= length, known)).to.equal(length);
      }),
    );
  });

  it('takes two questions where nothing has come behind what was known', async () => {
    const asked: number[] = [];
    const isWritten = async (number: number): Promise<boolean> => {
      asked.push(number);
      return number <= 1_000;
    };
    expect(await newestNumber(isWritten, 1_000)).to.equal(1_000);
    expect(new Set(asked)).to.deep.equal(new Set([1_000, 1_001]));
  });
});
