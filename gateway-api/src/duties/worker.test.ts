import { expect } from 'chai';
import { pino } from 'pino';
import { until } from '../consortium.fixture.ts';
import { silent } from '../index/index.fixture.ts';
import { DutyWorker, type Work } from './worker.ts';

async function* each(items: Iterable<string>): AsyncGenerator<string> {
  yield* [...items];
}

describe('A duty', () => {
  const started: DutyWorker<string>[] = [];
  afterEach(async () => {
    for (const worker of started.splice(0)) await worker.stop();
  });

  const run = (duty: Partial<Work<string>>, intervalMs = 60_000, log = silent) => {
    const whole = {
      name: 'test',
      idOf: (id: string) => id,
      find: async function* () {},
      perform: async () => {},
      ...duty,
    };
    const worker = new DutyWorker(whole, log, intervalMs);
    started.push(worker);
    worker.start();
    return worker;
  };

  it('is done for what there is at the start, and again when told', async () => {
    const todo = new Set(['a', 'b']);
    const done: string[] = [];
    const perform = async (id: string) => {
      todo.delete(id);
      done.push(id);
    };
    const worker = run({ find: () => each(todo), perform });
    await until(() => done.length === 2);
    todo.add('c');
    worker.nudge();
    await until(() => done.length === 3);
    expect(done).to.deep.equal(['a', 'b', 'c']);
  });

  it('looks again for what came while it was at work', async () => {
    let rounds = 0;
    let release = () => {};
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const worker = run({
      find: async function* () {
        rounds += 1;
        if (rounds === 1) await blocked;
        yield* [];
      },
    });
    worker.nudge();
    worker.nudge();
    expect(rounds).to.equal(1);
    release();
    await until(() => rounds === 2);
  });

  it('is tried again when it failed, while others go on', async () => {
    const attempts = new Map<string, number>();
    const todo = new Set(['bad', 'good']);
    run({
      find: () => each(todo),
      perform: async (id) => {
        attempts.set(id, (attempts.get(id) ?? 0) + 1);
        if (id === 'bad' && attempts.get(id) === 1) throw new Error('away');
        todo.delete(id);
      },
    });
    await until(() => todo.size === 0);
    expect([...attempts]).to.have.deep.members([
      ['bad', 2],
      ['good', 1],
    ]);
  });

  it('counts what fails, and says it once however often it is tried', async () => {
    const said: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(JSON.parse(line).msg) });
    let attempts = 0;
    let reason = 'away';
    const worker = run(
      {
        find: () => each(['bad', 'good']),
        perform: async (id) => {
          if (id === 'good') return;
          attempts += 1;
          throw new Error(reason);
        },
      },
      20,
      log,
    );
    await until(() => attempts === 3);
    expect(worker.failing).to.equal(1);
    expect(said).to.have.length(1);
    reason = 'refused';
    await until(() => attempts === 4);
    await until(() => said.length === 2);
  });

  it('keeps nothing waiting but what waits for the same organisation', async () => {
    const todo = new Set(Array.from({ length: 20 }, (_, index) => `hospital ${index}`));
    const begun: string[] = [];
    let isBack = (): void => {};
    const away = new Promise<void>((resolve) => {
      isBack = resolve;
    });
    const worker = run({
      find: () => each(todo),
      laneOf: (id) => id.split(' ')[0]!,
      perform: async (id) => {
        begun.push(id);
        if (id.startsWith('hospital')) await away;
        todo.delete(id);
      },
    });
    await until(() => begun.length === 16);
    todo.add('clinic 1');
    worker.nudge();
    await until(() => begun.includes('clinic 1'));
    expect(begun).to.have.length(17);
    isBack();
    await until(() => todo.size === 0);
    expect(begun).to.have.length(21);
  });

  it('finds again what was too much to wait, and does everything once', async () => {
    const todo = new Set(Array.from({ length: 1_000 }, (_, index) => String(index)));
    const begun: string[] = [];
    run({
      find: () => each(todo),
      perform: async (id) => {
        begun.push(id);
        await new Promise((resolve) => setImmediate(resolve));
        todo.delete(id);
      },
    });
    await until(() => todo.size === 0);
    expect(new Set(begun).size).to.equal(1_000);
    expect(begun).to.have.length(1_000);
  });

  it('does not do once more what a search under way finds after it was done', async () => {
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const begun: string[] = [];
    let searches = 0;
    const worker = run({
      find: async function* () {
        searches += 1;
        yield 'a';
        if (searches > 1) return;
        await held;
        yield 'a';
        yield 'b';
      },
      perform: async (id) => void begun.push(id),
    });
    await until(() => begun.length === 1);
    goOn();
    await until(() => begun.length === 2);
    expect(begun).to.deep.equal(['a', 'b']);
    await worker.stop();
  });

  it('is looked for when it says that there will be more', async () => {
    const due = Date.now() + 300;
    const found: number[] = [];
    run({
      find: async function* () {
        found.push(Date.now());
        yield* [];
      },
      soonest: async () => (Date.now() < due ? due : undefined),
    });
    await until(() => found.some((time) => time >= due));
    expect(found.filter((time) => time < due)).to.have.length(1);
  });

  it('ends with the work in hand', async () => {
    let begun = false;
    let ended = false;
    const worker = run({
      find: () => each(['a']),
      perform: async () => {
        begun = true;
        await new Promise((resolve) => setTimeout(resolve, 30));
        ended = true;
      },
    });
    await until(() => begun);
    await worker.stop();
    expect(ended).to.equal(true);
  });
});
