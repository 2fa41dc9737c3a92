/** Codes that link records: once, for a while, by one token, through a restart and a kill. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import { type DatabaseKind, onEachDatabase, sqlite } from '../../index/databases.fixture.ts';
import type { Stores } from '../../index/schema.ts';
import { openStores } from '../../index/stores.ts';
import { LinkCodes } from './codes.ts';

const silent = pino({ level: 'silent' });
const MINUTE_MS = 60_000;

onEachDatabase('Codes that link records', (kind: DatabaseKind) => {
  let place: Awaited<ReturnType<DatabaseKind['place']>>;
  let stores: Stores;
  let now = Date.parse('2026-03-01T10:00:00.000Z');
  const opened = () => new LinkCodes(stores.journal, () => now);
  beforeEach(async () => {
    place = await kind.place();
    stores = await openStores(place, silent);
  });
  afterEach(async () => {
    await stores?.close();
    place?.remove();
  });

  it('outlast a restart', async () => {
    const { code, expiresAt } = await opened().take('one');
    expect(Date.parse(expiresAt) - now).to.equal(10 * MINUTE_MS);
    await stores.close();
    stores = await openStores(place, silent);
    expect(await opened().redeem(code, 'two')).to.equal('one');
    expect(await opened().redeem(code, 'three')).to.equal(undefined);
  });

  it('are one token’s once it gave them back, until they are spent; then nobody’s', async () => {
    const codes = opened();
    const { code } = await codes.take('one');
    const by = ['two', 'three', 'four', 'five'];
    const redeemed = await Promise.all(by.map((one) => codes.redeem(code, one)));
    expect(redeemed.filter((one) => one !== undefined)).to.deep.equal(['one']);
    const claimer = by[redeemed.indexOf('one')]!;
    expect(await codes.redeem(code, claimer)).to.equal('one');
    await codes.spend(code);
    for (const one of by) expect(await codes.redeem(code, one)).to.equal(undefined);
    expect(await codes.redeem('no-such-code', 'two')).to.equal(undefined);
  });

  it('are over after ten minutes, and forgotten; of one patient the newest are kept', async () => {
    const codes = opened();
    const { code } = await codes.take('one');
    const later = await codes.take('other');
    now += 10 * MINUTE_MS;
    expect(await codes.redeem(code, 'two')).to.equal(undefined);
    expect(await codes.redeem(later.code, 'two')).to.equal(undefined);
    const taken: string[] = [];
    for (let count = 0; count < 12; count += 1) {
      taken.push((await codes.take('one')).code);
      now += 1;
    }
    const rows = await stores.journal.selectFrom('link_codes').selectAll().execute();
    expect(rows.map(({ patient }) => patient)).to.deep.equal(Array.from({ length: 10 }, () => 'one'));
    expect(JSON.stringify(rows)).to.not.include(taken.at(-1));
    expect(await codes.redeem(taken[0]!, 'two')).to.equal(undefined);
    expect(await codes.redeem(taken.at(-1)!, 'two')).to.equal('one');
  });
});

describe('A code that was answered', function () {
  this.timeout(20_000);
  it('counts after its gateway is killed at once', async () => {
    const { dataDir, remove } = await sqlite.place();
    const room = join(import.meta.dirname, '../..');
    const program = `
      import { openStores } from ${JSON.stringify(join(room, 'index/stores.ts'))};
      import { LinkCodes } from ${JSON.stringify(join(room, 'subjects/links/codes.ts'))};
      const { journal } = await openStores({ dataDir: ${JSON.stringify(dataDir)} }, console);
      const { code } = await new LinkCodes(journal).take('one');
      process.stdout.write(code, () => process.kill(process.pid, 'SIGKILL'));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [said, faults]: string[][] = [[], []];
    child.stdout.on('data', (piece: Buffer) => said!.push(String(piece)));
    child.stderr.on('data', (piece: Buffer) => faults!.push(String(piece)));
    const [, signal] = await once(child, 'close');
    expect(signal, faults!.join('')).to.equal('SIGKILL');
    const stores = await openStores({ dataDir }, silent);
    try {
      expect(await new LinkCodes(stores.journal).redeem(said!.join(''), 'two')).to.equal('one');
    } finally {
      await stores.close();
      remove();
    }
  });
});
