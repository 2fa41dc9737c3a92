import { expect } from 'chai';
import fc from 'fast-check';
import { hasLowS, lowSDer } from './signature.ts';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

describe('Low S', () => {
  it('holds for any r and s, and only for the low half', () => {
    const scalar = fc.bigInt({ min: 1n, max: ORDER - 1n });
    fc.assert(
      fc.property(scalar, scalar, (r, s) => {
        const der = lowSDer(Buffer.from(hex(r) + hex(s), 'hex'));
        expect(der.equals(derOf(r, s > ORDER / 2n ? ORDER - s : s))).to.equal(true);
        expect(hasLowS(der)).to.equal(true);
        expect(hasLowS(derOf(r, s > ORDER / 2n ? s : ORDER - s))).to.equal(false);
      }),
    );
  });

  it('is false for anything that is no signature, without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => typeof hasLowS(Buffer.from(bytes)) === 'boolean'),
    );
    expect(hasLowS(Buffer.concat([derOf(1n, 1n), Buffer.from([0])]))).to.equal(false);
  });
});

const hex = (value: bigint): string => value.toString(16).padStart(64, '0');

/** DER written independently of the code under test. */
function derOf(r: bigint, s: bigint): Buffer {
  const integer = (value: bigint): Buffer => {
    const text = value.toString(16);
    const even = text.length % 2 === 0 ? text : `0${text}`;
    const bytes = Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, 'hex');
    return Buffer.concat([Buffer.from([2, bytes.length]), bytes]);
  };
  const content = Buffer.concat([integer(r), integer(s)]);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}
