/**
 * What a private value of the ledger says: which FHIR resources it holds, whose and which version. Both the
 * projector and the reads go through here, so that a value means the same on its way in and out.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Anchored, Copy } from '@telemed-ledger/chaincode/model/transactions.ts';

export interface ValueContent {
  /** MSP id; undefined where the value does not say: then it is the transaction's creator. */
  author?: string;
  version: number;
  /** ISO 8601 UTC; undefined where the value does not say: then it is the transaction's time. */
  recordedAt?: string;
  resources: Resource[];
  /** Set for a delivered copy. */
  copy?: { source: string; access: string; expiresAt: string };
}

const VERSIONED = new Set(['record', 'consent', 'coverage']);

/**
 * The resources in a private value by its key; undefined for a value that holds none (a request, a directory).
 * Throws where the text is not what its key promises.
 */
export function contentOf(key: string, text: string): ValueContent | undefined {
  const { kind } = parsePrivateKey(key);
  const value = JSON.parse(text) as Record<string, unknown>;
  if (VERSIONED.has(kind)) return anchoredContent(value as unknown as Anchored);
  if (kind === 'copy') {
    const copy = value as unknown as Copy;
    const original = anchoredContent(JSON.parse(copy.record) as Anchored);
    const { holder: source, accessId: access, expiresAt } = copy;
    if (![source, access, expiresAt].every(isText)) throw new Error('this is no copy');
    return { ...original, copy: { source, access, expiresAt } };
  }
  const resources = resourcesOf(value);
  if (resources.length === 0) return undefined;
  const at = value['submittedAt'] ?? value['recordedAt'];
  return { version: 1, resources, ...(typeof at === 'string' ? { recordedAt: at } : {}) };
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Held to its shape: two organisations that share a collection can write into it what they like. */
function anchoredContent({ author, version, recordedAt, resource }: Anchored): ValueContent {
  if (!isText(author) || !isText(recordedAt) || !Number.isSafeInteger(version) || !isResource(resource)) {
    throw new Error('this is no anchored resource');
  }
  return { author, version, recordedAt, resources: [resource] };
}

function resourcesOf(value: Record<string, unknown>): Resource[] {
  const many = Array.isArray(value['resources']) ? (value['resources'] as unknown[]) : [];
  return [value['resource'], ...many].filter(isResource);
}

const isResource = (value: unknown): value is Resource =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Resource).resourceType === 'string' &&
  typeof (value as Resource).id === 'string';
