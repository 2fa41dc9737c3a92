/** A private data collection in the form of Fabric's collections_config.json. */
export interface CollectionConfig {
  name: string;
  /** Members, for instance `OR('HospitalMSP.member','PatientsMSP.member')`. */
  policy: string;
  requiredPeerCount: number;
  maxPeerCount: number;
  blockToLive: number;
  memberOnlyRead: boolean;
  memberOnlyWrite: boolean;
  endorsementPolicy?: { signaturePolicy: string } | { channelConfigPolicy: string };
}
