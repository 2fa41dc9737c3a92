/** Every certificate under DATA_DIR/organisations: whose it is, until when, what stops with it and what to do before. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Listed {
  /** Absolute path. */
  path: string;
  /** For instance `orderer-payer`, `peer-bank`, `clinic: practitioner`. */
  whose: string;
  /** undefined where it cannot be read. */
  until: Date | undefined;
  /** What does not work any more once it has ended. */
  stops: string;
  /** What an operator does about it. */
  remedy: string;
}

type Described = Pick<Listed, 'whose' | 'stops' | 'remedy'>;

const renewed = (name: string): string => `npm run network -- renew ${name}, then apply`;
const NO_WAY_YET = 'an authority cannot be exchanged in a running channel yet';

/** By the path below an organisation's directory; the first that fits. */
const KINDS: [RegExp, (organisation: string, name: string) => Described][] = [
  [/^ca\/ca\.pem$/, (org) => ({ whose: `${org}: authority`, stops: `every identity of ${org}`, remedy: NO_WAY_YET })],
  [
    /^ca\/tlsca\.pem$/,
    (org) => ({ whose: `${org}: TLS authority`, stops: `TLS of ${org}'s nodes`, remedy: NO_WAY_YET }),
  ],
  [/^peer\/cert\.pem$/, (org) => nodeOf(`peer-${org}`, 'endorses and gossips no more')],
  [/^peer\/tls\.pem$/, (org) => nodeOf(`peer-${org}`, 'is reached by nobody', 'TLS')],
  [/^admin\/cert\.pem$/, (org) => nodeOf(`admin-${org}`, `deploys nothing and changes nothing for ${org}`)],
  [/^admin\/tls\.pem$/, (org) => nodeOf(`admin-${org}`, 'presents itself to no node', 'TLS')],
  [
    /^orderers\/([^/]+)\.renewal\/(?:cert|tls)\.pem$/,
    (_, name) => nodeOf(name, 'is not renewed: it waits for apply', 'new'),
  ],
  [/^orderers\/([^/]+)\/cert\.pem$/, (_, name) => nodeOf(name, 'orders no more')],
  [
    /^orderers\/([^/]+)\/tls\.pem$/,
    (_, name) => nodeOf(name, 'is reached by nobody, the other orderers included', 'TLS'),
  ],
  [/^gateway-registrar\/cert\.pem$/, (org) => anew(`${org}: gateway's registrar`, `no user of ${org} is enrolled`)],
  [
    /^identities\/([a-z]+)\/cert\.pem$/,
    (org, role) => ({
      ...{ whose: `${org}: ${role}`, stops: `${org}'s gateway acts for nobody as ${role}` },
      remedy: `npm run network -- renew gateway-${org}, then start the gateways again`,
    }),
  ],
  [/^identities\/([a-z]+)-[^/]+\/cert\.pem$/, (org, role) => anew(`${org}: one ${role}`, 'nothing of hers is signed')],
];

const nodeOf = (name: string, stops: string, which?: string): Described => ({
  ...{ whose: which === undefined ? name : `${name}, ${which}`, stops: `${name} ${stops}`, remedy: renewed(name) },
});

const anew = (whose: string, stops: string): Described => ({
  ...{ whose, stops, remedy: 'remove its directory: the next use makes another' },
});

/** Those that end first come first. @param directory DATA_DIR/organisations */
export function certificatesIn(directory: string): Listed[] {
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const listed = files.flatMap((file) => {
    const [organisation = '', ...rest] = file.split('/');
    const found = KINDS.find(([pattern]) => pattern.test(rest.join('/')));
    if (found === undefined) return [];
    const [pattern, describe] = found;
    const path = join(directory, file);
    return [{ path, until: endOf(path), ...describe(organisation, pattern.exec(rest.join('/'))?.[1] ?? '') }];
  });
  return listed.toSorted((one, other) => (one.until?.getTime() ?? 0) - (other.until?.getTime() ?? 0));
}

/** For one that cannot be read at all. */
export const unreadable = ({ path, remedy }: Listed): string => `${path} cannot be read as a certificate: ${remedy}`;

function endOf(path: string): Date | undefined {
  try {
    return new X509Certificate(readFileSync(path)).validToDate;
  } catch {
    return undefined;
  }
}
