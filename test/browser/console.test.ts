/** The patient's desk in a browser on a running consortium: from signing in to the ledger, by mouse and by keyboard, narrow, and attacked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { consentOf } from '@telemed-ledger/console/src/patient/draft.ts';
import { until } from '@telemed-ledger/gateway-api/consortium.fixture.ts';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { axeFindings, CHROMIUM, ConsoleScene, tabTo, tooWide } from './console.fixture.ts';

// biome-ignore lint/suspicious/noExplicitAny: what runs in the browser is checked there
type InBrowser = any;
declare const document: InBrowser;
declare const location: InBrowser;
declare const window: InBrowser;

const PAGES = ['home', 'requests', 'log', 'consents', 'consents/new', 'health', 'bills', 'verify', 'network'];
const PERMISSION = { receiver: { organisation: 'payer' }, types: [], purpose: 'HPAYMT', today: '2026-03-01' };
const NARROW = { width: 320, height: 640 };

describe('The patient’s desk', function () {
  this.timeout(120_000);
  let scene: ConsoleScene;
  const faults: string[] = [];
  before(async function () {
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    scene = await ConsoleScene.start();
  });
  after(() => scene?.close());
  afterEach(() => {
    expect(faults.splice(0)).to.deep.equal([]);
  });

  const settled = async (page: Page): Promise<void> => {
    await page.locator('main h1').waitFor();
    await page.waitForFunction(() => document.querySelector('.waiting') === null);
  };
  const open = async (page: Page, path: string): Promise<void> => {
    await page.evaluate((to) => {
      location.hash = `#/${to}`;
    }, path);
    await page.waitForFunction((to) => location.hash === `#/${to}`, path);
    await settled(page);
  };
  const consents = async () => {
    const { body } = await scene.send('GET /fhir/R4/Consent?status=active');
    return (body.entry ?? []).map(({ resource }: { resource: object }) => resource) as { id: string }[];
  };
  it('allows a request with a mouse: it is on the ledger, and the request is granted', async () => {
    const page = await scene.page({}, faults);
    await scene.signIn(page);
    await page.locator('.tile.calling').click();
    await page.locator('.card button.main').click();
    const next = page.locator('form.steps > .actions button.main');
    // What was asked for is chosen already.
    await page.locator('input[name=organisation]:checked').waitFor();
    for (const step of ['What', 'For how long', 'Check and give']) {
      await next.click();
      await page.locator('form.steps h2', { hasText: step }).waitFor();
    }
    await page.locator('form.steps', { hasText: /could see .?.?4/ }).waitFor();
    expect(await consents()).to.have.length(0);
    await page.locator('form.steps button', { hasText: 'Give this consent' }).click();
    await page.locator('h2', { hasText: 'Your consent is on the ledger' }).waitFor();
    const [given, ...others] = await consents();
    expect(others).to.deep.equal([]);
    const shown = await page.locator('main code').textContent();
    expect((await scene.send(`GET /receipts/${shown}`)).status).to.equal(200);
    await until(async () => {
      const { body } = await scene.send('GET /access-requests?status=granted');
      return body.accessRequests.some((one: { consent?: { id: string } }) => one.consent?.id === given?.id);
    });
    await open(page, 'log');
    await page.locator('.entry', { hasText: 'clinic' }).first().waitFor();
    await page.context().close();
  });

  it('withdraws it, says what that cannot undo, and signs out, by the keyboard alone on 320 pixels', async () => {
    const page = await scene.page({ viewport: NARROW }, faults);
    await page.goto(`${scene.base}/`);
    await tabTo(page, 'main button.main');
    await page.keyboard.press('Enter');
    await page.locator('#code').waitFor();
    await tabTo(page, '#code');
    await page.keyboard.type(scene.code);
    await page.keyboard.press('Enter');
    await page.locator('button[name=who]').first().waitFor();
    await tabTo(page, `button[value="patient:Patient/${scene.patient}"]`);
    await page.keyboard.press('Enter');
    await page.locator('nav a[href="#/consents"]').waitFor();
    await tabTo(page, 'nav a[href="#/consents"]');
    await page.keyboard.press('Enter');
    await settled(page);
    await page.locator('.card button').waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).to.equal('H1');
    await tabTo(page, '.card button');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    expect(await page.locator('dialog').textContent()).to.include('cannot be unread');
    await tabTo(page, 'dialog button.danger');
    await page.keyboard.press('Enter');
    await page.locator('.notice.good').waitFor();
    expect(await consents()).to.deep.equal([]);
    await tabTo(page, '.tools button:last-child');
    await page.keyboard.press('Enter');
    await page.locator('.welcome').waitFor();
    await page.context().close();
  });

  for (const [mode, options] of Object.entries({
    light: {},
    dark: { colorScheme: 'dark' as const },
    narrow: { viewport: NARROW },
    'right to left': { locale: 'ar' },
  }))
    it(`has nothing that axe finds, on any page, ${mode}`, async () => {
      const page = await scene.page({ bypassCSP: true, ...options }, faults);
      const look = async (where: string): Promise<void> => {
        expect(await axeFindings(page), where).to.deep.equal([]);
        expect(await tooWide(page), `${where} is wider than its window`).to.be.at.most(0);
      };
      await page.goto(`${scene.base}/`);
      await page.locator('.welcome').waitFor();
      await look('welcome');
      await page.locator('main button.main').click();
      await page.locator('#code').fill(scene.code);
      await look('code');
      await page.locator('button.main').click();
      await page.locator('button[name=who]').first().waitFor();
      await look('people');
      await page.locator(`button[value="patient:Patient/${scene.patient}"]`).click();
      await page.locator('nav a[href="#/log"]').waitFor();
      for (const path of PAGES) {
        await open(page, path);
        await look(path);
      }
      expect(await page.evaluate(() => document.documentElement.dir)).to.equal(
        mode === 'right to left' ? 'rtl' : 'ltr',
      );
      await page.context().close();
    });

  it('runs no markup of others, leaves nothing of her in addresses, titles or storage, and asks no other origin', async () => {
    const div =
      '<div xmlns="http://www.w3.org/1999/xhtml"><p>In my <b>own</b> <a href="https://other.example/">words</a>' +
      '<img src="data:image/png;base64,AAAA" alt="x"/></p></div>';
    const consent = {
      ...consentOf({ ...PERMISSION, patient: `Patient/${scene.patient}` }),
      text: { status: 'additional', div },
    };
    const { status, body } = await scene.send('POST /fhir/R4/Consent', consent);
    expect(status, JSON.stringify(body)).to.equal(201);
    const page = await scene.page({}, faults);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.url()} ${request.headers()['referer'] ?? ''}`));
    await scene.signIn(page);
    const hers = [scene.patient, 'Grün', 'Penicillin', scene.mrn];
    for (const path of PAGES) {
      await open(page, path);
      const seen = await page.evaluate(() => ({
        broken: window.broken as number | undefined,
        images: document.querySelectorAll('main img, main script, main iframe').length,
        kept: JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
        said: document.title + location.href,
      }));
      expect(seen.broken, path).to.equal(undefined);
      expect(seen.images, path).to.equal(0);
      for (const one of hers) expect(seen.kept + seen.said, path).to.not.include(one);
      expect(seen.kept).to.not.match(/eyJ|token|verifier/i);
    }
    await open(page, 'consents');
    await page.locator('.card summary').first().click();
    const narrative = page.locator('.narrative');
    expect(await narrative.innerText()).to.equal('In my own words');
    expect(await narrative.locator('b').count()).to.equal(1);
    expect(await narrative.locator('a, img, [href], [src], [style], [class]').count()).to.equal(0);
    expect(asked.filter((one) => !one.startsWith(`${scene.base}/`))).to.deep.equal([]);
    for (const one of hers) expect(asked.filter((url) => url.includes(encodeURIComponent(one)))).to.deep.equal([]);
    // A page that is loaded anew has no token.
    await page.reload();
    await page.locator('.tools button.main').waitFor();
    expect(await page.locator('nav a[href="#/log"]').count()).to.equal(0);
    await page.context().close();
  });

  it('is framed by nobody, and its sign-in leads to no other page than its own', async () => {
    const other = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>other</title><iframe src="${scene.base}/"></iframe>`);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      const page = await scene.page();
      await page.goto(origin);
      const [, framed] = page.frames();
      expect(await framed?.locator('#app').count()).to.equal(0);
      const asked = {
        ...{ response_type: 'code', client_id: 'console', redirect_uri: `${origin}/`, scope: 'openid user/*.cruds' },
        ...{ aud: `${scene.base}/fhir/R4`, state: 's', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' },
      };
      const answer = await fetch(`${scene.base}/oauth/authorize?${new URLSearchParams(asked)}`, { redirect: 'manual' });
      expect(answer.status).to.equal(400);
      expect(await answer.text()).to.include('invalid_redirect_uri');
      // What another page of this browser sends has no token with it, and is told nothing.
      const read = await page.evaluate(
        (url) =>
          fetch(`${url}/fhir/R4/Patient`, { credentials: 'include' }).then(
            ({ status }) => status,
            () => 'refused',
          ),
        scene.base,
      );
      expect(read).to.equal('refused');
      await page.context().close();
    } finally {
      other.close();
    }
  });

  it('signs out whoever leaves the browser alone, and forgets what it showed', async () => {
    const page = await scene.page({}, faults);
    await page.clock.install();
    await scene.signIn(page);
    await open(page, 'health');
    await page.locator('main', { hasText: 'Penicillin' }).waitFor();
    await page.clock.fastForward(11 * 60_000);
    await page.locator('.welcome .notice').waitFor();
    expect(await page.locator('body').textContent()).to.not.include('Penicillin');
    await page.context().close();
  });

  it('says that it is offline, what was not saved, and does once what is tried again', async () => {
    const page = await scene.page();
    await scene.signIn(page);
    const before = (await consents()).length;
    await open(page, 'consents/new');
    await page.locator('.option', { hasText: 'clinic' }).click();
    const next = page.locator('form.steps > .actions button.main');
    await next.click();
    await page.locator('.option', { hasText: 'Allergies' }).click();
    await next.click();
    await next.click();
    const give = page.locator('form.steps button', { hasText: 'Give this consent' });
    await give.waitFor();
    await page.context().setOffline(true);
    await page.locator('.notice.warn').waitFor();
    await give.click();
    await page.locator('[role=alert]', { hasText: 'not known whether it was saved' }).waitFor();
    await page.context().setOffline(false);
    await page.locator('[role=alert] button').click();
    await page.locator('h2', { hasText: 'Your consent is on the ledger' }).waitFor();
    expect(await consents()).to.have.length(before + 1);
    await page.context().close();
  });

  it('takes no wrong code, and says that nothing was done', async () => {
    const page = await scene.page();
    await page.goto(`${scene.base}/`);
    await page.locator('main button.main').click();
    await page.locator('#code').fill('wrong');
    await page.locator('button.main').click();
    await page.locator('[role=alert]').waitFor();
    expect(await page.locator('button[name=who]').count()).to.equal(0);
    await page.locator('button[name=deny]').click();
    await page.locator('.welcome .notice').waitFor();
    await page.context().close();
  });
});
