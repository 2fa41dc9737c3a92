import { common, msp } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { MalformedMessage, WireReader } from './reader.ts';

const bytesOf = (message: Uint8Array, field: number): Buffer | undefined => {
  const reader = new WireReader(message);
  let found: Buffer | undefined;
  while (reader.next()) if (reader.field === field && reader.isBytes) found = reader.bytes;
  return found;
};

const fieldsOf = (...bytes: number[]): number[] => {
  const reader = new WireReader(Uint8Array.from(bytes));
  const fields: number[] = [];
  while (reader.next()) fields.push(reader.field);
  return fields;
};

const firstOf = (...bytes: number[]): WireReader => {
  const reader = new WireReader(Uint8Array.from(bytes));
  expect(reader.next()).to.equal(true);
  return reader;
};

describe('reading protocol buffers', () => {
  it('reads what the generated classes write', () => {
    const identity = new msp.SerializedIdentity();
    identity.setMspid('Hospitál');
    identity.setIdBytes(Uint8Array.of(1, 2, 255));
    const bytes = identity.serializeBinary();
    expect(bytesOf(bytes, 1)?.toString()).to.equal('Hospitál');
    expect([...(bytesOf(bytes, 2) ?? [])]).to.deep.equal([1, 2, 255]);
    expect(bytesOf(bytes, 3)).to.equal(undefined);
  });

  it('takes the last of several, as every implementation does', () => {
    expect(bytesOf(Uint8Array.of(0x0a, 1, 65, 0x0a, 1, 66), 1)?.toString()).to.equal('B');
  });

  it('reads large and negative numbers', () => {
    const header = new common.BlockHeader();
    header.setNumber(2 ** 40 + 5);
    const reader = new WireReader(header.serializeBinary());
    reader.next();
    expect(reader.int64).to.equal(2 ** 40 + 5);
    expect(reader.int32).to.equal(5);
    const minusOne = firstOf(0x08, ...Array<number>(9).fill(0xff), 0x01);
    expect(minusOne.int32).to.equal(-1);
    expect(firstOf(0x08, ...Array<number>(5).fill(0x80), ...Array<number>(4).fill(0xff), 0x01).int64).to.be.below(-1e9);
  });

  it('passes over fields of every other encoding, groups within groups among them', () => {
    const [fixed32, fixed64] = [Array<number>(4).fill(7), Array<number>(8).fill(7)];
    const group = [0x23, 0x08, 1, 0x2b, 0x12, 1, 9, 0x2c, 0x24];
    expect(fieldsOf(0x15, ...fixed32, 0x19, ...fixed64, ...group, 0x38, 1)).to.deep.equal([2, 3, 4, 7]);
    expect(bytesOf(Uint8Array.from([...group, 0x20, 1]), 4)).to.equal(undefined);
  });

  it('refuses what is cut off or no message', () => {
    const bad = [[0x0a, 2, 65], [0x08], [0x08, 0x80], [0x00], [0x15, 1], [0x23, 0x08, 1], [0x23, 0x2c], [0x24], [0x0e]];
    for (const bytes of [...bad, [0x08, ...Array<number>(10).fill(0x80), 0x01], [0xff, 0xff, 0xff]]) {
      expect(() => fieldsOf(...bytes), bytes.join()).to.throw(MalformedMessage);
    }
    expect(() => fieldsOf(...Array<number>(200).fill(0x0b)), 'deep groups').to.throw(MalformedMessage);
  });

  it('never reads beyond the part it was given', () => {
    const outer = firstOf(0x0a, 2, 0x0a, 5, 65, 65, 65, 65, 65);
    expect(() => outer.message.next()).to.throw(MalformedMessage);
  });
});
