/** The desk's journal: of several who take a claim at once one has it, and what is noted is kept once. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { pino } from 'pino';
import { type DatabaseKind, onEachDatabase } from '../../index/databases.fixture.ts';
import type { Stores } from '../../index/schema.ts';
import { openStores } from '../../index/stores.ts';
import { DeskJournal } from './desk-journal.ts';

const silent = pino({ level: 'silent' });
const [ANN, BEN, CID] = ['Practitioner/ann', 'Practitioner/ben', 'Practitioner/cid'] as const;

onEachDatabase('The journal of a claims desk', (kind: DatabaseKind) => {
  let place: Awaited<ReturnType<DatabaseKind['place']>>;
  let stores: Stores;
  let desk: DeskJournal;
  let claim: string;
  beforeEach(async () => {
    place = await kind.place();
    stores = await openStores(place, silent);
    desk = new DeskJournal(stores.journal);
    claim = randomUUID();
  });
  afterEach(async () => {
    await stores?.close();
    place?.remove();
  });

  const assign = async (assignee?: string, instead?: string): Promise<string | null | undefined> =>
    (await desk.assign({ claim, assignee, instead, by: 'someone' }))?.assignee;

  it('gives a claim to one of many who take it at once, whatever was there before', async () => {
    const takers = Array.from({ length: 20 }, (_, index) => `Practitioner/${index}`);
    for (const round of ['never had', 'given back']) {
      const seen = await Promise.all(takers.map((one) => assign(one)));
      const [owner] = new Set(seen);
      expect(new Set(seen).size, round).to.equal(1);
      expect(takers).to.include(owner);
      expect(await assign(undefined, owner!)).to.equal(null);
    }
  });

  it('hands it over from whom the caller knows, once, and from nobody else', async () => {
    expect(await assign(ANN)).to.equal(ANN);
    expect(await assign(BEN)).to.equal(ANN);
    expect(await assign(BEN, CID)).to.equal(ANN);
    expect(await assign(undefined, CID)).to.equal(ANN);
    const handed = await Promise.all([assign(BEN, ANN), assign(CID, ANN), assign(undefined, ANN)]);
    expect(new Set(handed).size).to.equal(1);
    const { since } = (await desk.of(claim))!;
    const [has] = handed;
    if (has != null) {
      expect(await assign(has)).to.equal(has);
      expect(await assign(has, has)).to.equal(has);
      expect((await desk.of(claim))!.since).to.equal(since);
    }
  });

  it('finds claims by who works on them, also after a restart', async () => {
    const others = [randomUUID(), randomUUID()];
    await assign(ANN);
    for (const other of others) await desk.assign({ claim: other, assignee: BEN, instead: undefined, by: 'someone' });
    await stores.close();
    stores = await openStores(place, silent);
    desk = new DeskJournal(stores.journal);
    expect(await desk.claimsOf(ANN)).to.deep.equal([claim]);
    expect(await desk.claimsOf(BEN)).to.have.members(others);
    expect(await desk.assignees([claim, ...others, randomUUID()])).to.deep.equal(
      new Map([[claim, ANN] as const, ...others.map((one) => [one, BEN] as const)]),
    );
    expect(await desk.assignees([])).to.deep.equal(new Map());
  });

  it('keeps a note once and unchanged, oldest first', async () => {
    const at = ['2026-03-01T10:00:00.000Z', '2026-03-01T09:00:00.000Z', '2026-03-01T11:00:00.000Z'];
    const clocked = new DeskJournal(stores.journal, () => at.shift()!);
    const [later, earlier] = [randomUUID(), randomUUID()];
    const kept = await clocked.note({ claim, id: later, author: ANN, text: 'called the practice' });
    await clocked.note({ claim, id: earlier, author: BEN, text: 'waits for the report' });
    expect(await clocked.note({ claim, id: later, author: BEN, text: 'something else' })).to.deep.equal(kept);
    expect((await clocked.notes(claim)).map(({ id, author }) => [id, author])).to.deep.equal([
      [earlier, BEN],
      [later, ANN],
    ]);
    expect(await clocked.notes(randomUUID())).to.deep.equal([]);
  });
});
