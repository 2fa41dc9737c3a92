/**
 * What one organisation wrote a moment ago may not have arrived at another. Every answer says in X-Block how far its
 * gateway had come; a request that carries that number in X-Wait-For-Block, to whichever gateway, is answered when its read
 * model holds that block: a 404, 409 or 422 is then no longer one that a moment would have changed.
 */
import type { RequestHandler } from 'express';
import { refuse } from '../fhir/outcomes.ts';
import { LedgerFailure } from '../ledger/ledger-failure.ts';
import { deadlineWithin } from '../ledger/request-deadline.ts';

const ANSWERED = 'X-Block';
const WAITED_FOR = 'X-Wait-For-Block';

/** The blocks that one gateway has seen. */
export interface Blocks {
  /** Number of the last block in the read model; −1 before the first. */
  position: () => number;
  /** Number of the last block that this gateway has written to, or has in the read model. */
  last: () => number;
  /** Whether the read model holds a block, waiting for it until a deadline. */
  until: (block: number, deadline: number) => Promise<boolean>;
}

/** Says in every answer how far this gateway has come: what the answer rests on, and what it wrote, is not newer. */
export function blockOfAnswer({ last }: Blocks): RequestHandler {
  return (_request, response, next) => {
    const writeHead = response.writeHead.bind(response) as (...all: unknown[]) => typeof response;
    response.writeHead = ((...all: unknown[]) => {
      if (!response.hasHeader(ANSWERED)) response.setHeader(ANSWERED, String(last()));
      return writeHead(...all);
    }) as typeof response.writeHead;
    next();
  };
}

/** Lets a request wait for the block that it names. @throws {LedgerFailure} `lag` where it does not arrive in time */
export function awaitBlock(blocks: Blocks, { mspId, budgetMs }: { mspId: string; budgetMs: number }): RequestHandler {
  return async (request, _response, next) => {
    const stated = request.get(WAITED_FOR);
    if (stated === undefined) return next();
    if (!/^\d{1,15}$/.test(stated)) refuse(400, 'invalid', 'This is the number of a block.', WAITED_FOR);
    const block = Number(stated);
    if (await blocks.until(block, deadlineWithin(budgetMs))) return next();
    throw new LedgerFailure('lag', `Not here yet: this gateway holds block ${blocks.position()}, not block ${block}.`, [
      mspId,
    ]);
  };
}
