/** A caretaker in a browser: chooses for whom he acts, sees what he may and what not, and does it under his own name. */
import { randomUUID } from 'node:crypto';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import { delegationTo, toAct } from '@telemed-ledger/scripts/demo/caretakers.ts';
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { type Bundle, CareScene, MODES, NARROW } from './care.fixture.ts';
import { CHROMIUM, signInAs, tabTo } from './console.fixture.ts';

const DAY_MS = 86_400_000;
type Her = Awaited<ReturnType<CareScene['patient']>>;

describe('A caretaker in a browser', function () {
  this.timeout(300_000);
  let care: CareScene;
  let caretaker: string;
  let [first, second]: Partial<Her>[] = [{}, {}];
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 120_000);
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    care = await CareScene.open();
    const her = await care.patient();
    const other = await care.patient();
    [first, second] = [her, other];
    const relationship = toAct('book', 'read', 'medication');
    const name = [{ text: 'Bea Grün' }];
    // One person by one number, whom both patients' provider has recorded.
    const identifier = [{ system: 'https://clinic.example/people', value: randomUUID() }];
    const recordedFor = async ({ reference, party }: Her): Promise<string> => {
      const person = { resourceType: 'RelatedPerson', patient: { reference }, relationship, name, identifier };
      const recorded = await care.create(person);
      await party.find({ path: `/fhir/R4/${recorded}` }, 'the caretaker’s record');
      return recorded;
    };
    caretaker = await recordedFor(her);
    await recordedFor(other);
    const until = new Date(Date.now() + DAY_MS).toISOString();
    const idOf = ({ reference }: Her): string => reference.split('/')[1]!;
    await granted(her.party, delegationTo(caretaker, idOf(her), ['book', 'read'], until));
    await granted(other.party, delegationTo(caretaker, idOf(other), ['read', 'medication'], until));
  });
  after(() => care?.browser.close());
  afterEach(() => {
    expect(care?.faults.splice(0) ?? []).to.deep.equal([]);
  });

  it('chooses for whom, sees the pages of what is delegated alone, and says what she took under his own name', async () => {
    const page = await care.page();
    await signInAs(page, care.whoAt('patients', `caretaker:${caretaker}`));
    const hers = page.locator('.card', { hasText: second?.name ?? '-' });
    await hers.waitFor();
    expect(await page.locator('nav a').allTextContents()).to.deep.equal([
      ...['For whom I act', 'Check a receipt', 'Network'],
    ]);
    await hers.locator('button').click();
    await hers.locator('.tag', { hasText: 'you act for this person now' }).waitFor();
    expect(await hers.textContent()).to.match(/You may:.*read records.*You may not:.*book visits/s);
    expect(await page.locator('nav a[href="#/appointments"]').count()).to.equal(0);
    await page.locator('nav a[href="#/medication"]').click();
    await page.locator('button', { hasText: 'I took it now' }).click();
    await page.locator('.card .tag.good', { hasText: 'taken' }).waitFor();
    const { entry = [] } = await second!.party!.ask<Bundle>({ path: '/fhir/R4/MedicationStatement' });
    const [said] = entry.map(({ resource }) => resource as Resource & { informationSource: { reference: string } });
    expect(said?.informationSource.reference).to.equal(caretaker);
    expect(JSON.stringify(said)).to.include('PACQRPT');
    const none = await first!.party!.ask<Bundle>({ path: '/fhir/R4/MedicationStatement' });
    expect(none.entry ?? []).to.deep.equal([]);
    await page.context().close();
  });

  it('books for one who lets him book and read, and nothing else, by the keyboard alone on 320 pixels', async () => {
    const [slot] = await care.slots(1);
    await first!.party!.find({ path: `/fhir/R4/${slot}` }, 'the time');
    const page = await care.page({ viewport: NARROW });
    await signInAs(page, care.whoAt('patients', `caretaker:${caretaker}`));
    const hers = page.locator('.card', { hasText: first?.name ?? '-' });
    await hers.waitFor();
    const name = await hers.locator('button').textContent();
    for (let steps = 0; steps < 3; steps += 1) {
      await tabTo(page, '.card button.main');
      if ((await page.evaluate('document.activeElement.textContent')) === name) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.locator('nav a[href="#/appointments"]').waitFor();
    expect(await page.locator('nav a[href="#/bills"]').count()).to.equal(0);
    await page.locator('nav a[href="#/appointments"]').focus();
    await page.keyboard.press('Enter');
    await page.locator('main a.button.main').waitFor();
    await tabTo(page, 'main a.button.main');
    await page.keyboard.press('Enter');
    await care.chooseDoctorByKeys(page);
    await care.chooseTimeByKeys(page, slot);
    await page.keyboard.press('Enter');
    await page.locator('h2', { hasText: 'Your visit is booked' }).waitFor();
    const isHers = ({ entry = [] }: Bundle): boolean => JSON.stringify(entry).includes(first?.reference ?? '-');
    await first!.party!.find<Bundle>({ path: '/fhir/R4/Appointment' }, 'what he booked', isHers);
    await page.context().close();
  });

  for (const [mode, options] of Object.entries(MODES))
    it(`has nothing that axe finds, ${mode}`, async () => {
      const page = await care.page({ bypassCSP: true, ...options });
      await signInAs(page, care.whoAt('patients', `caretaker:${caretaker}`));
      await page.locator('.card button').first().waitFor();
      await care.look(page, `acting ${mode}`);
      await page.context().close();
    });
});
