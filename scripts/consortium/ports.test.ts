import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { takenPorts } from './ports.ts';

describe('Ports of the consortium', () => {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  });
  afterEach(() => {
    server.close();
  });

  it('are named with whose they are and what changes them, each that is taken', async () => {
    const ports = { hospital: port, 'north-clinic': port, bank: 0 };
    expect(await takenPorts(ports)).to.deep.equal([
      `port ${port} of hospital's gateway is taken by another program; free it or set GATEWAY_PORT_HOSPITAL`,
      `port ${port} of north-clinic's gateway is taken by another program; free it or set GATEWAY_PORT_NORTH_CLINIC`,
    ]);
    expect(await takenPorts({ hospital: port }, 'peer')).to.deep.equal([
      `port ${port} of hospital's peer is taken by another program; free it or set PEER_PORT_HOSPITAL`,
    ]);
  });

  it('are waited for while the process before is ending, and no longer', async () => {
    const waiting = takenPorts({ hospital: port }, 'peer', 10_000);
    await delay(10);
    server.close();
    expect(await waiting).to.deep.equal([]);
  });
});
