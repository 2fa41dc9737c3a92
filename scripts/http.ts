/**
 * The scripts' way to a gateway: undici with connections kept open, bodies in JSON; nothing is retried here. What was
 * written before, here or at another gateway whose client shares the same `SeenBlocks`, has arrived when it is answered.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'undici';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined where the body is empty, the text where it isn't JSON; a Buffer where bytes were asked for. */
  body: unknown;
}

export interface Sending {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** An object is sent as JSON; text is sent as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
  /** The answer is a file. */
  asBytes?: true;
}

/** The request had no answer: refused, reset or timed out. Whether it had an effect is not known. */
export class NoAnswer extends Error {
  constructor(baseUrl: string, cause: Error) {
    super(`no answer from ${baseUrl}: ${cause.message}`, { cause });
  }

  /** Nothing listens there at all. */
  get isRefused(): boolean {
    return (this.cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  }
}

/** The last block that answers were seen to rest on: what X-Block said, for X-Wait-For-Block to say. */
export class SeenBlocks {
  #last = -1;

  see({ headers }: Pick<Answer, 'headers'>): void {
    const block = Number(headers['x-block'] ?? Number.NaN);
    if (Number.isInteger(block) && block > this.#last) this.#last = block;
  }

  headers(): Record<string, string> {
    return this.#last < 0 ? {} : { 'x-wait-for-block': String(this.#last) };
  }
}

export class HttpClient {
  readonly baseUrl: string;
  readonly #agent = new Agent({ connections: 256 });
  readonly #seen: SeenBlocks;

  /** Clients of several gateways that share `seen` see everywhere what they wrote anywhere. */
  constructor(baseUrl: string, seen = new SeenBlocks()) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
    this.#seen = seen;
  }

  /** Every status is an answer. @throws {NoAnswer} within `timeoutMs`, 60 s where it is left out */
  async send({ method = 'GET', path, body, headers = {}, timeoutMs = 60_000, asBytes }: Sending): Promise<Answer> {
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const typed = payload === undefined ? {} : { 'content-type': 'application/fhir+json' };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await request(this.baseUrl + path, {
        method,
        dispatcher: this.#agent,
        headers: { accept: 'application/fhir+json', ...typed, ...this.#seen.headers(), ...headers },
        ...(payload === undefined ? {} : { body: payload }),
        signal,
      });
      this.#seen.see(answer);
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      const read = asBytes === true ? bytes : parseBody(bytes.toString('utf8'));
      return { status: answer.statusCode, headers: answer.headers, body: read };
    } catch (error) {
      const late = signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : (error as Error);
      throw new NoAnswer(this.baseUrl, late);
    }
  }

  close(): void {
    void this.#agent.destroy();
  }
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
