/** What is deleted from the read model is on the disk no more: neither in its file nor in its log. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { until } from '../consortium.fixture.ts';
import { Forgetting } from './forgetting.ts';
import { anchored, FixtureIndex, sheetWrites, silent } from './index.fixture.ts';
import { openSqlite } from './sqlite/sqlite.ts';
import { openSqliteStores } from './sqlite/stores.ts';
import { erasedMark, purgeWrites, purging } from './values.fixture.ts';

/** As many that some are left behind where only what is deleted is overwritten. */
const MOVING = { rounds: 100, rows: 80, deleted: 40 };
const TIMES = { delayMs: 5, pauseMs: 20 };

describe('What is deleted from the read model', function () {
  this.timeout(60_000);
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital');
  });
  afterEach(() => fixture.close());

  const filesWith = (text: string, { file } = fixture): string[] =>
    readdirSync(dirname(file)).filter((name) => readFileSync(join(dirname(file), name)).includes(text));
  const secretOf = (length: number): string => randomBytes(length).toString('base64url');

  it('is in no file, whatever its size and however many rows came and went beside it', async () => {
    const records = fc.array(fc.tuple(fc.integer({ min: 12, max: 9_000 }), fc.boolean()), {
      minLength: 1,
      maxLength: 12,
    });
    const property = fc.asyncProperty(fc.array(records, { minLength: 1, maxLength: 4 }), async (sheets) => {
      const read = await FixtureIndex.open('hospital');
      try {
        const gone: string[] = [];
        for (const sheet of sheets) gone.push(...(await writeAndPurge(read, sheet)));
        expect(await read.stores.forget(true)).to.equal(true);
        for (const secret of gone) expect(filesWith(secret, read)).to.deep.equal([]);
      } finally {
        await read.close();
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });

  /** The beginnings of the texts that are purged. */
  async function writeAndPurge(read: FixtureIndex, sheet: [number, boolean][]): Promise<string[]> {
    const all = sheet.map(([length, isErased]) => {
      const secret = secretOf(length);
      const identifier = [{ system: 'urn:example:mrn', value: secret.slice(0, 200) }];
      return { secret, isErased, record: anchored('Observation', { note: [{ text: secret }], identifier }) };
    });
    const writes = sheetWrites(all.map(({ record }) => record));
    await read.block({ privateWrites: writes });
    const erased = all.filter(({ isErased }) => isErased);
    if (erased.length === 0) return [];
    const ids = erased.map(({ record }) => record.id);
    await read.block(purging(...ids.map((id) => erasedMark(id))));
    await read.block(purging(...purgeWrites(writes, ids)));
    return erased.map(({ secret }) => secret.slice(0, 16));
  }

  it('is not where SQLite had it before it moved it to another page, either', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'telemed-moved-'));
    const stores = await openSqliteStores(directory, 0);
    try {
      // The same texts in every run: without being written anew the file holds some of those that are deleted.
      const textOf = (kind: string, index: number) => createHash('sha256').update(`${kind} ${index}`).digest('hex');
      const value = (index: number) => textOf('value', index).repeat(1 + (index % 5));
      const rowOf = (index: number) => ({
        ...{
          parameter: 'identifier',
          type: 'Observation',
          patient: '',
          id: textOf('id', index),
          collection: 'care_Hospital',
        },
        ...{ system: 'urn:example:mrn', value: value(index), place: 0, ranged: 0, low: 0, high: 0, seal: '' },
      });
      const deleted: string[] = [];
      for (let round = 0; round < MOVING.rounds; round += 1) {
        const rows = Array.from({ length: MOVING.rows }, (_, index) => rowOf(round * MOVING.rows + index));
        await stores.writing.insertInto('search_values').values(rows).execute();
        const going = rows.slice(0, MOVING.deleted).map(({ id }) => id);
        await stores.writing.deleteFrom('search_values').where('id', 'in', going).execute();
        deleted.push(...going);
      }
      expect(await stores.forget(true)).to.equal(true);
      const bytes = readFileSync(join(directory, 'index.sqlite'), 'latin1');
      expect(deleted.filter((id) => bytes.includes(id))).to.deep.equal([]);
    } finally {
      await stores.close();
      rmSync(directory, { recursive: true });
    }
  });

  it('of a process that was killed before it forgot it is gone when it is opened again', async () => {
    const secret = secretOf(60);
    const record = anchored('Observation', { note: [{ text: secret }] });
    const writes = sheetWrites([record]);
    await fixture.block({ privateWrites: writes });
    await fixture.block(purging(erasedMark(record.id), ...purgeWrites(writes, [record.id])));
    expect(filesWith(secret)).to.deep.equal(['index.sqlite-wal']);
    await fixture.reopen();
    expect(filesWith(secret)).to.deep.equal([]);
  });

  it('is tried again where a reader is in the way, whom nobody waits for', async () => {
    await fixture.block({ privateWrites: sheetWrites([anchored('Observation', {})]) });
    const reader = openSqlite<{ versions: { id: string } }>(fixture.file, { durability: 'NORMAL', readOnly: true });
    let isRead: (() => void) | undefined;
    const read = reader.transaction().execute(async (db) => {
      await db.selectFrom('versions').select('id').execute();
      await new Promise<void>((resolve) => {
        isRead = resolve;
      });
    });
    await until(() => isRead !== undefined);
    await fixture.block({ privateWrites: sheetWrites([anchored('Observation', { id: randomUUID() })]) });
    const results: boolean[] = [];
    const forgetting = new Forgetting(
      async (isNew) => {
        const isDone = await fixture.stores.forget(isNew);
        results.push(isDone);
        return isDone;
      },
      silent,
      TIMES,
    );
    const began = performance.now();
    forgetting.nudge();
    await until(() => results.length >= 1);
    expect(performance.now() - began).to.be.below(1_000);
    isRead?.();
    await read;
    await until(() => results.at(-1) === true);
    expect(results[0]).to.equal(false);
    await forgetting.stop();
    await reader.destroy();
  });

  it('is forgotten together with what was deleted about the same time', async () => {
    let times = 0;
    const forgetting = new Forgetting(
      async () => {
        times += 1;
        return true;
      },
      silent,
      TIMES,
    );
    for (let count = 0; count < 10; count += 1) forgetting.nudge();
    await until(() => times === 1);
    forgetting.nudge();
    await until(() => times === 2);
    await forgetting.stop();
    forgetting.nudge();
    expect(times).to.equal(2);
  });
});
