/**
 * `npm run demo`: tells the story of one patient against the running consortium, step by step, and ends with exit code 0
 * when every step turned out as expected. It can be run any number of times. `--browser` says after each step on which page it shows.
 */
import { parseArgs } from 'node:util';
import { signInCode } from '@telemed-ledger/gateway-api/oauth/server.ts';
import { dataDirectory, gatewayUrls, issuerDirectory, runCommand } from './command-line.ts';
import { Guide } from './demo/guide.ts';
import { Parties, Unexpected } from './demo/parties.ts';
import { hasColour, Printer } from './demo/printing.ts';
import type { Step, Story } from './demo/step.ts';
import { tell } from './demo/story.ts';
import { nameIn, newVisit } from './demo/visit.ts';

await runCommand(async () => {
  const { values } = parseArgs({ options: { browser: { type: 'boolean', default: false } } });
  const [dataDir, urls] = [dataDirectory(), gatewayUrls()];
  const parties = new Parties({ dataDir, urls });
  const printer = new Printer(parties, hasColour(process.stdout, process.env), console.log);
  const startedAt = new Date().toISOString();
  const story: Story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
  const codeOf = (name: string): string => signInCode(issuerDirectory(dataDir, name));
  const guide = values.browser ? new Guide(urls, codeOf, console.log) : undefined;
  let current: Step | undefined;
  const before = (number: number, step: Step): void => {
    current = step;
    printer.step(number, step);
  };
  const after = async ({ page }: Step): Promise<void> => {
    if (page !== undefined) await guide?.show(page, page.as === 'patient' ? nameIn(story.visit) : page.as);
  };
  try {
    await tell(story, printer, before, after);
    const leftOut = story.tamperingLeftOut === true ? ' The last two were left out.' : '';
    console.log(`\nEvery step turned out as expected.${leftOut}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error;
    console.error(`\n   ✘ ${error.message}\nThe story broke at “${current?.title}”.`);
    return 1;
  } finally {
    parties.close();
  }
});
