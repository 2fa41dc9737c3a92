/** How the bodies of the FHIR API are read, by what an endpoint says that they are. */
import type { RequestHandler } from 'express';
import { anyBody, type BodiesOptions, formBody, jsonBody } from '../http/bodies.ts';
import { JSON_PATCH } from '../http/json-types.ts';
import { binaryOf, isContent } from './binaries.ts';
import type { Endpoint } from './endpoints.ts';
import { isLines, linesOf } from './importing.ts';

export const readersOf = (bodies: BodiesOptions): Record<NonNullable<Endpoint['body']>, RequestHandler[]> => ({
  resource: [anyBody(bodies, isContent, binaryOf)],
  form: formBody(),
  bundle: [jsonBody({ ...bodies, apart: true })],
  lines: [anyBody({ ...bodies, apart: true }, isLines, linesOf)],
  patch: [jsonBody({ ...bodies, also: [JSON_PATCH] })],
});
