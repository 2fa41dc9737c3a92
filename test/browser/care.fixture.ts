/** A clinician with a licence, a patient of hers, and times that can be booked, on the consortium that scenarios share; and browsers of both. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CONSENT_CATEGORIES, TELEHEALTH } from '@telemed-ledger/chaincode/model/live-visits.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { consortium, type Scene } from '../scenarios/consortium.fixture.ts';
import { axeFindings, launch, newPage, signInAs, tabTo, tooWide, type Who, whoAt } from './console.fixture.ts';

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const MINUTE_MS = 60_000;
/** On a busy machine what is right comes late. */
const PATIENCE_MS = 90_000;
export const NARROW = { width: 320, height: 640 };

type Body = Record<string, unknown> & { resourceType: string };
export interface Bundle {
  entry?: { resource: Resource }[];
}

export class CareScene {
  readonly scene: Scene;
  readonly browser: Browser;
  readonly provider: Party;
  /** What browsers complained of. */
  readonly faults: string[] = [];
  readonly doctor: string;
  readonly doctorName: string;
  /** When the next free time begins, from now. */
  #nextMinute = 15;

  private constructor(scene: Scene, browser: Browser, doctor: { reference: string; name: string }) {
    this.scene = scene;
    this.browser = browser;
    this.provider = scene.parties.of('clinic', 'system');
    this.doctor = doctor.reference;
    this.doctorName = doctor.name;
  }

  static async open(): Promise<CareScene> {
    const scene = await consortium();
    const clinic = scene.parties.of('clinic', 'system');
    const name = `Dr. ${randomUUID().slice(0, 8)} Weiß`;
    const body = { resourceType: 'Practitioner', name: [{ text: name }] };
    const { id } = (await clinic.write({ method: 'POST', path: '/fhir/R4/Practitioner', body })).body;
    const reference = `Practitioner/${id}`;
    const care = new CareScene(scene, await launch(), { reference, name });
    await scene.parties.of('regulator', 'system').write({
      ...{ method: 'PUT', path: `/licences/${randomUUID().slice(0, 8)}` },
      body: {
        ...{ status: 'active', start: '2020-01-01', end: '2099-01-01', jurisdictions: ['US-MA'] },
        practitioners: [{ organisation: 'clinic', practitioner: reference }],
      },
    });
    return care;
  }

  async create(body: Body): Promise<string> {
    const path = `/fhir/R4/${body.resourceType}`;
    return `${body.resourceType}/${(await this.provider.write({ method: 'POST', path, body })).body.id}`;
  }

