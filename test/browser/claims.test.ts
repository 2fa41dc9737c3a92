/** The claims desk in a browser: a claim from the queue to its decision on the ledger, with the rules that it rests on, and the patient's bill of it. */
import { join } from 'node:path';
import { signInCode } from '@telemed-ledger/gateway-api/oauth/server.ts';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { consortium, type Scene, START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { PayableClaims } from '../scenarios/payable-claims.fixture.ts';
import { axeFindings, CHROMIUM, launch, newPage, signInAs, tooWide } from './console.fixture.ts';

describe('The claims desk in a browser', function () {
  this.timeout(120_000);
  let scene: Scene;
  let claims: PayableClaims;
  let browser: Browser;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    scene = await consortium();
    claims = await PayableClaims.open(scene.parties);
    browser = await launch();
  });
  after(() => browser?.close());

  const whoAt = (organisation: string, account: string) => ({
    base: scene.urls[organisation] ?? '',
    code: signInCode(join(scene.dataDir, 'organisations', organisation, 'issuer')),
    account,
  });

  it('decides a claim by the rules, shows what each of them said, and the patient reads her bill', async () => {
    const { reference } = await claims.submitted();
    const id = reference.slice('Claim/'.length);
    const faults: string[] = [];
    const page = await newPage(browser, { bypassCSP: true, viewport: { width: 320, height: 640 } }, faults);
    const look = async (where: string): Promise<void> => {
      expect(await axeFindings(page), where).to.deep.equal([]);
      expect(await tooWide(page), where).to.be.at.most(0);
    };
    await signInAs(page, whoAt('payer', 'adjudicator'));
    const row = page.locator('.card', { hasText: id.slice(0, 8) });
    // The queue begins with the oldest: other claims may stand before it.
    const next = page.locator('main .actions button', { hasText: 'Next' });
    await page.locator('.card').first().waitFor();
    while ((await row.count()) === 0) await next.click();
    await look('the queue');
    await row.locator('button').click();
    await page.locator('main', { hasText: 'Nothing is decided yet.' }).waitFor();
    await page.locator('button', { hasText: 'Decide by the rules' }).click();
    await page.locator('.notice.good', { hasText: 'approved' }).waitFor();
    await page.locator('summary').click();
    expect(await page.locator('.lines li .tag.good').count()).to.be.greaterThan(3);
    await look('a claim');
    const { claims: decided } = await claims.payer.ask<{ claims: { id: string }[] }>({
      path: '/claims?status=approved',
    });
    const { claims: underWay } = await claims.payer.ask<{ claims: { id: string }[] }>({
      path: '/claims?status=instructed',
    });
    expect([...decided, ...underWay].map((one) => one.id)).to.include(id);
    await page.context().close();

    const hers = await newPage(browser, {}, faults);
    await signInAs(hers, whoAt('patients', `patient:${claims.patient}`));
    await hers.locator('nav a[href="#/bills"]').click();
    await hers.locator('.card .totals').first().waitFor();
    const bill = hers.locator('.card').first();
    expect(await bill.locator('.billed dd').textContent()).to.match(/\d/);
    const [owed] = await bill.locator('.owed dd').allTextContents();
    await bill.locator('summary').last().click();
    expect(await bill.locator('tbody td').last().textContent()).to.equal(owed);
    await hers.context().close();
    expect(faults).to.deep.equal([]);
  });
});
