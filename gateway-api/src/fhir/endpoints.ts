/** What stands at a path of the FHIR API, for each method: what answers, what is refused before a body is read, what the documentation says. */
import type { Request } from 'express';
import type { Answer } from './answers.ts';
import { refuse } from './outcomes.ts';

export type Handle = (request: Request) => Answer | Promise<Answer>;
export interface Endpoint {
  handle: Handle;
  /** One line for the documentation, which lists only endpoints that have one. */
  summary?: string;
  /** Refuses what can be refused by the URL, the headers and the caller, before any of the body is read. */
  admit?: (request: Request) => void;
  body?: 'resource' | 'bundle' | 'patch' | 'form';
  /** Writes nothing, whatever is posted. */
  isQuestion?: true;
  /** Writes, without a body. */
  isWrite?: true;
}
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Endpoints = Partial<Record<Method, Endpoint>>;

/** `Allow` of RFC 9110: what a route answers. */
export function allowOf(endpoints: Endpoints): string {
  const methods = Object.keys(endpoints).map((method) => method.toUpperCase());
  return [...methods, ...(endpoints.get === undefined ? [] : ['HEAD']), 'OPTIONS'].join(', ');
}

/** Routes that no operation is mounted on. */
export const unknownOperation: Endpoint = {
  handle: () => refuse(404, 'not-supported', 'There is no such operation here.'),
};
