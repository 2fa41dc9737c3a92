/**
 * A resource on its way to the ledger: what was asked for, what was found wrong with it, and what came of it. Single
 * requests, transactions and batches are all lists of drafts.
 */
import { randomUUID } from 'node:crypto';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Issue, UNPROCESSABLE } from './outcomes.ts';
import type { Write } from './repository.ts';
import type { Criterion } from './tokens.ts';
import { type FoundLink, type FoundReference, validateResource } from './validation.ts';

export interface DraftRequest {
  /** The body as it came. */
  body: unknown;
  /** Where the body stands, for expressions: `Patient`, or `Bundle.entry[3].resource`. */
  path: string;
  interaction: 'create' | 'update';
  /** Type in the URL. */
  type: string;
  /** Id in the URL of an update. */
  id?: string;
  /** Index of the Bundle's entry; 0 for a single request. */
  index?: number;
  fullUrl?: string;
  criterion?: Criterion;
  ifMatch?: number;
  /** Expressions of the conditions: the header's name or the element of the entry. */
  conditionPath?: string;
  /** Expression of the URL: undefined for a single request. */
  urlPath?: string;
}

export class Draft {
  readonly request: DraftRequest;
  readonly type: string;
  readonly path: string;
  readonly index: number;
  readonly fullUrl: string | undefined;
  /** Empty until it is validated. */
  resource: Record<string, unknown> = {};
  references: readonly FoundReference[] = [];
  links: readonly FoundLink[] = [];
  id: string;
  version = 1;
  /** The conditional create found what it would have made: nothing is written. */
  exists = false;
  failure: { status: number; issues: Issue[] } | undefined;

  constructor(request: DraftRequest) {
    this.request = request;
    this.type = request.type;
    this.path = request.path;
    this.index = request.index ?? 0;
    this.fullUrl = request.fullUrl;
    this.id = request.id ?? randomUUID();
  }

  validate(): void {
    const { issues, references, links } = validateResource(this.request.body, this.path);
    for (const issue of issues) this.fail(UNPROCESSABLE, issue);
    if (issues.length > 0) return;
    this.resource = this.request.body as Record<string, unknown>;
    this.references = references;
    this.links = links;
  }

  /** The first failure decides the status; all issues are told. */
  fail(status: number, issue: Issue): undefined {
    this.failure ??= { status, issues: [] };
    this.failure.issues.push(issue);
  }

  get reference(): string {
    return `${this.type}/${this.id}`;
  }

  /** The resource as it is written: its id, and what it says in meta but for version and time, which the ledger gives. */
  write(): Write {
    const { resourceType, id: _id, meta, ...rest } = this.resource;
    const { versionId: _version, lastUpdated: _time, ...kept } = (meta ?? {}) as Record<string, unknown>;
    const resource = {
      resourceType,
      id: this.id,
      ...(Object.keys(kept).length === 0 ? {} : { meta: kept }),
      ...rest,
    } as Resource;
    return { resource, version: this.version };
  }
}
