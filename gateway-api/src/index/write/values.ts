/**
 * What a private value of the ledger says: which FHIR resources it holds, whose and which version. Both the
 * projector and the reads go through here, so that a value means the same on its way in and out.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import type { VersionsTable } from '../schema.ts';
import { type Kind, kindOf } from './kinds.ts';

export interface ValueContent {
  /** MSP id; undefined where the value does not say: then it is the transaction's creator. */
  author?: string;
  version: number;
  /** ISO 8601 UTC; undefined where the value does not say: then it is the transaction's time. */
  recordedAt?: string;
  /** The version says that the resource is deleted; what it holds says whose it was. */
  deleted?: true;
  resources: Resource[];
  /** Of a claim: what the names of whom it is for come to, by which further claims for her are found. */
  identities?: string[];
}

/**
 * The content of a stored row, its numbers with the digits that were sent. Throws where its text is not what its key
 * promises.
 */
export function contentOf(row: Pick<VersionsTable, 'key' | 'value' | 'leaf'>): ValueContent | undefined {
  const value = asObject(parseExact(row.value));
  if (row.leaf !== null) return anchoredContent(value);
  const kind = kindOf(row.key);
  return kind && wholeContent(row.key, kind, value);
}

const VERSIONED = new Set(['consent', 'coverage', 'concept-map', 'plan']);
/** Several resources under each other's versions. */
const TOGETHER = new Set(['authorization']);

/** What a value says that lies under a key of its own; undefined where it holds no resource. @throws Error as contentOf */
export function wholeContent(key: string, kind: Kind, value: Record<string, unknown>): ValueContent | undefined {
  const { kind: name, segments } = parsePrivateKey(key);
  const [first, second] = segments;
  if (kind.names !== undefined && value[kind.names] !== first) throw new Error('this is of another key');
  if (kind.holds === undefined) return undefined;
  const isNumbered = VERSIONED.has(name) || TOGETHER.has(name);
  const content = VERSIONED.has(name)
    ? anchoredContent(value)
    : { ...unversionedContent(value), ...(TOGETHER.has(name) ? versionIn(value) : {}) };
  const types = content.resources.map(({ resourceType }) => resourceType);
  if (types.join() !== kind.holds.join()) throw new Error('these are other resources');
  const [resource] = content.resources;
  if (kind.names === 'id' && resource?.id !== first) throw new Error('this is another resource');
  if (isNumbered && String(content.version) !== second) throw new Error('this is another version');
  return content;
}

function unversionedContent(value: Record<string, unknown>): ValueContent {
  const many = Array.isArray(value['resources']) ? (value['resources'] as unknown[]) : [];
  const resources = [value['resource'], ...many].filter(isResource);
  const { submittedAt: at, identities } = value;
  return {
    ...{ version: 1, resources },
    ...(isText(at) ? { recordedAt: at } : {}),
    ...(Array.isArray(identities) ? { identities: identities.filter(isText) } : {}),
  };
}

/** @throws Error where it says no version, or not when */
function versionIn({ version, recordedAt }: Record<string, unknown>): Pick<ValueContent, 'version' | 'recordedAt'> {
  if (!Number.isSafeInteger(version) || Number(version) < 1 || !isText(recordedAt))
    throw new Error('this has no version');
  return { version: Number(version), recordedAt };
}

/** @throws Error where the text is of no object */
export const readObject = (text: string): Record<string, unknown> => asObject(JSON.parse(text));

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('this is no object');
  return value as Record<string, unknown>;
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Held to its shape: organisations that share a collection can write into it what they like. */
export function anchoredContent(value: unknown): ValueContent & { author: string } {
  const { author, id, version, recordedAt, resource, deleted } = value as Anchored;
  const isVersion = Number.isSafeInteger(version) && version >= 1;
  if (!isText(author) || !isText(recordedAt) || !isVersion || !isResource(resource) || resource.id !== id)
    throw new Error('this is no anchored resource');
  return { author, version, recordedAt, ...(deleted === true ? { deleted } : {}), resources: [resource] };
}

const isResource = (value: unknown): value is Resource =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Resource).resourceType === 'string' &&
  typeof (value as Resource).id === 'string';
