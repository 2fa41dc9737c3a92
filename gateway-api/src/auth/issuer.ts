/**
 * The development token issuer of one organisation: signs short-lived ES256 tokens with a key of its own. In
 * production an identity provider does this and the gateway is given its JWKS address instead.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  SignJWT,
} from 'jose';

const KEY_FILE = 'key.json';
const JWKS_FILE = 'jwks.json';
const DEFAULT_MINUTES = 5;
export const LONGEST_MINUTES = 60;

export const issuerOf = (organisation: string): string => `https://issuer.${organisation}.telemed-ledger.example`;
export const audienceOf = (organisation: string): string => `telemed-ledger/${organisation}`;

/** Makes the issuer's key in its directory unless it is there, and returns its public keys. */
export async function ensureIssuer(directory: string): Promise<JSONWebKeySet> {
  const jwksFile = join(directory, JWKS_FILE);
  if (existsSync(jwksFile)) return JSON.parse(readFileSync(jwksFile, 'utf8')) as JSONWebKeySet;
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const shown = await exportJWK(publicKey);
  const stated = { kid: await calculateJwkThumbprint(shown), alg: 'ES256', use: 'sig' };
  const jwks: JSONWebKeySet = { keys: [{ ...shown, ...stated }] };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, KEY_FILE), JSON.stringify({ ...(await exportJWK(privateKey)), ...stated }), {
    mode: 0o600,
  });
  writeFileSync(jwksFile, JSON.stringify(jwks));
  return jwks;
}

export interface TokenRequest {
  /** The issuer's directory: key.json and jwks.json. */
  directory: string;
  /** Name of the organisation. */
  organisation: string;
  role: Role;
  fhirUser?: string;
  /** Scopes of SMART App Launch, separated by spaces, that narrow the role. */
  scope?: string;
  /** Id of the Patient in context. */
  patient?: string;
  /** The client or person; by default the role. */
  subject?: string;
  /** Lifetime; 5 unless stated, at most 60. */
  minutes?: number;
}

/** What the issuer signs with. Throws where the directory holds no key. */
export const privateKeyIn = (directory: string): JWK =>
  JSON.parse(readFileSync(join(directory, KEY_FILE), 'utf8')) as JWK;

/** A signed bearer token. Throws where the directory holds no key or the lifetime is too long. */
export async function issueToken(request: TokenRequest): Promise<string> {
  const minutes = request.minutes ?? DEFAULT_MINUTES;
  if (!(minutes > 0 && minutes <= LONGEST_MINUTES)) throw new Error(`a token lives 1 to ${LONGEST_MINUTES} minutes`);
  const jwk = privateKeyIn(request.directory);
  const claims: Record<string, unknown> = { role: request.role };
  for (const name of ['fhirUser', 'scope', 'patient'] as const)
    if (request[name] !== undefined) claims[name] = request[name];
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: jwk.kid ?? '' })
    .setIssuer(issuerOf(request.organisation))
    .setAudience(audienceOf(request.organisation))
    .setSubject(request.subject ?? request.fhirUser ?? request.role)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + Math.round(minutes * 60))
    .sign(await importJWK(jwk, 'ES256'));
}
