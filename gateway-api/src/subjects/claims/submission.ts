/**
 * What is submitted: a Claim, alone or first in a Bundle with what it refers to (hl7.org/fhir/us/davinci-pas). Reads the Bundle and
 * resolves the references within it; whom and what an entry means here is in matching.ts.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';

/** A resource of the Bundle, or one that the Claim contains. */
export interface Entry {
  resource: Resource;
  /** undefined where the entry has none, and of what is contained. */
  fullUrl: string | undefined;
  /** Its place, for errors: `Bundle.entry[3].resource`. */
  at: string;
}

export interface Submission {
  claim: Resource;
  fullUrl: string | undefined;
  /** Where the Claim stands: `Claim`, or `Bundle.entry[0].resource`. */
  at: string;
  /** What else the Bundle holds, in its order. */
  entries: readonly Entry[];
  /** The Bundle, where there is one. */
  bundle?: Resource;
}

/** Types of Bundle that hold what somebody sends. */
const SENT = ['collection', 'transaction', 'batch', 'message', 'document'];

const invalid = (reason: string, expression: string): never => {
  throw new LedgerError('INVALID', reason, expression);
};

/** R4's operation takes Parameters with one `resource` (hl7.org/fhir/R4/claim-operation-submit.html), or that resource itself. */
function submittedIn(body: Resource | undefined): Resource | undefined {
  if (body?.resourceType !== 'Parameters') return body;
  const [only, ...others] = (body['parameter'] ?? []) as { name?: string; resource?: Resource }[];
  if (only?.name !== 'resource' || only.resource === undefined || others.length > 0)
    return invalid('a submission in Parameters is one resource', 'Parameters.parameter');
  return only.resource;
}

/** @throws LedgerError INVALID with the element at fault */
export function readSubmission(posted: Resource | undefined): Submission {
  const body = submittedIn(posted);
  if (body?.resourceType === 'Claim') return { claim: body, fullUrl: undefined, at: 'Claim', entries: [] };
  if (body?.resourceType !== 'Bundle')
    return invalid('a submission is a Claim, or a Bundle with one Claim', 'resourceType');
  if (!SENT.includes(String(body['type']))) invalid('a submission is a Bundle of type collection', 'Bundle.type');
  const all = entriesOf(body);
  const claims = all.filter(({ resource }) => resource.resourceType === 'Claim');
  const [first] = claims;
  if (first === undefined) return invalid('a submission holds one Claim', 'Bundle.entry');
  const others = claims.slice(1).filter((one) => !isPriorOf(one, first));
  if (others.length > 0) invalid('a submission holds one Claim, and those that it says are prior to it', others[0]!.at);
  const { resource: claim, fullUrl, at } = first;
  if (claim['use'] === 'preauthorization' && all[0] !== first)
    invalid('the first entry of a request for authorization is its Claim (Da Vinci PAS)', 'Bundle.entry[0].resource');
  return { claim, fullUrl, at, entries: all.filter((one) => one !== first), bundle: body };
}

/** @throws LedgerError INVALID for an entry without a resource, and for a fullUrl that stands twice */
function entriesOf(bundle: Resource): Entry[] {
  const entries = (bundle['entry'] ?? []) as { resource?: Resource; fullUrl?: string }[];
  const seen = new Set<string>();
  return entries.map(({ resource, fullUrl }, index) => {
    if (resource === undefined) return invalid('an entry of a submission holds a resource', `Bundle.entry[${index}]`);
    if (fullUrl !== undefined && seen.has(fullUrl))
      invalid('two entries have this fullUrl', `Bundle.entry[${index}].fullUrl`);
    if (fullUrl !== undefined) seen.add(fullUrl);
    return { resource, fullUrl, at: `Bundle.entry[${index}].resource` };
  });
}

/** An update of a request brings the Claim that it updates along (Claim.related.claim). */
function isPriorOf(entry: Entry, first: Entry): boolean {
  const related = (first.resource['related'] ?? []) as { claim?: { reference?: string } }[];
  return related.some(({ claim }) => entryNamed(claim?.reference, first.fullUrl, [entry]) !== undefined);
}

const RESTFUL = /^(.+\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]+)?$/;
const RELATIVE = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/;

/**
 * The entry that a reference means (hl7.org/fhir/R4/bundle.html#references); undefined where it means none. Beside R4's rule a
 * relative reference means the only entry of that type and id, as systems write them whose fullUrls are UUIDs.
 * @param from fullUrl of the entry that it stands in
 */
export function entryNamed(
  reference: string | undefined,
  from: string | undefined,
  entries: readonly Entry[],
): Entry | undefined {
  if (reference === undefined) return undefined;
  const plain = reference.replace(/\/_history\/[^/]+$/, '');
  const base = RESTFUL.exec(from ?? '')?.[1];
  const absolute = base !== undefined && RELATIVE.test(plain) ? base + plain : plain;
  const exact = entries.find(({ fullUrl }) => fullUrl !== undefined && [reference, plain, absolute].includes(fullUrl));
  if (exact !== undefined) return exact;
  const [, type, id] = RELATIVE.exec(plain) ?? [];
  if (type === undefined) return undefined;
  const same = entries.filter(({ resource }) => resource.resourceType === type && resource.id === id);
  return same.length === 1 ? same[0] : undefined;
}
