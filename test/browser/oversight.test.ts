/** The desks of a regulator and of operators in a browser: licences by hand and by list, a recall, alarms, and the network as it is. */
import { randomBytes } from 'node:crypto';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { consortium, type Scene, START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { CHROMIUM, expectFit, launch, newPage, signInAs, whoAt } from './console.fixture.ts';
import { pressOn, typeInto } from './keyboard.fixture.ts';

const NARROW = { width: 320, height: 640 };
const newNumber = (): string => randomBytes(5).toString('hex').toUpperCase();

interface Licence {
  status: string;
}

describe('The desks of regulators and operators in a browser', function () {
  this.timeout(180_000);
  let scene: Scene;
  let regulator: Party;
  let browser: Browser;
  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    scene = await consortium();
    regulator = scene.parties.of('regulator', 'system');
    browser = await launch();
  });
  after(() => browser?.close());

  it('take a list of licences after a look at what it does, and suspend one by the keyboard alone', async () => {
    const number = newNumber();
    const text = `NUMBER,STATUS,START,END\n${number},active,2026-01-01,2027-12-31\n${newNumber()},active,2027-01-01,2026-01-01\n`;
    const faults: string[] = [];
    const page = await newPage(browser, { bypassCSP: true, viewport: NARROW }, faults);
    await signInAs(page, whoAt(scene, 'regulator', 'auditor'));
    await page.locator('main .lead').waitFor();
    const file = { name: 'list.csv', mimeType: 'text/csv', buffer: Buffer.from(text) };
    await page.locator('input[type=file]').first().setInputFiles(file);
    await page.locator('button', { hasText: 'Show what it does' }).first().click();
    await page.locator('td', { hasText: 'issued' }).waitFor();
    expect(await page.locator('.notice.bad').textContent()).to.include('ends before it begins');
    await expectFit(page, 'a list and what it does');
    expect((await regulator.send({ path: `/licences/${number}` })).status).to.equal(404);
    await page.locator('button', { hasText: 'Record it' }).first().click();
    await page.locator('.notice.good').waitFor();
    expect((await regulator.ask<Licence>({ path: `/licences/${number}` })).status).to.equal('active');

    const change = `button[aria-label*="${number}"]`;
    await page.locator('nav a[href="#/reviews"]').click();
    await page.locator('nav a[href="#/licences"]').click();
    await page.locator('main .card').first().waitFor();
    while ((await page.locator(change).count()) === 0) {
      const [before = ''] = await page.locator('.card strong').allTextContents();
      await page.locator('main .actions button', { hasText: 'Next' }).click();
      await page.locator('.card strong', { hasText: before }).waitFor({ state: 'detached' });
    }
    await pressOn(page, change);
    await page.locator('.card select').selectOption('suspended');
    await pressOn(page, '.card form button.main');
    await page.locator('.card form').waitFor({ state: 'detached' });
    expect((await regulator.ask<Licence>({ path: `/licences/${number}` })).status).to.equal('suspended');
    expect(faults).to.deep.equal([]);
    await page.context().close();
  });

  it('recall a medicine, see the alarms, and put payers’ figures beside each other', async () => {
    const faults: string[] = [];
    const page = await newPage(browser, { bypassCSP: true, locale: 'ar', viewport: NARROW }, faults);
    await signInAs(page, whoAt(scene, 'regulator', 'auditor'));
    await page.locator('nav a[href="#/recalls"]').click();
    const lot = `L-${newNumber()}`;
    await page.locator('form.form input').first().waitFor();
    await typeInto(page, 'form.form input', '09506000134352');
    await page.locator('form.form input').nth(1).fill(lot);
    await typeInto(page, 'form.form textarea', 'particles in the vial');
    await pressOn(page, 'form.form button.danger');
    await page.locator('.card', { hasText: lot }).waitFor();
    await expectFit(page, 'recalls');
    const { recalls } = await regulator.ask<{ recalls: { lots: string[]; status: string }[] }>({ path: '/recalls' });
    expect(recalls.find(({ lots }) => lots.includes(lot))?.status).to.equal('active');
    for (const path of ['reviews', 'oversight', 'published']) {
      await page.locator(`nav a[href="#/${path}"]`).click();
      await page.locator('main .lead').waitFor();
      await page.waitForFunction("document.querySelector('.waiting') === null");
      await expectFit(page, path);
    }
    const payer = scene.parties.of('payer', 'system');
    const figures = await payer.ask<object>({ path: '/prior-authorization-metrics' });
    const file = (content: string) => ({ name: 'f.json', mimeType: 'application/json', buffer: Buffer.from(content) });
    await page.locator('input[type=file]').setInputFiles(file(JSON.stringify(figures)));
    await page.locator('tbody tr').first().waitFor();
    expect(await page.locator('tbody tr').count()).to.equal(2);
    await page.locator('input[type=file]').setInputFiles(file('{"payer":"x"}'));
    await page.locator('[role=alert]').waitFor();
    expect(faults).to.deep.equal([]);
    await page.context().close();
  });

  for (const [mode, options] of Object.entries({
    light: {},
    'dark, narrow and right to left': { colorScheme: 'dark' as const, viewport: NARROW, locale: 'ar' },
  }))
    it(`show the network to an operator, and compare everything stored, ${mode}`, async () => {
      const faults: string[] = [];
      const page = await newPage(browser, { bypassCSP: true, ...options }, faults);
      await signInAs(page, whoAt(scene, 'clinic', 'operator'));
      await page.locator('svg.network').waitFor();
      const members = scene.consortium.organisations.map(({ name }) => name);
      const rows = await page.locator('.beside tbody th').allTextContents();
      expect(rows).to.deep.equal(members);
      // Each peer answers, so each row has its height, and the picture the same.
      expect(await page.locator('.beside tbody .tag.good').count()).to.equal(members.length);
      expect(await page.locator('svg .node').count()).to.equal(members.length);
      await page.locator('section table tbody tr').first().waitFor();
      await expectFit(page, 'the network');
      await page.locator('button', { hasText: mode === 'light' ? 'Compare now' : 'المقارنة الآن' }).click();
      await page.locator('section .notice.good').last().waitFor();
      expect(faults).to.deep.equal([]);
      await page.context().close();
    });

  it('is for operators and auditors alone, and shows nothing of a patient', async () => {
    for (const [organisation, role] of [
      ['hospital', 'practitioner'],
      ['payer', 'adjudicator'],
      ['bank', 'settlement'],
    ] as const)
      for (const path of ['/network', '/network/transactions'])
        expect((await scene.parties.of(organisation, role).send({ path })).status, `${role} ${path}`).to.equal(403);
    const { transactions, next } = await regulator.ask<{ transactions: { block: number }[]; next?: string }>({
      path: '/network/transactions?count=2',
    });
    expect(Object.keys(transactions[0]!).every((name) => FIELDS.includes(name))).to.equal(true);
    // The next page goes on where this one ends, and no block is cut.
    const following = await regulator.ask<{ transactions: { block: number }[] }>({ path: next! });
    expect(following.transactions[0]!.block).to.equal(transactions.at(-1)!.block - 1);
  });
});

const FIELDS = ['id', 'block', 'position', 'time', 'code', 'creator', 'event', 'endorsers'];
