/** What went wrong with a request, in terms of what its reader can do about it. */

export type ProblemKind =
  | 'offline'
  | 'slow'
  | 'signed-out'
  | 'refused'
  | 'invalid'
  | 'gone'
  | 'changed'
  | 'busy'
  | 'broken';

export class Problem extends Error {
  readonly kind: ProblemKind;
  /** Where in what was sent, as the gateway says. */
  readonly place: string | undefined;
  /** Of the request, by which an operator finds it in the log. */
  readonly requestId: string | undefined;
  /** Name of the rule that the members refused it by, where it was one. */
  readonly rule: string | undefined;

  constructor(kind: ProblemKind, message: string, more: { place?: string; requestId?: string } = {}) {
    super(message);
    this.kind = kind;
    this.place = more.place;
    this.requestId = more.requestId;
    this.rule = /(?:^|: )([a-z]+(?:-[a-z]+)+): /.exec(message)?.[1];
  }

  /** Whether it is known that nothing was written. */
  get isNothingSaved(): boolean {
    return ['refused', 'invalid', 'gone', 'changed', 'signed-out'].includes(this.kind);
  }
}

const KINDS: Record<number, ProblemKind> = {
  ...{ 400: 'invalid', 401: 'signed-out', 403: 'refused', 404: 'gone', 409: 'changed', 410: 'gone', 412: 'changed' },
  ...{ 422: 'invalid', 429: 'busy', 503: 'busy' },
};

interface Issue {
  diagnostics?: string;
  details?: { text?: string };
  expression?: string[];
}

/** Of an answer that is none of success. @param body as JSON, where it was some */
export function problemOf(status: number, body: unknown, requestId: string | undefined): Problem {
  const issue = ((body as { issue?: Issue[] } | undefined)?.issue ?? [])[0];
  const place = issue?.expression?.[0];
  return new Problem(KINDS[status] ?? 'broken', issue?.diagnostics ?? issue?.details?.text ?? '', {
    ...(place === undefined ? {} : { place }),
    ...(requestId === undefined ? {} : { requestId }),
  });
}
