/**
 * Calls an endpoint of somebody else's, without becoming their way into this network: to hosts that the operator has named alone,
 * never to an address of this machine or a private network behind such a name, following no redirect, for a few seconds.
 */
import { lookup as resolve } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Host names, which are called by https on its own port, or origins such as `http://127.0.0.1:9000`, called as they stand. */
export type AllowedHosts = readonly string[];

const TIMEOUT_MS = 5_000;

const INNER = new BlockList();
for (const [network, prefix] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
  ] as const),
  ...([
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
] as const)
  INNER.addSubnet(network, prefix);
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  INNER.addSubnet(network, prefix, 'ipv6');

/** Whether an address is of this machine, of a private network or of none. */
export function isInner(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  const family = isIP(plain);
  return family === 0 || INNER.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/** How an endpoint is allowed; undefined where it is not. */
export function allowedAs(url: URL, hosts: AllowedHosts): 'origin' | 'host' | undefined {
  if (hosts.includes(url.origin)) return 'origin';
  const isPlain = url.protocol === 'https:' && url.port === '' && isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0;
  return isPlain && hosts.includes(url.hostname) ? 'host' : undefined;
}

/** Resolves a name, and refuses one that leads inside, whatever it led to before. */
const outside: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0);
    const [first] = addresses;
    if (first === undefined || addresses.some(({ address }) => isInner(address)))
      return callback(new Error('leads inside'), '', 0);
    if (options.all === true) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};

/** What is sent; of a notification without content nothing is. */
export interface Sent {
  method: 'POST' | 'PUT';
  /** A resource, as JSON. */
  body: string;
}

/** What went wrong, in a word; undefined where the endpoint took it. It never rejects. */
export function notified(
  url: URL,
  headers: readonly [string, string][],
  hosts: AllowedHosts,
  sent?: Sent,
): Promise<string | undefined> {
  const allowed = allowedAs(url, hosts);
  if (allowed === undefined) return Promise.resolve('the host is not allowed');
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((done) => {
    const request = send(url, {
      ...{ method: sent?.method ?? 'POST', agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) },
      headers: {
        ...Object.fromEntries(headers),
        'content-length': String(Buffer.byteLength(sent?.body ?? '')),
        ...(sent === undefined ? {} : { 'content-type': 'application/fhir+json' }),
      },
      ...(allowed === 'host' ? { lookup: outside } : {}),
    });
    request.once('response', (response) => {
      const { statusCode = 0 } = response;
      response.destroy();
      done(statusCode >= 200 && statusCode < 300 ? undefined : `status ${statusCode}`);
    });
    request.once('error', () => done('no answer'));
    request.end(sent?.body);
  });
}
