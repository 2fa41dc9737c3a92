/**
 * What this gateway answers, as OpenAPI 3.1 (spec.openapis.org/oas/v3.1.1): made from the rows of the route table and from
 * FHIR's own table of routes, so that what is documented is what is served.
 */
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiParameters,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import type { DocumentedRoute } from '../fhir/endpoints.ts';
import type { Route } from './routes.ts';

export interface OpenApiOptions {
  /** Name of the organisation. */
  organisation: string;
  version: string;
  routes: readonly Route[];
  fhirBase: string;
  fhir: readonly DocumentedRoute[];
}

const DESCRIPTION = `FHIR R4 (hl7.org/fhir/R4) and the routes beside it. GET /fhir/R4/metadata says which resource types and
search parameters there are. Errors are OperationOutcomes. Every write is one transaction of the consortium's ledger and
answers its id in X-Transaction-Id. Every answer says in X-Block how far this gateway has come; X-Wait-For-Block, with the
X-Block of another answer, also of another organisation's gateway, makes it wait until that block has arrived here, or
answer 503.`;

const outcomeSchema = z
  .looseObject({
    resourceType: z.literal('OperationOutcome'),
    issue: z.array(
      z.looseObject({
        severity: z.enum(['fatal', 'error', 'warning', 'information']),
        code: z.string(),
        diagnostics: z.string().optional(),
        expression: z.array(z.string()).optional(),
      }),
    ),
  })
  .meta({ id: 'OperationOutcome', description: 'hl7.org/fhir/R4/operationoutcome.html' });
const resourceSchema = z
  .looseObject({ resourceType: z.string() })
  .meta({ id: 'Resource', description: 'Any resource of hl7.org/fhir/R4/resourcelist.html' });

const FHIR_TAG = 'FHIR R4';
/** What a route is about: `claims` of `/claims/:id/notes`. FHIR's own operations are FHIR's. */
const tagOf = ({ path }: Route): string => (path.startsWith('/fhir/') ? FHIR_TAG : (path.split('/')[1] ?? ''));

const JSON_TYPE = 'application/json';
const FHIR_TYPE = 'application/fhir+json';
const failure = {
  description: 'Refused or failed.',
  content: { [FHIR_TYPE]: { schema: outcomeSchema } },
};
const idempotencyKey = z
  .string()
  .regex(/^[!-~]{1,255}$/)
  .optional()
  .meta({ description: 'Makes the request safe to repeat: it is written once and answered again.' });
const waitForBlock = z
  .string()
  .regex(/^\d{1,15}$/)
  .optional()
  .meta({ description: 'X-Block of an earlier answer: what was written until then is here, or the answer is 503.' });
const blockHeader = {
  'X-Block': { description: 'The last block that this answer may rest on.', schema: { type: 'integer' as const } },
};
const transactionHeader = {
  'X-Transaction-Id': { description: 'The ledger transaction; see /receipts.', schema: { type: 'string' as const } },
};

/** The document, ready to be sent as JSON. */
export function openApiDocument({ organisation, version, routes, fhirBase, fhir }: OpenApiOptions) {
  const paths: ZodOpenApiPathsObject = {};
  const add = (path: string, method: string, operation: ZodOpenApiOperationObject): void => {
    const written = path.replace(/:(\w+)/g, '{$1}');
    paths[written] = { ...paths[written], [method]: operation };
  };
  for (const route of fhir)
    add(fhirBase + (route.path === '/' ? '' : route.path), route.method, fhirOperationOf(route));
  for (const route of routes) add(route.path, route.method, operationOf(route));
  return createDocument({
    openapi: '3.1.1',
    info: { title: `Telemed Ledger gateway of ${organisation}`, version, description: DESCRIPTION },
    security: [{ token: [] }],
    tags: [...new Set([FHIR_TAG, ...routes.map(tagOf)])].map((name) => ({ name })),
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: "Of this organisation's issuer." },
      },
    },
    paths,
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const { summary, open, roles, transaction, parameters, query, body, text, answers } = route;
  const isWrite = transaction !== undefined;
  const responses: ZodOpenApiResponsesObject = { default: failure };
  for (const [status, { description, schema }] of Object.entries(answers)) {
    responses[status as '200'] = {
      description,
      ...(schema === undefined ? {} : { content: { [JSON_TYPE]: { schema } } }),
      headers: { ...(isWrite ? transactionHeader : {}), ...blockHeader },
    };
  }
  return {
    summary,
    tags: [tagOf(route)],
    ...(roles === undefined ? {} : { description: `For the roles ${roles.join(', ')}.` }),
    ...(open === true ? { security: [] } : {}),
    ...parametersOf(
      { path: parameters as z.ZodObject | undefined, query: query as z.ZodObject | undefined },
      isWrite,
      open === true,
    ),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { [text ?? JSON_TYPE]: { schema: body } } } }),
    responses,
  };
}

function parametersOf(
  { path, query }: { path: z.ZodObject | undefined; query?: z.ZodObject | undefined },
  isWrite: boolean,
  isOpen: boolean,
): { requestParams?: ZodOpenApiParameters } {
  const headers = {
    ...(isWrite ? { 'Idempotency-Key': idempotencyKey } : {}),
    ...(isOpen ? {} : { 'X-Wait-For-Block': waitForBlock }),
  };
  return {
    requestParams: {
      ...(path === undefined ? {} : { path }),
      ...(query === undefined ? {} : { query }),
      ...(Object.keys(headers).length === 0 ? {} : { header: z.object(headers) }),
    },
  };
}

/** Bodies that are no resources. */
const BODIES: Readonly<Record<string, readonly [type: string, schema: z.ZodType]>> = {
  form: ['application/x-www-form-urlencoded', z.record(z.string(), z.string())],
  lines: ['application/fhir+ndjson', z.string()],
};

function fhirOperationOf({ path, summary, isOpen, isWrite, body }: DocumentedRoute): ZodOpenApiOperationObject {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const inPath = names.length === 0 ? undefined : z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
  const [type, schema] = BODIES[body ?? ''] ?? [FHIR_TYPE, resourceSchema];
  return {
    summary,
    tags: [FHIR_TAG],
    ...(isOpen ? { security: [] } : {}),
    ...parametersOf({ path: inPath }, isWrite, isOpen === true),
    ...(body === undefined ? {} : { requestBody: { content: { [type]: { schema } } } }),
    responses: {
      '2XX': {
        description: 'A resource or a Bundle.',
        content: { [FHIR_TYPE]: { schema: resourceSchema } },
        headers: { ...(isWrite ? transactionHeader : {}), ...blockHeader },
      },
      default: failure,
    },
  };
}
