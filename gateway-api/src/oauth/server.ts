/**
 * The development issuer of one organisation as an OAuth server for SMART applications (hl7.org/fhir/smart-app-launch/STU2.2), at /oauth of its
 * gateway. Its tokens are those of issuer.ts; it begins with the first request, so that a gateway nobody signs in at pays nothing.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import express, { type RequestHandler, Router } from 'express';
import { exportJWK, generateKeyPair } from 'jose';
import type Provider from 'oidc-provider';
import { audienceOf, privateKeyIn } from '../auth/issuer.ts';
import { Clients } from './clients.ts';
import { consoleClient } from './console-client.ts';
import { Launches } from './launches.ts';
import type { Person } from './people.ts';
import { signInRouter } from './sign-in.ts';

export const OAUTH = '/oauth';
const CODE_FILE = 'sign-in-code';
const IDENTITY_KEY_FILE = 'identity-key.json';
const OWNER_ONLY = { mode: 0o600 };
const FORM_BYTES = '64kb';

export interface ServerOptions {
  /** Of the organisation's issuer. */
  directory: string;
  organisation: Pick<Organisation, 'name' | 'kind'>;
  /** Where clients find this gateway, without a slash at the end. */
  origin: () => string;
  /** Path of FHIR's base. */
  fhirPath: string;
  /** Whom one may choose to be on the gateway's own pages. */
  people: () => Promise<readonly Person[]>;
}

/** What whoever signs in at an issuer must know; made when it is first asked for. */
export function signInCode(directory: string): string {
  const file = join(directory, CODE_FILE);
  if (!existsSync(file)) writeFileSync(file, randomBytes(9).toString('base64url'), OWNER_ONLY);
  return readFileSync(file, 'utf8');
}

/** Signs id tokens, which applications expect as RS256; access tokens are signed as ever. */
async function identityKey(directory: string): Promise<object> {
  const file = join(directory, IDENTITY_KEY_FILE);
  if (!existsSync(file)) {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    writeFileSync(file, JSON.stringify({ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }), OWNER_ONLY);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as object;
}

/** A public application refreshes by its token alone, as SMART lets it: whose it is, the token says. */
const namingItsClient =
  (provider: () => Promise<Provider>): RequestHandler =>
  async (request, _response, next) => {
    const form = request.body as Record<string, string | undefined>;
    const { grant_type: grant, refresh_token: token, client_id: named, client_assertion: assertion } = form;
    if (grant === 'refresh_token' && token !== undefined && named === undefined && assertion === undefined) {
      const isProven = request.get('authorization') !== undefined;
      const found = isProven ? undefined : await (await provider()).RefreshToken.find(token);
      if (found?.clientId !== undefined) form['client_id'] = found.clientId;
    }
    next();
  };

export class AuthorizationServer {
  readonly #options: ServerOptions;
  readonly clients: Clients;
  readonly launches = new Launches();
  #provider: Promise<Provider> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.clients = new Clients(options.directory, options.organisation.kind, () => [consoleClient(options.origin())]);
  }

  get issuer(): string {
    return this.#options.origin() + OAUTH;
  }

  get fhirBase(): string {
    return this.#options.origin() + this.#options.fhirPath;
  }

  router(): Router {
    const { directory, organisation, origin, people } = this.#options;
    const { clients, launches } = this;
    const provider = () => this.#begun();
    const router = Router();
    const signIn = signInRouter({
      ...{ provider, organisation: organisation.name, kind: organisation.kind, clients, launches, people },
      ...{ code: signInCode(directory), fhirBase: () => this.fhirBase },
    });
    const asItIsCalled: RequestHandler = (request, _response, next) => {
      // The server writes its own addresses by these, whoever sent the request.
      const { host, protocol } = new URL(origin());
      Object.assign(request.headers, { host, 'x-forwarded-proto': protocol.slice(0, -1), 'x-forwarded-host': host });
      next();
    };
    router.post(
      `${OAUTH}/token`,
      express.urlencoded({ extended: false, limit: FORM_BYTES }),
      namingItsClient(provider),
    );
    router.use(OAUTH, asItIsCalled, signIn, async (request, response) => {
      await (await provider()).callback()(request, response);
    });
    return router;
  }

  #begun(): Promise<Provider> {
    this.#provider ??= this.#begin();
    return this.#provider;
  }

  async #begin(): Promise<Provider> {
    const { directory, organisation } = this.#options;
    const { smartProvider } = await import('./provider.ts');
    const provider = smartProvider({
      ...{ issuer: this.issuer, audience: audienceOf(organisation.name), fhirBase: this.fhirBase },
      keys: { access: privateKeyIn(directory), identity: await identityKey(directory) },
      cookieKey: randomBytes(32).toString('base64url'),
      ...{ clients: this.clients, launches: this.launches },
    });
    provider.proxy = true;
    return provider;
  }
}
