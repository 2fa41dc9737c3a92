/**
 * The drill on the embedded network: the hospital is backed up while everything runs, all that it has is lost, and it is
 * restored. Private data and read model are what they were, and what was erased after the backup is in no file.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeDirectory } from '@telemed-ledger/network/embedded/ledger/directories.ts';
import { openDatabase } from '@telemed-ledger/network/embedded/ledger/state/store.ts';
import { type Manifest, readArchive, writeArchive } from '@telemed-ledger/scripts/backup/archive.ts';
import { assertRestored } from '@telemed-ledger/scripts/backup/contents.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { type Outcome, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect } from 'chai';
import { ConsortiumProcess } from '../faults/process.fixture.ts';
import { Drill, ORGANISATION } from './drill.fixture.ts';

/** How the hospital's private state begins in the store. */
const STATE = Buffer.from(`p${ORGANISATION}\0`).toString('hex');

describe('Backup and restore of an organisation, on the embedded network (on Linux only)', function () {
  this.timeout(240_000);
  const drill = new Drill();
  let directory: string;
  let dataDir: string;
  let consortium: ConsortiumProcess;
  let parties: Parties;
  let shown: string;
  let held: string[];
  let identity: string;
  let recipient: string;
  let manifest: Manifest;

  before(async function () {
    // The tree of processes is found through /proc.
    if (process.platform !== 'linux') return this.skip();
    directory = mkdtempSync(join(tmpdir(), 'restore-'));
    dataDir = join(directory, 'data');
    identity = await generateX25519Identity();
    recipient = await identityToRecipient(identity);
    writeFileSync(join(directory, 'key.txt'), `# created by age-keygen\n${identity}\n`);
    await start();
    await drill.recordBefore(parties);
  });
  after(async () => {
    parties?.close();
    await consortium?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    consortium = await ConsortiumProcess.start(dataDir);
    parties = new Parties({ dataDir, urls: consortium.urls });
  }
  async function stop(): Promise<void> {
    parties.close();
    await consortium.stop();
  }
  const own = (): string => join(dataDir, 'organisations', ORGANISATION);
  const file = (): string => join(directory, 'hospital.backup');
  const command = (...args: string[]): Promise<Outcome> => runNetwork(args, { DATA_DIR: dataDir });
  const restore = (from = file(), org = ORGANISATION): Promise<Outcome> =>
    runNetwork(['restore', from, '--org', org, '--identity', join(directory, 'key.txt')], { DATA_DIR: dataDir });

  /** Of the store: the hospital's private state, and what all members keep with the blocks. */
  async function entries(change: 'read' | 'remove'): Promise<string[]> {
    const database = await openDatabase(storeDirectory(join(dataDir, 'network')));
    try {
      const found: string[] = [];
      for await (const [key, value] of database.iterator({})) {
        const isPrivate = key.toString('latin1').startsWith(`p${ORGANISATION}\0`) || key[0] === 'w'.charCodeAt(0);
        if (isPrivate) found.push(`${key.toString('hex')} ${value.toString('hex')}`);
        if (isPrivate && change === 'remove') await database.del(key);
      }
      return found;
    } finally {
      await database.close();
    }
  }

  it('is made while everything runs, for whoever has the key, who is named', async () => {
    const made = await command('backup', '--org', ORGANISATION, '--to', file(), '--recipient', recipient);
    expect(made, made.error).to.deep.include({ code: 0, error: '' });
    expect(made.out).to.match(/^hospital as of block \d+ of \S+: \d+ files,$/m);
    expect(drill.filesWithErased(dataDir)).not.to.deep.equal([]);
    expect(readFileSync(file(), 'latin1')).to.match(/^age-encryption\.org\/v1\n/);
    const open = await command('backup', '--org', ORGANISATION, '--to', join(directory, 'open'));
    expect([open.code, existsSync(join(directory, 'open'))]).to.deep.equal([2, false]);
    await drill.changeAfter(parties);
    shown = await drill.shown(parties);
  });

  it('is not restored while the consortium runs, over anything, as another, changed, or to another channel', async () => {
    expect((await restore()).error).to.contain('another consortium is running');
    await stop();
    expect((await restore()).error).to.contain(`a restore overwrites nothing: ${own()}`);
    expect((await restore(file(), 'clinic')).error).to.contain('the backup is of hospital');
    const changed = join(directory, 'changed');
    const bytes = readFileSync(file());
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(changed, bytes);
    expect((await restore(changed)).error).to.contain(`${changed} is not used`);
    const [unpacked, other] = [join(directory, 'unpacked'), join(directory, 'other')];
    manifest = await readArchive(file(), unpacked, [identity]);
    const { files: _, format: __, ...about } = manifest;
    await writeArchive(unpacked, { ...about, genesis: about.lastBlock }, other, []);
    rmSync(unpacked, { recursive: true });
    expect((await restore(other)).error).to.contain('the backup is of another channel');
  });

  it('restores what was lost, says from where and what is lost for good, and erases again', async () => {
    held = await entries('remove');
    rmSync(own(), { recursive: true });
    // As an attempt leaves it that was killed.
    mkdirSync(own());
    writeFileSync(join(own(), 'restoring.json'), JSON.stringify(manifest));
    writeFileSync(join(own(), 'half-written'), '');
    expect(() => assertRestored([own()])).to.throw('a restore has not come to its end');
    const restored = await restore();
    expect(restored, restored.error).to.deep.include({ code: 0, error: '' });
    expect(readdirSync(own())).not.to.include.members(['half-written', 'restoring.json']);
    assertRestored([own()]);
    expect(restored.out).to.match(/^hospital is restored from the backup of \S+, which ends with block \d+$/m);
    expect(restored.out).to.match(/^\d+ × a private value ← patients's private state$/m);
    expect(restored.out).to.match(/^\d+ × private data kept for delivery ← the backup$/m);
    expect(restored.out).to.match(/^since the backup: [1-9]\d* blocks/m);
    expect(restored.out).to.match(/^lost: .*Idempotency-Keys of [1-9]\d* transactions/m);
    const now = await entries('read');
    const ofState = (all: string[]): string[] => all.filter((entry) => entry.startsWith(STATE));
    expect(ofState(now)).to.deep.equal(ofState(held));
    // With the blocks others' sets are kept too, of which the hospital's backup has none; and sets all of whose values were purged.
    const before = new Map(held.map((entry) => entry.split(' ') as [string, string]));
    const more = now
      .map((entry) => entry.split(' '))
      .filter(([key = '', value = '']) => !before.get(key)?.includes(value));
    expect(more).to.deep.equal([]);
    expect(now.length).to.be.greaterThan(ofState(now).length);
    await start();
    expect(await drill.shown(parties)).to.equal(shown);
    await drill.assertRight(parties, dataDir);
  });
});
