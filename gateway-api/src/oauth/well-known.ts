/** GET `.well-known/smart-configuration` under FHIR's base: of this gateway's own authorization server, or the provider that was found. */
import type { RequestHandler } from 'express';
import type { Discovered, IssuerKeys } from '../auth/issuer-keys.ts';
import { refuse } from '../fhir/outcomes.ts';
import type { AuthorizationServer } from './server.ts';
import { type Endpoints, endpointsAt, smartConfiguration } from './smart-configuration.ts';

export const wellKnown =
  (keys: IssuerKeys, server: AuthorizationServer | undefined): RequestHandler =>
  async (_request, response) => {
    const endpoints = await endpointsOf(keys, server);
    if (endpoints === undefined)
      return refuse(404, 'not-supported', 'Tokens for this gateway are issued elsewhere: ask its operator.');
    response.json(smartConfiguration(endpoints));
  };

/** Of this gateway's own server, or of the provider that was found; undefined where the issuer says nothing of itself. */
export const endpointsOf = async (keys: IssuerKeys, server?: AuthorizationServer): Promise<Endpoints | undefined> =>
  server === undefined ? providersOf(keys) : endpointsAt(server.issuer);

async function providersOf({ description }: IssuerKeys): Promise<Endpoints | undefined> {
  const { issuer, jwks_uri: jwks, ...said }: Partial<Discovered> = (await description?.()) ?? {};
  const { authorization_endpoint: authorize, token_endpoint: token } = said;
  if (issuer === undefined || jwks === undefined || authorize === undefined || token === undefined) return undefined;
  const { introspection_endpoint: introspect, revocation_endpoint: revoke } = said;
  return {
    ...{ issuer, jwks, authorize, token },
    ...(introspect === undefined ? {} : { introspect }),
    ...(revoke === undefined ? {} : { revoke }),
  };
}
