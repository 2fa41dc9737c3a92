import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SignJWT } from 'jose';
import { audienceOf, ensureIssuer, issuerOf, issueToken } from './issuer.ts';
import { tokenVerifier, type VerifyToken } from './tokens.ts';

describe('Access tokens', () => {
  const directory = mkdtempSync(join(tmpdir(), 'telemed-issuer-'));
  let verify: VerifyToken;
  before(async () => {
    const keys = await ensureIssuer(directory);
    verify = tokenVerifier(
      { issuer: issuerOf('hospital'), audience: audienceOf('hospital'), keys, maxMinutes: 5 },
      'provider',
    );
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const issue = (more: object = {}) =>
    issueToken({ directory, organisation: 'hospital', role: 'practitioner', ...more });
  const failureOf = (authorization: string | undefined) =>
    verify(authorization).then(
      () => undefined,
      (error) => error,
    );

  it('say who is calling', async () => {
    const token = await issue({ fhirUser: 'Practitioner/p1', subject: 'someone' });
    const caller = { subject: 'someone', role: 'practitioner', fhirUser: 'Practitioner/p1' };
    expect(await verify(`Bearer ${token}`)).to.deep.equal(caller);
    expect(await verify(`bearer ${token}`), 'from memory').to.deep.equal(caller);
  });

  it('are made with a key that only its owner reads, once', async () => {
    const [first, second] = [await ensureIssuer(directory), await ensureIssuer(directory)];
    expect(first).to.deep.equal(second);
    expect(JSON.stringify(first)).to.not.match(/"d":/);
    expect(statSync(join(directory, 'key.json')).mode & 0o777).to.equal(0o600);
  });

  it('are refused when made for another organisation or for too long', async () => {
    for (const token of [await issue({ organisation: 'clinic' }), await issue({ minutes: 30 })]) {
      expect(await failureOf(`Bearer ${token}`)).to.include({ status: 401 });
    }
  });

  const forged = async (key: KeyObject | Uint8Array, alg: string, now = Math.floor(Date.now() / 1000)) => {
    return new SignJWT({ role: 'system' })
      .setProtectedHeader({ alg })
      .setIssuer(issuerOf('hospital'))
      .setAudience(audienceOf('hospital'))
      .setSubject('x')
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(key);
  };

  it('are refused when forged: another key, another algorithm, none', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"role":"system"}').toString('base64url')}.`;
    const tokens = [
      await forged(privateKey, 'ES256'),
      await forged(Buffer.from('s'.repeat(32)), 'HS256'),
      none,
      'a.b.c',
    ];
    for (const token of tokens) {
      const failure = await failureOf(`Bearer ${token}`);
      expect(failure).to.include({ status: 401, issue: 'login' });
      expect(failure.headers['WWW-Authenticate']).to.match(/^Bearer/);
    }
    for (const missing of [undefined, '', 'Basic abc', 'Bearer']) {
      expect(await failureOf(missing)).to.include({ status: 401 });
    }
  });

  it('are refused when said to be issued in the future, so that they would live longer than they say', async () => {
    const key = createPrivateKey({ key: JSON.parse(readFileSync(join(directory, 'key.json'), 'utf8')), format: 'jwk' });
    const now = Math.floor(Date.now() / 1000);
    expect(await failureOf(`Bearer ${await forged(key, 'ES256', now)}`)).to.equal(undefined);
    expect(await failureOf(`Bearer ${await forged(key, 'ES256', now + 86_400)}`)).to.include({ status: 401 });
  });

  it('are refused when they have expired', async () => {
    const jwk = JSON.parse(readFileSync(join(directory, 'key.json'), 'utf8'));
    const own = createPrivateKey({ key: jwk, format: 'jwk' });
    const now = Math.floor(Date.now() / 1000);
    expect(await failureOf(`Bearer ${await forged(own, 'ES256', now)}`)).to.equal(undefined);
    expect(await failureOf(`Bearer ${await forged(own, 'ES256', now - 70)}`)).to.include({ status: 401 });
  });

  it('are refused with 403 in a role that this kind of organisation does not have', async () => {
    expect(await failureOf(`Bearer ${await issue({ role: 'adjudicator' })}`)).to.include({ status: 403 });
  });

  it('are refused with a user that is no FHIR reference', async () => {
    expect(await failureOf(`Bearer ${await issue({ fhirUser: '../x' })}`)).to.include({ status: 401 });
  });
});
