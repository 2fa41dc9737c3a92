/**
 * The pages for people (gateway-api/console), at `/` for whoever asks for HTML, and what they load. They are the same for everybody: what
 * is somebody's, they ask of the API with a token. Nothing of another origin is loaded, no script stands in the page, and nobody frames it.
 */
import { ASSETS, type Asset, pages } from '@telemed-ledger/console/build.ts';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';

const YEAR_S = 31_536_000;

const policy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
    requireTrustedTypesFor: ["'script'"],
    // Narratives alone are read from text, into a document of their own.
    trustedTypes: ['narrative'],
  },
});

/** Sent in gzip, as it was made once, to whoever takes it. */
function send(request: Request, response: Response, { type, bytes, gzip }: Asset): void {
  response.vary('Accept-Encoding');
  const isGzip = request.acceptsEncodings('gzip') === 'gzip';
  if (isGzip) response.set('Content-Encoding', 'gzip');
  response.type(type).send(isGzip ? gzip : bytes);
}

/** `count` comes before it, as before everything that needs no token. */
export function consolePages(count: RequestHandler): Router {
  const router = Router();
  const isPage: RequestHandler = ({ headers: { accept = '' } }, _response, next) =>
    next(/\btext\/html\b/.test(accept) ? undefined : 'route');
  router.get('/', isPage, count, policy, async (request, response) => {
    const { document } = await pages();
    response.set({
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-cache',
      ETag: document.etag,
      Vary: 'Accept',
    });
    if (request.headers['if-none-match'] === document.etag) response.status(304).end();
    else send(request, response, document);
  });
  // Browsers ask for it on their own, beside pages that name none.
  router.get('/favicon.ico', count, async (request, response) => send(request, response, (await pages()).icon));
  router.get(`${ASSETS}:name`, count, policy, async (request, response, next) => {
    const asset = (await pages()).assets.get(String(request.params['name']));
    if (asset === undefined) return next();
    response.set({ 'Cache-Control': `public, max-age=${YEAR_S}, immutable`, ETag: `"${request.params['name']}"` });
    send(request, response, asset);
  });
  return router;
}
