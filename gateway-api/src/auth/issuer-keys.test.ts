/** Issuers elsewhere: their keys by address and by discovery, in every algorithm, and what is answered while they are away. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { issuerKeys } from './issuer-keys.ts';
import { tokenVerifier } from './tokens.ts';

describe('Keys of an issuer elsewhere', () => {
  let server: Server;
  let issuer: string;
  let answers: Record<string, unknown>;
  let asked: string[];
  beforeEach(async () => {
    [answers, asked] = [{}, []];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const answer = answers[request.url ?? ''];
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const discovery = () => ({
    issuer,
    jwks_uri: `${issuer}/keys`,
    authorization_endpoint: `${issuer}/a`,
    token_endpoint: `${issuer}/t`,
  });
  const signed = async (alg: string) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    answers['/keys'] = { keys: [{ ...(await exportJWK(publicKey)), kid: alg, alg }] };
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ role: 'practitioner' })
      .setProtectedHeader({ alg, kid: alg })
      .setIssuer(issuer)
      .setAudience('us')
      .setSubject('x')
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(privateKey);
  };
  const settings = { audience: 'us', maxMinutes: 5 };

  for (const alg of ['RS256', 'RS384', 'PS256', 'ES256', 'ES384'])
    it(`check ${alg}, by address and by discovery`, async () => {
      const token = await signed(alg);
      answers['/.well-known/openid-configuration'] = discovery();
      for (const keys of [new URL(`${issuer}/keys`), 'discovered'] as const) {
        const verify = tokenVerifier({ ...settings, issuer, keys }, 'provider');
        expect(await verify(`Bearer ${token}`)).to.include({ subject: 'x', role: 'practitioner' });
      }
    });

  it('that are none of the token’s refuse it', async () => {
    const token = await signed('RS256');
    await signed('ES256');
    const verify = tokenVerifier({ ...settings, issuer, keys: new URL(`${issuer}/keys`) }, 'provider');
    expect(await verify(`Bearer ${token}`).catch((error) => error)).to.include({ status: 401 });
  });

  const AWAY: [what: string, answers: (own: string) => Record<string, unknown>, problem: RegExp][] = [
    ['do not answer', () => ({}), /answers its discovery with 404/],
    [
      'say that they are others',
      () => ({ issuer: 'https://other.example', jwks_uri: 'https://other.example/k' }),
      /another issuer/,
    ],
    ['say of no keys', (own) => ({ issuer: own }), /no keys/],
    [
      'give what are no keys',
      (own) => ({ issuer: own, jwks_uri: `${own}/.well-known/openid-configuration` }),
      /no keys/,
    ],
  ];
  for (const [what, said, problem] of AWAY)
    it(`of issuers that ${what} make no token false: 503, and the gateway says why`, async () => {
      const token = await signed('RS256');
      const own = said(issuer);
      if (Object.keys(own).length > 0) answers['/.well-known/openid-configuration'] = own;
      const keys = issuerKeys({ issuer: new URL(issuer) });
      const verify = tokenVerifier({ ...settings, issuer, keys: 'discovered' }, 'provider', keys);
      expect(await verify(`Bearer ${token}`).catch((error) => error)).to.include({ status: 503 });
      expect(await keys.problem()).to.match(problem);
    });

  it('of an address where nobody listens are a problem, until somebody does', async () => {
    const keys = issuerKeys({ keys: new URL(`${issuer}/keys`) });
    expect(await keys.problem()).to.match(/cannot be had|no keys/);
    await signed('ES256');
    expect(await keys.problem()).to.equal(undefined);
    const before = asked.length;
    expect(await keys.problem()).to.equal(undefined);
    expect(asked.length, 'asks no more').to.equal(before);
  });
});
