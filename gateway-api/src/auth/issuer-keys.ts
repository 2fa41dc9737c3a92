/**
 * The public keys of whoever issues tokens: given, published at an address, or found by OpenID Connect Discovery
 * (openid.net/specs/openid-connect-discovery-1_0.html). An issuer that does not answer is no reason to call a token false.
 */
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { unavailable } from '../http/failures.ts';

/** Of a provider's own description, what is of use here. */
export interface Discovered {
  issuer: string;
  jwks_uri: string;
  authorization_endpoint?: string;
  token_endpoint?: string;
  introspection_endpoint?: string;
  revocation_endpoint?: string;
}

export interface IssuerKeys {
  /** For `jwtVerify`. @throws {Failure} 503 where the issuer's keys cannot be had */
  key: JWTVerifyGetKey;
  /** Asks for the keys anew where they were not had; in words for an operator what is wrong, undefined where nothing is. */
  problem(): Promise<string | undefined>;
  /** What the issuer says of itself, where it was found by discovery. @throws {Failure} 503 */
  description?: () => Promise<Discovered>;
}

const TIMEOUT_MS = 5_000;
const AGAIN_MS = 5_000;
const GOOD_MS = 10 * 60_000;

const cannot = () => unavailable("The token issuer's keys cannot be had: no token can be checked.", AGAIN_MS / 1000);

/** @param issuer an OpenID provider, whose description says where its keys are; or the keys, or their address */
export function issuerKeys(source: { keys: JSONWebKeySet | URL } | { issuer: URL }): IssuerKeys {
  if ('issuer' in source) return discovered(source.issuer);
  if (!(source.keys instanceof URL)) return { key: createLocalJWKSet(source.keys), problem: async () => undefined };
  return published(source.keys);
}

function published(address: URL): IssuerKeys {
  const remote = createRemoteJWKSet(address, { timeoutDuration: TIMEOUT_MS, cooldownDuration: AGAIN_MS });
  let failure: string | undefined = 'were not asked for yet';
  const key: JWTVerifyGetKey = async (header, token) => {
    try {
      const found = await remote(header, token);
      failure = undefined;
      return found;
    } catch (error) {
      // They were had, and none of them is this token's.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      failure = reasonOf(error);
      throw cannot();
    }
  };
  const problem = async (): Promise<string | undefined> => {
    if (failure !== undefined)
      failure = await remote.reload().then(
        () => undefined,
        (error) => reasonOf(error),
      );
    return failure === undefined ? undefined : `the keys of the token issuer (${address.origin}) ${failure}`;
  };
  return { key, problem };
}

function discovered(issuer: URL): IssuerKeys {
  let known: { until: number; answer: Promise<{ description: Discovered; keys: IssuerKeys }> } | undefined;
  const found = () => {
    if (known === undefined || known.until < Date.now()) {
      const answer = descriptionOf(issuer).then((description) => ({
        description,
        keys: published(new URL(description.jwks_uri)),
      }));
      const fresh = { until: Date.now() + GOOD_MS, answer };
      known = fresh;
      answer.catch(() => {
        fresh.until = Date.now() + AGAIN_MS;
      });
    }
    return known.answer;
  };
  const orUnavailable = <T>(work: Promise<T>): Promise<T> =>
    work.catch(() => {
      throw cannot();
    });
  return {
    key: async (header, token) => (await orUnavailable(found())).keys.key(header, token),
    problem: async () => {
      try {
        return (await found()).keys.problem();
      } catch (error) {
        return `the token issuer (${issuer.origin}) ${(error as Error).message}`;
      }
    },
    description: async () => (await orUnavailable(found())).description,
  };
}

/** @throws Error that says, after the issuer's name, what is wrong with it */
async function descriptionOf(issuer: URL): Promise<Discovered> {
  const name = issuer.href.replace(/\/$/, '');
  const address = `${name}/.well-known/openid-configuration`;
  const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => {
    throw new Error('does not answer');
  });
  if (!response.ok) throw new Error(`answers its discovery with ${response.status}`);
  const body = (await response.json().catch(() => ({}))) as Partial<Discovered>;
  if (body.issuer?.replace(/\/$/, '') !== name) throw new Error('says that it is another issuer');
  const keys = body.jwks_uri ?? '';
  if (!URL.canParse(keys) || new URL(keys).protocol !== issuer.protocol) throw new Error('says of no keys');
  return body as Discovered;
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWKSTimeout) return 'do not come in time';
  return error instanceof errors.JOSEError ? 'are no keys' : 'cannot be had';
}
