import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { findSecret } from './secrets.fixture.ts';

describe('The search for secrets', () => {
  const text = 'MRN-4f1e09aa';
  const around = (bytes: Buffer | string) =>
    Buffer.concat([Buffer.from('\x00\x12{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);

  it('finds a text as it is', () => {
    expect(findSecret(around(text), { text })).to.deep.equal(['plain']);
  });

  it('finds it in hexadecimal, in either case', () => {
    const hex = Buffer.from(text).toString('hex');
    expect(findSecret(around(hex), { text })).to.deep.equal(['hex']);
    expect(findSecret(around(hex.toUpperCase()), { text })).to.deep.equal(['hex']);
  });

  for (const before of ['', 'x', 'xy', 'xyz']) {
    it(`finds it in base64 after ${before.length} other bytes`, () => {
      expect(findSecret(around(Buffer.from(`${before}${text}…`).toString('base64')), { text })).to.include('base64');
    });
  }

  it('finds its bare hash where it could be guessed', () => {
    const digest = createHash('sha256').update(text).digest();
    expect(findSecret(around(digest), { text, guessable: true })).to.deep.equal(['hash']);
    expect(findSecret(around(digest.toString('base64')), { text, guessable: true })).to.deep.equal(['hash in base64']);
    expect(findSecret(around(digest), { text })).to.deep.equal([]);
  });

  it('does not take part of an identifier for a short code', () => {
    expect(findSecret(Buffer.from('"af1c4548-4548-4abc-9def-001122334455"'), { text: '4548-4' })).to.deep.equal([]);
    expect(findSecret(Buffer.from('{"code":"4548-4"}'), { text: '4548-4' })).to.deep.equal(['plain']);
    expect(findSecret(Buffer.from('\\"value\\":41.89,'), { text: '41.89' })).to.deep.equal(['plain']);
  });
});
