/** What the routes of FHIR R4 do: each a small handler, which reads what its request asks for and has it done. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { transactions } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Request, Response } from 'express';
import type { Caller } from '../auth/caller.ts';
import { demandCaller } from '../auth/entitlement.ts';
import { demandScope } from '../auth/scopes.ts';
import type { FairSlots } from '../clients/fair-slots.ts';
import type { BodiesOptions } from '../http/bodies.ts';
import { JSON_PATCH } from '../http/json-types.ts';
import { originOf } from '../http/origin.ts';
import { type IdempotentRequest, idempotencyOf } from '../idempotency/request.ts';
import type { IdempotentWrites } from '../idempotency/writes.ts';
import { VERSION } from '../version.ts';
import {
  askedOf,
  creationConditionOf,
  criterionIn,
  demandNoQuery,
  formOf,
  idOf,
  inCompartment,
  queryOf,
  typeOf,
} from './addressed.ts';
import type { Answer } from './answers.ts';
import { demandSound, operationAsked } from './asked.ts';
import type { Later } from './asynchronous.ts';
import type { BuiltIn } from './built-in.ts';
import { bundle } from './bundles.ts';
import { capabilityStatement, type OAuthAddresses } from './capability.ts';
import type { ChangeRequest } from './changes.ts';
import type { ClientIds } from './client-ids.ts';
import { refusalOfDelete } from './deletions.ts';
import type { Endpoint, Endpoints, Handle } from './endpoints.ts';
import { imported } from './importing.ts';
import { withMeta } from './meta.ts';
import { demandOf, type Operation } from './operations.ts';
import { refuse } from './outcomes.ts';
import { metaPatchOf } from './patches/meta-patch.ts';
import { type Patch, patchOf, refusalOfPatch } from './patches/patches.ts';
import { refusalOfWriter } from './plan.ts';
import type { Profiles } from './profiles/profiles.ts';
import { changes, history, read, vread } from './reads.ts';
import type { Repository, Scope } from './repository.ts';
import { ifMatchOf, preferencesOf } from './requests.ts';
import { search } from './search.ts';
import type { Parameters } from './search-query.ts';
import type { SupportedType } from './types.ts';
import { write } from './writes.ts';

export interface FhirOptions {
  repository: Repository;
  idempotent: IdempotentWrites;
  /** Reads take turns among callers. */
  reads: Pick<FairSlots, 'run'>;
  organisation: Organisation;
  /** Which ids of new resources its clients may choose. */
  clientIds: ClientIds;
  /** Those that resources are held against. */
  profiles: Profiles;
  /** The verified caller; throws what is answered as 401 where there is none. */
  callerOf(request: Request): Caller;
  operations?: readonly Operation[];
  /** Where applications get tokens; undefined where nobody here knows. */
  oauth?: () => Promise<OAuthAddresses | undefined>;
  /** What the CapabilityStatement says of types that other rooms serve under the same base. */
  besides?: readonly object[];
  /** As clients see it, without a slash at the end; by default that of each request. */
  baseUrl?: string;
  /** Takes on what is answered later. */
  later?: Later;
  /** How bodies are read. */
  bodies: BodiesOptions;
  /** Called with failures that are ours; they are answered with 500 and the request's id. */
  report?: (error: unknown, requestId?: string) => void;
}

export class FhirApi {
  readonly #options: FhirOptions;
  readonly #date = new Date().toISOString();

  constructor(options: FhirOptions) {
    this.#options = options;
  }

  baseUrlOf(request: Request): string {
    return this.#options.baseUrl ?? `${originOf(request)}${request.baseUrl}`;
  }

