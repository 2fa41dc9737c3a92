/** What is sent in pieces is what would have been sent at once, and waits for its reader. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { until } from '../consortium.fixture.ts';
import { RawConnection } from './connection.fixture.ts';
import { sendJson } from './streamed-json.ts';

describe('A long list', () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  const served = async (listener: RequestListener): Promise<number> => {
    const server = createServer(listener);
    closers.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };

  it('arrives as it is, however long', async () => {
    for (const count of [0, 1, 50, 51, 5_000]) {
      for (const rest of [{}, { resourceType: 'Bundle', total: 5 }]) {
        const value = {
          ...rest,
          entry: Array.from({ length: count }, (_, index) => ({ index, text: 'é"\\'.repeat(20) })),
        };
        const port = await served((_request, response) => void sendJson(response, value, 'entry'));
        const response = await fetch(`http://127.0.0.1:${port}/`);
        expect(await response.json(), `${count}`).to.deep.equal(value);
      }
    }
  });

  it('waits for its reader and ends when the reader goes', async () => {
    let made = 0;
    let ended = false;
    const element = () => ({
      toJSON: () => {
        made += 1;
        return 'x'.repeat(10_000);
      },
    });
    const value = { entry: Array.from({ length: 20_000 }, element) };
    const port = await served((_request, response) => {
      void sendJson(response, value, 'entry').then(() => {
        ended = true;
      });
    });
    const reader = new RawConnection(port);
    reader.pause();
    reader.send('GET /', {});
    let before = -1;
    await until(async () => {
      const still = made > 0 && made === before;
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still;
    });
    expect(made).to.be.lessThan(10_000);
    expect(ended).to.equal(false);
    reader.destroy();
    await until(() => ended);
    expect(made).to.be.lessThan(10_000);
  });
});
