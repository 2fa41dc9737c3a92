import { expect } from 'chai';
import { fromBase64, readCheckpoint, readSignatureLine, signatureLine, toBase64 } from './checkpoint.ts';

describe('Base64', () => {
  it('is read in its one form, of any length', () => {
    for (let length = 0; length < 70; length += 1) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 37) % 256);
      expect(fromBase64(toBase64(bytes))).to.deep.equal(bytes);
    }
    for (const other of ['AB==', 'AAB=', 'A', 'AA', 'AA=', 'AAAA=', 'AA==AA==', ' AAAA', 'AAAA\n', '====', 'A-_A'])
      expect(() => fromBase64(other), other).to.throw('not in base64');
  });
});

describe('A checkpoint', () => {
  const root = toBase64(new Uint8Array(32).fill(7));
  it('has one form', () => {
    expect(readCheckpoint(`o\n12\n${root}\n`)).to.include({ origin: 'o', size: 12 });
    const others = [
      `o\n012\n${root}\n`,
      `o\n0\n${root}\n`,
      `o\n12\n${root}`,
      `o\n12\n${root}\nmore\n`,
      `\n12\n${root}\n`,
    ];
    for (const other of [...others, 'o\n12\nAAAA\n']) expect(() => readCheckpoint(other), other).to.throw();
  });

  it('has its signatures read as they are written', () => {
    const signature = new Uint8Array(64).fill(9);
    const one = { name: 'o/BankMSP', keyId: Uint8Array.of(1, 2, 3, 4), time: 1_800_000_000, signature };
    const line = signatureLine(one).slice(0, -1);
    expect(readSignatureLine(line)).to.deep.equal(one);
    for (const other of [`${line} `, line.slice(1), line.replace(' o/', '  o/'), `${line}AAAA`])
      expect(() => readSignatureLine(other), other).to.throw();
  });
});
