/** An endpoint of subscriptions, for tests. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Somebody else's server: what it was sent, and what it answers. */
export class Endpoint {
  readonly got: { method: string; path: string; body: string; authorization: string | undefined }[] = [];
  status = 200;
  #server!: Server;
  origin = '';

  async open(): Promise<void> {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        this.got.push({ method, path, body, authorization: headers.authorization });
        response.writeHead(this.status, this.status === 302 ? { location: '/elsewhere' } : {}).end('ignored');
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  count = (path: string): number => this.got.filter((one) => one.path === path).length;
  close = (): void => void this.#server.close();
}
