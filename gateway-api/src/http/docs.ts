/** GET /docs, a page to read and to try the gateway with, and GET /openapi.json behind it: neither needs a token. */
import { type RequestHandler, Router } from 'express';
import helmet from 'helmet';
import swaggerUi from 'swagger-ui-express';

/**
 * The page loads everything from this gateway. It may be served over plain HTTP on a machine of its own, so its requests
 * are not turned into HTTPS. `count` comes before it, as before everything that needs no token.
 */
export function docs(document: object, count: RequestHandler): Router {
  const router = Router();
  const policy = helmet.contentSecurityPolicy({ directives: { upgradeInsecureRequests: null } });
  const page = swaggerUi.setup(document, { customSiteTitle: 'Telemed Ledger gateway' });
  router.get('/openapi.json', count, (_request, response) => {
    response.json(document);
  });
  router.use('/docs', count, policy, swaggerUi.serve, page);
  return router;
}
