/**
 * FHIR R4 over HTTP: the table of routes and one error handler. Mount it where no other body parser runs before it, behind authentication
 * for everything but `/metadata`.
 */
import type { Request, Router } from 'express';
import { FhirApi, type FhirOptions } from './api.ts';
import { BUILT_IN } from './built-in.ts';
import {
  type DocumentedRoute,
  documentedOf,
  type Endpoints,
  endpointsOf,
  routerOf,
  unknownOperation,
} from './endpoints.ts';
import type { Operation } from './operations.ts';
import { outcomeHandler, refuse } from './outcomes.ts';
import { readersOf } from './readers.ts';
import { jsonOnly } from './requests.ts';
import { isWrittenBy, supportedTypes } from './types.ts';

function routesOf(api: FhirApi, operations: readonly Operation[]): [path: string, endpoints: Endpoints][] {
  const mounted = operations.map((operation): [string, Endpoints] => {
    const instance = operation.level === 'instance' ? '/:id' : '';
    return [
      `/${operation.type}${instance}/$${operation.name}`,
      endpointsOf(api.operation(operation), operation.takesNothing),
    ];
  });
  const anyMethod = { get: unknownOperation, post: unknownOperation, put: unknownOperation };
  const write = { admit: api.admitWrite, body: 'resource' } as const;
  const patch = { admit: api.admitPatch, body: 'patch' } as const;
  const bundle = { handle: api.bundle, admit: api.admitBundle, body: 'bundle', isLong: true } as const;
  const search = { handle: api.search, isLong: true, summary: 'Searches resources of a type.' } as const;
  const searchForm = { handle: api.search, admit: api.admitSearch, body: 'form', isLong: true } as const;
  const lines = { handle: api.import, admit: api.admitBundle, body: 'lines', isLong: true } as const;
  return [
    ['/', { post: { ...bundle, summary: 'A transaction or batch of many requests.' } }],
    ['/metadata', { get: { handle: api.metadata, summary: 'The CapabilityStatement: what of FHIR works here.' } }],
    ['/$import', { post: { ...lines, summary: 'Creates resources, one a line, or those that a Bundle lists.' } }],
    ...mounted,
    ...BUILT_IN.flatMap(api.builtIn),
    ['/:type/:id/$meta-add', { post: api.changeMeta(true) }],
    ['/:type/:id/$meta-delete', { post: api.changeMeta(false) }],
    [
      '/_history',
      { get: { handle: api.changes, isLong: true, summary: 'The versions of all records, the last first.' } },
    ],
    [
      '/:type',
      {
        get: search,
        post: { handle: api.create, summary: 'Creates a resource; If-None-Exist makes it conditional.', ...write },
        put: {
          handle: api.conditionalUpdate,
          summary: 'Updates the resource with an identifier, or creates it.',
          ...write,
          admit: api.admitConditional,
        },
        patch: { handle: api.conditionalPatch, summary: 'Patches the resource with an identifier.', ...patch },
        delete: {
          handle: api.conditionalDelete,
          summary: 'Deletes the resource with an identifier.',
          admit: api.admitDelete,
          isWrite: true,
        },
      },
    ],
    [
      '/:type/_history',
      { get: { handle: api.changes, isLong: true, summary: 'The versions of all records of a type.' } },
    ],
    ['/:type/_search', { get: search, post: { ...searchForm, summary: 'Searches by a form, out of every URL.' } }],
    ['/:type/$:operation', anyMethod],
    ['/:type/:id/$:operation', anyMethod],
    ['/$:operation', anyMethod],
    [
      '/:type/:id',
      {
        get: { handle: api.read, isLong: true, summary: 'The newest version of a resource.' },
        put: { handle: api.update, summary: 'Updates a resource; If-Match names the version it changes.', ...write },
        patch: { handle: api.patch, summary: 'Patches a resource: a JSON Patch, or Parameters.', ...patch },
        delete: {
          handle: api.delete,
          summary: 'Deletes a resource by a version that says so.',
          admit: api.admitDelete,
          isWrite: true,
        },
      },
    ],
    [
      '/:type/:id/_history',
      { get: { handle: api.history, isLong: true, summary: 'All versions of a resource, newest first.' } },
    ],
    [
      '/:type/:id/:member',
      {
        get: {
          handle: api.searchCompartment,
          isLong: true,
          summary: 'Searches what belongs to a patient, an encounter, a practitioner, a related person or a device.',
        },
      },
    ],
    [
      '/:type/:id/_history/:version',
      { get: { handle: api.vread, isLong: true, summary: 'One version of a resource.' } },
    ],
  ];
}

/** What of FHIR the organisation of these options is asked: where it writes no resources, no route that would. */
export function documentedRoutes(options: FhirOptions): DocumentedRoute[] {
  const { organisation, operations = [] } = options;
  const writes = supportedTypes.some((type) => isWrittenBy(type, organisation.kind));
  return routesOf(new FhirApi(options), operations).flatMap((route) => documentedOf(route, writes));
}

/** The FHIR R4 API of one organisation. */
export function fhirRouter(options: FhirOptions): Router {
  const { bodies, operations = [], report, callerOf, later } = options;
  const api = new FhirApi(options);
  const readers = readersOf(bodies);
  const served = { readers, baseUrlOf: (request: Request) => api.baseUrlOf(request), callerOf, later };
  const router = routerOf(routesOf(api, operations), jsonOnly, served);
  router.use(() => refuse(404, 'not-supported', 'There is no such interaction.'));
  router.use(outcomeHandler(report));
  return router;
}
