/** What a patient does of her own care in a browser: books, moves, arrives, joins, cancels; answers a form; says what she took. */
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { type Bundle, CareScene, MODES, NARROW } from './care.fixture.ts';
import { CHROMIUM, tabTo } from './console.fixture.ts';

const PAGES = ['appointments', 'appointments/book', 'medication', 'forms'];

describe('A patient’s own care in a browser', function () {
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

  const menu = (page: Page, path: string) => page.locator(`nav a[href="#/${path}"]`).click();
  const next = (page: Page) => page.locator('.steps > .actions button.main').click();
  const choose = async (page: Page, slot: string | undefined): Promise<void> => {
    await page.locator('.option', { hasText: care.doctorName }).click();
    await next(page);
    await (await care.timeOf(page, slot)).check();
    await next(page);
  };

  it('agrees, books, moves, arrives, is let into the call when it is open, and the clinic sees each step', async () => {
    const { reference, name, party } = await care.patient();
    const [first, second] = await care.slots(2);
    await party.find({ path: `/fhir/R4/${second}` }, 'the times');
    const page = await care.page();
    await care.asPatient(page, reference);
    await menu(page, 'appointments');
    await page.locator('button', { hasText: 'I agree' }).click();
    await page.locator('.notice.warn').waitFor({ state: 'detached' });
    await page.locator('a.button.main', { hasText: 'Book a visit' }).click();
    await choose(page, first);
    await page.locator('.card', { hasText: care.doctorName }).waitFor();
    expect(await page.locator('.card').textContent()).to.include('clinic');
    await page.locator('button', { hasText: 'Book this visit' }).click();
    await page.locator('h2', { hasText: 'Your visit is booked' }).waitFor();
    const transaction = (await page.locator('main code').textContent()) ?? '';
    expect((await party.receipt(transaction)).endorsers).to.include.members(['ClinicMSP', 'PatientsMSP']);
    const { entry = [] } = await party.ask<Bundle>({ path: '/fhir/R4/Appointment' });
    const path = `/fhir/R4/Appointment/${entry[0]?.resource.id}`;
    const isAt = (slot: string | undefined) => (one: Resource) => JSON.stringify(one['slot']).includes(slot ?? '-');
    expect(entry.map(({ resource }) => isAt(first)(resource))).to.deep.equal([true]);

    await page.locator('a.button.main', { hasText: 'To my appointments' }).click();
    await page.locator('.card button', { hasText: 'Move' }).click();
    await choose(page, second);
    await page.locator('button', { hasText: 'Move' }).click();
    await page.locator('h2', { hasText: 'Your visit is booked' }).waitFor();
    await care.provider.find<Resource>({ path }, 'her move', isAt(second));

    await menu(page, 'appointments');
    await page.locator('.card button', { hasText: 'I am there' }).click();
    await page.locator('.card', { hasText: 'You are in the waiting room' }).waitFor();
    expect(await page.locator('button', { hasText: 'Get the link' }).count()).to.equal(0);
    await care.provider.find<Resource>({ path }, 'that she is there', ({ status }) => status === 'arrived');

    const doctors = await care.page();
    await care.asDoctor(doctors);
    const card = doctors.locator('.card', { hasText: name });
    await card.filter({ hasText: 'waits since' }).locator('button').click();
    await doctors.locator('button', { hasText: 'Begin the visit' }).click();
    await doctors.locator('.work').waitFor();
    await doctors.context().close();
    await page.locator('.notice.good h2', { hasText: 'Your visit has begun' }).waitFor();
    await page.locator('button', { hasText: 'Get the link' }).click();
    const link = page.locator('a', { hasText: 'Join the video call' });
    await link.waitFor();
    expect(await link.getAttribute('href')).to.match(/^https:\/\//);
    expect(await link.getAttribute('rel')).to.equal('noopener noreferrer');
    await page.context().close();
  });

  it('is told that somebody was faster, takes another time, and cancels it, by the keyboard alone on 320 pixels', async () => {
    const { reference, party } = await care.patient({ agrees: true });
    const other = await care.patient();
    const [first, second] = await care.slots(2);
    await party.find({ path: `/fhir/R4/${second}` }, 'the times');
    const page = await care.page({ viewport: NARROW });
    await care.asPatient(page, reference);
    await page.locator('nav a[href="#/appointments"]').waitFor();
    await tabTo(page, 'nav a[href="#/appointments"]');
    await page.keyboard.press('Enter');
    await page.locator('a.button.main').waitFor();
    await tabTo(page, 'main a.button.main');
    await page.keyboard.press('Enter');
    await care.chooseDoctorByKeys(page);
    await care.chooseTimeByKeys(page, first);
    await care.booked(other.reference, first!);
    await page.keyboard.press('Enter');
    await page.locator('[role=alert]', { hasText: 'Somebody else was faster' }).waitFor();
    expect(await page.locator('[role=alert]').textContent()).to.include('Nothing was saved.');
    expect(care.faults.splice(0).join()).to.include('409');
    await tabTo(page, '.steps > .actions button');
    await page.keyboard.press('Enter');
    await care.chooseTimeByKeys(page, second);
    await page.keyboard.press('Enter');
    await page.locator('h2', { hasText: 'Your visit is booked' }).waitFor();
    await tabTo(page, 'main a.button.main');
    await page.keyboard.press('Enter');
    await page.locator('.card .actions').waitFor();
    await tabTo(page, '.card .actions button:last-child');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    await tabTo(page, 'dialog button.danger');
    await page.keyboard.press('Enter');
    await page.locator('.notice.good', { hasText: 'is cancelled' }).waitFor();
    const isCancelled = ({ entry = [] }: Bundle): boolean =>
      entry.some(({ resource }) => resource['status'] === 'cancelled');
    await care.provider.find<Bundle>(
      { path: `/fhir/R4/Appointment?patient=${reference}` },
      'the end of it',
      isCancelled,
    );
    await page.context().close();
  });

  it('answers a form once nothing is open, and says what she took and did not; a slip is taken back', async () => {
    const { reference, party } = await care.patient();
    const page = await care.page();
    await care.asPatient(page, reference);
    await menu(page, 'forms');
    await page.locator('button', { hasText: 'PHQ-9' }).click();
    await page.locator('button', { hasText: 'Send the answers' }).click();
    await page.locator('[role=alert]', { hasText: '9 questions need an answer' }).waitFor();
    expect(await page.locator('.fault').count()).to.equal(9);
    for (const question of (await page.locator('fieldset').all()).slice(0, 9))
      await question.locator('input').nth(1).check();
    await page.locator('[role=alert]', { hasText: 'emergency number' }).waitFor();
    await page.locator('button', { hasText: 'Send the answers' }).click();
    await page.locator('.notice.good', { hasText: 'Your answers come to' }).waitFor();
    expect(await page.locator('.notice.good').textContent()).to.include('9');
    const isThere = ({ entry = [] }: Bundle): boolean => JSON.stringify(entry).includes('"valueDecimal":9');
    const query = `patient=${reference}`;
    const answers = { path: `/fhir/R4/QuestionnaireResponse?${query}` };
    const found = await care.provider.find<Bundle>(answers, 'her answers', isThere);
    expect(JSON.stringify(found)).to.include('PATRPT');

    await menu(page, 'medication');
    await page.locator('.card', { hasText: 'Warfarin' }).waitFor();
    await page.locator('button', { hasText: 'I took it now' }).click();
    await page.locator('.card .tag.good', { hasText: 'taken' }).waitFor();
    await page.locator('button', { hasText: 'I did not take it' }).click();
    await page.locator('.card .tag.warn', { hasText: 'not taken' }).waitFor();
    await page.locator('.lines li', { hasText: 'not taken' }).locator('button').click();
    await page.locator('.card .tag.warn').waitFor({ state: 'detached' });
    const statuses = ({ entry = [] }: Bundle) => entry.map(({ resource }) => resource['status']).sort();
    const said = await party.ask<Bundle>({ path: '/fhir/R4/MedicationStatement' });
    expect(statuses(said)).to.deep.equal(['completed', 'entered-in-error']);
    await page.context().close();
  });

  for (const [mode, options] of Object.entries(MODES))
    it(`has nothing that axe finds, ${mode}`, async () => {
      const { reference, party } = await care.patient();
      const [slot] = await care.slots(1);
      await party.find({ path: `/fhir/R4/${await care.booked(reference, slot!)}` }, 'the appointment');
      const page = await care.page({ bypassCSP: true, ...options });
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      await care.asPatient(page, reference);
      await page.locator('nav a[href="#/forms"]').waitFor();
      for (const path of PAGES) {
        await page.evaluate(`location.hash = '#/${path}'`);
        await page.locator('main .card, main .option, main .actions button').first().waitFor();
        await page.waitForFunction("document.querySelector('.waiting') === null");
        await care.look(page, `${path.replace('/', '-')} ${mode}`);
        const kept = await page.evaluate(
          'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.title, location.href])',
        );
        expect(kept).to.not.include(reference.split('/')[1]);
      }
      await page.locator('main .actions button').last().click();
      await page.locator('fieldset').first().waitFor();
      await care.look(page, `form ${mode}`);
      expect(asked.filter((url) => url.includes(reference.split('/')[1]!))).to.deep.equal([]);
      await page.context().close();
    });
});
