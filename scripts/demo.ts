/**
 * `npm run demo`: tells the story of one patient against the running consortium, step by step, and ends with exit code 0
 * when every step turned out as expected. It can be run any number of times.
 */
import { parseArgs } from 'node:util';
import { dataDirectory, gatewayUrls, runCommand } from './command-line.ts';
import { Parties, Unexpected } from './demo/parties.ts';
import { hasColour, Printer } from './demo/printing.ts';
import type { Step, Story } from './demo/step.ts';
import { tell } from './demo/story.ts';
import { newVisit } from './demo/visit.ts';

await runCommand(async () => {
  parseArgs({ options: {} });
  const parties = new Parties({ dataDir: dataDirectory(), urls: gatewayUrls() });
  const printer = new Printer(parties, hasColour(process.stdout, process.env), console.log);
  const startedAt = new Date().toISOString();
  const story: Story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
  let current: Step | undefined;
  try {
    await tell(story, printer, (number, step) => {
      current = step;
      printer.step(number, step);
    });
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
