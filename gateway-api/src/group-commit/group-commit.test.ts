import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { Failure } from '../http/failures.ts';
import type { Sender } from '../ledger/client.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import { FakeLedger, type Fate, type Item, itemAtFault } from './fake-ledger.fixture.ts';
import { GroupCommit, type GroupLimits } from './group-commit.ts';

const LIMITS: GroupLimits = {
  inFlight: 1,
  spread: 100,
  items: 100,
  bytes: 10_000,
  writes: 1_000,
  budgetMs: 60_000,
  gatherShare: 0,
  gatherMs: 0,
};
const as: Sender = { role: 'system' };

/** A ledger whose transactions stop at each step until the test lets them go on. */
function stepwise() {
  const waiting: (() => void)[] = [];
  const step = () => new Promise<void>((resolve) => waiting.push(resolve));
  const ledger = new FakeLedger({ step });
  /** Lets everything that waits take one step, and whatever follows from it happen. */
  const proceed = async () => {
    for (const go of waiting.splice(0)) go();
    await arrived();
  };
  const finish = async () => {
    await arrived();
    while (waiting.length > 0) await proceed();
  };
  return { ledger, proceed, finish };
}

/** Everything that waits for nothing has happened. */
const arrived = () => new Promise(setImmediate);

function groupsOn(ledger: FakeLedger, limits: Partial<GroupLimits> = {}) {
  const apart: (string | undefined)[] = [];
  const groups = new GroupCommit<Item>({
    send: ledger.send,
    itemAtFault,
    limits: { ...LIMITS, ...limits },
    onApart: (refusal) => apart.push(refusal),
  });
  const write = (ids: string | string[], more: { caller?: string; as?: Sender; fate?: Fate; bytes?: number } = {}) => {
    const { caller = 'one', fate = 'sound', bytes = 1 } = more;
    const items = [ids].flat().map((id): Item => ({ id, version: 1, fate }));
    const targets = items.map(({ id }) => id);
    return groups.write({ as: more.as ?? as, caller, items, bytes, targets, beforeSubmit: undefined });
  };
  return { groups, write, apart };
}

const idsOf = ({ items }: { items: Item[] }) => items.map(({ id }) => id).join(' ');
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

