/**
 * Which pages of other origins may call this gateway from a browser (fetch.spec.whatwg.org#http-cors-protocol): those that the
 * operator names, by their whole origin, and none unless he does. Never `*`: what is answered here is for whoever has a token.
 */
import cors from 'cors';
import type { RequestHandler } from 'express';

/** What a page may send and read beside what every page may: all that the routes and FHIR use. */
const SENT = [
  ...['Authorization', 'Content-Type', 'Accept', 'Accept-Language', 'If-Match', 'If-None-Match', 'If-None-Exist'],
  ...['If-Modified-Since', 'Prefer', 'Idempotency-Key', 'Last-Event-ID'],
  ...['X-Client', 'X-Patient', 'X-Request-Id', 'X-Wait-For-Block'],
];
const READ = [
  ...[
    'ETag',
    'Last-Modified',
    'Location',
    'Content-Location',
    'Content-Disposition',
    'Content-Language',
    'Expires',
    'Link',
  ],
  ...[
    'Preference-Applied',
    'X-Progress',
    'Retry-After',
    'WWW-Authenticate',
    'X-Block',
    'X-Complete-Since',
    'X-Request-Id',
    'X-Transaction-Id',
  ],
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** How long a browser need not ask again, seconds. */
const MAX_AGE = 600;

/**
 * @param origins as browsers send them: scheme, host and port
 * @param registered those of the applications that this gateway gives tokens to
 */
export function crossOrigin(
  origins: readonly string[],
  registered: () => ReadonlySet<string> | undefined = () => undefined,
): RequestHandler {
  const isLet = (origin: string): boolean => origins.includes(origin) || registered()?.has(origin) === true;
  const common = { origin: true, credentials: true, exposedHeaders: READ };
  const preflight = cors({ ...common, methods: METHODS, allowedHeaders: SENT, maxAge: MAX_AGE });
  const actual = cors({ ...common, preflightContinue: true });
  return (request, response, next) => {
    // What is kept for one origin is not shown to another.
    response.vary('Origin');
    const origin = request.get('origin');
    if (origin === undefined || !isLet(origin)) return next();
    const isPreflight = request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined;
    return isPreflight ? preflight(request, response, next) : actual(request, response, next);
  };
}

/** Origins, separated by commas; what is none is a mistake: `*`, `null`, a path, and http beyond this machine. */
export function originsIn(text: string | undefined, mistakes: string[]): string[] {
  const origins = (text ?? '').split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
  const wrong = origins.filter((one) => !isOrigin(one));
  if (wrong.length > 0)
    mistakes.push(`BROWSER_ORIGINS: ${wrong.join(', ')} is no https origin, nor one of this machine`);
  return origins;
}

function isOrigin(text: string): boolean {
  if (!/^https?:\/\/[^*]+$/.test(text) || !URL.canParse(text) || new URL(text).origin !== text) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
