/** Which stored private data of a block a requester is sent (spec 2.2). */
import { encode, type Field, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel, Identity, Ledger } from '../seams.ts';

/** Whether an identity satisfies a collection's member policy. */
export function isMember(channel: Channel, identity: Identity, policy: string): boolean {
  const sets = channel.policies.signature(channel.policies.parseText(policy)).principalSets();
  return sets.some((set) => set.principals.some((entry) => channel.identities.satisfies(identity, entry.principal)));
}

/** One requester's view of what one organisation's peer stored. */
export class PrivateDataView {
  readonly #channel: Channel;
  readonly #ledger: Ledger;
  readonly #organisation: string;
  readonly #requester: Identity;
  readonly #memberships = new Map<string, boolean>();

  constructor(channel: Channel, ledger: Ledger, organisation: string, requester: Identity) {
    this.#channel = channel;
    this.#ledger = ledger;
    this.#organisation = organisation;
    this.#requester = requester;
  }

  /** The entries of BlockAndPrivateData.private_data_map, ready to encode. */
  entries(block: number): Field[] {
    const fields: Field[] = [];
    for (const [index, set] of this.#ledger.privateData(this.#organisation, block)) {
      const visible = this.#filter(set, block);
      if (visible) fields.push([2, encode([1, index, true], [2, visible, true])]);
    }
    return fields;
  }

  /** A serialised TxPvtReadWriteSet reduced to the collections the requester may see; the same bytes where that is all. */
  #filter(bytes: Uint8Array, block: number): Uint8Array | undefined {
    const set = new Message(bytes);
    let dropped = false;
    const namespaces = set.list(2).flatMap((namespace) => {
      const fields = new Message(namespace);
      const name = fields.text(1);
      const collections = fields.list(2);
      const visible = collections.filter((collection) => this.#mayRead(name, new Message(collection).text(1), block));
      dropped ||= visible.length < collections.length;
      return visible.length > 0 ? [encode([1, name], ...repeated(2, visible))] : [];
    });
    if (!dropped) return bytes;
    return namespaces.length > 0 ? encode([1, set.number(1)], ...repeated(2, namespaces)) : undefined;
  }

  #mayRead(chaincode: string, collection: string, block: number): boolean {
    const config = this.#ledger.collectionConfig(chaincode, collection, block);
    if (!config) return false;
    if (!config.memberOnlyRead) return true;
    const known = this.#memberships.get(config.policy);
    if (known !== undefined) return known;
    const member = isMember(this.#channel, this.#requester, config.policy);
    this.#memberships.set(config.policy, member);
    return member;
  }
}
