/** A Binary as what it holds (hl7.org/fhir/R4/binary.html#rest): to whoever does not ask for it as a resource. */
import type { Request, Response } from 'express';
import { JSON_TYPES } from '../http/json-types.ts';

const PATH = /^\/Binary\/[^/]+(?:\/_history\/[^/]+)?$/;

/** Whether a request is one for the content: it accepts something, and names no type of a resource. */
export function asksForContent(request: Request): boolean {
  const accept = request.get('accept')?.toLowerCase();
  if (!['GET', 'HEAD'].includes(request.method) || !PATH.test(request.path) || accept === undefined) return false;
  return request.query['_format'] === undefined && !JSON_TYPES.some((type) => accept.includes(type));
}

/** Whether a request writes a Binary, as whose content anything may come. */
export const isContent = ({ method, path }: Request): boolean =>
  (method === 'POST' && path === '/Binary') || (method === 'PUT' && /^\/Binary\/[^/$]+$/.test(path));

/** The Binary that content and headers are (hl7.org/fhir/R4/binary.html#rest). */
export function binaryOf(request: Request, bytes: Buffer): object {
  const [, id] = /^\/Binary\/(.+)$/.exec(request.path) ?? [];
  const context = request.get('x-security-context');
  return {
    resourceType: 'Binary',
    ...(id === undefined ? {} : { id }),
    contentType: request.get('content-type') ?? 'application/octet-stream',
    ...(context === undefined ? {} : { securityContext: { reference: context } }),
    ...(bytes.length === 0 ? {} : { data: bytes.toString('base64') }),
  };
}

interface Binary {
  resourceType?: string;
  contentType?: string;
  data?: string;
}

/** Of an answer (answers.ts), which is sent otherwise where this does not. */
interface Answered {
  status: number;
  resource?: object;
  version?: number;
}

/** Sends the content; false where the answer has none. No browser runs it or shows it as a page of this server. */
export function sendContent(response: Response, { status, resource, version }: Answered): boolean {
  const { resourceType, contentType, data } = (resource ?? {}) as Binary;
  if (status !== 200 || resourceType !== 'Binary' || contentType === undefined || data === undefined) return false;
  response.set({
    ...{ 'Content-Type': contentType, 'Cache-Control': 'private, no-cache', 'X-Content-Type-Options': 'nosniff' },
    ...{ 'Content-Disposition': 'attachment', 'Content-Security-Policy': "sandbox; default-src 'none'" },
    ...(version === undefined ? {} : { ETag: `W/"${version}"` }),
  });
  response.status(200).end(Buffer.from(data, 'base64'));
  return true;
}
