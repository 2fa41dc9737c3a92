import { expect } from 'chai';
import { type Entry, entryText, readEntry } from './entry.ts';

const hex = (digit: string) => digit.repeat(64);
const entry: Entry = {
  ...{ block: 12, header: hex('a'), position: 0, transactionId: hex('b'), code: 0, envelope: hex('c') },
  writes: { count: 2, root: hex('d') },
};

describe('The text of an entry', () => {
  it('is read back as it was written', () => {
    const bare = { ...entry, transactionId: undefined, writes: undefined, code: 254 };
    for (const one of [entry, bare]) expect(readEntry(entryText(one))).to.deep.equal(one);
  });

  it('has one form', () => {
    const text = entryText(entry);
    const others = [
      ...[text.slice(0, -1), `${text}\n`, ` ${text}`, text.replace('\n', '\r\n'), text.toUpperCase(), ''],
      ...[
        text.replace('block 12', 'block 012'),
        text.replace('code 0', 'code 00'),
        text.replace('writes 2', 'writes 02'),
      ],
      text.replace('position 0', 'position -0'),
    ];
    for (const other of others) expect(() => readEntry(other), JSON.stringify(other)).to.throw('not in its form');
  });
});
