/** The clinician's desk in a browser: from the waiting room to a visit that is finished on the ledger, by mouse and by keyboard, in every look. */
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { type Bundle, CareScene, MODES, NARROW } from './care.fixture.ts';
import { CHROMIUM, tabTo } from './console.fixture.ts';

// biome-ignore lint/suspicious/noExplicitAny: what runs in the browser is checked there
type InBrowser = any;
declare const document: InBrowser;

const ALERT = '.part-prescriptions [role=alert]';

describe('The clinician’s desk', function () {
  this.timeout(300_000);
  let care: CareScene;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    care = await CareScene.open();
  });
  after(() => care?.browser.close());
  afterEach(() => {
    expect(care?.faults.splice(0) ?? []).to.deep.equal([]);
  });

  const cardOf = (page: Page, name: string) => page.locator('.card', { hasText: name });
  const part = (page: Page, name: string) => page.locator(`details.part-${name}`);
  const prescribe = async (page: Page, medicine: string, more: Record<string, string> = {}): Promise<void> => {
    const place = part(page, 'prescriptions');
    const code = await place.locator('option', { hasText: medicine }).first().getAttribute('value');
    await place.locator('select').selectOption(code!);
    const typed = { 'Times a day': '2', 'Amount to hand out': '20', ...more };
    for (const [label, text] of Object.entries(typed)) await place.getByLabel(label).fill(text);
    await place.locator('button', { hasText: 'Check it' }).click();
  };

  it('sees who waits, knows what is critical, is shown what speaks against a medicine, and finishes in one transaction', async () => {
    const { reference, name, party } = await care.patient();
    const [slot] = await care.slots(1);
    const appointment = await care.booked(reference, slot!);
    const page = await care.page();
    await care.asDoctor(page);
    await cardOf(page, name).waitFor();
    expect(await cardOf(page, name).textContent()).to.include('booked for');
    const { id, meta: _, ...rest } = await party.find<Resource>({ path: `/fhir/R4/${appointment}` }, 'the appointment');
    await party.write({ method: 'PUT', path: `/fhir/R4/${appointment}`, body: { ...rest, id, status: 'arrived' } });
    // Nobody loads the page anew: the list looks after itself.
    await page.locator('.card', { hasText: 'waits since' }).filter({ hasText: name }).waitFor();
    await cardOf(page, name).locator('button').click();
    await page.locator('.critical .card.warn', { hasText: 'Amoxicillin' }).waitFor();
    expect(await page.locator('.critical').textContent()).to.match(/high risk.*Warfarin/s);

    const begin = page.locator('button', { hasText: 'Begin the visit' });
    await begin.click();
    await page.locator('[role=alert]', { hasText: 'has not agreed to be seen at a distance' }).waitFor();
    expect(await page.locator('[role=alert]').textContent()).to.include('Nothing was saved.');
    expect(care.faults.splice(0).join()).to.include('409');
    await care.agree(reference, party);
    // Its consent has to arrive at the provider.
    await care.provider.find<Bundle>(
      { path: `/fhir/R4/Consent?patient=${reference}&status=active` },
      'her consent',
      ({ entry = [] }) => entry.length > 0,
    );
    await begin.click();
    await page.locator('.work').waitFor();

    await part(page, 'note').locator('textarea').fill('Feels <b>better</b> & sleeps.\nSee again in a week.');
    await part(page, 'vitals').locator('summary').click();
    await part(page, 'vitals').getByLabel('Pulse').fill('72');
    await part(page, 'vitals').getByLabel('upper').fill('128');
    await page.locator('button', { hasText: 'Finish the visit' }).click();
    await page.locator('[role=alert]', { hasText: 'Nothing was saved' }).waitFor();
    await part(page, 'vitals').getByLabel('lower').fill('82');

    await part(page, 'assessment').locator('summary').click();
    await part(page, 'assessment').locator('button', { hasText: 'GAD-7' }).click();
    await part(page, 'assessment').locator('button', { hasText: 'Send' }).click();
    await part(page, 'assessment').locator('[role=alert]', { hasText: '7 questions need an answer' }).waitFor();
    for (const question of await part(page, 'assessment').locator('fieldset').all())
      await question.locator('input').nth(2).check();
    await part(page, 'assessment').locator('button', { hasText: 'Send' }).click();
    await part(page, 'assessment').locator('.notice.good', { hasText: '14' }).waitFor();

    await part(page, 'prescriptions').locator('summary').click();
    await prescribe(page, 'amoxicillin');
    await page.locator(ALERT, { hasText: 'dangerous for this patient' }).waitFor();
    expect(await part(page, 'prescriptions').locator('button.main').count()).to.equal(0);
    await part(page, 'prescriptions').locator('button', { hasText: 'Change it' }).click();
    await prescribe(page, 'ibuprofen', { 'Single dose': '200' });
    await page.locator(ALERT, { hasText: 'Interaction' }).waitFor();
    const anyway = part(page, 'prescriptions').locator('button', { hasText: 'all the same' });
    expect(await anyway.isDisabled()).to.equal(true);
    await page.locator(ALERT).getByLabel('Why you prescribe').fill('Short course, INR is watched.');
    await anyway.click();
    await part(page, 'orders').locator('summary').click();
    await part(page, 'orders').getByLabel('What, and why').fill('Blood count');
    await part(page, 'orders').locator('button', { hasText: 'Add the order' }).click();
    await page.locator('button', { hasText: 'Finish the visit' }).click();
    await page.locator('.notice.good', { hasText: 'on the ledger' }).waitFor();
    const transaction = (await page.locator('main code').textContent()) ?? '';
    const { endorsers } = await party.receipt(transaction);
    expect(endorsers).to.have.members(['ClinicMSP', 'PatientsMSP']);

    const hers = async (query: string) =>
      ((await party.ask<Bundle>({ path: `/fhir/R4/${query}` })).entry ?? []).map(({ resource }) => resource);
    await party.find<Resource>({ path: `/fhir/R4/${appointment}` }, 'the end', ({ status }) => status === 'fulfilled');
    const [visit] = await hers('Encounter?class=VR');
    expect(visit?.['status']).to.equal('finished');
    const note = JSON.stringify(await hers('Composition'));
    expect(note).to.include('Feels &lt;b&gt;better&lt;/b&gt; &amp; sleeps.').and.include('See again in a week.');
    expect(JSON.stringify(await hers('Observation')))
      .to.include('85354-9')
      .and.include('"value":72');
    expect(JSON.stringify(await hers('ServiceRequest'))).to.include('Blood count');
    expect(JSON.stringify(await hers('DetectedIssue'))).to.include('Short course, INR is watched.');
    const medicines = await hers('MedicationRequest');
    expect(medicines.map((one) => JSON.stringify(one)).filter((one) => one.includes('310965'))).to.have.length(1);
    expect(JSON.stringify(medicines)).to.not.include('"308191"');
    await page.locator('button', { hasText: 'Back to today' }).click();
    await page.locator('main h2', { hasText: 'Waiting room' }).waitFor();
    await cardOf(page, name).waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('begins and finishes a visit that nobody booked, by the keyboard alone on 320 pixels', async () => {
    const { name, mrn, party } = await care.patient({ agrees: true });
    const page = await care.page({ viewport: NARROW });
    await care.asDoctor(page);
    await page.locator('main summary').waitFor();
    await tabTo(page, 'main details > summary');
    await page.keyboard.press('Enter');
    await tabTo(page, 'main form input');
    await page.keyboard.type(mrn);
    await page.keyboard.press('Enter');
    await page.locator('form .card', { hasText: name }).waitFor();
    await tabTo(page, 'form .card button');
    await page.keyboard.press('Enter');
    await page.locator('.critical').waitFor();
    await tabTo(page, 'main button.main');
    await page.keyboard.press('Enter');
    await page.locator('.work').waitFor();
    await tabTo(page, 'textarea');
    await page.keyboard.type('All is well.');
    await tabTo(page, '.work > .actions button.main');
    await page.keyboard.press('Enter');
    await page.locator('.notice.good', { hasText: 'on the ledger' }).waitFor();
    const isFinished = ({ entry = [] }: Bundle): boolean => entry[0]?.resource['status'] === 'finished';
    await party.find<Bundle>({ path: '/fhir/R4/Encounter?class=VR' }, 'the visit', isFinished);
    await page.context().close();
  });

  it('leaves nothing of a patient in addresses, titles or storage, and forgets what was written when she signs out', async () => {
    const { reference, name, mrn } = await care.patient({ agrees: true });
    const [slot] = await care.slots(1);
    await care.booked(reference, slot!, 'arrived');
    const page = await care.page();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.url()} ${request.headers()['referer'] ?? ''}`));
    await care.asDoctor(page);
    await page.locator('main summary').click();
    await page.getByLabel('number or name').fill(mrn);
    await page.locator('button', { hasText: 'Find' }).click();
    await page.locator('form .card button').waitFor();
    await cardOf(page, name).first().locator('button').click();
    await page.locator('button', { hasText: 'Begin the visit' }).click();
    await part(page, 'note').locator('textarea').fill('written and not finished');
    const seen = (await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.title, location.href])',
    )) as string;
    const id = reference.split('/')[1]!;
    for (const hers of [id, name, mrn, 'Amoxicillin', 'not finished']) expect(seen).to.not.include(hers);
    for (const hers of [encodeURIComponent(name), mrn, 'Amoxicillin'])
      expect(asked.filter((one) => one.includes(hers))).to.deep.equal([]);
    await page.locator('.tools button', { hasText: 'Sign out' }).click();
    await page.locator('.welcome').waitFor();
    expect(await page.locator('body').textContent()).to.not.include(name);
    await page.context().close();
  });

  for (const [mode, options] of Object.entries(MODES))
    it(`has nothing that axe finds, ${mode}`, async () => {
      const { reference, name } = await care.patient({ agrees: true });
      const [slot] = await care.slots(1);
      await care.booked(reference, slot!, 'arrived');
      const page = await care.page({ bypassCSP: true, ...options });
      await care.asDoctor(page);
      await cardOf(page, name).waitFor();
      await care.look(page, `today ${mode}`);
      await cardOf(page, name).locator('button').click();
      await page.locator('.critical .card').first().waitFor();
      await care.look(page, `waiting ${mode}`);
      await page.locator('main .actions button.main').click();
      await page.locator('.work').waitFor();
      for (const name of ['vitals', 'assessment', 'prescriptions', 'orders'])
        await part(page, name).locator('summary').click();
      await part(page, 'assessment').locator('button').first().click();
      await part(page, 'prescriptions').locator('select').waitFor();
      await care.look(page, `visit ${mode}`);
      expect(await page.evaluate(() => document.documentElement.dir)).to.equal(
        mode === 'right to left' ? 'rtl' : 'ltr',
      );
      await page.context().close();
    });
});
