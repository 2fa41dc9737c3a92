/** What `npm run demo -- --browser` says of pages: whoever it names can sign in there, and finds the entry and the buttons that it names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OnPage, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { consortium, type Scene, START_TIMEOUT_MS } from '../scenarios/consortium.fixture.ts';
import { CHROMIUM, launch, newPage, signInAs, whoAt } from './console.fixture.ts';

const MESSAGES = join(import.meta.dirname, '../../gateway-api/console/src/messages');
const ENGLISH = ['en', 'care/en', 'staff/en'].map((name) => readFileSync(join(MESSAGES, `${name}.ts`), 'utf8')).join();
const pages = steps.flatMap(({ page }) => (page === undefined ? [] : [page]));

describe('The guide through the pages', function () {
  this.timeout(240_000);
  let scene: Scene;
  let browser: Browser;
  let story: Story;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 120_000);
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    scene = await consortium();
    browser = await launch();
    const startedAt = new Date().toISOString();
    story = { parties: scene.parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    const silent = { fact: () => undefined, wrote: async () => undefined };
    // All but what changes stored copies, which others of these tests read.
    for (const step of steps.slice(0, -2)) await step.run(story, silent);
  });
  after(() => browser?.close());

  const accountOf = ({ as }: OnPage): string => {
    if (as === 'patient') return `patient:Patient/${story.patientId}`;
    const doctor = [...story.locations.values()].find((one) => one.startsWith('Practitioner/'));
    return as === 'practitioner' ? `practitioner:${doctor}` : as;
  };

  it('names buttons and messages that there are', () => {
    for (const { button } of pages)
      for (const [, text] of button.matchAll(/“([^”]*)”/g)) expect(ENGLISH, text).to.contain(`'${text}'`);
  });

  for (const page of new Map(pages.map((one) => [`${one.at} ${one.as} ${one.page}`, one])).values())
    it(`finds “${page.page}” as ${page.as} at ${page.at}`, async () => {
      const faults: string[] = [];
      const shown = await newPage(browser, {}, faults);
      await signInAs(shown, whoAt(scene, page.at, accountOf(page)));
      await shown.locator('nav a', { hasText: new RegExp(`^${page.page}$`) }).click();
      await shown.locator('h1', { hasText: page.page }).waitFor();
      expect(faults).to.deep.equal([]);
      await shown.context().close();
    });
});