describe('Group commit', () => {
  it('sends the first write at once, and what came meanwhile together', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger);
    const first = write('a');
    await arrived();
    expect(ledger.sent.map(idsOf)).to.deep.equal(['a']);
    const others = ['b', 'c', 'd'].map((id) => write(id));
    await finish();
    await Promise.all([first, ...others]);
    expect(ledger.committed.map(idsOf)).to.deep.equal(['a', 'b c d']);
    expect((await others[0])?.transactionId).to.equal((await others[2])?.transactionId);
  });

  it('keeps signing identities apart: neither waits for the other', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger);
    const one = { role: 'practitioner', fhirUser: 'Practitioner/1' } as const;
    const all = [write('a'), write('b', { as: one }), write('c'), write('d', { as: one })];
    await arrived();
    expect(ledger.sent.map(idsOf)).to.deep.equal(['a', 'b']);
    await finish();
    await Promise.all(all);
    expect(ledger.committed.map(({ as: sender, items }) => `${sender.role} ${items[0]?.id}`)).to.have.members([
      'system a',
      'practitioner b',
      'system c',
      'practitioner d',
    ]);
  });

  it('takes callers in turn, so that one with much waiting does not fill the groups', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger, { items: 4 });
    const all = [write('first'), ...Array.from({ length: 8 }, (_, index) => write(`g${index}`, { caller: 'greedy' }))];
    all.push(write('m', { caller: 'modest' }), write('n', { caller: 'other' }));
    await finish();
    await Promise.all(all);
    expect(ledger.committed.map(idsOf)).to.deep.equal(['first', 'g0 m n g1', 'g2 g3 g4 g5', 'g6 g7']);
  });

  it('keeps to the limits of items and bytes, and a write larger than they are travels alone and whole', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger, { items: 3, bytes: 10 });
    const all = [write('first'), write('a', { bytes: 6 }), write('b', { bytes: 6 }), write(['c', 'd', 'e', 'f'])];
    all.push(write('g'), write('h'));
    await finish();
    await Promise.all(all);
    expect(ledger.committed.map(idsOf)).to.deep.equal(['first', 'c d e f', 'a', 'b g h']);
  });

  it('refuses one and writes its neighbours, together again', async () => {
    const { ledger, finish } = stepwise();
    const { write, apart } = groupsOn(ledger);
    const first = write('first');
    const all = [write('a'), write('b', { fate: 'refused' }), write('c'), write('d')];
    const refusal = failureOf(all[1] as Promise<Outcome>);
    await finish();
    await first;
    expect(await refusal).to.include({ code: 'INVALID', expression: 'items[0]' });
    expect(ledger.committed.map(idsOf)).to.deep.equal(['first', 'a c d']);
    expect(apart).to.deep.equal(['INVALID']);
  });

  it('takes a group with many faults apart in rounds that grow as its logarithm', async () => {
    const { ledger, proceed } = stepwise();
    const { write } = groupsOn(ledger);
    const answers = [write('first')];
    for (let index = 0; index < 64; index += 1) {
      answers.push(write(`${index}`, { fate: index % 2 === 0 ? 'refused' : 'sound' }));
    }
    const settled = Promise.allSettled(answers);
    await arrived();
    let rounds = 0;
    for (; ledger.committed.flatMap(({ items }) => items).length < 33; rounds += 1) await proceed();
    // Three steps of the first transaction, one of each round of endorsements, two of the last ones.
    expect(rounds).to.be.at.most(3 + 8 + 2);
    await proceed();
    expect((await settled).map(({ status }) => status).filter((status) => status === 'rejected')).to.have.length(32);
  });

  it('keeps a Bundle whole, whether it or a neighbour is refused', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger);
    const all = [write('first'), write(['a', 'b']), write('x', { fate: 'refused' }), write(['c', 'd'])];
    const broken = write(['e', 'f'], { fate: 'refused' });
    const refused = [all[2] as Promise<Outcome>, broken].map(failureOf);
    await finish();
    expect(await refused[0]).to.include({ code: 'INVALID' });
    expect(await refused[1]).to.include({ code: 'INVALID' });
    expect((await all[1])?.transactionId).to.be.a('string');
    expect(ledger.committed.flatMap(({ items }) => items.map(({ id }) => id))).to.have.members(['first', ...'abcd']);
  });

  it('never has two writes of one target under way, and the second holds up no group', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger);
    const all = [write('a'), write('a'), write('b'), write('c')].map(failureOf);
    await finish();
    expect((await Promise.all(all)).map((error) => error?.code)).to.deep.equal([
      undefined,
      'CONFLICT',
      undefined,
      undefined,
    ]);
    expect(ledger.sent.map(({ items, isShared }) => `${idsOf({ items })} ${isShared}`)).to.have.members([
      'a true',
      'a false',
      'b c true',
    ]);
  });

  for (const [spread, groups] of [
    [2, ['0 1 2', '3 4 5']],
    [4, ['0 1 2 3', '4 5']],
    [9, ['0 1 2 3 4 5']],
  ] as const) {
    it(`spreads what waits over the transactions that may depart, ${spread} writes or more in each`, async () => {
      const { ledger, finish } = stepwise();
      const { write } = groupsOn(ledger, { inFlight: 3, spread, gatherShare: 1, gatherMs: 60_000 });
      const all = [write('first')];
      await finish();
      all.push(write('under way'));
      while (ledger.sent.length < 2) await arrived();
      all.push(...Array.from({ length: 6 }, (_, index) => write(`${index}`)));
      while (ledger.sent.length < 2 + groups.length) await arrived();
      expect(ledger.sent.slice(2).map(idsOf)).to.deep.equal(groups);
      await finish();
      await Promise.all(all);
    });
  }

  it('waits a moment for company while others are under way', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger, { inFlight: 2, gatherShare: 1, gatherMs: 60_000 });
    const all = [write('first')];
    await finish();
    all.push(write('under way'));
    while (ledger.sent.length < 2) await arrived();
    all.push(...['a', 'b', 'c'].map((id) => write(id)));
    while (ledger.sent.length < 3) await arrived();
    expect(ledger.sent.map(idsOf)).to.deep.equal(['first', 'under way', 'a b c']);
    await finish();
    await Promise.all(all);
  });

  it('answers 429 beyond its limit and 503 for what has not been sent when it stops', async () => {
    const { ledger, finish } = stepwise();
    const { groups, write } = groupsOn(ledger, { writes: 3 });
    const all = [write('a'), write('b'), write('c'), write('d')].map(failureOf);
    expect(await all[3]).to.include({ status: 429 });
    await arrived();
    groups.stop();
    expect(await all[1]).to.include({ status: 503 });
    expect(await failureOf(write('e'))).to.include({ status: 503 });
    await finish();
    expect(await all[0]).to.equal(undefined);
    expect(ledger.committed.map(idsOf)).to.deep.equal(['a']);
    expect(groups.writes).to.equal(0);
  });

  it('answers 503 for what waited through most of its budget, without sending it', async () => {
    const { ledger, finish } = stepwise();
    const { write } = groupsOn(ledger, { budgetMs: 50 });
    const first = write('a');
    const late = failureOf(write('b'));
    await new Promise((resolve) => setTimeout(resolve, 60));
    await finish();
    await first;
    expect(await late).to.include({ status: 503 });
    expect(ledger.committed.map(idsOf)).to.deep.equal(['a']);
  });
});

