/** A clinician asks another provider for records in a browser: with the patient's answer, and in an emergency, with what follows of it said first. */
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { permissionOf } from '../scenarios/consents.fixture.ts';
import { START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { CareScene, MODES, NARROW } from './care.fixture.ts';
import { CHROMIUM, tabTo } from './console.fixture.ts';

const MRN = 'https://clinic.example/mrn';
const REASON = 'Found unconscious, and nobody knows what she takes.';

interface Asked {
  accessRequests: { status: string; purpose: string; writtenReason?: string; practitioner?: string }[];
}

describe('Records of others in a browser', function () {
  this.timeout(300_000);
  let care: CareScene;
  let hospital: Party;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    care = await CareScene.open();
    hospital = care.scene.parties.of('hospital', 'system');
  });
  after(() => care?.browser.close());
  afterEach(() => {
    expect(care?.faults.splice(0) ?? []).to.deep.equal([]);
  });

  /** One of the clinic's, of whom the hospital has a result. */
  const known = async (): Promise<{ mrn: string; id: string; party: Party }> => {
    const { mrn } = await care.patient();
    const create = async (body: object & { resourceType: string }): Promise<string> =>
      (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
    const id = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] } as never);
    const subject = { reference: `Patient/${id}` };
    const value = { valueQuantity: { value: 4.2, unit: 'mmol/l' } };
    await create({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'Potassium' },
      subject,
      ...value,
    } as never);
    const party = care.scene.parties.of('patients', 'patient', `Patient/${id}`);
    await party.find({ path: `/fhir/R4/Patient/${id}` }, 'her record');
    return { mrn, id, party };
  };
  const find = async (page: Page, mrn: string): Promise<void> => {
    await page.locator('nav a[href="#/others"]').click();
    await page.locator('button', { hasText: 'Ask for records' }).click();
    await page.getByLabel('number or name').fill(mrn);
    await page.locator('button', { hasText: 'Find' }).click();
    await page.locator('form .card button').click();
  };

  it('waits for the patient, and shows what came and until when once she permits it', async () => {
    const { mrn, id, party } = await known();
    const page = await care.page();
    await care.asDoctor(page);
    await find(page, mrn);
    const ask = page.locator('main > .actions button.main', { hasText: 'Ask' });
    await ask.click();
    await page.locator('[role=alert]', { hasText: 'Nothing was sent' }).waitFor();
    await page.getByLabel('From whom?').selectOption('hospital');
    await page.locator('.option', { hasText: 'Results' }).click();
    await ask.click();
    await page.locator('.notice.good', { hasText: 'on the ledger' }).waitFor();
    await page.locator('.card', { hasText: 'waits for the patient' }).waitFor();
    const classes = ['Observation', 'DiagnosticReport'].map((code) => ({
      ...{ system: 'http://hl7.org/fhir/resource-types', code },
    }));
    await granted(party, permissionOf(id, { class: classes }));
    // It is seen without loading the page anew.
    await page.locator('.card', { hasText: 'was shown' }).locator('button').click();
    await page.locator('.lines li', { hasText: 'Potassium' }).waitFor();
    expect(await page.locator('.lines li').textContent()).to.include('4.2 mmol/l');
    expect(await page.locator('main .notice').first().textContent()).to.include('stays until');
    await page.context().close();
  });

  it('breaks the glass for a written reason after saying what follows, by the keyboard alone on 320 pixels', async () => {
    const { mrn, party } = await known();
    const page = await care.page({ viewport: NARROW });
    await care.asDoctor(page);
    await page.locator('nav a[href="#/others"]').waitFor();
    await tabTo(page, 'nav a[href="#/others"]');
    await page.keyboard.press('Enter');
    await page.locator('button', { hasText: 'Ask for records' }).waitFor();
    await tabTo(page, 'main > .actions button.main');
    await page.keyboard.press('Enter');
    await tabTo(page, 'main form input');
    await page.keyboard.type(mrn);
    await page.keyboard.press('Enter');
    await page.locator('form .card button').waitFor();
    await tabTo(page, 'form .card button');
    await page.keyboard.press('Enter');
    await page.locator('.card.row button').waitFor();
    await tabTo(page, 'main .field select');
    await page.keyboard.type('hospital');
    await tabTo(page, 'main input[type=checkbox]');
    await page.keyboard.press('Space');
    await tabTo(page, 'input[name=how]');
    await page.keyboard.press('ArrowDown');
    await page.locator('.notice.bad', { hasText: 'can cost you your licence' }).waitFor();
    await tabTo(page, 'main > .actions button.danger');
    await page.keyboard.press('Enter');
    await page.locator('.fault').waitFor();
    expect(await page.locator('dialog').count()).to.equal(0);
    await page.locator('textarea').focus();
    await page.keyboard.type(REASON);
    await tabTo(page, 'main > .actions button.danger');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]', { hasText: 'for ever' }).waitFor();
    const before = await party.ask<Asked>({ path: '/access-requests' });
    expect(before.accessRequests).to.deep.equal([]);
    await tabTo(page, 'dialog button.danger');
    await page.keyboard.press('Enter');
    const card = page.locator('.card', { hasText: 'glass broken' }).filter({ hasText: 'was shown' });
    await card.waitFor();
    expect(await card.textContent()).to.include('stays until');
    const { accessRequests } = await party.find<Asked>({ path: '/access-requests' }, 'what she is told', (told) =>
      told.accessRequests.some(({ writtenReason }) => writtenReason === REASON),
    );
    expect(accessRequests[0]).to.include({ purpose: 'BTG', practitioner: care.doctor });
    await page.context().close();
  });

  for (const [mode, options] of Object.entries(MODES))
    it(`has nothing that axe finds, ${mode}`, async () => {
      const page = await care.page({ bypassCSP: true, ...options });
      await care.asDoctor(page);
      await page.locator('nav a[href="#/others"]').click();
      await page.locator('main .card').first().waitFor();
      await care.look(page, `others ${mode}`);
      await page.locator('main .card button').first().click();
      await page.locator('main h2').waitFor();
      await page.waitForFunction("document.querySelector('.waiting') === null");
      await care.look(page, `came ${mode}`);
      await page.locator('main button').first().click();
      await page.locator('main .actions button.main').click();
      await page.locator('input[name=how]').last().check();
      await page.locator('main > .actions button.danger').click();
      await page.locator('main > [role=alert]').waitFor();
      await care.look(page, `asking ${mode}`);
      await page.context().close();
    });
});
