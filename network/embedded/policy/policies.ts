/**
 * The policies of a channel: those of its configuration by path, and those that chaincodes, collections and keys
 * bring as bytes. Compiled once and kept, bounded; signers of one list are checked once for all policies.
 */
import { common, peer } from '@hyperledger/fabric-protos';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { entriesOf } from '@telemed-ledger/formats/channel/config-group.ts';
import { parsePolicyText } from '@telemed-ledger/formats/policies/policy-text.ts';
import { LRUCache } from 'lru-cache';
import { parsed } from '../identity/identities.ts';
import type { Identities, Identity, Policies, Policy, SignedData } from '../seams.ts';
import { implicitMetaPolicy } from './implicit-meta.ts';
import { NOT_SATISFIED, signaturePolicy } from './signature-policy.ts';

const COMPILED_KEPT = 2_000;

/** Nobody satisfies it: what a reference to a policy that does not exist means. */
const REJECT: Policy = { evaluate: async () => NOT_SATISFIED, principalSets: () => [] };

/** `channelGroup` is the root of the channel configuration, `/Channel`. */
export function createPolicies(channelGroup: common.ConfigGroup, identities: Identities): Policies {
  return new ChannelPolicies(channelGroup, identities);
}

class ChannelPolicies implements Policies {
  readonly #identities: Identities;
  readonly #named = new Map<string, Policy>();
  readonly #compiled = new LRUCache<string, Policy>({ max: COMPILED_KEPT });
  readonly #signers = new WeakMap<SignedData[], Promise<Identity[]>>();

  constructor(channelGroup: common.ConfigGroup, identities: Identities) {
    this.#identities = identities;
    this.#compileGroup('/Channel', channelGroup);
  }

  signature(envelope: Uint8Array): Policy {
    return this.#compile(`s${mapKey(envelope)}`, () =>
      signaturePolicy(envelope, this.#identities, (signed) => this.#readSigners(signed)),
    );
  }

  application(bytes: Uint8Array): Policy {
    return this.#compile(`a${mapKey(bytes)}`, () => {
      const policy = peer.ApplicationPolicy.deserializeBinary(bytes);
      const signature = policy.getSignaturePolicy();
      if (signature !== undefined) return this.signature(signature.serializeBinary());
      return this.named(policy.getChannelConfigPolicyReference()) ?? REJECT;
    });
  }

  named(path: string): Policy | undefined {
    return this.#named.get(path);
  }

  parseText(text: string): Uint8Array {
    return parsePolicyText(text).serializeBinary();
  }

  applicationPolicy(textOrPath: string): Uint8Array {
    return applicationPolicyBytes(textOrPath);
  }

  #compile(key: string, build: () => Policy): Policy {
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const policy = build();
    this.#compiled.set(key, policy);
    return policy;
  }

  /** Groups below first, because implicit policies look at them. */
  #compileGroup(path: string, group: common.ConfigGroup): void {
    const below = entriesOf(group.getGroupsMap());
    for (const [name, child] of below) this.#compileGroup(`${path}/${name}`, child);
    for (const [name, entry] of entriesOf(group.getPoliciesMap())) {
      const policy = entry.getPolicy();
      if (policy === undefined) continue;
      const children = below.map(([child]) => `${path}/${child}`);
      this.#named.set(`${path}/${name}`, this.#configPolicy(policy, children));
    }
  }

  #configPolicy(policy: common.Policy, children: readonly string[]): Policy {
    const { SIGNATURE, IMPLICIT_META } = common.Policy.PolicyType;
    if (policy.getType() === SIGNATURE) return this.signature(policy.getValue_asU8());
    if (policy.getType() !== IMPLICIT_META) throw new Error(`unknown policy type ${policy.getType()}`);
    const config = common.ImplicitMetaPolicy.deserializeBinary(policy.getValue_asU8());
    return implicitMetaPolicy(
      config,
      children.map((path) => this.#named.get(`${path}/${config.getSubPolicy()}`)),
    );
  }

  /** Once per list: a transaction's endorsements are asked against several policies. */
  #readSigners(signed: SignedData[]): Promise<Identity[]> {
    let signers = this.#signers.get(signed);
    if (signers === undefined) {
      signers = validSigners(signed, this.#identities);
      this.#signers.set(signed, signers);
    }
    return signers;
  }
}

/** The text of a signature policy, or a path in the channel configuration, to the bytes of an ApplicationPolicy. */
function applicationPolicyBytes(textOrPath: string): Uint8Array {
  const policy = new peer.ApplicationPolicy();
  if (textOrPath.startsWith('/')) policy.setChannelConfigPolicyReference(textOrPath);
  else policy.setSignaturePolicy(parsePolicyText(textOrPath));
  return policy.serializeBinary();
}

/** Known signers whose signature is good, each once, in the order of their first good signature. */
async function validSigners(signed: SignedData[], identities: Identities): Promise<Identity[]> {
  const known = signed.flatMap(({ creator, data, signature }) => {
    const identity = identities.parse(creator);
    return identity === undefined ? [] : [{ identity, data, signature }];
  });
  const valid = await Promise.all(
    known.map(({ identity, data, signature }) => identities.verify(identity, data, signature)),
  );
  const signers = new Map<string, Identity>();
  known.forEach(({ identity }, at) => {
    const key = parsed(identity).signerKey;
    if (valid[at] && !signers.has(key)) signers.set(key, identity);
  });
  return [...signers.values()];
}