/** One caller's write as a property chooses it. */
interface Wish {
  caller: string;
  as: Sender;
  items: Item[];
  isKeyed: boolean;
}

const fates: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Fate>('sound') },
  ...(['refused', 'lags', 'refused-by-one', 'overtaken', 'lost', 'lost-committed', 'away'] as const).map((fate) => ({
    weight: 1,
    arbitrary: fc.constant<Fate>(fate),
  })),
);
const wishes: fc.Arbitrary<Wish[]> = fc.array(
  fc.record({
    caller: fc.constantFrom('a', 'b', 'c'),
    as: fc.constantFrom<Sender>({ role: 'system' }, { role: 'practitioner', fhirUser: 'Practitioner/1' }),
    items: fc.uniqueArray(
      fc.record({
        // Few ids and versions, so that writes meet.
        id: fc.oneof(fc.uuid(), fc.constantFrom('x', 'y', 'z')),
        version: fc.constantFrom(1, 1, 1, 2),
        fate: fates,
      }),
      { minLength: 1, maxLength: 3, selector: ({ id }) => id },
    ),
    isKeyed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 24 },
);

type Answer = { outcome: Outcome } | { error: unknown; versions: Map<string, number> };

describe('Group commit, whatever comes between', () => {
  it('gives each caller exactly the outcome of its own write; nothing is lost, doubled or split', async () => {
    const property = fc.asyncProperty(fc.scheduler(), wishes, fc.integer({ min: 1, max: 3 }), async (s, all, slots) => {
      const ledger = new FakeLedger({ step: (what) => s.schedule(Promise.resolve(), what) });
      const limits = { ...LIMITS, inFlight: slots, items: 8 };
      const groups = new GroupCommit<Item>({ send: ledger.send, itemAtFault, limits });
      const stored = new Map<Wish, string[]>();
      const answerOf = async (wish: Wish): Promise<Answer> => {
        const { caller, items } = wish;
        await s.schedule(Promise.resolve(), 'arrive');
        const beforeSubmit = async (transactionId: string) => {
          expect(ledger.committed.map((taken) => taken.transactionId)).not.to.include(transactionId);
          stored.set(wish, [...(stored.get(wish) ?? []), transactionId]);
        };
        const targets = items.map(({ id }) => id);
        const request = { as: wish.as, caller, items, bytes: 1, targets };
        return groups.write({ ...request, beforeSubmit: wish.isKeyed ? beforeSubmit : undefined }).then(
          (outcome) => ({ outcome }),
          (error: unknown) => ({ error, versions: new Map(ledger.versions) }),
        );
      };
      const answers = all.map(answerOf);
      await s.waitIdle();
      (await Promise.all(answers)).forEach((answer, index) => {
        const wish = all[index] as Wish;
        checkAnswer(wish, answer, { ledger, all, stored: stored.get(wish) ?? [] });
      });
      checkLedger(ledger, all, limits.items);
      expect(groups.writes).to.equal(0);
    });
    await fc.assert(property, { numRuns: 400 });
  }).timeout(60_000);
});

/** Where this write's items were committed. */
const takenWith = (ledger: FakeLedger, wish: Wish) =>
  ledger.committed.filter(({ items }) => wish.items.some((item) => items.includes(item)));

interface Story {
  ledger: FakeLedger;
  all: readonly Wish[];
  /** Transaction ids that were stored for the write before they were submitted. */
  stored: readonly string[];
}

/** What ends well alone. */
const PASSING_FATES: readonly Fate[] = ['sound', 'lags', 'refused-by-one'];
const SHARED_FATES: readonly Fate[] = ['away', 'lost', 'lost-committed'];

/** Whether a write must succeed: new records, and no neighbour that takes the whole transaction with it. */
function isSafe({ items }: Wish, all: readonly Wish[]): boolean {
  const everything = all.flatMap((wish) => wish.items);
  if (everything.some(({ fate }) => SHARED_FATES.includes(fate))) return false;
  return items.every(
    ({ id, version, fate }) =>
      PASSING_FATES.includes(fate) && version === 1 && everything.filter((other) => other.id === id).length === 1,
  );
}

function checkAnswer(wish: Wish, answer: Answer, { ledger, all, stored }: Story): void {
  const taken = takenWith(ledger, wish);
  if ('outcome' in answer) {
    expect(taken.map(({ transactionId }) => transactionId)).to.deep.equal([answer.outcome.transactionId]);
    if (wish.isKeyed) expect(stored.at(-1)).to.equal(answer.outcome.transactionId);
    return;
  }
  const { error, versions } = answer;
  expect(isSafe(wish, all), 'a neighbour of a sound write').to.equal(false);
  if (error instanceof Failure && error.status === 504) {
    const named = error.headers['X-Transaction-Id'];
    expect(taken.every(({ transactionId }) => transactionId === named)).to.equal(true);
    if (wish.isKeyed) expect(stored.at(-1)).to.equal(named);
    return;
  }
  expect(taken, 'what is answered as not written is not written').to.deep.equal([]);
  if (error instanceof Failure) {
    expect(error.status).to.equal(503);
    return;
  }
  // A refusal is of one's own items, and counts them from one's own first.
  expect(error).to.be.instanceOf(LedgerError);
  expect(itemAtFault(error as LedgerError)).to.be.lessThan(wish.items.length);
  const own = wish.items[itemAtFault(error as LedgerError) ?? 0] as Item;
  if ((error as LedgerError).code === 'INVALID') expect(own.fate).to.equal('refused');
  else expect(own.version).to.not.equal((versions.get(own.id) ?? 0) + 1);
}

function checkLedger({ committed, sent }: FakeLedger, all: readonly Wish[], limit: number): void {
  const written = committed.flatMap(({ items }) => items);
  expect(new Set(written).size, 'nothing twice').to.equal(written.length);
  for (const { as: sender, items } of sent) {
    const members = all.filter((wish) => wish.items.some((item) => items.includes(item)));
    expect(members.every((wish) => wish.as.role === sender.role)).to.equal(true);
    expect(members.every((wish) => wish.items.every((item) => items.includes(item)))).to.equal(true);
    expect(new Set(items.map(({ id }) => id)).size).to.equal(items.length);
    if (members.length > 1) expect(items.length).to.be.at.most(limit);
  }
}
