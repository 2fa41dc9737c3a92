/**
 * The named volumes, and where each lies in a container: the same directories under DATA_DIR as natively, each in a
 * volume of its own, so that a container gets what it needs and nothing else.
 */
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';

/** DATA_DIR of every container. */
export const DATA_DIR = '/var/lib/telemed-ledger';

export interface Volume {
  name: string;
  /** Where the one-shot services see it, and whoever keeps to the native layout. */
  directory: string;
}

const at = (name: string, ...path: string[]): Volume => ({ name, directory: [DATA_DIR, ...path].join('/') });

/** The organisation's safe: authorities' certificates and every key that was issued. Only one-shot services open it. */
export const organisationVolume = (organisation: string): Volume =>
  at(`organisation-${organisation}`, 'organisations', organisation);
/** The certificate authority's home: root keys and its database. */
export const authorityVolume = (organisation: string): Volume =>
  at(`authority-${organisation}`, 'authorities', organisation);
/** Configuration, keys and ledger of the peer. */
export const peerVolume = (organisation: string): Volume => at(`peer-${organisation}`, 'fabric', 'peers', organisation);
/** What the gateway is given: its connection, identities, and where to enrol users. A data directory in small. */
export const gatewayVolume = (organisation: string): Volume =>
  at(`gateway-${organisation}`, 'fabric', 'gateways', organisation);
/** The database and its password. */
export const databaseVolume = (organisation: string): Volume =>
  at(`database-${organisation}`, 'fabric', 'databases', organisation);
/** Configuration, keys and ledger of an ordering node. */
export const ordererVolume = (orderer: string): Volume => at(`ordering-${orderer}`, 'fabric', 'orderers', orderer);
/** Block 0 and what it was made from. Nothing secret. */
export const CHANNEL_VOLUME = at('channel', 'fabric', 'channel');
/** Which chaincode is deployed, and for whom. Nothing secret. */
export const CHAINCODE_VOLUME = at('chaincode', 'fabric', 'chaincode');
export const PROMETHEUS_VOLUME = at('prometheus', 'monitoring', 'prometheus');
/** Grafana's database, and the password of its administrator. */
export const GRAFANA_VOLUME = at('grafana', 'monitoring', 'grafana');
/** What the loader notes of what was acknowledged: hashes and random ids. */
export const LOAD_VOLUME = at('load', 'load');

/** All of them. */
export function volumesOf({ organisations, ordering }: ConsortiumDefinition): Volume[] {
  return [
    ...organisations.flatMap(({ name }) => [
      organisationVolume(name),
      authorityVolume(name),
      peerVolume(name),
      gatewayVolume(name),
      databaseVolume(name),
    ]),
    ...ordering.orderers.map(({ name }) => ordererVolume(name)),
    CHANNEL_VOLUME,
    CHAINCODE_VOLUME,
    LOAD_VOLUME,
    PROMETHEUS_VOLUME,
    GRAFANA_VOLUME,
  ];
}

/** For a service's `volumes`. `directory`: where else than natively. */
export const mount = ({ name, directory }: Volume, mode: 'rw' | 'ro', other: string = directory): string =>
  `${name}:${other}${mode === 'ro' ? ':ro' : ''}`;
