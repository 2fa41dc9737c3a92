/**
 * Ending without cutting: counts the requests under way, and once it has begun, refuses new ones while those are answered.
 */
import type { RequestListener, ServerResponse } from 'node:http';
import { errorIssue, outcomeOf } from '../fhir/outcomes.ts';

/** Reports that the process lives, which it does until it ends. */
const LIVENESS = '/healthz';

export class Drain {
  readonly #underWay = new Set<ServerResponse>();
  #hasBegun = false;
  #idle: () => void = () => undefined;

  /** Requests that are not answered yet. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Answers as `app` does, as long as nothing ends. */
  listener(app: RequestListener): RequestListener {
    return (request, response) => {
      if (this.#hasBegun && request.url !== LIVENESS) return refuse(response);
      this.#underWay.add(response);
      response.once('close', () => {
        this.#underWay.delete(response);
        if (this.#underWay.size === 0) this.#idle();
      });
      app(request, response);
    };
  }

  /** From now on new requests are answered 503, and every connection is closed after its answer. */
  begin(): void {
    this.#hasBegun = true;
    for (const response of this.#underWay) response.shouldKeepAlive = false;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#underWay.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }
}

function refuse(response: ServerResponse): void {
  const body = JSON.stringify(outcomeOf([errorIssue('transient', 'This gateway is stopping. Nothing was written.')]));
  response
    .writeHead(503, {
      'Content-Type': 'application/fhir+json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Retry-After': '5',
      Connection: 'close',
    })
    .end(body);
}
