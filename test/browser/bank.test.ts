/** The bank's desk in a browser: payments rejected, paid again, made and sent back, by hand and by file, and the day equal on its sides. */
import { readFileSync } from 'node:fs';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { statusReport } from '../../gateway-api/src/subjects/payments/iso20022/examples.fixture.ts';
import { referenceOf } from '../../gateway-api/src/subjects/payments/iso20022/pain001.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import {
  claimsIn,
  PayableClaims,
  type Payment,
  type PaymentBundle,
  paymentsIn,
} from '../scenarios/payable-claims.fixture.ts';
import { CHROMIUM, expectFit, launch, newPage, signInAs, whoAt } from './console.fixture.ts';
import { pressOn } from './keyboard.fixture.ts';

const NARROW = { width: 320, height: 640 };

describe('The bank’s desk in a browser', function () {
  this.timeout(180_000);
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

  /** The newest payment of a claim, once it stands so. */
  const paymentOf = async (party: Party, claim: string, outcome: string): Promise<Payment> => {
    const path = '/fhir/R4/PaymentReconciliation?_sort=-_lastUpdated&_count=50';
    const isIts = (one: Payment): boolean => claimsIn([one]).includes(claim) && one.outcome === outcome;
    const found = await party.find<PaymentBundle & Resource>({ path }, 'the payment', (page) =>
      paymentsIn(page).some(isIts),
    );
    return paymentsIn(found).find(isIts)!;
  };
  const short = ({ id }: Payment): string => id.slice(0, 8);

  it('rejects a payment with its reason by the keyboard alone, the payer pays again, and the bank makes that payment', async () => {
    const claim = await claims.approved();
    const first = await paymentOf(claims.bank, claim, 'queued');
    const faults: string[] = [];
    const bank = await newPage(browser, { bypassCSP: true, viewport: NARROW }, faults);
    await signInAs(bank, whoAt(scene, 'bank', 'settlement'));
    const card = bank.locator('.card', { hasText: short(first) });
    await card.waitFor();
    await expectFit(bank, 'payments');
    await pressOn(bank, `.card button[aria-label*="Reject"][aria-label*="${short(first)}"]`);
    await card.locator('form').waitFor();
    await expectFit(bank, 'a payment that is rejected');
    await pressOn(bank, '.card form button.danger');
    await card.waitFor({ state: 'detached' });
    await paymentOf(claims.payer, claim, 'error');

    const payer = await newPage(browser, { bypassCSP: true }, faults);
    await signInAs(payer, whoAt(scene, 'payer', 'adjudicator'));
    await payer.locator('nav a[href="#/payments"]').click();
    await payer.locator('.filters select').selectOption('error');
    const ended = payer.locator('.card', { hasText: short(first) });
    await ended.waitFor();
    expect(await ended.textContent())
      .to.include('AC04')
      .and.to.include('rejected');
    await expectFit(payer, 'payments at the payer');
    await ended.locator('button', { hasText: 'Pay again' }).click();
    const second = await paymentOf(claims.bank, claim, 'queued');
    expect(second.id).to.not.equal(first.id);

    await bank.locator('nav a[href="#/reconciliation"]').click();
    await bank.locator('nav a[href="#/payments"]').click();
    const again = bank.locator('.card', { hasText: short(second) });
    await again.locator('button', { hasText: 'Accept' }).click();
    await again.locator('.tag', { hasText: 'accepted' }).waitFor();
    await again.locator('button', { hasText: 'Paid' }).click();
    await again.locator('input').first().fill(`TRF-${second.id}`);
    await again.locator('form button.main').click();
    await again.waitFor({ state: 'detached' });
    const told = await paymentOf(claims.hospital, claim, 'complete');
    expect(told.paymentAmount.value).to.equal(second.paymentAmount.value);

    // The day is the same at both, and a file of one side is held against the other.
    await bank.locator('nav a[href="#/reconciliation"]').click();
    await bank.locator('table').waitFor();
    await expectFit(bank, 'the day at the bank');
    await payer.locator('nav a[href="#/reconciliation"]').click();
    await payer.locator('table').waitFor();
    const digest = async (page: typeof bank, other: string): Promise<string | null> =>
      page.locator('section .lines li', { hasText: other }).locator('code').textContent();
    expect(await digest(bank, 'payer')).to.equal(await digest(payer, 'bank'));
    const [download] = await Promise.all([
      bank.waitForEvent('download'),
      bank.locator('button', { hasText: 'Keep this side' }).click(),
    ]);
    await payer.locator('input[type=file]').setInputFiles(await download.path());
    await payer.locator('.notice.good', { hasText: 'Both sides have the same.' }).waitFor();
    const theirs = JSON.parse(readFileSync(await download.path(), 'utf8'));
    theirs.rows[0].units += 1;
    const changed = { name: 'bank.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(theirs)) };
    await payer.locator('input[type=file]').setInputFiles(changed);
    await payer.locator('[role=alert]', { hasText: '≠' }).waitFor();
    expect(faults).to.deep.equal([]);
    await Promise.all([bank.context().close(), payer.context().close()]);
  });

  it('takes a file after a look at what it does, once, and gives out what is to be paid', async () => {
    const claim = await claims.approved();
    const payment = await paymentOf(claims.bank, claim, 'queued');
    const today = new Date().toISOString().slice(0, 10);
    const text = statusReport({ reference: referenceOf(payment.id) }, 'RJCT', 'AC04').replaceAll('2026-02-14', today);
    const page = await newPage(browser, { bypassCSP: true, viewport: NARROW });
    await signInAs(page, whoAt(scene, 'bank', 'settlement'));
    await page.locator('nav a[href="#/bank-files"]').click();
    const [out] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('button', { hasText: 'Keep pain.001' }).click(),
    ]);
    expect(out.suggestedFilename()).to.match(/^pain\.001-.*\.xml$/);
    const file = { name: 'report.xml', mimeType: 'application/xml', buffer: Buffer.from(text) };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.locator('button', { hasText: 'Show what it does' }).click();
    await page.locator('td .tag', { hasText: 'would be recorded' }).waitFor();
    await expectFit(page, 'a file and what it does');
    expect((await paymentOf(claims.bank, claim, 'queued')).id).to.equal(payment.id);
    await page.locator('button', { hasText: 'Record it' }).click();
    await page.locator('td .tag', { hasText: /^recorded$/ }).waitFor();
    expect((await paymentOf(claims.bank, claim, 'error')).disposition).to.equal('rejected: AC04');
    await page.locator('button', { hasText: 'Show what it does' }).click();
    await page.locator('td .tag', { hasText: 'known already' }).waitFor();
    expect(await page.locator('button', { hasText: 'Record it' }).isDisabled()).to.equal(true);
    // What is no such file is told with what was saved: nothing.
    const broken = { name: 'x.xml', mimeType: 'application/xml', buffer: Buffer.from('<a') };
    await page.locator('input[type=file]').setInputFiles(broken);
    await page.locator('button', { hasText: 'Show what it does' }).click();
    await page.locator('[role=alert]', { hasText: 'Nothing was saved' }).waitFor();
    await page.context().close();
  });
});
