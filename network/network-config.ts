/** The embedded network's configuration, from the consortium and the material prepared for it. */
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import type { PreparedEmbedded } from './ca/organisations.ts';
import { chaincodeEndorsementPolicy, collectionConfigsOf } from './collections.ts';
import type { ChaincodeConfig, NetworkConfig } from './embedded/config.ts';

/** What is not in the consortium's file: which chaincode runs and where each organisation's process listens. */
export type ChaincodeProcesses = Pick<ChaincodeConfig, 'version' | 'layout' | 'packageId' | 'addresses'>;

/** And on which port each organisation's peer listens, by its name; any where there is none. */
export interface EmbeddedProcesses extends ChaincodeProcesses {
  peerPorts?: Record<string, number>;
}

export function networkConfigOf(
  dataDir: string,
  consortium: ConsortiumDefinition,
  prepared: PreparedEmbedded,
  { peerPorts = {}, ...chaincode }: EmbeddedProcesses,
): NetworkConfig {
  return {
    dataDir,
    channel: consortium.channel,
    organisations: prepared.organisations.map((organisation) => ({
      name: organisation.name,
      mspId: organisation.mspId,
      caCertificate: organisation.caCertificate,
      tlsCaCertificate: organisation.tlsCaCertificate,
      revocationLists: organisation.revocationLists,
      peer: { ...organisation.peer, port: peerPorts[organisation.name] ?? 0 },
    })),
    orderer: prepared.orderer,
    batch: consortium.ordering.batch,
    chaincodes: [chaincodeConfigOf(consortium, chaincode)],
  };
}

function chaincodeConfigOf(consortium: ConsortiumDefinition, chaincode: ChaincodeProcesses): ChaincodeConfig {
  return {
    name: consortium.chaincode,
    ...chaincode,
    endorsementPolicy: chaincodeEndorsementPolicy(consortium),
    collections: collectionConfigsOf(consortium),
  };
}
