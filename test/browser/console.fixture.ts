/** A consortium with a patient whose records, requests and log are worth looking at, and a browser that signs in as her. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { FixtureConsortium, until } from '@telemed-ledger/gateway-api/consortium.fixture.ts';
import { signInCode } from '@telemed-ledger/gateway-api/oauth/server.ts';
import { expect } from 'chai';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Scene } from '../scenarios/consortium.fixture.ts';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Where a browser is; undefined where the machine has none. */
export const CHROMIUM = [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path));

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const MRN = 'urn:oid:2.999.1';
const DAY_MS = 86_400_000;
const dayAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
const loinc = (code: string, display: string) => ({ coding: [{ system: 'http://loinc.org', code, display }] });

/** Somebody tried to have a browser run this: it stands in names, texts and narratives. */
const SCRIPT = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>';

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });

/** A page of its own; `faults` is given what the browser complains of. */
export async function newPage(
  browser: Browser,
  options: BrowserContextOptions = {},
  faults: string[] = [],
): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  return page;
}

interface Finding {
  id: string;
  nodes: { target: unknown }[];
}

/** What axe (deque.com) finds on the page as it is shown. The page's policy is to be bypassed: axe is a script of others. */
export async function axeFindings(page: Page): Promise<string[]> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run()')) as { violations: Finding[] };
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join()}`);
}

/** By how much the page is wider than its window, pixels: then it would have to be moved to be read. */
export const tooWide = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

// biome-ignore lint/suspicious/noExplicitAny: it runs in the browser
declare const document: any;
const MOST_TABS = 160;

/** Presses Tab until what is wanted has the focus. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no key leads to ${selector}`);
}

/** What nobody should find on a page as it is shown. @throws AssertionError */
export async function expectFit(page: Page, where: string): Promise<void> {
  expect(await axeFindings(page), where).to.deep.equal([]);
  expect(await tooWide(page), `${where} is wider than its window`).to.be.at.most(0);
}

export interface Who {
  /** Of the gateway. */
  base: string;
  code: string;
  /** `role`, or `role:Type/ID`. */
  account: string;
}

/** Somebody at an organisation of a consortium that scenarios share. */
export const whoAt = (
  { urls, dataDir }: Pick<Scene, 'urls' | 'dataDir'>,
  organisation: string,
  account: string,
): Who => ({
  base: urls[organisation] ?? '',
  code: signInCode(join(dataDir, 'organisations', organisation, 'issuer')),
  account,
});

export async function signInAs(page: Page, { base, code, account }: Who): Promise<void> {
  await page.goto(`${base}/`);
  await page.locator('main button.main').click();
  await page.locator('#code').fill(code);
  await page.locator('button.main').click();
  await page.locator(`button[value="${account}"]`).click();
}

export class ConsoleScene {
  readonly consortium: FixtureConsortium;
  readonly browser: Browser;
  readonly base: string;
  readonly code: string;
  /** Id of the Patient. */
  patient = '';
  readonly mrn = randomUUID();
  readonly name = `Ada ${SCRIPT} Grün`;

  private constructor(consortium: FixtureConsortium, browser: Browser, code: string) {
    this.consortium = consortium;
    this.browser = browser;
    this.code = code;
    this.base = consortium.urls.get('patients') ?? '';
  }

  static async start(): Promise<ConsoleScene> {
    const consortium = await FixtureConsortium.start(['hospital', 'clinic']);
    const { witnessDir } = await consortium.config('patients');
    const issuerDir = join(witnessDir, '..', 'issuer');
    await consortium.open('patients', { issuerDir });
    const browser = await launch();
    const scene = new ConsoleScene(consortium, browser, signInCode(issuerDir));
    await scene.#record();
    return scene;
  }

  async #make(as: string, body: { resourceType: string } & Record<string, unknown>): Promise<string> {
    const { status, body: answer } = await this.consortium.send(as, `POST /fhir/R4/${body.resourceType}`, body);
    if (status !== 201) throw new Error(`${body.resourceType}: ${status} ${JSON.stringify(answer)}`);
    return answer.id;
  }

  async #record(): Promise<void> {
    const name = [{ text: this.name }];
    const identifier = [{ system: MRN, value: this.mrn }];
    this.patient = await this.#make('hospital', { resourceType: 'Patient', identifier, name, birthDate: '1980-02-29' });
    const subject = { reference: `Patient/${this.patient}` };
    await this.#make('hospital', { resourceType: 'Practitioner', name: [{ text: 'Dr. Maria Silva' }] });
    await this.#make('clinic', { resourceType: 'Practitioner', name: [{ text: `Dr. ${SCRIPT} Weiß` }] });
    const pulse = [72, 88, 104, 79].map((value, index) => ({
      ...{ resourceType: 'Observation', status: 'final', subject, code: loinc('8867-4', 'Heart rate') },
      effectiveDateTime: dayAgo(90 - 30 * index),
      valueQuantity: { value, unit: 'beats/min', system: 'http://unitsofmeasure.org', code: '/min' },
      referenceRange: [{ low: { value: 60, unit: 'beats/min' }, high: { value: 100, unit: 'beats/min' } }],
    }));
    const allergy = {
      ...{ resourceType: 'AllergyIntolerance', patient: subject, recordedDate: dayAgo(400) },
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
      },
      code: { text: `Penicillin ${SCRIPT}` },
    };
    const medication = {
      ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject, authoredOn: dayAgo(20) },
      ...{
        medicationCodeableConcept: { text: 'Bisoprolol 5 mg' },
        dosageInstruction: [{ text: 'one in the morning' }],
      },
    };
    const visit = {
      ...{ resourceType: 'Encounter', status: 'finished', subject, period: { start: dayAgo(20), end: dayAgo(20) } },
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    };
    for (const record of [...pulse, allergy, medication, visit]) await this.#make('hospital', record);
    const type = 'application/json';
    const asked = { holder: 'hospital', patient: { system: MRN, value: this.mrn }, purpose: 'TREAT' };
    const waitUntil = new Date(Date.now() + 7 * DAY_MS).toISOString();
    for (const more of [{ types: ['Observation'] }, { types: ['Observation'], waitUntil }]) {
      const as = 'clinic practitioner Practitioner/weiss';
      await this.consortium.send(as, 'POST /access-requests', { ...asked, ...more }, { 'content-type': type });
    }
    await until(async () => {
      const { body } = await this.send('GET /access-requests');
      return body.accessRequests?.some((one: { pending?: string }) => one.pending === 'patient') === true;
    });
  }

  /** As the patient, without a browser. */
  send(request: string, body?: unknown, headers: Record<string, string> = {}) {
    return this.consortium.send(`patients patient Patient/${this.patient}`, request, body, headers);
  }

  page(options: BrowserContextOptions = {}, faults: string[] = []): Promise<Page> {
    return newPage(this.browser, options, faults);
  }

  /** From the first page to the desk of the patient, with a mouse. */
  async signIn(page: Page): Promise<void> {
    await signInAs(page, { base: this.base, code: this.code, account: `patient:Patient/${this.patient}` });
    await page.locator('nav a[href="#/log"]').waitFor();
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.consortium.close();
  }
}
