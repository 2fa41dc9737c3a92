/**
 * A change of one resource on its way to the ledger: what was asked for, what was found wrong with it, and what came of
 * it. Single requests, transactions and batches are all lists of changes; each ends as the `Draft` of a transaction.
 */
import { randomUUID } from 'node:crypto';
import { signaturesIn } from '@telemed-ledger/chaincode/model/consent-signature.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { asRecorded } from '@telemed-ledger/chaincode/model/record-types.ts';
import { type Renamed, withFinalIds } from '../ledger/outcomes.ts';
import { newSalt } from '../ledger/sender.ts';
import { type Issue, UNPROCESSABLE } from './outcomes.ts';
import type { Patch } from './patches/patches.ts';
import type { NewDraft } from './repository.ts';
import type { Criterion } from './tokens.ts';
import { modifierIssues } from './validation/modifiers.ts';
import { type FoundLink, type FoundReference, validateResource } from './validation/validation.ts';

export type Interaction = 'create' | 'update' | 'delete';
/** What a request asks for; a patch becomes an update. */
export type Asked = Interaction | 'patch';

export interface ChangeRequest {
  /** The body as it came; a delete has none. */
  body?: unknown;
  /** Where the body stands, for expressions: `Patient`, or `Bundle.entry[3].resource`. */
  path: string;
  interaction: Asked;
  /** Of a patch, in the place of a body. */
  patch?: Patch;
  /** Type in the URL. */
  type: string;
  /** Id in the URL of an update or delete; absent where a criterion stands there. */
  id?: string;
  /** Index of the Bundle's entry; 0 for a single request. */
  index?: number;
  fullUrl?: string;
  criterion?: Criterion;
  /** Versions, of which it must be one. */
  ifMatch?: readonly number[];
  /** The header as it came: an update of what it names is refused. */
  ifNoneMatch?: string;
  /** Expressions of the conditions: the header's name or the element of the entry. */
  conditionPath?: string;
  /** Expression of the URL: undefined for a single request. */
  urlPath?: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A patient signs a new consent with its id in it: that is the one it is given. */
function signedId(body: unknown): string | undefined {
  const { resourceType, id, ...content } = (body ?? {}) as Record<string, unknown>;
  const isSigned = resourceType === 'Consent' && signaturesIn(content).length > 0;
  return isSigned && typeof id === 'string' && UUID.test(id) ? id : undefined;
}

export class Change {
  readonly request: ChangeRequest;
  readonly type: string;
  readonly path: string;
  readonly index: number;
  readonly fullUrl: string | undefined;
  /** As it came; of a patch what it makes. */
  body: unknown;
  /** Empty until it is validated. */
  resource: Record<string, unknown> = {};
  references: readonly FoundReference[] = [];
  links: readonly FoundLink[] = [];
  id: string;
  version = 1;
  /** An update by a condition that nothing matches becomes a create. */
  interaction: Interaction;
  /** The conditional create found what it would have made, or the delete nothing to delete: nothing is written. */
  exists = false;
  /** An update that creates: of what was not there under that id, or is deleted. */
  begins = false;
  /** References that the version before holds too: what they name may be shown here no more, and stays referred to. */
  kept: ReadonlySet<string> = new Set();
  failure: { status: number; issues: Issue[] } | undefined;

  constructor(request: ChangeRequest) {
    this.request = request;
    this.type = request.type;
    this.path = request.path;
    this.index = request.index ?? 0;
    this.fullUrl = request.fullUrl;
    this.interaction = request.interaction === 'patch' ? 'update' : request.interaction;
    this.body = request.body;
    this.id = request.id ?? signedId(request.body) ?? randomUUID();
  }

  validate(): void {
    const { issues, references, links } = validateResource(this.body, this.path);
    for (const issue of issues) this.fail(UNPROCESSABLE, issue);
    if (issues.length > 0) return;
    this.resource = this.body as Record<string, unknown>;
    // Of a Consent the chaincode refuses them in words for patients.
    const modifiers = this.type === 'Consent' ? [] : modifierIssues(this.resource, this.path);
    for (const issue of modifiers) this.fail(UNPROCESSABLE, issue);
    this.references = references;
    this.links = links;
  }

  /** The first failure decides the status; all issues are reported. */
  fail(status: number, issue: Issue): undefined {
    this.failure ??= { status, issues: [] };
    this.failure.issues.push(issue);
  }

  get reference(): string {
    return `${this.type}/${this.id}`;
  }

  /** The resource as it is recorded: with its id, without the version and time in meta, which the ledger sets. */
  written(): Resource {
    const { resourceType, id: _id, meta, ...rest } = this.resource;
    const { versionId: _version, lastUpdated: _time, ...kept } = (meta ?? {}) as Record<string, unknown>;
    const stated = Object.keys(kept).length === 0 ? {} : { meta: kept };
    return asRecorded({ resourceType, id: this.id, ...stated, ...rest } as Resource);
  }

  /** What the transaction carries, under a salt of its own. */
  draft(): NewDraft {
    const isProvisional = this.interaction === 'create';
    const { id, version } = this;
    if (this.interaction === 'delete')
      return { id, version, salt: newSalt(), resource: this.resource as Resource, isProvisional, deleted: true };
    return { id, version, salt: newSalt(), resource: this.written(), isProvisional };
  }

  /** Takes the ids that the write gave. */
  rename(renamed: Renamed | undefined): void {
    if (renamed === undefined || renamed.size === 0) return;
    this.id = renamed.get(this.id) ?? this.id;
    this.resource = parseExact(withFinalIds(JSON.stringify(this.resource), renamed)) as Record<string, unknown>;
  }
}
