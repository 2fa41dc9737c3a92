/** The README's picture of one write is the way that one takes: measured by the profiler, file by file. */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { expect } from 'chai';
import { FixtureConsortium } from './consortium.fixture.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Files that a section of the README draws, in its order. */
const drawn = (section: string): string[] => {
  const text = README.slice(README.indexOf(`## ${section}\n`)).split('\n## ')[0] ?? '';
  return [...text.matchAll(/\b([a-z-]+(?:\/[a-z-]+)+\.ts)\b/g)].map((found) => found[1]!);
};
const isOf = (files: readonly string[], rooms: readonly string[]): string[] =>
  files.filter((file) => rooms.some((room) => file.startsWith(room)));

/** What the stops of the picture rest on: tables, frames, drivers. No step of the way is decided there. */
const AROUND = [
  'http/',
  'clients/',
  'operations/',
  'auth/',
  'app.ts',
  'wiring/',
  'fhir/types.ts',
  'fhir/requests.ts',
  'fhir/endpoints.ts',
  'fhir/addressed.ts',
  'fhir/changes.ts',
  // What updates and deletions, Coverages, Binaries, dispenses or appointments ask of every write, and creates of others pass.
  'fhir/deletions.ts',
  'fhir/insured.ts',
  'fhir/binaries.ts',
  'subjects/contents/repository.ts',
  'subjects/records/dispenses.ts',
  'subjects/records/items.ts',
  'subjects/records/bookings.ts',
  'subjects/records/lots.ts',
  'subjects/records/visits.ts',
  'subjects/records/answers.ts',
  'fhir/search-parameters.ts',
  'fhir/search/',
  'fhir/validation/',
  'fhir/profiles/',
  'idempotency/',
  'subjects/records/records.ts',
  'group-commit/',
  'ledger/',
  'index/',
  'duties/',
  // Duties that look at every block, whatever wrote it.
  'subjects/receipts/duties.ts',
  'subjects/erasures/refused.ts',
  'subjects/subscriptions/',
  'subjects/access/access-events.ts',
  'subjects/access/waits.ts',
];

describe('One write', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital']);
  });
  after(() => consortium?.close());

  /** Files of the gateway in which a function ran while this was done. */
  async function filesOf(run: () => Promise<unknown>): Promise<string[]> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await session.post('Profiler.takePreciseCoverage');
    await run();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    session.disconnect();
    const ran = result.filter(({ functions }) =>
      functions.some(({ functionName, ranges }) => functionName !== '' && (ranges[0]?.count ?? 0) > 0),
    );
    return ran
      .flatMap(({ url }) => url.split('/gateway-api/src/')[1] ?? [])
      .filter((file) => !/\.(test|fixture)\.ts$/.test(file));
  }

  it('goes through the fifteen files that the README draws, and no other decides on it', async () => {
    const send = (...request: Parameters<FixtureConsortium['send']>) => consortium.send(...request);
    const { body: patient } = await send('hospital practitioner', 'POST /fhir/R4/Patient', { resourceType: 'Patient' });
    const observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'weight' },
      subject: { reference: `Patient/${patient.id}` },
    };
    const create = (key: string) =>
      send('hospital practitioner', 'POST /fhir/R4/Observation', observation, { 'idempotency-key': key });
    expect((await create('first')).status).to.equal(201);
    const files = await filesOf(async () => expect((await create('second')).status).to.equal(201));
    const stops = drawn('One write');
    expect(stops).to.have.length(15);
    expect(files).to.include.members(stops);
    const others = files.filter((file) => !stops.includes(file));
    expect(others.filter((file) => !isOf(others, AROUND).includes(file))).to.deep.equal([]);
  });

  it('leads to one event, whose files run when its block arrives', async () => {
    const files = await filesOf(() =>
      consortium.send('hospital', 'POST /fhir/R4/Patient', { resourceType: 'Patient', active: true }),
    );
    expect(files).to.include.members(drawn('One event'));
  });

  it('is drawn beside one claim, whose files are there', () => {
    for (const file of drawn('One claim')) {
      expect(readFileSync(new URL(file, import.meta.url), 'utf8'), file).to.not.equal('');
    }
  });
});
