/** The container images that the network runs on, pinned; those of this project are built from the Dockerfiles of its rooms. */

/** At least 3.1.4: container engines from version 29 on do not work with older peers. */
export const FABRIC_VERSION = '3.1.5';

export const IMAGES = {
  peer: `hyperledger/fabric-peer:${FABRIC_VERSION}`,
  orderer: `hyperledger/fabric-orderer:${FABRIC_VERSION}`,
  authority: 'hyperledger/fabric-ca:1.5.21',
  database: 'postgres:17-trixie',
  prometheus: 'prom/prometheus:v3.5.0',
  grafana: 'grafana/grafana:12.1.1',
  /** Built here. */
  operator: 'telemed-ledger/operator',
  chaincode: 'telemed-ledger/chaincode',
  gateway: 'telemed-ledger/gateway',
} as const;
