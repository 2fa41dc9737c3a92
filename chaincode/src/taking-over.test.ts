/** Whoever takes an address over says that it waits, and has it when the other has let it go. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect } from 'chai';
import { untilFree } from './taking-over.ts';

describe('Taking an address over', () => {
  it('waits as long as somebody listens there, and no longer', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    let isFree = false;
    const waiting = untilFree(`127.0.0.1:${port}`).then(() => {
      isFree = true;
    });
    await new Promise((next) => setTimeout(next, 50));
    expect(isFree).to.equal(false);
    other.close();
    await waiting;
    const own = createServer().listen(port, '127.0.0.1');
    await once(own, 'listening');
    own.close();
  });

  it('fails where the address can never be had', async () => {
    const failure = await untilFree('192.0.2.1:7999').catch((error: NodeJS.ErrnoException) => error.code);
    expect(failure).to.equal('EADDRNOTAVAIL');
  });
});
