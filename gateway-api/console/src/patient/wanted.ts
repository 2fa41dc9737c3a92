/** What a new consent begins with where it answers a request. In memory: it names a person. */
import type { AccessRequest } from './access.ts';

let answered: AccessRequest | undefined;

export function answerWith(request: AccessRequest): void {
  answered = request;
}

/** Once: whoever comes again begins anew. */
export function takeAnswered(): AccessRequest | undefined {
  const found = answered;
  answered = undefined;
  return found;
}
