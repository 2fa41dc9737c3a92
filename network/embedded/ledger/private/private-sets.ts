/** Private sets on their way in and out: whether enough peers may hold one, and what a peer delivers of a block. */
import type { ledger as ledgerProtos } from '@hyperledger/fabric-protos';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { Channel } from '../../seams.ts';
import type { CommittedDefinition } from '../definitions/definitions.ts';
import { findCollection } from '../definitions/definitions.ts';
import type { StoredSet } from './stored-sets.ts';

/** @throws Error with Fabric's text where fewer other peers are eligible than the collection requires. */
export function checkDissemination(
  set: ledgerProtos.rwset.TxPvtReadWriteSet,
  txId: string,
  endorser: string,
  organisations: { name: string; mspId: string }[],
  definitions: ReadonlyMap<string, CommittedDefinition>,
  channel: Channel,
): void {
  for (const namespace of set.getNsPvtRwsetList()) {
    for (const each of namespace.getCollectionPvtRwsetList()) {
      const [chaincode, name] = [namespace.getNamespace(), each.getCollectionName()];
      const collection = findCollection(definitions.get(chaincode), name, channel);
      if (!collection) continue;
      const others = organisations.filter((other) => other.name !== endorser);
      const eligible = others.filter(({ mspId }) => collection.memberMspIds.has(mspId)).length;
      const required = collection.config.requiredPeerCount;
      if (eligible >= required) continue;
      throw new Error(
        `failed to distribute private collection, txID ${txId}, channel ${channel.name}: could not build private ` +
          `data dissemination plan for chaincode ${chaincode} and collection ${name}: required to disseminate to ` +
          `at least ${required} peers, but know of only ${eligible} eligible peers`,
      );
    }
  }
}

/** Serialised TxPvtReadWriteSets by transaction index, from sets in the order in which they were stored. */
export function deliverable(sets: StoredSet[]): Map<number, Uint8Array> {
  const byTransaction = Map.groupBy(sets, ({ tx }) => tx);
  return new Map([...byTransaction].map(([tx, group]) => [tx, encodePrivateSets(group)]));
}

function encodePrivateSets(sets: StoredSet[]): Buffer {
  const namespaces = [...Map.groupBy(sets, ({ namespace }) => namespace)].map(([namespace, group]) => {
    const collections = group.map(({ collection, bytes }) => encode([1, collection], [2, bytes]));
    return encode([1, namespace], ...repeated(2, collections));
  });
  return encode(...repeated(2, namespaces));
}
