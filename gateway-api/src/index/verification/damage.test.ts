/** Whatever is changed in the database behind the gateway's back: what is served is refused or right. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { expect } from 'chai';
import { onEachDatabase } from '../databases.fixture.ts';
import { type Damage, everyDamage } from './damage.fixture.ts';
import { type RichIndex, richIndex } from './rich-index.fixture.ts';

/** Which reads look into a table. */
const READ_BY: Record<Exclude<Damage['table'], 'versions'>, RegExp> = {
  checkpoint: /^nothing/,
  transactions: /^receipt/,
  private_values: /^request|^evidence/,
  anchors: /^newest/,
  search_values: /identifier/,
  states: /state|Consent/,
  access_consents: /^copies/,
  erasures: /^erasures/,
  // The custodian's alone.
  carried_reads: /^nothing/,
  // Only what is to be purged is looked for there, and the ledger refuses whatever stands.
  refused_keys: /^nothing/,
  missing: /^(read|history|vread|reference)/,
  leaves: /^leaf/,
  tree_nodes: /^root/,
  cosignatures: /^signatures/,
  witnesses: /^witness/,
};

type Verdict = 'right' | 'refused' | 'less' | 'wrong';

onEachDatabase('a read model that is changed behind its back', function (kind) {
  this.timeout(120_000);
  let rich: RichIndex;
  let damages: Damage[];
  let truth: Map<string, unknown>;
  before(async () => {
    rich = await richIndex(kind);
    damages = await everyDamage(rich.fixture.stores.writing);
    truth = new Map();
    for (const [name, read] of Object.entries(rich.reads)) truth.set(name, await read());
  });
  after(() => rich?.fixture.close());

  /** Nothing of what is shown may be other than before; a list or a lookup may show less. */
  const judge = (before: unknown, now: unknown): Verdict => {
    if (JSON.stringify(now) === JSON.stringify(before)) return 'right';
    if (now === undefined || now === null) return 'less';
    const itemsOf = (answer: unknown): unknown[] =>
      Array.isArray(answer)
        ? answer.flat()
        : ((answer as { matches?: unknown[] }).matches ?? (answer as { versions?: unknown[] }).versions ?? [answer]);
    const known = new Set(itemsOf(before).map((item) => JSON.stringify(item)));
    return itemsOf(now).every((item) => known.has(JSON.stringify(item))) ? 'less' : 'wrong';
  };
  /** What each read makes of a damage; found out once. */
  const known = new Map<Damage, Map<string, Verdict>>();
  async function verdicts(damage: Damage): Promise<Map<string, Verdict>> {
    const found = known.get(damage) ?? (await findOut(damage));
    known.set(damage, found);
    return found;
  }
  /** Of a version those of its own resource, and what goes over all of them. */
  function looksInto(name: string, { table, row }: Damage): boolean {
    if (table !== 'versions') return READ_BY[table].test(name);
    const { ids } = rich;
    const resource = row['id'] === ids.copied ? 'Copy' : String(row['type']);
    return name.endsWith(resource) || /identifier|patient|time|compartment|access|claim/.test(name);
  }
  async function findOut(damage: Damage): Promise<Map<string, Verdict>> {
    await damage.inflict();
    const found = new Map<string, Verdict>();
    for (const [name, read] of Object.entries(rich.reads)) {
      if (!looksInto(name, damage)) continue;
      rich.fixture.index.forgetKnown();
      const answer = await read().then(
        (now) => judge(truth.get(name), now),
        (error) => {
          if (error.status === 409 && error.issue === 'security') return 'refused';
          // What is not there may yet arrive: nothing is shown.
          return error.status === 503 ? 'less' : `failed with ${error.message}`;
        },
      );
      found.set(name, answer as Verdict);
    }
    await damage.undo();
    return found;
  }

  it('has something in every column', async () => {
    expect(damages.length).to.be.greaterThan(300);
    expect([...truth.values()].filter((answer) => JSON.stringify(answer) === '{"matches":[],"total":0}')).to.deep.equal(
      [],
    );
    expect([
      ...(await verdicts({ ...damages[0]!, inflict: async () => {}, undo: async () => {} })).values(),
    ]).to.satisfy((all: Verdict[]) => all.every((one) => one === 'right'));
  });

  it('shows nothing that is not as it was anchored', async () => {
    for (const damage of damages) {
      const bad = [...(await verdicts(damage))].filter(
        ([, verdict]) => !['right', 'refused', 'less'].includes(verdict),
      );
      // What nobody can find by its address is missed, not shown wrongly: see the decision on what reads miss.
      const isAboutAbsence = ([name, verdict]: [string, string]) => /^reference/.test(name) && verdict === 'wrong';
      expect(
        bad.filter((one) => !isAboutAbsence(one)),
        damage.name,
      ).to.deep.equal([]);
    }
  });

  /** By which a row is found. What is moved away altogether is missed; verify finds it. */
  const ADDRESS = ['type', 'id', 'collection', 'key', 'key_hash', 'kind', 'transaction_id', 'own'];

  it('refuses every version of a resource of which one was changed, rolled back or removed', async () => {
    const { observation } = rich.ids;
    const ofObservation = damages.filter(
      ({ table, row, kind }) => table === 'versions' && row['id'] === observation && kind !== 'added',
    );
    expect(ofObservation.length).to.be.greaterThan(60);
    for (const damage of ofObservation) {
      const found = await verdicts(damage);
      // The text of a version is read where that version is shown: `vread` shows the first one.
      const { version, current } = damage.row;
      const isRead = { history: true, vread: version === 1, read: current === 1, row: current === 1 };
      for (const [name, readsText] of Object.entries(isRead))
        expect(found.get(`${name} Observation`), `${damage.name}: ${name}`).to.equal(
          damage.column === 'value' && !readsText ? 'right' : 'refused',
        );
    }
  });

  it('refuses an older version that is made the newest when the newest is taken away', async () => {
    const { writing } = rich.fixture.stores;
    const of = (version: number) =>
      writing
        .selectFrom('versions')
        .selectAll()
        .where('id', '=', rich.ids.observation)
        .where('version', '=', version)
        .executeTakeFirstOrThrow();
    const [second, third] = [await of(2), await of(3)];
    const remove = (sequence: number) => writing.deleteFrom('versions').where('sequence', '=', sequence).execute();
    const rollback: Damage = {
      ...damages.find(({ row }) => row['id'] === rich.ids.observation)!,
      inflict: async () => {
        await remove(third.sequence);
        await writing
          .updateTable('versions')
          .set({ current: 1, held: 2 })
          .where('sequence', '=', second.sequence)
          .execute();
      },
      undo: async () => {
        await remove(second.sequence);
        await writing.insertInto('versions').values([second, third]).execute();
      },
    };
    const found = await verdicts(rollback);
    for (const name of ['read Observation', 'history Observation', 'search Observation', 'search by patient'])
      expect(found.get(name), name).to.equal('refused');
  });

  it('refuses what is looked up by its address where anything else of it was changed', async () => {
    const newest = damages.find(({ row }) => row['id'] === rich.ids.observation && row['version'] === 3)!.row;
    const isShownWith = (row: Damage['row']) =>
      ['sheet', 'version'].includes(String(row['kind'])) && row['transaction_id'] === newest['transaction_id'];
    const lookups: [string, Damage['table'], (row: Damage['row']) => boolean][] = [
      ['read Consent', 'states', (row) => row['id'] === rich.ids.consent],
      ['state of a claim', 'states', (row) => row['id'] === rich.ids.claim],
      ['own states', 'states', (row) => row['kind'] === 'access'],
      ['receipt', 'transactions', (row) => row['event'] === 'RecordsAnchored'],
      ['request', 'private_values', (row) => row['kind'] === 'request'],
      ['evidence of Observation', 'private_values', isShownWith],
      [
        'newest version of a consent',
        'anchors',
        (row) => row['key_hash'] === sha256Hex(`consent/${rich.ids.consent}/1`),
      ],
      ['claim by key', 'versions', (row) => row['id'] === rich.ids.claim],
      ['read Copy', 'versions', (row) => row['id'] === rich.ids.copied],
      ['match by identifier', 'search_values', () => true],
    ];
    for (const [name, table, isIt] of lookups) {
      const changes = damages.filter(
        (damage) => damage.kind === 'changed' && damage.table === table && isIt(damage.row),
      );
      expect(changes.length, name).to.be.greaterThan(4);
      for (const damage of changes) {
        const verdict = (await verdicts(damage)).get(name);
        const may =
          ADDRESS.includes(damage.column!) || table === 'search_values' ? ['refused', 'less', 'right'] : ['refused'];
        if (table === 'states' && name === 'read Consent') expect(verdict, damage.name).to.equal('refused');
        else expect(verdict, `${damage.name}: ${name}`).to.be.oneOf(may);
      }
    }
  });

  it('is not gone on with where the checkpoint was changed', async () => {
    const changes = damages.filter(({ table, kind }) => table === 'checkpoint' && kind === 'changed');
    expect(changes.length).to.be.greaterThan(5);
    for (const { inflict, undo, name, column } of changes) {
      if (column === 'sealed_by') continue;
      await inflict();
      const projector = await rich.fixture.openProjector();
      const opened = await projector.reopen().then(
        () => 'opened',
        (error: Error) => error.message,
      );
      await undo();
      expect(opened, name).to.match(/^the checkpoint of the read model is not what this gateway wrote: run reindex$/);
    }
  });
});
