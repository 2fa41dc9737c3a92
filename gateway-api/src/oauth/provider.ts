/**
 * The authorization server's rules, in oidc-provider's terms: codes with PKCE (S256 alone), refresh, backend services by signed assertions,
 * access tokens like those that this organisation's issuer makes by itself, with SMART's scopes.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import Provider, { type Configuration, errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { type Client, type Clients, LAUNCHING } from './clients.ts';
import { isConsole } from './console-client.ts';
import { grantableOf } from './granted.ts';
import { keptInMemory } from './kept.ts';
import type { Launches } from './launches.ts';
import { userOf } from './users.ts';

export interface ProviderOptions {
  /** As tokens name it: its own URL. */
  issuer: string;
  /** What access tokens are for, as this gateway expects it. */
  audience: string;
  /** FHIR's base: what an app names as `aud`. */
  fhirBase: string;
  keys: { access: object; identity: object };
  cookieKey: string;
  clients: Clients;
  launches: Launches;
}

const CODE_S = 60;
const BACKEND_S = 300;
const APP_S = 900;
const REFRESH_S = 24 * 3_600;
const SESSION_S = 600;
/** How long an assertion may live (hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html). */
const ASSERTION_S = 300;

/** A registration as oidc-provider reads it. */
function metadataOf(client: Client): Record<string, unknown> {
  const { id, name, redirectUris, jwks, jwksUri, role, secretHash } = client;
  // Of a native application's address on this machine any port is taken: other organisations' pages have other ports.
  const isNative = !isConsole(client) && redirectUris?.some((one) => one.startsWith('http:')) === true;
  const isAsymmetric = jwks !== undefined || jwksUri !== undefined;
  return {
    ...{ client_id: id, client_name: name },
    ...(role === undefined
      ? { redirect_uris: redirectUris, grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
      : { redirect_uris: [], grant_types: ['client_credentials'], response_types: [] }),
    application_type: isNative ? 'native' : 'web',
    token_endpoint_auth_method: isAsymmetric
      ? 'private_key_jwt'
      : secretHash === undefined
        ? 'none'
        : 'client_secret_basic',
    ...(secretHash === undefined ? {} : { client_secret: secretHash }),
    ...(jwks === undefined ? {} : { jwks }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
  };
}

const wordsIn = (text: unknown): string[] => (typeof text === 'string' ? text.split(' ') : []);

export function smartProvider({
  issuer,
  audience,
  fhirBase,
  clients,
  launches,
  ...options
}: ProviderOptions): Provider {
  const kept = keptInMemory();
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  // Everybody says anew who he is: this server is for trying applications with several users.
  policy
    .get('login')
    ?.checks.add(
      new Check('who', 'say who you are', (ctx) =>
        ctx.oidc.result?.login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
      ),
    );
  const scopeFor = (ctx: KoaContextWithOIDC, client: { clientId: string }): string => {
    const { params, entities } = ctx.oidc;
    const source = entities.AuthorizationCode ?? entities.RefreshToken;
    const asked = [...wordsIn(params?.['scope']), ...wordsIn(source?.scope)];
    return grantableOf(clients.find(client.clientId) ?? { scope: '' }, asked).join(' ');
  };
  const configuration: Configuration = {
    adapter: (model) =>
      model === 'Client' ? { ...kept(model), find: async (id) => registered(clients, id) } : kept(model),
    jwks: { keys: [options.keys.access, options.keys.identity] as never },
    cookies: { keys: [options.cookieKey], short: { signed: true }, long: { signed: true } },
    routes: {
      ...{ authorization: '/authorize', token: '/token', jwks: '/jwks' },
      ...{ introspection: '/introspect', revocation: '/revoke' },
    },
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: [...LAUNCHING],
    claims: { openid: ['sub', 'fhirUser'], profile: ['fhirUser'], fhirUser: ['fhirUser'] },
    conformIdTokenClaims: false,
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS384', 'ES384'], idTokenSigningAlgValues: ['RS256', 'ES256'] },
    assertJwtClientAuthClaimsAndHeader: async (_ctx, { exp }) => {
      if (Number(exp) > Date.now() / 1000 + ASSERTION_S + 5)
        throw new errors.InvalidClientAuth(`an assertion lives ${ASSERTION_S} seconds at most`);
    },
    clientBasedCORS: (_ctx, origin) => clients.origins().has(origin),
    extraParams: {
      launch: null,
      aud: (_ctx, value) => {
        if (value !== fhirBase) throw new errors.InvalidRequest(`aud must be ${fhirBase}`);
      },
    },
    findAccount: (_ctx, sub) => {
      const { fhirUser } = userOf(sub);
      const claims = { sub, ...(fhirUser === undefined ? {} : { fhirUser: `${fhirBase}/${fhirUser}` }) };
      return { accountId: sub, claims: () => claims };
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => fhirBase,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) => {
          if (resource !== fhirBase) throw new errors.InvalidTarget();
          return {
            ...{ audience, scope: scopeFor(ctx, client), accessTokenFormat: 'jwt' },
            accessTokenTTL: clients.find(client.clientId)?.role === undefined ? APP_S : BACKEND_S,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    interactions: { policy, url: (_ctx, { uid }) => `${new URL(issuer).pathname}/sign-in/${uid}` },
    issueRefreshToken: async (_ctx, client, { scope }) =>
      client.grantTypeAllowed('refresh_token') && wordsIn(scope).some((one) => /^(?:offline|online)_access$/.test(one)),
    rotateRefreshToken: true,
    extraTokenClaims: (_ctx, token) => {
      if (token.kind === 'ClientCredentials') return { role: clients.find(token.clientId ?? '')?.role };
      const { accountId, grantId } = token as { accountId?: string; grantId?: string };
      return { ...userOf(accountId ?? ''), ...launches.claimsOf(grantId) };
    },
    ttl: {
      ...{ AuthorizationCode: CODE_S, AccessToken: APP_S, ClientCredentials: BACKEND_S, IdToken: APP_S },
      ...{ RefreshToken: REFRESH_S, Grant: REFRESH_S, Interaction: SESSION_S, Session: SESSION_S },
    },
    renderError: (ctx, { error, error_description: why }) => {
      ctx.type = 'json';
      ctx.body = { error, error_description: why };
    },
  };
  const provider = new Provider(issuer, configuration);
  // What is kept of a secret is its hash.
  provider.Client.prototype.compareClientSecret = function compare(this: { clientSecret?: string }, actual: string) {
    const [one, other] = [this.clientSecret ?? '', createHash('sha256').update(actual).digest('hex')];
    return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
  };
  provider.use(async (ctx, next) => {
    // SMART asks for no prompt with offline_access; whoever signs in here is asked anyway.
    if (ctx.path === '/authorize' && wordsIn(ctx.query['scope']).includes('offline_access'))
      ctx.query = { ...ctx.query, prompt: 'consent' };
    await next();
    const { oidc } = ctx as KoaContextWithOIDC;
    const grantId = (oidc?.entities.AuthorizationCode ?? oidc?.entities.RefreshToken)?.grantId;
    if (oidc?.route !== 'token' || ctx.status !== 200 || grantId === undefined) return;
    const body = ctx.body as { scope?: string };
    // All that was granted, of resources or not, as applications look for it.
    const scope = [oidc.entities.Grant?.getOIDCScope(), body.scope].filter((one) => one !== undefined && one !== '');
    ctx.body = { ...body, scope: scope.join(' '), ...launches.answerOf(grantId) };
  });
  return provider;
}

const registered = (clients: Clients, id: string): Promise<never> =>
  Promise.resolve(clients.find(id)).then((found) => (found && metadataOf(found)) as never);
