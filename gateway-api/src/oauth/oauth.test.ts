/** SMART applications and backend services at a gateway that is its organisation's development issuer: the whole way, and what is refused. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { FixtureConsortium } from '../consortium.fixture.ts';
import { signInCode } from './server.ts';

const REDIRECT = 'http://127.0.0.1:9/callback';

/** A browser that keeps cookies and follows redirects by hand. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async go(url: string, form?: Record<string, string | string[]>): Promise<Response> {
    const body =
      form === undefined
        ? undefined
        : new URLSearchParams(
            Object.entries(form).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
          );
    const response = await fetch(url, {
      redirect: 'manual',
      method: body === undefined ? 'GET' : 'POST',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body === undefined ? {} : { body }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  /** Follows redirects on this server, up to a page or another place. */
  async follow(first: Response, base: string): Promise<Response & { at: string }> {
    let [response, at] = [first, first.url];
    while (response.status >= 300 && response.status < 400) {
      const to = new URL(response.headers.get('location') ?? '', at).href;
      if (!to.startsWith(base)) return Object.assign(response, { at: to });
      at = to;
      response = await this.go(to);
    }
    return Object.assign(response, { at });
  }
}

describe('SMART applications', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let base: string;
  let fhir: string;
  let code: string;
  let patient: string;
  let other: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    await consortium.shut('hospital');
    const { witnessDir } = await consortium.config('hospital');
    const issuerDir = join(witnessDir, '..', 'issuer');
    await consortium.open('hospital', { issuerDir });
    code = signInCode(issuerDir);
    base = consortium.urls.get('hospital') ?? '';
    fhir = `${base}/fhir/R4`;
    const make = async () =>
      (await consortium.send('hospital', 'POST /fhir/R4/Patient', { resourceType: 'Patient' })).body.id as string;
    [patient, other] = [await make(), await make()];
  });
  after(() => consortium?.close());

  const register = async (client: object): Promise<{ id: string; secret?: string }> => {
    const answer = await consortium.send('hospital operator', 'POST /clients', client, {
      'content-type': 'application/json',
    });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
    return answer.body;
  };
  const configuration = async () =>
    (await fetch(`${fhir}/.well-known/smart-configuration`)).json() as Promise<Record<string, string>>;
  const pkce = () => {
    const verifier = randomBytes(32).toString('base64url');
    return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
  };
  const authorizeUrl = async (client: string, more: Record<string, string | undefined>) => {
    const asked = {
      ...{ response_type: 'code', client_id: client, redirect_uri: REDIRECT, state: 's-1', aud: fhir },
      ...more,
    };
    const known = Object.entries(asked).filter((one): one is [string, string] => one[1] !== undefined);
    return `${(await configuration())['authorization_endpoint']}?${new URLSearchParams(known)}`;
  };
  /** Where the browser ends, having signed in with this form. */
  const signIn = async (client: string, asked: Record<string, string | undefined>, form: Record<string, string>) => {
    const browser = new Browser();
    const page = await browser.follow(await browser.go(await authorizeUrl(client, asked)), base);
    if (!page.at.startsWith(base) || page.status !== 200) return new URL(page.at);
    const html = await page.text();
    const scope = [...html.matchAll(/name="scope" value="([^"]+)"/g)].map((found) => found[1] ?? '');
    const answer = await browser.go(page.at, { scope, ...form });
    if (answer.status >= 400) return { page: await answer.text(), searchParams: new URLSearchParams() };
    return new URL((await browser.follow(answer, base)).at);
  };
  const tokenFor = async (body: Record<string, string>, headers: Record<string, string> = {}) => {
    const response = await fetch((await configuration())['token_endpoint'] ?? '', {
      method: 'POST',
      body: new URLSearchParams(body),
      headers,
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };
  const get = (path: string, token: string) =>
    fetch(`${fhir}${path}`, { headers: { authorization: `Bearer ${token}` } });
  const practitioner = () => ({ code, role: 'practitioner', fhirUser: 'Practitioner/p-1', patient });

  describe('with users', () => {
    let app: string;
    before(async () => {
      app = (await register({ name: 'Growth chart', redirectUris: [REDIRECT] })).id;
    });

    it('find out where, sign in with PKCE, read what was granted, and refresh', async () => {
      const said = await configuration();
      expect(said['code_challenge_methods_supported']).to.deep.equal(['S256']);
      const { verifier, challenge } = pkce();
      const asked = {
        scope: 'launch/patient openid fhirUser offline_access patient/*.rs',
        code_challenge: challenge,
        code_challenge_method: 'S256',
      };
      const end = await signIn(app, asked, practitioner());
      expect(end.searchParams.get('state')).to.equal('s-1');
      const exchange = {
        ...{ grant_type: 'authorization_code', code: end.searchParams.get('code') ?? '', redirect_uri: REDIRECT },
        ...{ client_id: app, code_verifier: verifier },
      };
      const wrong = await tokenFor({ ...exchange, code_verifier: pkce().verifier });
      expect([wrong.status, wrong.body['error']]).to.deep.equal([400, 'invalid_grant']);
      const again = await signIn(app, asked, practitioner());
      const { status, body } = await tokenFor({ ...exchange, code: again.searchParams.get('code') ?? '' });
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body).to.include({ token_type: 'Bearer', patient });
      expect(body['scope']?.split(' ')).to.include.members(['patient/*.rs', 'openid', 'fhirUser', 'launch/patient']);
      expect(await get(`/Patient/${patient}`, body['access_token']!).then((one) => one.status)).to.equal(200);
      expect(await get(`/Patient/${other}`, body['access_token']!).then((one) => one.status)).to.equal(404);
      const written = await fetch(`${fhir}/Patient`, {
        ...{ method: 'POST', body: '{"resourceType":"Patient"}' },
        headers: { authorization: `Bearer ${body['access_token']}`, 'content-type': 'application/fhir+json' },
      });
      expect(written.status).to.equal(403);
      const identity = JSON.parse(Buffer.from(body['id_token']!.split('.')[1]!, 'base64url').toString());
      expect(identity.fhirUser).to.equal(`${fhir}/Practitioner/p-1`);
      const refreshed = await tokenFor({
        grant_type: 'refresh_token',
        refresh_token: body['refresh_token']!,
        client_id: app,
      });
      expect(refreshed.status, JSON.stringify(refreshed.body)).to.equal(200);
      expect(refreshed.body).to.include({ patient });
      expect(await get(`/Patient/${other}`, refreshed.body['access_token']!).then((one) => one.status)).to.equal(404);
      // Once used, it is nobody's; whoever uses it again ends what came of it.
      expect(
        (await tokenFor({ grant_type: 'refresh_token', refresh_token: body['refresh_token']!, client_id: app })).status,
      ).to.equal(400);
      const used = await tokenFor({ ...exchange, code: again.searchParams.get('code') ?? '' });
      expect(used.body['error'], 'a code is good once').to.equal('invalid_grant');
    });

    it('are launched by an EHR for its patient', async () => {
      const begun = await consortium.send(
        'hospital practitioner',
        'POST /launches',
        { patient: other },
        { 'content-type': 'application/json' },
      );
      expect(begun.body.iss).to.equal(fhir);
      const { verifier, challenge } = pkce();
      const asked = {
        scope: 'launch patient/Patient.r',
        launch: begun.body.launch,
        code_challenge: challenge,
        code_challenge_method: 'S256',
      };
      const end = await signIn(app, asked, { ...practitioner(), patient: '' });
      const { body } = await tokenFor({
        ...{ grant_type: 'authorization_code', code: end.searchParams.get('code') ?? '', redirect_uri: REDIRECT },
        ...{ client_id: app, code_verifier: verifier },
      });
      expect(body, JSON.stringify(body)).to.include({ patient: other });
      expect(body['refresh_token']).to.equal(undefined);
      expect(await get(`/Patient/${other}`, body['access_token']!).then((one) => one.status)).to.equal(200);
      expect(await get(`/Patient/${patient}`, body['access_token']!).then((one) => one.status)).to.equal(404);
    });

    const proof = { code_challenge: pkce().challenge, code_challenge_method: 'S256' };
    const REFUSED: [what: string, asked: Record<string, string | undefined>][] = [
      ['without PKCE', {}],
      ['with PKCE as plain text', { ...proof, code_challenge_method: 'plain' }],
      ['for another server', { ...proof, aud: 'https://elsewhere.example/fhir' }],
      ['for a token in the answer', { ...proof, response_type: 'token' }],
      ['to another place', { ...proof, redirect_uri: 'http://127.0.0.1:9/other' }],
      ['with a launch that nobody began', { ...proof, scope: 'launch patient/*.rs', launch: 'x' }],
    ];
    for (const [what, asked] of REFUSED)
      it(`are refused ${what}`, async () => {
        const end = await signIn(app, { scope: 'user/Patient.rs', ...asked }, { ...practitioner(), patient: '' });
        expect(end.searchParams.get('code')).to.equal(null);
      });

    it('get nothing without the code of the issuer, for no such user, or when they are denied', async () => {
      const end = (form: object) => signIn(app, { scope: 'user/Patient.rs', ...proof }, { ...practitioner(), ...form });
      for (const form of [
        { code: 'guess' },
        { role: 'adjudicator' },
        { fhirUser: 'x' },
        { role: 'patient', fhirUser: '' },
      ])
        expect((await end(form)).searchParams.get('code'), JSON.stringify(form)).to.equal(null);
      expect((await end({ deny: '1' })).searchParams.get('error')).to.equal('access_denied');
    });

    it('have no scopes of systems, and none beyond their registration', async () => {
      const narrow = (
        await register({
          name: 'Labs',
          redirectUris: [REDIRECT],
          scope: 'launch/patient openid patient/Observation.rs',
        })
      ).id;
      const { verifier, challenge } = pkce();
      const asked = {
        scope: 'openid system/*.rs user/*.rs patient/*.rs patient/Observation.r',
        code_challenge: challenge,
        code_challenge_method: 'S256',
      };
      const end = await signIn(narrow, asked, practitioner());
      const { body } = await tokenFor({
        ...{ grant_type: 'authorization_code', code: end.searchParams.get('code') ?? '', redirect_uri: REDIRECT },
        ...{ client_id: narrow, code_verifier: verifier },
      });
      expect(
        body['scope']?.split(' ').filter((one) => one.includes('/')),
        JSON.stringify(body),
      ).to.deep.equal(['patient/Observation.r']);
    });

    it('in a browser may call from where they are registered, and no other page', async () => {
      const preflight = (origin: string) =>
        fetch(`${fhir}/Patient`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } });
      expect((await preflight('http://127.0.0.1:9')).headers.get('access-control-allow-origin')).to.equal(
        'http://127.0.0.1:9',
      );
      expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).to.equal(null);
    });
  });

  describe('without users', () => {
    const assertionFor = async (
      id: string,
      key: Parameters<SignJWT['sign']>[0],
      alg: string,
      more: JWTPayload = {},
      header: object = {},
    ) => {
      const now = Math.floor(Date.now() / 1000);
      const aud = (await configuration())['token_endpoint'];
      const claims = { iss: id, sub: id, aud, jti: randomUUID(), exp: now + 240, ...more } as JWTPayload;
      return new SignJWT(claims).setProtectedHeader({ alg, kid: 'k', typ: 'JWT', ...header }).sign(key);
    };
    const ask = (assertion: string, scope: string) =>
      tokenFor({
        ...{ grant_type: 'client_credentials', scope, client_assertion: assertion },
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });

    for (const alg of ['RS384', 'ES384'])
      it(`prove who they are by ${alg}, once with each assertion`, async () => {
        const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
        const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg }] };
        const { id } = await register({ name: 'Loader', jwks, role: 'system', scope: 'system/*.rs system/Patient.c' });
        const assertion = await assertionFor(id, privateKey, alg);
        const { status, body } = await ask(assertion, 'system/Patient.rs system/Patient.cruds user/*.rs');
        expect(status, JSON.stringify(body)).to.equal(200);
        expect([body['scope'], Number(body['expires_in'])]).to.deep.equal(['system/Patient.rs', 300]);
        expect(await get(`/Patient/${patient}`, body['access_token']!).then((one) => one.status)).to.equal(200);
        expect(await get('/Observation', body['access_token']!).then((one) => one.status)).to.equal(403);
        const replayed = await ask(assertion, 'system/Patient.rs');
        expect([replayed.status, replayed.body['error']]).to.deep.equal([401, 'invalid_client']);
        const { privateKey: others } = await generateKeyPair(alg);
        const now = Math.floor(Date.now() / 1000);
        for (const [what, wrong] of [
          ['another key', await assertionFor(id, others, alg)],
          ['another audience', await assertionFor(id, privateKey, alg, { aud: 'https://elsewhere.example' })],
          ['another client', await assertionFor(id, privateKey, alg, { sub: 'x', iss: 'x' })],
          ['too long a life', await assertionFor(id, privateKey, alg, { exp: now + 3600 })],
          ['an end that is over', await assertionFor(id, privateKey, alg, { exp: now - 60 })],
          ['no jti', await assertionFor(id, privateKey, alg, { jti: undefined } as never)],
        ] as const) {
          const refused = await ask(wrong, 'system/Patient.rs');
          expect([refused.status, refused.body['error'], refused.body['access_token']], what).to.deep.equal([
            401,
            'invalid_client',
            undefined,
          ]);
        }
        await consortium.send(
          'hospital operator',
          `POST /clients/${id}/remove`,
          {},
          { 'content-type': 'application/json' },
        );
        expect((await ask(await assertionFor(id, privateKey, alg), 'system/Patient.rs')).status).to.equal(401);
      });

    it('and are registered by an operator alone, with public keys, safe addresses and a role of this kind', async () => {
      const send = (as: string, body: object) =>
        consortium.send(as, 'POST /clients', body, { 'content-type': 'application/json' });
      expect((await send('hospital system', { name: 'x', redirectUris: [REDIRECT] })).status).to.equal(403);
      const { privateKey } = await generateKeyPair('ES384', { extractable: true });
      const jwks = { keys: [{ ...(await exportJWK(privateKey)), kid: 'k' }] };
      for (const [what, wrong] of [
        ['a private key', { name: 'x', jwks, role: 'system', scope: 'system/*.rs' }],
        ['no way to answer', { name: 'x' }],
        ['http elsewhere', { name: 'x', redirectUris: ['http://app.example/'] }],
        ['a script', { name: 'x', redirectUris: ['javascript:alert(1)'] }],
        ['a fragment', { name: 'x', redirectUris: ['https://app.example/#x'] }],
        ['no scope', { name: 'x', redirectUris: [REDIRECT], scope: 'everything' }],
        [
          'a role of others',
          { name: 'x', jwksUri: 'https://app.example/jwks', role: 'adjudicator', scope: 'system/*.rs' },
        ],
      ] as const)
        expect((await send('hospital operator', wrong)).status, what).to.be.oneOf([400, 422]);
      expect(
        (await consortium.send('patients operator', 'GET /clients')).status,
        'where another issues tokens',
      ).to.equal(404);
    });
  });
});
