/**
 * The configuration of a Fabric CA server with two authorities: `ca` for identities and `tlsca` for TLS, so that a
 * certificate of the one kind never passes for one of the other.
 */
import { NODE_DAYS, USER_DAYS } from '../lifetimes.ts';

/** Where one organisation's server is. */
export interface AuthorityPlace {
  /** By which clients reach it, with `port`. */
  host: string;
  port: number;
  /** What it binds; its operations listener (`/healthz`, `/metrics`, plain HTTP) is an `address:port` of its own. */
  listenHost: string;
  operationsAddress: string;
}

export const CA_NAME = 'ca';
export const TLS_CA_NAME = 'tlsca';

/** Who registers everybody else, during setup. */
export const REGISTRAR = 'registrar';
/**
 * The type, and so the OU, of registrars: none of the MSP's node OUs, so that no registrar is a member of the channel.
 * Nor may a registrar of clients change another registrar.
 */
export const REGISTRAR_TYPE = 'registrar';
/** The type of whoever has a TLS certificate. */
export const TLS_TYPE = 'tls';

/**
 * The profile of nodes in either authority: the one of identities lasts longer than users', the one of TLS also calls.
 * It has this name because certificates of the profiles that Fabric CA knows by itself are the only ones that it lets
 * carry attributes, and it refuses to issue one that shall carry none.
 */
export const NODE_PROFILE = 'tls';

/** What the gateway's registrar may give to those it registers. */
export const USER_ATTRIBUTES = ['role', 'fhirUser'];

const REVOCATION_LIST_HOURS = 30 * 24;
const hours = (days: number): string => `${days * 24}h`;

export function serverConfig({ port, listenHost, operationsAddress }: AuthorityPlace, registrarSecret: string): object {
  const usage = ['digital signature'];
  return {
    address: listenHost,
    port,
    debug: false,
    tls: { enabled: true, certfile: 'server/tls.pem', keyfile: 'server/tls.key', clientauth: { type: 'noclientcert' } },
    operations: { listenAddress: operationsAddress, tls: { enabled: false } },
    metrics: { provider: 'prometheus' },
    cafiles: [`${TLS_CA_NAME}/fabric-ca-server-config.yaml`],
    ...authority(CA_NAME, 'keys'),
    registry: registry(registrarSecret, {
      'hf.Registrar.Roles': ['client', 'peer', 'admin', 'orderer', REGISTRAR_TYPE].join(','),
      'hf.Registrar.Attributes': [...USER_ATTRIBUTES, 'hf.Registrar.Roles', 'hf.Registrar.Attributes'].join(','),
      'hf.Revoker': 'true',
      'hf.GenCRL': 'true',
    }),
    signing: profiles({ usage, expiry: hours(USER_DAYS) }, { usage, expiry: hours(NODE_DAYS) }),
  };
}

/** `tlsca/fabric-ca-server-config.yaml`. */
export function tlsCaConfig(registrarSecret: string): object {
  const usage = ['digital signature', 'server auth'];
  const expiry = hours(NODE_DAYS);
  return {
    ...authority(TLS_CA_NAME, '../keys'),
    registry: registry(registrarSecret, { 'hf.Registrar.Roles': TLS_TYPE }),
    signing: profiles({ usage, expiry }, { usage: [...usage, 'client auth'], expiry }),
  };
}

const authority = (name: string, keys: string): object => ({
  version: '1.5.0',
  ca: { name, keyfile: `${keys}/${name}.key`, certfile: `${keys}/${name}.pem` },
  db: { type: 'sqlite3', datasource: 'fabric-ca-server.db' },
  crl: { expiry: `${REVOCATION_LIST_HOURS}h` },
  // Secrets are random and long: a limit would only let a stranger lock somebody out.
  cfg: { identities: { passwordattempts: 0, allowremove: false }, affiliations: { allowremove: false } },
  // Idemix cannot be turned off; nobody here asks for its credentials.
  idemix: { rhpoolsize: 1, nonceexpiration: '15s', noncesweepinterval: '24h' },
});

/** The registrar enrols whenever setup has something to do; everybody else as often as it was registered for. */
const registry = (secret: string, attrs: Record<string, string>): object => ({
  maxenrollments: -1,
  identities: [{ name: REGISTRAR, pass: secret, type: REGISTRAR_TYPE, affiliation: '', maxenrollments: -1, attrs }],
});

interface Profile {
  usage: string[];
  expiry: string;
}

/** Fabric CA adds a profile `ca` that makes authorities; nobody needs those, so here it is like the default one. */
const profiles = (standard: Profile, node: Profile): object => ({
  default: standard,
  profiles: { ca: standard, [NODE_PROFILE]: node },
});