  #scope(request: Request): Scope {
    const { callerOf, repository, idempotent, reads, organisation, clientIds, profiles } = this.#options;
    const baseUrl = this.baseUrlOf(request);
    return { repository, idempotent, reads, organisation, clientIds, profiles, caller: callerOf(request), baseUrl };
  }

  metadata: Handle = async (request) => {
    const { organisation, clientIds, profiles, operations = [], besides } = this.#options;
    const oauth = await this.#options.oauth?.();
    const whose = { organisation, clientIds, profiles, operations, besides, oauth };
    const stated = { ...whose, version: VERSION, date: this.#date };
    return { status: 200, resource: capabilityStatement({ ...stated, baseUrl: this.baseUrlOf(request) }) };
  };

  /** Whoever may neither read nor write anything here sends no Bundle. */
  admitBundle = (request: Request): void => {
    const { repository, callerOf } = this.#options;
    repository.admit(callerOf(request));
  };

  bundle: Handle = (request) => {
    demandNoQuery(request);
    return this.#bundled(request, request.body, idempotencyOf(request));
  };

  import: Handle = (request) => {
    demandNoQuery(request);
    return imported(request.body, (body, key) => this.#bundled(request, body, key), idempotencyOf(request));
  };

  #bundled(request: Request, body: unknown, idempotency: IdempotentRequest | undefined): Promise<Answer> {
    const { return: wanted, handling } = preferencesOf(request);
    return bundle(body, this.#scope(request), {
      ...{ return: wanted, idempotency, lenient: handling === 'lenient' },
      report: (error) => this.report(error, request.res),
    });
  }

  /** A read waits until it is its caller's turn. */
  #reading(request: Request, work: (scope: Scope, type: SupportedType) => Promise<Answer>): Promise<Answer> {
    const [scope, type] = [this.#scope(request), typeOf(request)];
    return scope.reads.run(scope.caller.subject, () => work(scope, type));
  }

  read: Handle = (request) =>
    this.#reading(request, (scope, { name }) => read(scope, name, idOf(request), queryOf(request)));
  vread: Handle = (request) =>
    this.#reading(request, (scope, { name }) => {
      const { version } = request.params;
      return vread(scope, name, { id: idOf(request), version: String(version) }, queryOf(request));
    });
  history: Handle = (request) =>
    this.#reading(request, (scope, { name }) => history(scope, name, idOf(request), askedOf(request)));
  /** Of all records of a type, or of all types. */
  changes: Handle = (request) => {
    const scope = this.#scope(request);
    const type = request.params['type'] === undefined ? undefined : typeOf(request);
    return scope.reads.run(scope.caller.subject, () => changes(scope, type, askedOf(request)));
  };

  /** An operation that every gateway has. What is posted to it is sound, but for what is to be told what is wrong with it. */
  builtIn = ({ name, type, summary, levels, methods, answer }: BuiltIn): [path: string, endpoints: Endpoints][] => {
    const handle: Handle = (request) => {
      const scope = this.#scope(request);
      const asked = operationAsked(request, type, queryOf(request), name === 'validate');
      return scope.reads.run(scope.caller.subject, () => answer(scope, asked));
    };
    const get: Endpoint = { handle, summary, isLong: true };
    const post: Endpoint = { ...get, body: 'resource', isQuestion: true };
    const endpoints = Object.fromEntries(methods.map((method) => [method, { get, post }[method]]));
    return levels.map((level) => [`/${type ?? ':type'}${level === 'instance' ? '/:id' : ''}/$${name}`, endpoints]);
  };

  /** A search by POST. */
  admitSearch = (request: Request): void => void typeOf(request);

  search: Handle = (request) => {
    const method = request.method === 'POST' ? 'POST' : 'GET';
    const parameters = [...queryOf(request), ...(method === 'POST' ? formOf(request) : [])];
    const lenient = preferencesOf(request).handling === 'lenient';
    return this.#reading(request, (scope, type) => search(scope, { type, parameters, method, lenient }));
  };

  searchCompartment: Handle = (request) => {
    const { type, within } = inCompartment(request);
    const parameters: Parameters = [...queryOf(request), within];
    const lenient = preferencesOf(request).handling === 'lenient';
    return this.#reading(request, (scope) => search(scope, { type, parameters, method: 'GET', lenient }));
  };

  /** A create or an update. */
  admitWrite = (request: Request): void => {
    const { repository, organisation, callerOf } = this.#options;
    const type = typeOf(request);
    const refusal = refusalOfWriter(type, organisation, type.name);
    if (refusal !== undefined) throw refusal;
    repository.admit(callerOf(request), type.name);
  };

  /** An update of what matches a condition. */
  admitConditional = (request: Request): void => {
    this.admitWrite(request);
    criterionIn(request);
  };

  admitPatch = (request: Request): void => {
    const type = typeOf(request);
    const refusal = refusalOfPatch(type, type.name);
    if (refusal !== undefined) throw refusal;
    this.admitWrite(request);
    if (request.params['id'] === undefined) criterionIn(request);
  };

  admitDelete = (request: Request): void => {
    const type = typeOf(request);
    const refusal = refusalOfDelete(type, type.name);
    if (refusal !== undefined) throw refusal;
    this.admitWrite(request);
  };

  create: Handle = (request) => {
    demandNoQuery(request);
    const { name: type } = typeOf(request);
    const criterion = creationConditionOf(request);
    const change = {
      body: request.body,
      path: type,
      interaction: 'create' as const,
      type,
      conditionPath: 'If-None-Exist',
    };
    return write({ ...change, ...(criterion && { criterion }) }, this.#scope(request), this.#writing(request));
  };

  update: Handle = (request) => this.#update(request, { id: idOf(request) });

  conditionalUpdate: Handle = (request) => this.#update(request, { criterion: criterionIn(request) });

  #update(request: Request, target: Pick<ChangeRequest, 'id' | 'criterion'>): Promise<Answer> {
    const { name: type } = typeOf(request);
    const ifMatch = ifMatchOf(request.get('if-match'), 'If-Match');
    const change = { body: request.body, path: type, interaction: 'update' as const, type, conditionPath: 'If-Match' };
    const ifNoneMatch = request.get('if-none-match');
    const conditions = {
      ...(ifMatch === undefined ? {} : { ifMatch }),
      ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    };
    return write({ ...change, ...target, ...conditions }, this.#scope(request), this.#writing(request));
  }

  delete: Handle = (request) => this.#delete(request, { id: idOf(request) });

  conditionalDelete: Handle = (request) => this.#delete(request, { criterion: criterionIn(request) });

  #delete(request: Request, target: Pick<ChangeRequest, 'id' | 'criterion'>): Promise<Answer> {
    const { name: type } = typeOf(request);
    const ifMatch = ifMatchOf(request.get('if-match'), 'If-Match');
    const change = { path: type, interaction: 'delete' as const, type, conditionPath: 'If-Match', ...target };
    const whole = { ...change, ...(ifMatch === undefined ? {} : { ifMatch }) };
    return write(whole, this.#scope(request), this.#writing(request));
  }

  patch: Handle = (request) => this.#patch(request, { id: idOf(request) });

  conditionalPatch: Handle = (request) => this.#patch(request, { criterion: criterionIn(request) });

  #patch(request: Request, target: Pick<ChangeRequest, 'id' | 'criterion'>): Promise<Answer> {
    const isJsonPatch = typeof request.is(JSON_PATCH) === 'string';
    if (isJsonPatch !== Array.isArray(request.body))
      refuse(400, 'structure', `A JSON Patch is an array, and is ${JSON_PATCH}.`, 'body');
    return this.#patched(request, target, patchOf(request.body, isJsonPatch ? 'body' : 'Parameters'));
  }

  /** `$meta-add` and `$meta-delete`. */
  changeMeta = (isAdded: boolean): Endpoint => ({
    summary: isAdded ? 'Adds profiles, labels and tags.' : 'Takes profiles, labels and tags out.',
    admit: this.admitPatch,
    body: 'resource',
    handle: async (request) => {
      demandNoQuery(request);
      demandSound(request.body);
      const patch = { kind: 'meta' as const, ...metaPatchOf(request.body, isAdded) };
      return withMeta(await this.#patched(request, { id: idOf(request) }, patch, 'representation'));
    },
  });

  #patched(
    request: Request,
    target: Pick<ChangeRequest, 'id' | 'criterion'>,
    patch: Patch,
    wanted = preferencesOf(request).return,
  ): Promise<Answer> {
    const { name: type } = typeOf(request);
    const ifMatch = ifMatchOf(request.get('if-match'), 'If-Match');
    const change = { path: type, interaction: 'patch' as const, type, patch, conditionPath: 'If-Match', ...target };
    const whole = { ...change, ...(ifMatch === undefined ? {} : { ifMatch }) };
    return write(whole, this.#scope(request), { ...this.#writing(request), return: wanted });
  }

  operation(operation: Operation): Endpoint {
    const { transaction } = operation;
    const { organisation, callerOf } = this.#options;
    const admit = (request: Request): void => {
      demandScope(callerOf(request), demandOf(operation));
      if (transaction !== undefined) demandCaller(organisation.kind, callerOf(request), transaction);
    };
    const handle: Handle = async (request) => {
      const scope = this.#scope(request);
      demandSound(request.body);
      const answered = () =>
        operation.handle({
          caller: scope.caller,
          body: request.body as Resource | undefined,
          id: operation.level === 'instance' ? idOf(request) : undefined,
          idempotency: idempotencyOf(request),
          baseUrl: scope.baseUrl,
        });
      // What only reads takes its turn among reads.
      return operation.isQuestion === true ? scope.reads.run(scope.caller.subject, answered) : answered();
    };
    const isEvaluation = transaction !== undefined && transactions[transaction].kind === 'evaluate';
    const isQuestion = operation.isQuestion === true || isEvaluation;
    return { handle, admit, body: 'resource', summary: operation.summary, ...(isQuestion ? { isQuestion: true } : {}) };
  }

  #writing(request: Request) {
    return { idempotency: idempotencyOf(request), return: preferencesOf(request).return };
  }

  report(error: unknown, response: Response | undefined): void {
    this.#options.report?.(error, response?.locals['requestId'] as string | undefined);
  }
}
