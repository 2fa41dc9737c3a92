/**
 * What app.ts puts on `res.locals` before any handler runs, and how a handler is wrapped. Express types
 * `locals` loosely; everybody reads it through this file.
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Caller, Idempotency } from '../fhir/repository.ts';

export interface Locals {
  requestId: string;
  /** Set behind authentication. */
  caller: Caller;
  /** Set where the request carried an Idempotency-Key. */
  idempotency?: Idempotency;
}

export const localsOf = (response: Response): Locals => response.locals as Locals;

/** An asynchronous handler; what it throws goes to the error handler (Express 5 forwards rejections). */
export const handler =
  (run: (request: Request, response: Response) => Promise<void>): RequestHandler =>
  async (request: Request, response: Response, next: NextFunction) => {
    try {
      await run(request, response);
    } catch (error) {
      next(error);
    }
  };
