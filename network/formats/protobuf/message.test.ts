import { common, msp, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { encode, repeated } from './encode.ts';
import { MALFORMED, MalformedMessage, Message } from './message.ts';

const read = (...bytes: number[]): Message => new Message(Uint8Array.from(bytes));

describe('Writing protocol buffers', () => {
  it('encodes as the protobuf library does', () => {
    const response = new peer.Response();
    response.setStatus(200);
    response.setMessage('grüße');
    response.setPayload(Buffer.alloc(300, 7));
    expect(encode([1, 200], [2, 'grüße'], [3, Buffer.alloc(300, 7)])).to.deep.equal(
      Buffer.from(response.serializeBinary()),
    );
  });

  it('leaves defaults out and keeps a submessage that is present', () => {
    expect(encode([1, 0], [2, ''], [3, new Uint8Array()], [4, false])).to.have.length(0);
    expect(encode([1, new Uint8Array(), true]).toString('hex')).to.equal('0a00');
  });

  it('writes negative numbers as the protobuf library does', () => {
    for (const status of [-1, -300, -(2 ** 31)]) {
      const response = new peer.Response();
      response.setStatus(status);
      expect(encode([1, status])).to.deep.equal(Buffer.from(response.serializeBinary()));
      expect(new Message(encode([1, status])).int32(1)).to.equal(status);
    }
  });
});

describe('Reading protocol buffers', () => {
  it('reads what the generated classes write', () => {
    const identity = new msp.SerializedIdentity();
    identity.setMspid('Hospitál');
    identity.setIdBytes(Uint8Array.of(1, 2, 255));
    const message = new Message(identity.serializeBinary());
    expect(message.text(1)).to.equal('Hospitál');
    expect([...message.bytes(2)]).to.deep.equal([1, 2, 255]);
    expect(message.hex(2)).to.equal('0102ff');
    expect(message.bytes(3)).to.have.length(0);
    expect(message.has(3)).to.equal(false);
  });

  it('reads repeated fields and large numbers', () => {
    const input = new peer.ChaincodeInput();
    input.setArgsList([Buffer.from('a'), Buffer.from(''), Buffer.from('c')]);
    const message = new Message(input.serializeBinary());
    expect(message.list(1).map(String)).to.deep.equal(['a', '', 'c']);
    expect(encode(...repeated(1, message.list(1)))).to.deep.equal(Buffer.from(input.serializeBinary()));
    expect(new Message(encode([3, 2 ** 53 - 1])).number(3)).to.equal(2 ** 53 - 1);
    expect(new Message(Buffer.from('18ffffffffffffffffff01', 'hex')).number(3)).to.equal(2 ** 64);
  });

  it('reads signed numbers, and cuts off what is longer than the field', () => {
    const header = new common.BlockHeader();
    header.setNumber(2 ** 40 + 5);
    const large = new Message(header.serializeBinary());
    expect(large.int64(1)).to.equal(2 ** 40 + 5);
    expect(large.int32(1)).to.equal(5);
    const minusOne = read(0x08, ...Array<number>(9).fill(0xff), 0x01);
    expect([minusOne.int32(1), minusOne.int64(1)]).to.deep.equal([-1, -1]);
    expect(read(0x08, ...Array<number>(5).fill(0x80), ...Array<number>(4).fill(0xff), 0x01).int64(1)).to.be.below(-1e9);
  });

  it('takes the last of several, and the last of the wanted encoding', () => {
    expect(read(0x0a, 1, 65, 0x0a, 1, 66).text(1)).to.equal('B');
    const mixed = read(0x0a, 1, 65, 0x08, 7);
    expect([mixed.text(1), mixed.number(1)]).to.deep.equal(['A', 7]);
  });

  it('takes several occurrences of a message for one message, and of bytes for the last', () => {
    const [first, second] = [encode([1, 'channel']), encode([2, 'signature'])];
    const split = new Message(encode([1, first], [1, second]));
    expect([split.message(1).text(1), split.message(1).text(2)]).to.deep.equal(['channel', 'signature']);
    expect([split.inside(1).text(1), split.inside(1).text(2)]).to.deep.equal(['', 'signature']);
    expect(split.messages(1)).to.have.length(2);
    expect(split.message(5).has(1)).to.equal(false);
  });

  it('passes over fields of every other encoding, groups within groups among them', () => {
    const [fixed32, fixed64] = [Array<number>(4).fill(7), Array<number>(8).fill(7)];
    const group = [0x23, 0x08, 1, 0x2b, 0x12, 1, 9, 0x2c, 0x24];
    const message = read(0x15, ...fixed32, 0x19, ...fixed64, ...group, 0x38, 1);
    expect(message.number(7)).to.equal(1);
    expect([2, 3, 4].map((field) => message.bytes(field).length)).to.deep.equal([0, 0, 0]);
    expect(read(...group, 0x20, 1).bytes(4)).to.have.length(0);
  });

  it("refuses what is cut off or no message, with Go's text", () => {
    const bad = [[0x0a, 2, 65], [0x08], [0x08, 0x80], [0x00], [0x15, 1], [0x23, 0x08, 1], [0x23, 0x2c], [0x24], [0x0e]];
    const long = [0x08, ...Array<number>(10).fill(0x80), 0x01];
    const overflowing = [0x08, ...Array<number>(9).fill(0xff), 0x02];
    for (const bytes of [...bad, long, overflowing, [0xff, 0xff, 0xff], [0x02, 0], [0x0b]]) {
      expect(() => read(...bytes), bytes.join()).to.throw(MalformedMessage, MALFORMED);
    }
    expect(() => read(...Array<number>(200).fill(0x0b)), 'deep groups').to.throw(MalformedMessage);
  });

  it('never reads beyond the part it was given', () => {
    const outer = read(0x0a, 2, 0x0a, 2, 0x10, 1);
    expect(() => outer.message(1)).to.throw(MalformedMessage);
    expect(() => outer.messages(1)).to.throw(MalformedMessage);
  });
});
