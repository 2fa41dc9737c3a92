/**
 * Signing in as any SMART application does (hl7.org/fhir/smart-app-launch/STU2.2), with PKCE. Tokens stay in memory: a page that is loaded
 * anew has none. What the browser keeps during the redirect is the challenge's secret, which is taken away when it was used.
 */
import { Value } from './value.ts';

export interface Session {
  role: string;
  /** `Patient/ID`, `Practitioner/ID`; undefined where nobody in particular signed in. */
  fhirUser: string | undefined;
}

/** Why nobody is signed in. */
type Left = 'never' | 'signed-out' | 'idle' | 'ended' | 'denied' | 'failed';

export const session = new Value<Session | undefined>(undefined);
export const left = new Value<Left>('never');

const CLIENT = 'console';
const SCOPE = 'openid fhirUser online_access user/*.cruds';
const FHIR = '/fhir/R4';
const KEPT = 'sign-in';
/** Of an access token that is to be renewed before it is used. */
const LEAST_LEFT_MS = 60_000;

interface Configuration {
  authorization_endpoint: string;
  token_endpoint: string;
  revocation_endpoint?: string;
}

interface Tokens {
  access_token: string;
  refresh_token?: string;
  expires_in: number;
}

let tokens: { access: string; refresh: string | undefined; endsAt: number } | undefined;
let renewing: Promise<void> | undefined;

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');

const configuration = async (): Promise<Configuration | undefined> => {
  const answer = await fetch(`${FHIR}/.well-known/smart-configuration`);
  return answer.ok ? ((await answer.json()) as Configuration) : undefined;
};

/** Leaves for the page on which one signs in. @returns false where this gateway has none */
export async function signIn(): Promise<boolean> {
  const found = await configuration();
  if (found === undefined) return false;
  const { origin } = new URL(found.authorization_endpoint);
  // Codes are sent to the address that the gateway is known by.
  if (origin !== location.origin) {
    location.replace(`${origin}/#/sign-in`);
    return true;
  }
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const state = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  sessionStorage.setItem(KEPT, JSON.stringify({ verifier, state }));
  const asked = {
    ...{ response_type: 'code', client_id: CLIENT, redirect_uri: `${location.origin}/`, scope: SCOPE, state },
    ...{
      aud: location.origin + FHIR,
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: 'S256',
    },
  };
  location.assign(`${found.authorization_endpoint}?${new URLSearchParams(asked)}`);
  return true;
}

/** Takes what the authorization server sent along, and out of the address, before anything is shown. */
export async function finishSignIn(): Promise<void> {
  const answer = new URLSearchParams(location.search);
  const [code, state, error] = [answer.get('code'), answer.get('state'), answer.get('error')];
  if (code === null && error === null) return;
  history.replaceState(null, '', '/');
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as { verifier: string; state: string } | null;
  sessionStorage.removeItem(KEPT);
  if (kept === null || state !== kept.state) return left.set('failed');
  if (code === null) return left.set(error === 'access_denied' ? 'denied' : 'failed');
  const body = {
    ...{ grant_type: 'authorization_code', code, redirect_uri: `${location.origin}/` },
    ...{ client_id: CLIENT, code_verifier: kept.verifier },
  };
  await take(body).catch(() => left.set('failed'));
}

async function take(body: Record<string, string>): Promise<void> {
  const { token_endpoint: endpoint = '' } = (await configuration()) ?? {};
  const answer = await fetch(endpoint, { method: 'POST', body: new URLSearchParams(body) });
  if (!answer.ok) throw new Error('no token was given');
  const { access_token: access, refresh_token: refresh, expires_in: seconds } = (await answer.json()) as Tokens;
  tokens = { access, refresh, endsAt: Date.now() + seconds * 1000 };
  const [, claims = ''] = access.split('.');
  const text = new TextDecoder().decode(
    Uint8Array.from(atob(claims.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0)),
  );
  const { role = '', fhirUser } = JSON.parse(text) as { role?: string; fhirUser?: string };
  if (session.now === undefined) session.set({ role, fhirUser });
}

/** The token for a request, renewed where it is about to end. Signs out where it cannot be. */
export async function token(): Promise<string | undefined> {
  const { endsAt = Number.POSITIVE_INFINITY, refresh } = tokens ?? {};
  if (endsAt - Date.now() < LEAST_LEFT_MS && refresh !== undefined) {
    renewing ??= take({ grant_type: 'refresh_token', refresh_token: refresh, client_id: CLIENT }).finally(() => {
      renewing = undefined;
    });
    await renewing.catch(() => signOut('ended'));
  }
  return tokens?.access;
}

/** Forgets everything that was shown with the token, and has the server forget it. */
export async function signOut(why: Left = 'signed-out'): Promise<void> {
  const refresh = tokens?.refresh;
  tokens = undefined;
  left.set(why);
  session.set(undefined);
  if (refresh === undefined) return;
  const { revocation_endpoint: endpoint } = (await configuration().catch(() => undefined)) ?? {};
  const body = new URLSearchParams({ token: refresh, client_id: CLIENT });
  if (endpoint !== undefined) await fetch(endpoint, { method: 'POST', body }).catch(() => undefined);
}
