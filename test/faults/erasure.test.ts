/**
 * Erasure by the consortium as `npm start` runs it, killed with SIGKILL between the marks and the purges, and
 * between a purge and the rewriting of the files: what was acknowledged is shown nowhere by the next start, is purged by it, and is in no file of the data directory in the end.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropIndex } from '@telemed-ledger/gateway-api/index/stores.ts';
import { purgesFile } from '@telemed-ledger/network/embedded/ledger/private/forgetting.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { NoAnswer } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { until } from '../../gateway-api/src/consortium.fixture.ts';
import { dropUnordered, filesWith, recordErasable } from './erasable.fixture.ts';
import { ConsortiumProcess } from './process.fixture.ts';

const SHEETS = 8;
/** Acknowledged before everything is killed. */
const ACKNOWLEDGED = 3;
const LONG_MS = 60_000;
/** Between two searches of every file. */
const SEARCH_MS = 2_000;
const HOLDERS = ['hospital', 'patients'];

describe('Erasure (on Linux only)', function () {
  this.timeout(240_000);
  // Without a beginning that LevelDB would compress.
  const secret = randomBytes(24).toString('base64url');
  let directory: string;
  let dataDir: string;
  let consortium: ConsortiumProcess;
  let parties: Parties;
  let kept: string[];
  let erased: string[];
  /** Ids of the erasures that were acknowledged, by record. */
  const acknowledged = new Map<string, string>();

  before(async function () {
    // The tree of processes is found through /proc.
    if (process.platform !== 'linux') return this.skip();
    directory = mkdtempSync(join(tmpdir(), 'telemed-erasure-'));
    dataDir = join(directory, 'data');
    await start();
  });
  after(async () => {
    parties?.close();
    await consortium?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    parties?.close();
    consortium = await ConsortiumProcess.start(dataDir);
    parties = new Parties({ dataDir, urls: consortium.urls });
  }
  const at = (organisation: string) => parties.of(organisation, 'system');
  const statusAt = async (organisation: string, id: string): Promise<number> =>
    (await at(organisation).send({ path: `/fhir/R4/Observation/${id}` })).status;
  const ledger = (): string => join(dataDir, 'network', 'ledger');
  const remembering = (): string[] => filesWith(dataDir, secret);

  /** Asks for all of them at once, by turns at the custodian and the holder. */
  async function askForAll(isOver: () => boolean): Promise<void> {
    await Promise.all(
      erased.map(async (id, index) => {
        const path = `/fhir/R4/Observation/${id}/$erase`;
        const as = at(HOLDERS[index % 2]!);
        const answer = await as.send({ method: 'POST', path }).catch((error: unknown) => {
          if (error instanceof NoAnswer || isOver()) return undefined;
          throw error;
        });
        const place = answer?.headers['location'];
        if (typeof place === 'string') acknowledged.set(id, place);
      }),
    );
  }

  /** When the ledger has purged something whose tables are not rewritten yet. */
  async function killWhilePurging(): Promise<void> {
    let isKilled = false;
    const asking = askForAll(() => isKilled);
    await until(() => existsSync(purgesFile(ledger())), LONG_MS);
    isKilled = true;
    await consortium.killAll();
    await asking;
    await start();
  }

  /** What was endorsed and not ordered stays (docs/erasure.md): takes that away, and nothing else. */
  async function forgetUnordered(): Promise<void> {
    await consortium.stop();
    expect(await dropUnordered(ledger(), secret)).to.be.greaterThan(0);
    await start();
  }

  it('that was acknowledged outlives the death of everybody, and is brought to its end', async () => {
    ({ kept, erasable: erased } = await recordErasable(parties, secret, SHEETS));
    expect(remembering()).not.to.deep.equal([]);
    let isKilled = false;
    const asking = askForAll(() => isKilled);
    await until(() => acknowledged.size >= ACKNOWLEDGED, LONG_MS);
    isKilled = true;
    await consortium.killAll();
    await asking;
    // As a comparison leaves it that is killed.
    const left = join(dataDir, 'organisations', 'hospital', 'gateway', 'verification-killed');
    mkdirSync(left);
    writeFileSync(join(left, 'index.sqlite'), secret);
    expect(remembering()).not.to.deep.equal([]);
    await start();
    for (const id of acknowledged.keys())
      for (const name of [...HOLDERS, 'clinic']) expect(await statusAt(name, id), name).to.equal(410);
    await killWhilePurging();
    await askForAll(() => false);
    expect(acknowledged.size).to.equal(erased.length);
    for (const place of acknowledged.values())
      for (const name of HOLDERS)
        await at(name).find<{ status: string }>({ path: place }, 'its end', ({ status }) => status === 'erased');
    for (const id of kept) for (const name of HOLDERS) expect(await statusAt(name, id), name).to.equal(200);
  });

  it('leaves nothing of the text in any file of anybody', async () => {
    const isGone = (): boolean => remembering().length === 0;
    await until(isGone, LONG_MS, SEARCH_MS).catch(forgetUnordered);
    await until(isGone, LONG_MS, SEARCH_MS);
    await consortium.stop();
    expect(remembering()).to.deep.equal([]);
    await start();
    expect(remembering()).to.deep.equal([]);
  });

  it('is as the ledger has it, and is the same for read models that are made anew', async () => {
    const shownAt = async (name: string) => {
      const { entry = [] } = await at(name).ask<{ entry?: object[] }>({ path: '/fhir/R4/Observation?_count=500' });
      const gone = await Promise.all(erased.map((id) => statusAt(name, id)));
      const log = await at(name).ask<{ entry?: object[] }>({
        path: '/fhir/R4/AuditEvent?_count=500&type=110106,110113,destroy',
      });
      // Each answer names its gateway, whose port is another after a start.
      const text = JSON.stringify([entry, gone, log.entry]);
      return text.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '');
    };
    const differencesAt = async (name: string): Promise<object[]> =>
      (await parties.of(name, 'operator').ask<{ differences: object[] }>({ method: 'POST', path: '/verify' }))
        .differences;
    const names = [...HOLDERS, 'clinic'];
    const before = new Map<string, string>();
    for (const name of names) {
      expect(await differencesAt(name), name).to.deep.equal([]);
      before.set(name, await shownAt(name));
    }
    await consortium.stop();
    for (const name of names) dropIndex(join(dataDir, 'organisations', name, 'gateway'));
    await start();
    for (const name of names) {
      expect(await shownAt(name), name).to.equal(before.get(name));
      expect(await differencesAt(name), name).to.deep.equal([]);
    }
    expect(remembering()).to.deep.equal([]);
  });
});
