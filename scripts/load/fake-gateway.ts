/**
 * A FHIR server in memory for the loader's tests: Bundles, If-None-Exist, conditional references, Idempotency-Key,
 * and faults on demand. It checks what a loader must respect and nothing else.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bundle, type Entry, providedKeys, referencesIn } from './bundle.ts';

type Fault = 'unavailable' | 'throttled' | 'dropped before' | 'dropped after' | 'under way';

export class FakeGateway {
  readonly resources = new Map<string, Record<string, unknown>>();
  /** Consumed one per POST. */
  readonly faults: Fault[] = [];
  readonly tokens = new Set<string>();
  posts = 0;
  inFlight = 0;
  mostInFlight = 0;
  /** Answers no POST before so many have been under way at once: a count that hangs on no clock. */
  together = 1;
  /** Entries of each Bundle written, in the order of writing. */
  readonly written: number[] = [];
  /** What was posted, as it came. */
  readonly bodies: string[] = [];
  readonly #answers = new Map<string, string>();
  readonly #keys = new Map<string, string>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Forgets all Idempotency-Keys, as a gateway does after some time. */
  forget(): void {
    this.#answers.clear();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.tokens.add(request.headers.authorization ?? '');
    if (request.method === 'GET') {
      const found = this.resources.has(request.url?.replace('/fhir/R4/', '') ?? '');
      return void response.writeHead(found ? 200 : 404).end();
    }
    this.posts += 1;
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    // A while longer than needed, so that one too many is counted, too.
    do await new Promise((resolve) => setTimeout(resolve, 2));
    while (this.mostInFlight < this.together);
    this.inFlight -= 1;
    this.#post(Buffer.concat(chunks).toString(), request, response);
  }

  #post(body: string, request: IncomingMessage, response: ServerResponse): void {
    this.bodies.push(body);
    const fault = this.faults.shift();
    if (fault === 'unavailable') return void response.writeHead(503, { 'retry-after': '0' }).end();
    if (fault === 'throttled') return void response.writeHead(429, { 'retry-after': '0' }).end();
    if (fault === 'under way') return void response.writeHead(409, { 'retry-after': '0' }).end();
    if (fault === 'dropped before') return void request.socket.destroy();
    const key = String(request.headers['idempotency-key']);
    const answer = this.#answers.get(key) ?? this.#write(JSON.parse(body) as Bundle);
    if ('issue' in (JSON.parse(answer) as object)) return void response.writeHead(422).end(answer);
    this.#answers.set(key, answer);
    if (fault === 'dropped after') return void request.socket.destroy();
    response.writeHead(200).end(answer);
  }

  #write({ type, entry }: Bundle): string {
    const ids = new Map(entry.map(({ fullUrl }) => [fullUrl ?? '', randomUUID()]));
    const answers = entry.map((one) => this.#writeEntry(one, ids));
    const refused = answers.find((answer) => typeof answer === 'string');
    if (type === 'transaction' && refused !== undefined) return JSON.stringify(outcome(refused));
    this.written.push(entry.length);
    const lines = answers.map((answer) => {
      if (typeof answer === 'string') return { response: { status: '422', outcome: outcome(answer) } };
      if (!answer.isNew) return { response: { status: '200 OK', location: answer.location } };
      this.resources.set(answer.location, answer.resource);
      const lastModified = new Date().toISOString();
      return { response: { status: '201 Created', location: `${answer.location}/_history/1`, lastModified } };
    });
    for (const answer of answers) {
      if (typeof answer === 'string') continue;
      for (const key of answer.keys) this.#keys.set(key, answer.location);
    }
    return JSON.stringify({ resourceType: 'Bundle', type: `${type}-response`, entry: lines });
  }

  #writeEntry(entry: Entry, ids: ReadonlyMap<string, string>) {
    const { resource = {}, request, fullUrl } = entry;
    const keys = providedKeys(entry);
    for (const reference of referencesIn(resource)) {
      const isKnown = ids.has(reference) || this.#keys.has(decodeURIComponent(reference.replace('identifier=', '')));
      if (!isKnown && !this.resources.has(reference)) return 'a reference to nothing';
    }
    const known = request?.ifNoneExist === undefined ? undefined : keys.map((key) => this.#keys.get(key)).find(Boolean);
    const location = known ?? `${resource.resourceType}/${ids.get(fullUrl ?? '') ?? randomUUID()}`;
    return { location, resource, keys, isNew: known === undefined };
  }
}

const outcome = (diagnostics: string) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'not-found', diagnostics, expression: ['Bundle.entry[0].resource'] }],
});
