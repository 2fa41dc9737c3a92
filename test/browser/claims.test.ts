/** The claims desk in a browser: a claim from the queue to its decision on the ledger, with the rules that it rests on, and the patient's bill of it. */
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import type { Browser, Locator, Page } from 'playwright-core';
import { consortium, type Scene, START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { PayableClaims } from '../scenarios/payable-claims.fixture.ts';
import { CHROMIUM, expectFit, launch, newPage, signInAs, whoAt } from './console.fixture.ts';
import { pressOn, typeInto } from './keyboard.fixture.ts';

interface Found {
  entry?: { resource: Resource & { disposition?: string } }[];
}

const NO_LIMITS = [{ from: '2020-01-01', currency: 'USD' }];
const FOUR_EYES = [{ from: '2020-01-01', currency: 'USD', signAbove: 1_000, secondAbove: 5_000 }];

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

  /** Lists begin with the oldest: others may stand before what is looked for. */
  async function turnedTo(page: Page, id: string): Promise<Locator> {
    const card = page.locator('.card', { hasText: id.slice(0, 8) });
    const next = page.locator('main .actions button', { hasText: 'Next' });
    await card.or(next).first().waitFor();
    while ((await card.count()) === 0) {
      const [before = ''] = await page.locator('.card code').allTextContents();
      await next.click();
      await page.locator('.card code', { hasText: before }).waitFor({ state: 'detached' });
    }
    return card;
  }

  it('decides a claim by the rules, shows what each of them said, and the patient reads her bill', async () => {
    const { reference } = await claims.submitted();
    const id = reference.slice('Claim/'.length);
    const faults: string[] = [];
    const page = await newPage(browser, { bypassCSP: true, viewport: { width: 320, height: 640 } }, faults);
    const look = (where: string): Promise<void> => expectFit(page, where);
    await signInAs(page, whoAt(scene, 'payer', 'adjudicator'));
    await turnedTo(page, id);
    await look('the queue');
    await page
      .locator('.card', { hasText: id.slice(0, 8) })
      .locator('button')
      .click();
    await page.locator('main', { hasText: 'Nothing is decided yet.' }).waitFor();
    await page.locator('button', { hasText: 'Decide by the rules' }).click();
    await page.locator('.notice.good', { hasText: 'approved' }).waitFor();
    await page.locator('summary').first().click();
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
    await signInAs(hers, whoAt(scene, 'patients', `patient:${claims.patient}`));
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

  /** Opens the page of a claim from the queue of those that stand so. */
  async function opened(page: Page, id: string, status: string): Promise<void> {
    await page.locator('.filters select').first().selectOption(status);
    await (await turnedTo(page, id)).locator('button').click();
    await page.locator('main', { hasText: 'Notes of the desk' }).waitFor();
  }
  const decide = async (page: Page, decision: string, reason: string): Promise<void> => {
    await page.locator('form.form select').selectOption(decision);
    await page.locator('form.form textarea').first().fill(reason);
    await page.locator('button', { hasText: 'Sign and decide' }).click();
  };

  it('takes two people where the amount asks for it, who take, note, reduce and sign; one alone cannot do it twice', async () => {
    await claims.payer.write({ method: 'PUT', path: '/claim-rules', body: { terms: FOUR_EYES } });
    try {
      const { reference } = await claims.submitted();
      await claims.payer.write({ method: 'POST', path: `/fhir/R4/${reference}/$adjudicate` });
      const id = reference.slice('Claim/'.length);
      const faults: string[] = [];
      const first = await newPage(browser, { bypassCSP: true });
      await signInAs(first, whoAt(scene, 'payer', 'adjudicator:Practitioner/clerk-a'));
      await opened(first, id, 'queued');
      await first.locator('button', { hasText: 'Take it' }).click();
      await first.locator('main', { hasText: 'You work on it.' }).waitFor();
      await first.locator('label', { hasText: 'A new note' }).locator('textarea').fill('The practice was called.');
      await first.locator('button', { hasText: 'Add the note' }).click();
      await first.locator('.lines li', { hasText: 'The practice was called.' }).waitFor();
      await expectFit(first, 'a claim that a person decides');
      await first.locator('form.form select').selectOption('reduce');
      await first.locator('form.form input[type=number]').fill('1.00');
      await first.locator('form.form textarea').first().fill('a shorter visit');
      await first.locator('button', { hasText: 'Sign and decide' }).click();
      await first.locator('.notice', { hasText: 'Another one must sign' }).waitFor();
      await decide(first, 'approve', 'once more');
      const refused = first.locator('[role=alert]');
      await refused.waitFor();
      expect(await refused.textContent()).to.include('Nothing was saved');
      // Narrowed as before, and where she was: nothing of it stands in the address.
      await first.locator('button', { hasText: 'Back to the claims' }).click();
      expect(await first.locator('.filters select').first().inputValue()).to.equal('queued');
      expect(first.url()).to.not.include('queued').and.to.not.include(id);
      await first.context().close();

      const second = await newPage(browser, { viewport: { width: 320, height: 640 } }, faults);
      await signInAs(second, whoAt(scene, 'payer', 'adjudicator:Practitioner/clerk-b'));
      await second.locator('.filters select').first().selectOption('countersign');
      await turnedTo(second, id);
      await pressOn(second, `.card button[aria-label*="${id.slice(0, 8)}"]`);
      await second.locator('main', { hasText: 'The practice was called.' }).waitFor();
      await pressOn(second, 'main .row button');
      await second.locator('main', { hasText: 'You work on it.' }).waitFor();
      await typeInto(second, 'form.form textarea', 'seen as well');
      await pressOn(second, 'form.form button.main');
      await second.locator('.notice.good', { hasText: 'partial' }).waitFor();
      await second.context().close();
      expect(faults).to.deep.equal([]);
      const path = `/fhir/R4/ClaimResponse?request=${reference}`;
      const { entry = [] } = await claims.payer.ask<Found>({ path });
      expect(entry.map(({ resource }) => resource.disposition)).to.include('partial');
    } finally {
      await claims.payer.write({ method: 'PUT', path: '/claim-rules', body: { terms: NO_LIMITS } });
    }
  });

  it('shows a provider its denied claim with what would mend it, takes its appeal, and gives that to another person', async () => {
    await claims.payer.write({ method: 'PUT', path: '/claim-rules', body: { terms: FOUR_EYES } });
    let reference = '';
    try {
      ({ reference } = await claims.submitted());
      await claims.payer.write({ method: 'POST', path: `/fhir/R4/${reference}/$adjudicate` });
    } finally {
      await claims.payer.write({ method: 'PUT', path: '/claim-rules', body: { terms: NO_LIMITS } });
    }
    const id = reference.slice('Claim/'.length);
    const clerk = await newPage(browser);
    await signInAs(clerk, whoAt(scene, 'payer', 'adjudicator:Practitioner/clerk-a'));
    await opened(clerk, id, 'queued');
    await decide(clerk, 'deny', 'it was not shown');
    await clerk.locator('.notice.good', { hasText: 'denied' }).waitFor();
    await clerk.context().close();

    const practitioner = await claims.hospital.ask<Found>({
      path: '/fhir/R4/Practitioner?_sort=-_lastUpdated&_count=1',
    });
    const who = `practitioner:Practitioner/${practitioner.entry?.[0]?.resource.id}`;
    const hers = await newPage(browser, { bypassCSP: true, viewport: { width: 320, height: 640 } });
    await signInAs(hers, whoAt(scene, 'hospital', who));
    await hers.locator('nav a[href="#/billing"]').click();
    await hers
      .locator('.card', { hasText: id.slice(0, 8) })
      .locator('button')
      .click();
    await hers.locator('main h2', { hasText: 'Appeal' }).waitFor();
    await expectFit(hers, 'a denied claim at its provider');
    await typeInto(hers, 'form.form textarea', 'it took place');
    await pressOn(hers, 'form.form button.main');
    await hers.locator('.notice.good', { hasText: 'It is on the ledger' }).waitFor();
    await hers.context().close();

    const again = await newPage(browser);
    await signInAs(again, whoAt(scene, 'payer', 'adjudicator:Practitioner/clerk-a'));
    await opened(again, id, 'appealed');
    await decide(again, 'approve', 'after all');
    await again.locator('[role=alert]', { hasText: 'Nothing was saved' }).waitFor();
    await again.context().close();
    const other = await newPage(browser);
    await signInAs(other, whoAt(scene, 'payer', 'adjudicator:Practitioner/clerk-c'));
    await opened(other, id, 'appealed');
    await decide(other, 'approve', 'it is shown now');
    await other.locator('.notice.good', { hasText: 'overturned: approved' }).waitFor();
    await other.context().close();
  });

  it('lets a provider find a visit that it has not billed, and bill it', async () => {
    const { encounter } = await claims.submitted();
    const visit = await claims.hospital.ask<Resource>({ path: `/fhir/R4/${encounter}` });
    const { id: _, meta: __, ...more } = visit;
    const period = { start: '2026-02-02T03:00:00-05:00', end: '2026-02-02T03:15:00-05:00' };
    const { body } = await claims.hospital.write<Resource>({
      ...{ method: 'POST', path: '/fhir/R4/Encounter', body: { ...more, period } },
    });
    const practitioner = await claims.hospital.ask<Found>({
      path: '/fhir/R4/Practitioner?_sort=-_lastUpdated&_count=1',
    });
    const page = await newPage(browser, { bypassCSP: true });
    await signInAs(page, whoAt(scene, 'hospital', `practitioner:Practitioner/${practitioner.entry?.[0]?.resource.id}`));
    await page.locator('nav a[href="#/billing"]').click();
    const card = page.locator('.card', { hasText: body.id.slice(0, 8) });
    await card.waitFor();
    expect(await page.locator('.card', { hasText: encounter.slice('Encounter/'.length, 18) }).count()).to.equal(0);
    await card.locator('button').click();
    await card.locator('select').waitFor();
    await card.locator('input').first().fill('99213');
    await card.locator('input[type=number]').fill('80');
    await expectFit(page, 'a visit that is billed');
    await card.locator('button.main').click();
    await card.waitFor({ state: 'detached' });
    const found = await claims.hospital.ask<Found>({ path: `/fhir/R4/Claim?encounter=Encounter/${body.id}` });
    expect(found.entry).to.have.length(1);
    await page.context().close();
  });

  it('decides a request for authorization before its time is over, and publishes the figures', async () => {
    const { reference } = await claims.submitted();
    const claim = await claims.hospital.ask<Resource>({ path: `/fhir/R4/${reference}` });
    const { id: _, meta: __, ...more } = claim;
    const body = { ...more, use: 'preauthorization', priority: { coding: [{ code: 'stat' }] } };
    const asked = await claims.hospital.write<Resource & { request: { reference: string } }>({
      ...{ method: 'POST', path: '/fhir/R4/Claim/$submit', body },
    });
    const id = asked.body.request.reference.slice('Claim/'.length);
    const page = await newPage(browser, { bypassCSP: true, viewport: { width: 320, height: 640 } });
    await signInAs(page, whoAt(scene, 'payer', 'adjudicator:Practitioner/clerk-a'));
    await page.locator('nav a[href="#/authorizations"]').click();
    const card = await turnedTo(page, id);
    expect(await card.textContent())
      .to.include('Urgent')
      .and.match(/in 2 days/);
    await expectFit(page, 'requests for authorization');
    await card.locator('button').click();
    await page.locator('h2', { hasText: 'Your answer' }).waitFor();
    await expectFit(page, 'a request for authorization');
    await page.locator('form.form select').selectOption('deny');
    await page.locator('form.form textarea').fill('not needed');
    await page.locator('form.form button.main').click();
    await page.locator('.notice[role=status]', { hasText: 'denied' }).waitFor();
    await page.locator('button', { hasText: 'Back to the requests' }).click();
    await page.locator('table', { hasText: 'payer' }).waitFor();
    await page.context().close();
  });
});
