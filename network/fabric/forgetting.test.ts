import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ClassicLevel } from 'classic-level';
import { forgetPurged, rewriteStore, settleStore } from './forgetting.ts';
import type { PeerLayout } from './layout.ts';

const SECRET = 'text-that-was-purged';
const KEPT = 3000;

describe("Rewriting a peer's store", function () {
  this.timeout(10_000);
  let directory: string;
  let store: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'forgetting-'));
    store = join(directory, 'store');
    const database = await open();
    for (let index = 0; index < KEPT; index += 1) await database.put(`kept/${index}`, `value ${index}`);
    for (const key of ['a', 'kept/5', 'z']) await database.put(key, `${SECRET} ${key}`);
    for (const key of ['a', 'z']) await database.del(key);
    await database.put('kept/5', 'value 5');
    await database.close();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function open(): Promise<ClassicLevel<string, string>> {
    const database = new ClassicLevel<string, string>(store);
    await database.open();
    return database;
  }
  const remembering = (): string[] =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => {
      const isStored = /\.(log|ldb)$/.test(name);
      return isStored && readFileSync(join(directory, name), 'latin1').includes(SECRET);
    });
  async function expectWhole(): Promise<void> {
    const database = await open();
    const entries = new Map(await database.iterator().all());
    await database.close();
    expect(entries.size).to.equal(KEPT);
    for (let index = 0; index < KEPT; index += 1) expect(entries.get(`kept/${index}`)).to.equal(`value ${index}`);
  }

  it('leaves nothing of what was removed and overwritten, and all that is kept', async () => {
    expect(remembering()).not.to.deep.equal([]);
    await rewriteStore(store);
    expect(remembering()).to.deep.equal([]);
    await expectWhole();
    expect(readdirSync(directory)).to.deep.equal(['store']);
  });

  const INTERRUPTED: Record<string, () => void> = {
    'while the new store was written': () => mkdirSync(`${store}.fresh`),
    'when the old store had made room': () => {
      mkdirSync(`${store}.fresh`);
      renameSync(store, `${store}.former`);
    },
    'before the old store was removed': () => mkdirSync(`${store}.former`),
  };
  for (const [when, interrupt] of Object.entries(INTERRUPTED)) {
    it(`may be interrupted ${when}, and repeated or left`, async () => {
      interrupt();
      await settleStore(store);
      expect(readdirSync(directory)).to.deep.equal(['store']);
      await expectWhole();
      interrupt();
      await rewriteStore(store);
      expect(remembering()).to.deep.equal([]);
      await expectWhole();
      expect(readdirSync(directory)).to.deep.equal(['store']);
    });
  }

  it('refuses while something listens where the peer would', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const stores = join(directory, 'data', 'ledgersData');
    mkdirSync(stores, { recursive: true });
    renameSync(store, join(stores, 'stateLeveldb'));
    const peer = { directory, port, process: 'peer-hospital' } as PeerLayout;
    const refused = await forgetPurged(peer, 100).catch((error: Error) => error.message);
    expect(refused).to.contain('peer-hospital still runs');
    expect(remembering()).not.to.deep.equal([]);
    await new Promise((resolve) => server.close(resolve));
    await forgetPurged(peer);
    expect(remembering()).to.deep.equal([]);
  });

  it('refuses a store that is in use, and leaves it', async () => {
    const database = await open();
    try {
      const refused = await rewriteStore(store).catch((error: Error) => error.message);
      expect(refused).to.contain('cannot be opened');
    } finally {
      await database.close();
    }
    await expectWhole();
    expect(existsSync(`${store}.former`)).to.equal(false);
  });
});
