import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { onEachDatabase } from '../index/databases.fixture.ts';
import { FixtureIndex } from '../index/index.fixture.ts';
import { type NewWish, WishJournal } from './wishes.ts';

onEachDatabase('The journal of wishes', (kind) => {
  let fixture: FixtureIndex;
  let journal: WishJournal;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('patients', kind);
    journal = new WishJournal(fixture.stores.journal, fixture.stores.journalLazily);
  });
  afterEach(() => fixture.close());

  const wishOf = (fields: Partial<NewWish> = {}): NewWish => ({
    ...{ id: randomUUID(), kind: 'amend', patient: 'p1', consent: 'c1', provider: 'hospital' },
    ...{ draft: '{"version":2}', caller: null, key: null, promised: null },
    ...fields,
  });
  const add = async (fields: Partial<NewWish> = {}): Promise<string> => {
    const wish = wishOf(fields);
    await journal.add(wish);
    return wish.id;
  };
  const idsOf = async (found: Promise<{ id: string }[]>) => (await found).map(({ id }) => id);
  const next = (count = 100, after = 0) => journal.next({ count, after });

  it('keeps their order, however many come at once', async () => {
    const wishes = Array.from({ length: 30 }, () => wishOf());
    await Promise.all(wishes.map((wish) => journal.add(wish)));
    const ids = wishes.map(({ id }) => id);
    expect(await idsOf(journal.pendingOf('p1'))).to.deep.equal(ids);
    const [first] = await journal.page(undefined, { count: 10 });
    expect(await idsOf(journal.page('p1', { count: 30, after: first!.sequence }))).to.deep.equal(ids.slice(1));
    expect(await journal.page('p2', { count: 30 })).to.deep.equal([]);
    expect(await journal.count()).to.equal(30);
  });

  it('has of each patient the first sent next, and every revocation', async () => {
    const one = await add();
    await add();
    const other = await add({ patient: 'p2' });
    const revocations = [await add({ kind: 'revoke', draft: null }), await add({ kind: 'revoke', draft: null })];
    expect(await idsOf(next())).to.deep.equal([one, other, ...revocations]);
    const [first] = await next(1);
    expect(first?.id).to.equal(one);
    expect(await idsOf(next(2, first!.sequence))).to.deep.equal([other, revocations[0]]);
  });

  it('finds what is pending under a key of its caller', async () => {
    const id = await add({ caller: 'me', key: 'k', promised: '{"requestHash":"a"}' });
    expect(await journal.under('me', 'k')).to.include({ id, promised: '{"requestHash":"a"}' });
    expect(await journal.under('you', 'k')).to.equal(undefined);
    await journal.end(id, { status: 'refused', reason: 'no' });
    expect(await journal.under('me', 'k')).to.equal(undefined);
  });

  it('notes how they end, once, and forgets what was asked', async () => {
    const id = await add({ promised: '{}' });
    await journal.tried(id, ['hospital', 'clinic']);
    expect(await journal.find(id)).to.include({ status: 'pending', waits_for: 'hospital,clinic' });
    await journal.end(id, { status: 'done', version: 2, transactionId: 't1' });
    const done = { status: 'done', version: 2, transaction_id: 't1', draft: null, promised: null, waits_for: null };
    expect(await journal.find(id)).to.include(done);
    await journal.end(id, { status: 'refused', reason: 'too late' });
    expect(await journal.find(id)).to.include(done);
    expect(await next()).to.deep.equal([]);
  });

  it('lets what was superseded turn out to be done, and nothing else', async () => {
    const id = await add();
    await journal.end(id, { status: 'superseded' });
    await journal.end(id, { status: 'refused', reason: 'no' });
    expect(await journal.find(id)).to.include({ status: 'superseded', reason: null });
    await journal.end(id, { status: 'done', version: 2, transactionId: 't1' });
    expect(await journal.find(id)).to.include({ status: 'done', version: 2 });
  });

  it('forgets what has ended long ago, and never what is pending', async () => {
    const [pending, ended, forgotten] = [await add(), await add(), await add()];
    await journal.end(ended, { status: 'superseded' });
    await journal.forget(forgotten);
    await journal.prune(1);
    expect(await idsOf(journal.page(undefined, { count: 10 }))).to.deep.equal([pending, ended]);
    await journal.prune(-1);
    expect(await idsOf(journal.page(undefined, { count: 10 }))).to.deep.equal([pending]);
  });

  it('is there again when the gateway is', async () => {
    const id = await add();
    await fixture.reopen();
    const { stores } = fixture;
    expect(await idsOf(new WishJournal(stores.journal, stores.journalLazily).pendingOf('p1'))).to.deep.equal([id]);
  });
});
