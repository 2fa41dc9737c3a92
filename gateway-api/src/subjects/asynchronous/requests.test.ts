/** How many requests of a client are kept, and that no more are begun than it may have under way. */
import { expect } from 'chai';
import { until } from '../../consortium.fixture.ts';
import type { AsyncWork, Made } from '../../fhir/asynchronous.ts';
import { sqlite } from '../../index/databases.fixture.ts';
import { openStores } from '../../index/stores.ts';
import { AsyncRequests } from './requests.ts';

const QUIET = { error: () => undefined, warn: () => undefined };
const [ONE, OTHER] = [
  { subject: 'one', role: 'system' },
  { subject: 'other', role: 'system' },
] as const;
const madeOf = (bytes = 1): Made => ({ files: new Map([['Patient', { text: Buffer.alloc(bytes), count: 1 }]]) });

describe('Requests that are answered later', () => {
  let stores: Awaited<ReturnType<typeof openStores>>;
  let remove: () => void;
  beforeEach(async () => {
    const place = await sqlite.place();
    remove = place.remove;
    stores = await openStores(place, QUIET as never);
  });
  afterEach(async () => {
    await stores.close();
    remove();
  });

  const work = (run: AsyncWork['run'], caller: AsyncWork['caller'] = ONE): AsyncWork => ({
    ...{ caller, request: 'http://x', isWrite: false, isBundle: false, run },
  });
  const idOf = (place: string): string => place.split('/')[1] ?? '';

  it('are eight under way of one client, whatever others have', async () => {
    const requests = new AsyncRequests(stores.journal, QUIET);
    const free: ((made: Made) => void)[] = [];
    const waiting = () => new Promise<Made>((resolve) => free.push(resolve));
    for (let index = 0; index < 8; index += 1) await requests.begin(work(waiting));
    const refused = await requests.begin(work(waiting)).catch((error: { status: number }) => error.status);
    expect(refused).to.equal(429);
    await requests.begin(work(waiting, OTHER));
    for (const end of free) end(madeOf());
    await until(async () => (await requests.begin(work(waiting)).catch(() => '')) !== '');
    requests.end();
  });

  it('go, the first of a client’s first, where it has more than is kept', async () => {
    const requests = new AsyncRequests(stores.journal, QUIET);
    const ids: string[] = [];
    const isDone = (id: string) => async () => (await requests.of(ONE, id))?.is === 'done';
    for (let index = 0; index < 4; index += 1) {
      ids.push(idOf(await requests.begin(work(async () => madeOf(10 * 1024 * 1024)))));
      await until(isDone(ids[index]!));
    }
    const states = await Promise.all(ids.map(async (id) => (await requests.of(ONE, id))?.is));
    expect(states).to.deep.equal(['lost', 'done', 'done', 'done']);
    expect(await requests.of(OTHER, ids[3]!)).to.equal(undefined);
    requests.end();
  });

  it('expire', async () => {
    let now = Date.now();
    const requests = new AsyncRequests(stores.journal, QUIET, () => now);
    const id = idOf(await requests.begin(work(async () => madeOf())));
    await until(async () => (await requests.of(ONE, id))?.is === 'done');
    now += 3_600_001;
    expect(await requests.of(ONE, id)).to.equal(undefined);
    requests.end();
  });

  it('are made again where something was erased while they were under way, and a write is not', async () => {
    const requests = new AsyncRequests(stores.journal, QUIET);
    const runs = { read: 0, write: 0 };
    const ends: (() => void)[] = [];
    const running = (name: 'read' | 'write') => () =>
      new Promise<Made>((resolve) => {
        runs[name] += 1;
        ends.push(() => resolve({ ...madeOf(), bare: new Map() }));
      });
    const read = idOf(await requests.begin(work(running('read'))));
    const write = idOf(await requests.begin({ ...work(running('write')), isWrite: true }));
    requests.forgetContents();
    for (const end of ends.splice(0)) end();
    await until(async () => (await requests.of(ONE, write))?.is === 'done');
    expect(await requests.of(ONE, write)).to.deep.include({ files: new Map() });
    await until(async () => {
      for (const end of ends.splice(0)) end();
      return (await requests.of(ONE, read))?.is === 'done';
    });
    expect(runs).to.deep.equal({ read: 2, write: 1 });
    requests.end();
  });
});
