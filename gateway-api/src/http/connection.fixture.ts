/** A connection on which a test decides byte by byte what is sent, as no HTTP client would. */
import { connect, type Socket } from 'node:net';

export interface Answered {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export class RawConnection {
  readonly #socket: Socket;
  #received = '';
  #closed = false;
  #wake: () => void = () => {};

  constructor(port: number, host = '127.0.0.1', localAddress?: string) {
    this.#socket = connect({ port, host, ...(localAddress === undefined ? {} : { localAddress }) });
    this.#socket.on('data', (data) => {
      this.#received += data.toString('latin1');
      this.#wake();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** The head of a request, with what else is given after it. */
  send(requestLine: string, headers: Record<string, string | number>, body: string | Buffer = ''): void {
    const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`);
    this.#socket.write(`${requestLine} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    this.write(body);
  }

  write(bytes: string | Buffer): void {
    if (bytes.length > 0) this.#socket.write(bytes);
  }

  /** The next answer that is complete; undefined where the connection is closed before. */
  async answer(): Promise<Answered | undefined> {
    for (;;) {
      const found = this.#taken();
      if (found !== undefined || this.#closed) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async closed(): Promise<void> {
    while (!this.#closed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #taken(): Answered | undefined {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [line = '', ...rest] = this.#received.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      rest.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 1).trim()]),
    );
    const status = Number(line.split(' ')[1]);
    const length = status < 200 ? 0 : Number(headers['content-length'] ?? 0);
    if (this.#received.length < end + 4 + length) return undefined;
    const body = this.#received.slice(end + 4, end + 4 + length);
    this.#received = this.#received.slice(end + 4 + length);
    return { status, headers, body };
  }
}
