/**
 * Whether a transaction's endorsements suffice for what it writes in one namespace (spec 4.3): for each key its own
 * committed policy, else its collection's, else the chaincode's; each evaluated once.
 */
import type { NamespaceRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import { decodeMetadata } from '@telemed-ledger/formats/blocks/rwset.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { LRUCache } from 'lru-cache';
import type { Channel, Policy, SignedData } from '../../seams.ts';
import type { Action } from '../blocks/transaction.ts';
import type { CommittedDefinition } from '../definitions/definitions.ts';
import { findCollection, implicitCollection, LIFECYCLE } from '../definitions/definitions.ts';
import { hashKey, stateKey } from '../state/keys.ts';
import type { CommittedState } from '../state/updates.ts';

const VALIDATION_PARAMETER = 'VALIDATION_PARAMETER';

/** A written key with where it lies; metadata writes count as writes. */
export interface Written {
  collection: string;
  databaseKey: Buffer;
}

export function writtenKeys(set: NamespaceRwset): Written[] {
  const { namespace } = set;
  const places = [...set.writes, ...set.metadataWrites].map(({ key }) => ({
    collection: '',
    databaseKey: stateKey(namespace, key),
  }));
  for (const { collection, writes, metadataWrites } of set.collections) {
    for (const { key } of writes) places.push({ collection, databaseKey: hashKey(namespace, collection, key) });
    for (const { key } of metadataWrites) places.push({ collection, databaseKey: hashKey(namespace, collection, key) });
  }
  return places;
}

/** Parsed policies by their bytes; the same few come with every transaction. */
export class PolicyCache {
  readonly #channel: Channel;
  readonly #policies = new LRUCache<string, Policy>({ max: 1000 });

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  application(bytes: Uint8Array): Policy {
    return this.#get(`a${mapKey(bytes)}`, () => this.#channel.policies.application(bytes));
  }

  signature(envelope: Uint8Array): Policy {
    return this.#get(`s${mapKey(envelope)}`, () => this.#channel.policies.signature(envelope));
  }

  #get(id: string, parse: () => Policy): Policy {
    let policy = this.#policies.get(id);
    if (!policy) {
      policy = parse();
      this.#policies.set(id, policy);
    }
    return policy;
  }
}

export interface CheckContext {
  channel: Channel;
  policies: PolicyCache;
  definitions: ReadonlyMap<string, CommittedDefinition>;
  committed: CommittedState;
}

export function signedEndorsements(action: Action): SignedData[] {
  return action.endorsements.map(({ endorser, signature }) => ({
    creator: endorser,
    data: Buffer.concat([action.responsePayload, endorser]),
    signature,
  }));
}

/** The policy of a chaincode, or that of `_lifecycle`; undefined where there is no such chaincode. */
function namespacePolicy(namespace: string, context: CheckContext): Policy | undefined {
  if (namespace === LIFECYCLE) {
    const { policies } = context.channel;
    return (
      policies.named('/Channel/Application/LifecycleEndorsement') ?? policies.named('/Channel/Application/Endorsement')
    );
  }
  const definition = context.definitions.get(namespace);
  return definition && context.policies.application(definition.endorsementPolicy);
}

/** False where the namespace belongs to no chaincode. */
export function isDefined(namespace: string, context: CheckContext): boolean {
  return namespace === LIFECYCLE || context.definitions.has(namespace);
}

export async function endorsementSuffices(
  namespace: string,
  set: NamespaceRwset | undefined,
  signed: SignedData[],
  context: CheckContext,
): Promise<boolean> {
  try {
    const policies = policiesFor(namespace, set, context);
    for (const policy of policies) if ((await policy.evaluate(signed)) !== undefined) return false;
    return true;
  } catch {
    return false;
  }
}

/** @throws Error where a collection is unknown or a policy cannot be read. */
function policiesFor(namespace: string, set: NamespaceRwset | undefined, context: CheckContext): Set<Policy> {
  const found = new Set<Policy>();
  const chaincodePolicy = namespacePolicy(namespace, context);
  if (!chaincodePolicy) throw new Error(`chaincode ${namespace} has no policy`);
  const byCollection = new Map<string, Policy>([['', chaincodePolicy]]);
  for (const { collection, databaseKey } of set ? writtenKeys(set) : []) {
    const metadata = context.committed.get(databaseKey)?.metadata;
    const own = metadata && metadata.length > 0 ? decodeMetadata(metadata).get(VALIDATION_PARAMETER) : undefined;
    if (own && own.length > 0) {
      found.add(context.policies.signature(own));
      continue;
    }
    let policy = byCollection.get(collection);
    if (!policy) {
      policy = collectionPolicy(namespace, collection, context) ?? chaincodePolicy;
      byCollection.set(collection, policy);
    }
    found.add(policy);
  }
  return found.size > 0 ? found : new Set([chaincodePolicy]);
}

function collectionPolicy(namespace: string, name: string, context: CheckContext): Policy | undefined {
  const collection =
    namespace === LIFECYCLE
      ? implicitCollection(name, context.channel)
      : findCollection(context.definitions.get(namespace), name, context.channel);
  if (!collection) throw new Error(`no such collection '${name}'`);
  return collection.endorsementPolicy && context.policies.application(collection.endorsementPolicy);
}
