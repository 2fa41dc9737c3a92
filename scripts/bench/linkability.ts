/**
 * `npm run bench -- linkability`: tells the story of many patients, one after the other, and counts what a member that has
 * nothing to do with it can link from its own peer's blocks, without any content: pairs of transactions of one patient that
 * share something no other patient's transactions have.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { dataDirectory, gatewayUrls } from '../command-line.ts';
import { accessAllowed, accessRefused, consentGranted } from '../demo/access.ts';
import { adjudicated, claimSubmitted, coverageShown, duplicateCaught, paid, remitted } from '../demo/claims.ts';
import { Parties } from '../demo/parties.ts';
import type { Narrator, Step, Story } from '../demo/step.ts';
import { newVisit } from '../demo/visit.ts';
import { licensed, visitRecorded } from '../demo/visits.ts';
import { table } from '../table.ts';
import { reachOf } from '../verification/channel/reach.ts';
import { type Clue, type Seen, seenBy } from './linkability/clues.ts';
import { linksAmong } from './linkability/links.ts';

/** Has no part in any of it, but that it pays. */
const ONLOOKERS = ['regulator', 'bank'];
const STEPS: readonly Step['run'][] = [
  ...[visitRecorded, accessRefused, consentGranted, accessAllowed, coverageShown, claimSubmitted, adjudicated],
  ...[duplicateCaught, paid, remitted],
];
const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
/** Transactions bear whole milliseconds of their clients' clocks. */
const PAUSE_MS = 20;

interface Span {
  from: string;
  to: string;
}

/** @param patients whose stories are told */
export async function linkability(patients: number): Promise<void> {
  const parties = new Parties({ dataDir: dataDirectory(), urls: gatewayUrls() });
  try {
    const spans: Span[] = [];
    while (spans.length < patients) {
      spans.push(await told(storyOf(parties)));
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kstory ${spans.length} of ${patients}`);
    }
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    for (const onlooker of ONLOOKERS) {
      const seen = await seenBy(reachOf(dataDirectory(), onlooker), spans[0]?.from ?? '');
      report(onlooker, patients, ofPatients(seen, spans));
    }
  } finally {
    parties.close();
  }
}

const storyOf = (parties: Parties): Story => {
  const startedAt = new Date().toISOString();
  return { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
};

async function told(story: Story): Promise<Span> {
  await licensed(story, silent);
  await sleep(PAUSE_MS);
  const from = new Date().toISOString();
  for (const run of STEPS) await run(story, silent);
  await sleep(PAUSE_MS);
  return { from, to: new Date().toISOString() };
}

/** Each transaction with the patient in whose story it was sent; those of nobody's are left out. */
const ofPatients = (seen: readonly Seen[], spans: readonly Span[]): (Seen & { patient: number })[] =>
  seen.flatMap((one) => {
    const patient = spans.findIndex(({ from, to }) => one.time >= from && one.time <= to);
    return patient < 0 ? [] : [{ ...one, patient }];
  });

const CLUES: Record<Clue['kind'], string> = {
  argument: 'an id among the arguments',
  event: 'an id in the event',
  creator: "the sender's certificate",
  publicKey: 'a public key',
  readKey: 'the hash of a private key, read or written',
  value: 'the hash of a private value',
};

function report(onlooker: string, patients: number, transactions: readonly (Seen & { patient: number })[]): void {
  const kinds = Object.keys(CLUES) as Clue['kind'][];
  const all = linksAmong(transactions, kinds);
  const percent = (linked: number): string => `${((100 * linked) / Math.max(1, all.pairs)).toFixed(1)} %`;
  const rows = kinds.map((kind) => {
    const { linked, crowd } = linksAmong(transactions, [kind]);
    return [CLUES[kind], linked.toLocaleString('en'), percent(linked), crowd === undefined ? '–' : crowd.toFixed(1)];
  });
  console.log(`\nAs seen by the ${onlooker}: ${transactions.length} transactions of ${patients} patients`);
  console.log(table([['by', 'pairs linked', 'of all pairs', 'else shared by patients'], ...rows]));
  const subjects = [...all.byNames].sort(([, a], [, b]) => b.pairs - a.pairs);
  const named = subjects.map(([names, { linked, pairs }]) => [names, String(pairs), String(linked)]);
  console.log(table([['one patient’s', 'pairs', 'linked by all of this together'], ...named]));
  const groups = transactions.length === 0 ? 0 : all.groups / patients;
  console.log(
    `All of it followed from one to the next: ${all.linked} of ${all.pairs} pairs (${percent(all.linked)}); ` +
      `a patient's transactions fall into ${groups.toFixed(1)} groups that nothing links`,
  );
}
