/**
 * A small HTTP client for a gateway: connections are kept open, bodies are JSON, and nothing is retried here.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined where the body is empty, the text where it isn't JSON. */
  body: unknown;
}

export interface Sending {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** An object is sent as JSON; text is sent as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
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

export class HttpClient {
  readonly baseUrl: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
  }

  /** Rejects with NoAnswer; every status is an answer. */
  send({ method = 'GET', path, body, headers = {}, timeoutMs = 60_000 }: Sending): Promise<Answer> {
    const payload =
      body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const typed =
      payload === undefined ? {} : { 'content-type': 'application/fhir+json', 'content-length': payload.length };
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new NoAnswer(this.baseUrl, error));
      const sent = request(
        `${this.baseUrl}${path}`,
        {
          method,
          agent: this.#agent,
          headers: { accept: 'application/fhir+json', ...typed, ...headers },
          timeout: timeoutMs,
        },
        (response) => void receive(response).then(resolve, fail),
      );
      sent.once('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      sent.once('error', fail);
      sent.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function receive(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body: parseBody(text) };
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
