import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { newSalt } from '../../ledger/sender.ts';
import { openedText, sealedText } from './sealed-text.ts';

const review = { id: randomUUID(), salt: newSalt() };

describe('A sealed text', () => {
  it('is opened by whoever has the salt of its review', () => {
    for (const text of ['x', 'Berechtigt: die Patientin war bewusstlos.\n', '\u{1F691}'.repeat(1_000)])
      expect(openedText(sealedText(text, review), review)).to.equal(text);
  });

  it('is never twice the same', () => {
    expect(sealedText('x', review)).to.not.equal(sealedText('x', review));
  });

  it('is opened for no other review, and by no other salt', () => {
    const sealed = sealedText('x', review);
    expect(openedText(sealed, { ...review, id: randomUUID() })).to.equal(undefined);
    expect(openedText(sealed, { ...review, salt: newSalt() })).to.equal(undefined);
  });

  it('is not opened where any byte of it was changed, or some are lacking', () => {
    const bytes = Buffer.from(sealedText('some text', review), 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(openedText(changed.toString('base64'), review), `byte ${at}`).to.equal(undefined);
      expect(openedText(bytes.subarray(0, at).toString('base64'), review)).to.equal(undefined);
    }
  });
});
