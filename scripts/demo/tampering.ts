/**
 * Somebody changes a stored record behind the system's back: one byte of the hospital's database file, written by
 * this process and not by the gateway. Reading the record must be refused, and the sweep must name it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expectThat, type Party } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

interface Stored {
  sequence: number;
  value: string;
}

/** Changes one digit of a stored Observation's measured value; answers how to put it back. */
function changeOneByte(file: string, id: string): () => void {
  const withDatabase = <T>(use: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(file, { timeout: 5_000 });
    try {
      return use(database);
    } finally {
      database.close();
    }
  };
  const write = (value: string, sequence: number) =>
    withDatabase((database) =>
      database.prepare('UPDATE versions SET value = ? WHERE sequence = ?').run(value, sequence),
    );
  const select = `SELECT sequence, value FROM versions WHERE type = 'Observation' AND id = ? AND current = 1`;
  const stored = withDatabase((database) => database.prepare(select).get(id)) as Stored | undefined;
  const { sequence, value } = known(stored, 'stored Observation');
  const changed = value.replace(
    /("valueQuantity":\{.*?"value":)(\d)/,
    (_, before, digit) => `${before}${(Number(digit) + 1) % 10}`,
  );
  expectThat(changed !== value && changed.length === value.length, 'one digit to be changed', 'no change');
  write(changed, sequence);
  return () => void write(value, sequence);
}

interface Report {
  differences: { place: string; kind: string }[];
}

const sweep = (operator: Party): Promise<Report> => operator.ask<Report>({ method: 'POST', path: '/verify' });

interface Outcome {
  issue?: { code: string; expression?: string[] }[];
}

export async function changeDetected(story: Story, narrator: Narrator): Promise<void> {
  const { parties } = story;
  const id = known(story.observationId, 'Observation');
  const place = `Observation/${id}/_history/1`;
  const file = join(parties.reach.dataDir, 'organisations', 'hospital', 'gateway', 'index.sqlite');
  if (!existsSync(file)) return leaveOut(story, narrator);
  story.restore = changeOneByte(file, id);
  narrator.fact(`changed one digit of ${place} in the hospital's index.sqlite`);
  const answer = await parties.of('hospital', 'practitioner').send({ path: `/fhir/R4/Observation/${id}` });
  const issue = (answer.body as Outcome).issue?.[0];
  const came = { status: answer.status, issue };
  expectThat(answer.status === 409 && issue?.code === 'security', 'reading it to be refused', came);
  expectThat(issue.expression?.includes(place) === true, `the refusal to name ${place}`, came);
  narrator.fact(`reading it: ${answer.status}, "the stored copy of ${place} is not what was anchored"`);
  const { differences } = await sweep(parties.of('hospital', 'operator'));
  const found = differences.find((difference) => difference.place === place);
  expectThat(found?.kind === 'content', `the sweep to name ${place}`, differences);
  narrator.fact(`the sweep names it: ${found.place} (${found.kind})`);
}

/** In PostgreSQL the copies lie on the gateway's own network, which the demo cannot reach. */
function leaveOut(story: Story, narrator: Narrator): void {
  story.tamperingLeftOut = true;
  narrator.fact("left out: the hospital's copies do not lie in a file here, so nobody can change them from here");
}

export async function changeUndone(story: Story, narrator: Narrator): Promise<void> {
  if (story.tamperingLeftOut === true) return narrator.fact('left out: nothing was changed');
  known(story.restore, 'changed byte')();
  delete story.restore;
  const { parties, observationId } = story;
  await parties.of('hospital', 'practitioner').ask({ path: `/fhir/R4/Observation/${observationId}` });
  const { differences } = await sweep(parties.of('hospital', 'operator'));
  const place = `Observation/${observationId}/_history/1`;
  expectThat(!differences.some((difference) => difference.place === place), 'the sweep to find it intact', differences);
  narrator.fact('it can be read again, and the sweep finds nothing wrong with it');
}
