/** Where clients find this gateway: what its links begin with, and what references to it may; and which proxies may say so. */
import { isIP } from 'node:net';
import type { Express, Request } from 'express';

const SETTING = 'public url';

/** Fixes it for every request, whatever Host says; see config.ts, `publicUrl`. */
export const setPublicUrl = (app: Express, url: string): void => void app.set(SETTING, url);

/** Scheme, host and port, without a slash at the end: as it is set, or as the request (or a trusted proxy) says. */
export const originOf = (request: Request): string =>
  (request.app.get(SETTING) as string | undefined) ?? `${request.protocol}://${request.host ?? 'localhost'}`;

/** `https://fhir.example`: scheme, host and port alone. */
export const isOrigin = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;

/** `10.0.0.1`, `10.0.0.0/8`, `::1`, `fd00::/8`, or Express's names for private networks. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return (
    longest > 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
  );
}

/** Networks, separated by commas; what is none is a mistake of the setting `name`. */
export function networksIn(name: string, text: string, mistakes: string[]): string[] {
  const networks = text.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
  const wrong = networks.filter((one) => !isNetwork(one));
  if (wrong.length > 0) mistakes.push(`${name}: ${wrong.join(', ')} is no address and no network`);
  return networks;
}
