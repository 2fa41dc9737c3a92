/**
 * Who is calling: verifies the bearer token of a request against this organisation's own issuer. Algorithm, issuer,
 * audience and lifetime are pinned; nothing in the token chooses how it is verified.
 */
import type { Kind, Role } from '@telemed-ledger/consortium/members.ts';
import { ROLES, ROLES_OF_KIND } from '@telemed-ledger/consortium/members.ts';
import type { Request, RequestHandler } from 'express';
import { type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type Strangers, tooMany } from '../clients/strangers.ts';
import { Failure, unauthenticated } from '../http/failures.ts';
import { type Caller, setCaller } from './caller.ts';
import { type Scopes, scopesIn } from './grants.ts';
import { type IssuerKeys, issuerKeys } from './issuer-keys.ts';

export interface TokenSettings {
  issuer: string;
  audience: string;
  /** The issuer's public keys, where they are published, or that its own description says so (OpenID Connect Discovery). */
  keys: JSONWebKeySet | URL | 'discovered';
  /** The issuer's name where the same keys also sign for it: its authorization server. */
  alias?: () => string | undefined;
  /** Longest accepted lifetime of a token, exp − iat. */
  maxMinutes: number;
}

/** Of signatures that anybody can check; which one a key is for, its issuer says. */
const ALGORITHMS = ['ES256', 'ES384', 'RS256', 'RS384', 'PS256'];
const CLOCK_TOLERANCE_S = 5;
const TOKENS_KEPT = 5_000;
const USER = /^(Practitioner|Patient|RelatedPerson|Person)\/[A-Za-z0-9.-]{1,64}$/;

const PATIENT = /^[A-Za-z0-9.-]{1,64}$/;

const isUser = (value: unknown): boolean => typeof value === 'string' && USER.test(value);

export interface VerifyToken {
  (authorization: string | undefined): Promise<Caller>;
  /** Whether it has been verified before and is still good: then verifying it costs nothing. */
  isKnown(authorization: string | undefined): boolean;
}

/** The keys that these settings name. */
export const keysOf = ({ keys, issuer }: TokenSettings): IssuerKeys =>
  issuerKeys(keys === 'discovered' ? { issuer: new URL(issuer) } : { keys });

const tokenIn = (authorization: string | undefined): string | undefined =>
  /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization ?? '')?.[1];

/**
 * A verifier for the value of the Authorization header. A token that was verified once is remembered until it
 * expires. @throws {Failure} 401 without a valid token, 403 for a role this kind of organisation doesn't have.
 */
export function tokenVerifier(settings: TokenSettings, kind: Kind, { key } = keysOf(settings)): VerifyToken {
  const verified = new LRUCache<string, { caller: Caller; expires: number }>({ max: TOKENS_KEPT });

  const verify = async (token: string): Promise<{ caller: Caller; expires: number }> => {
    let claims: JWTPayload;
    try {
      const options = {
        algorithms: ALGORITHMS,
        issuer: [settings.issuer, settings.alias?.() ?? []].flat(),
        audience: settings.audience,
        requiredClaims: ['sub', 'exp', 'iat', 'role'],
        // Also refuses tokens issued in the future, whose lifetime would mean nothing.
        maxTokenAge: settings.maxMinutes * 60,
        clockTolerance: CLOCK_TOLERANCE_S,
      };
      ({ payload: claims } = await jwtVerify(token, key, options));
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw unauthenticated('The access token is not valid here or has expired.', 'invalid_token');
    }
    if (Number(claims.exp) - Number(claims.iat) > settings.maxMinutes * 60) {
      throw unauthenticated('The access token lives longer than is accepted here.', 'invalid_token');
    }
    return { caller: callerIn(claims, kind, settings.alias?.()), expires: Number(claims.exp) * 1000 };
  };

  const knownOf = (token: string | undefined): Caller | undefined => {
    const known = verified.get(token ?? '');
    return known !== undefined && known.expires > Date.now() ? known.caller : undefined;
  };
  const verifying = async (authorization: string | undefined): Promise<Caller> => {
    const token = tokenIn(authorization);
    if (token === undefined) throw unauthenticated('This needs an access token (Authorization: Bearer …).');
    const known = knownOf(token);
    if (known !== undefined) return known;
    const fresh = await verify(token);
    verified.set(token, fresh);
    return fresh.caller;
  };
  return Object.assign(verifying, { isKnown: (text: string | undefined) => knownOf(tokenIn(text)) !== undefined });
}

/**
 * Everything behind it has a caller (`callerOf`), but for requests that are open to anybody. Those, and requests without
 * a valid token, are counted by their address; beyond the limit tokens that were not seen before are not even looked at.
 */
export function authentication(
  settings: TokenSettings,
  kind: Kind,
  keys: IssuerKeys,
  isOpen: (request: Request) => boolean,
  strangers: Strangers,
): RequestHandler {
  const verify = tokenVerifier(settings, kind, keys);
  return async (request, response, next) => {
    if (isOpen(request)) return strangers.count(request, response, next);
    const { authorization } = request.headers;
    try {
      if (!verify.isKnown(authorization) && (await strangers.areTooMany(request))) throw tooMany();
      const languages = request.get('accept-language');
      setCaller(response, { ...(await verify(authorization)), ...(languages === undefined ? {} : { languages }) });
    } catch (error) {
      return strangers.count(request, response, (refusal?: unknown) => next(refusal ?? error));
    }
    next();
  };
}

/** @param server issuer of the tokens that this gateway's authorization server gives */
function callerIn(claims: JWTPayload, kind: Kind, server: string | undefined): Caller {
  const role = claims['role'];
  const fhirUser = claims['fhirUser'];
  if (!ROLES.includes(role as Role) || (fhirUser !== undefined && !isUser(fhirUser))) {
    throw unauthenticated('The access token states no known role or user.', 'invalid_token');
  }
  if (!ROLES_OF_KIND[kind].includes(role as Role)) {
    throw new Failure(403, 'forbidden', `A ${kind} organisation has no callers in the role ${String(role)}.`);
  }
  const caller: Caller = { subject: String(claims.sub), role: role as Role };
  if (typeof fhirUser === 'string') caller.fhirUser = fhirUser;
  const { client_id: client } = claims;
  if (server !== undefined && claims.iss === server && typeof client === 'string') caller.client = client;
  const scopes = scopesOf(claims);
  return scopes === undefined ? caller : { ...caller, scopes };
}

/** RFC 9068 writes scopes as one text; some providers as a list, or as `scp`. */
function scopesOf(claims: JWTPayload): Scopes | undefined {
  const stated = claims['scope'] ?? claims['scp'];
  if (stated === undefined) return undefined;
  const patient = claims['patient'];
  const id = typeof patient === 'string' && PATIENT.test(patient) ? patient : undefined;
  if (patient !== undefined && id === undefined)
    throw unauthenticated('The access token names no patient that there can be.', 'invalid_token');
  return scopesIn(Array.isArray(stated) ? stated.join(' ') : String(stated), id);
}
