import { peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { encode, repeated } from './encode.ts';
import { MALFORMED, Message } from './message.ts';

describe('The wire format', () => {
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

  it('reads what the library writes, repeated fields and large numbers too', () => {
    const input = new peer.ChaincodeInput();
    input.setArgsList([Buffer.from('a'), Buffer.from(''), Buffer.from('c')]);
    const read = new Message(input.serializeBinary());
    expect(read.list(1).map(String)).to.deep.equal(['a', '', 'c']);
    expect(encode(...repeated(1, read.list(1)))).to.deep.equal(Buffer.from(input.serializeBinary()));
    expect(new Message(encode([3, 2 ** 53 - 1])).number(3)).to.equal(2 ** 53 - 1);
    expect(new Message(Buffer.from('18ffffffffffffffffff01', 'hex')).number(3)).to.equal(2 ** 64);
  });

  it('refuses what is cut short', () => {
    for (const hex of ['0a05616263', '0a', '08', '08ff', 'ffffffffffffffffffffffff01', '0b', '00']) {
      expect(() => new Message(Buffer.from(hex, 'hex')), hex).to.throw(MALFORMED);
    }
  });
});