  /** One whose records are worth looking at: a penicillin allergy and a medicine that goes badly with another. */
  async patient(
    more: { agrees?: boolean } = {},
  ): Promise<{ reference: string; name: string; mrn: string; party: Party }> {
    const mrn = randomUUID();
    const name = `Ada ${mrn.slice(0, 8)} Grün`;
    const address = [{ country: 'US', state: 'MA' }];
    const identifier = [{ system: 'https://clinic.example/mrn', value: mrn }];
    const about = { birthDate: '1980-02-29', name: [{ text: name }], identifier, address };
    const reference = await this.create({ resourceType: 'Patient', ...about });
    const subject = { reference };
    const concept = (code: string, text: string) => ({ coding: [{ system: RXNORM, code, display: text }], text });
    await this.create({
      ...{
        resourceType: 'AllergyIntolerance',
        patient: subject,
        criticality: 'high',
        code: concept('723', 'Amoxicillin'),
      },
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
      },
    });
    await this.create({
      ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject },
      medicationCodeableConcept: concept('855332', 'Warfarin'),
      dosageInstruction: [
        { text: 'one in the evening', timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } } },
      ],
    });
    const party = this.scene.parties.of('patients', 'patient', reference);
    await party.find({ path: `/fhir/R4/${reference}` }, 'her record');
    if (more.agrees === true) await this.agree(reference, party);
    return { reference, name, mrn, party };
  }

  /** To be seen at a distance. */
  async agree(reference: string, party: Party): Promise<void> {
    await granted(party, {
      ...{ resourceType: 'Consent', status: 'active', patient: { reference }, provision: { type: 'permit' } },
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
      category: [{ coding: [{ system: CONSENT_CATEGORIES, code: TELEHEALTH }] }],
      policy: [{ uri: 'https://telemed-ledger.example/policies/telehealth' }],
    });
  }

  /** So many free times, each another one, within the next hours. @returns references of the Slots */
  async slots(count: number): Promise<string[]> {
    const schedule = await this.create({ resourceType: 'Schedule', active: true, actor: [{ reference: this.doctor }] });
    const slots: string[] = [];
    for (let number = 0; number < count; number += 1) {
      const start = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS + this.#nextMinute * MINUTE_MS;
      this.#nextMinute += 11;
      const time = { start: new Date(start).toISOString(), end: new Date(start + 5 * MINUTE_MS).toISOString() };
      slots.push(
        await this.create({ resourceType: 'Slot', status: 'free', schedule: { reference: schedule }, ...time }),
      );
    }
    return slots;
  }

  /** Booked at a Slot, by the provider. @returns reference of the Appointment */
  async booked(patient: string, slot: string, status = 'booked'): Promise<string> {
    const { start, end } = await this.provider.ask<{ start: string; end: string }>({ path: `/fhir/R4/${slot}` });
    const participant = [patient, this.doctor].map((reference) => ({ actor: { reference }, status: 'accepted' }));
    return this.create({ resourceType: 'Appointment', status, start, end, slot: [{ reference: slot }], participant });
  }

  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await newPage(this.browser, options, this.faults);
    page.setDefaultTimeout(PATIENCE_MS);
    return page;
  }

  whoAt = (organisation: string, account: string): Who => whoAt(this.scene, organisation, account);

  asDoctor = (page: Page): Promise<void> => signInAs(page, this.whoAt('clinic', `practitioner:${this.doctor}`));
  asPatient = (page: Page, reference: string): Promise<void> =>
    signInAs(page, this.whoAt('patients', `patient:${reference}`));

  /** The option of a time, on its day. */
  async timeOf(page: Page, slot: string | undefined) {
    const { start } = await this.provider.ask<{ start: string }>({ path: `/fhir/R4/${slot}` });
    const at = new Date(start);
    const hour = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' }).format(at);
    await page.locator('input[name=time]').first().waitFor();
    await page.locator('.steps select').selectOption(new Intl.DateTimeFormat('sv').format(at));
    return page.locator('.option', { has: page.locator(`text=/^${hour} –/`) }).locator('input');
  }

  async chooseDoctorByKeys(page: Page): Promise<void> {
    const option = page.locator('.option', { hasText: this.doctorName }).locator('input');
    await option.waitFor();
    await chooseByKeys(page, 'input[name=with]', () => option.isChecked());
  }

  async chooseTimeByKeys(page: Page, slot: string | undefined): Promise<void> {
    const time = await this.timeOf(page, slot);
    await chooseByKeys(page, 'input[name=time]', () => time.isChecked());
    await page.locator('button', { hasText: 'Book this visit' }).waitFor();
    await tabTo(page, '.steps .actions button.main');
  }

  /** Nothing that axe finds, and nothing wider than its window. */
  async look(page: Page, where: string): Promise<void> {
    expect(await axeFindings(page), where).to.deep.equal([]);
    expect(await tooWide(page), `${where} is wider than its window`).to.be.at.most(0);
    const place = process.env['SCREENSHOTS'];
    if (place !== undefined) await page.screenshot({ path: join(place, `${where}.png`), fullPage: true });
  }
}

/** One of a group, from its first, and on to the next step. */
async function chooseByKeys(page: Page, group: string, isDone: () => Promise<boolean>): Promise<void> {
  await tabTo(page, group);
  await page.keyboard.press('Space');
  for (let steps = 0; steps < 60 && !(await isDone()); steps += 1) await page.keyboard.press('ArrowDown');
  await tabTo(page, '.steps > .actions button.main');
  await page.keyboard.press('Enter');
}

/** Ways in which every page is looked at. */
export const MODES: Readonly<Record<string, BrowserContextOptions>> = {
  light: {},
  dark: { colorScheme: 'dark' },
  narrow: { viewport: NARROW },
  'right to left': { locale: 'ar' },
};
