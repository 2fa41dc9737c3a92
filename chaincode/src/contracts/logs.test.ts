import { all } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger, type Request } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { exampleStretch, START } from '../model/example-log.fixture.ts';
import { MAX_PURGED, readsOverAt, statementHash } from '../model/log-anchors.ts';
import { Logs } from './logs.ts';

type Anchor = Request<'AnchorLog'>;
type Shown = NonNullable<Anchor['private']>;

describe('the logs contract', () => {
  let ledger: MemoryLedger;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Logs(exampleConsortium)]);
  });
  const first = exampleStretch('hospital', 1, START, ['ann', 'bob', 'ann', null]);
  const second = exampleStretch('hospital', 2, first.statement.to, ['bob']);
  const anchor = (n: number, shown: Shown, change: Partial<Anchor> = {}) =>
    ledger.submit('AnchorLog', { from: 'hospital', role: 'system', input: { n }, private: shown, ...change });
  const { statement, carried } = first;

  it('marks how far a log had come, and gives the custodian its rows', async () => {
    const { writes } = await anchor(1, { statement, carried });
    const mark = {
      ...{ schema: 1, organisation: 'hospital', n: 1, at: ledger.time, root: statement.root },
      statement: statementHash(statement),
    };
    const everybody = policyBytes(all(...exampleConsortium.organisations.map(({ mspId }) => mspId)));
    expect(writes).to.deep.equal({
      ...{ public: {}, purged: [], event: undefined },
      private: {
        'inbox_hospital reads/hospital/1': canonicalJson({ schema: 1, statement, ...carried }),
        'marks log/hospital/1': canonicalJson(mark),
      },
      policies: { 'marks log/hospital/1': Buffer.from(everybody).toString('hex') },
    });
    const { writes: next } = await anchor(2, { ...second, previous: statement });
    const previous = sha256Hex(canonicalJson(mark));
    expect(JSON.parse(next.private['marks log/hospital/2']!)).to.include({ n: 2, previous });
  });

  it('has no second of a number, and leaves none out', async () => {
    await anchor(1, { statement, carried });
    expect(await failureOf(anchor(1, { statement, carried }))).to.match(/CONFLICT/);
    const third = exampleStretch('hospital', 3, statement.to, ['bob']);
    expect(await failureOf(anchor(3, { ...third, previous: statement }))).to.match(/CONFLICT/);
  });

  const faults: [string, Shown][] = [
    ['a row is left out', { statement, carried: { ...carried, rows: carried.rows.slice(1) } }],
    ['the last row is left out', { statement, carried: { ...carried, rows: carried.rows.slice(0, -1) } }],
    ['a row is another', { statement, carried: { ...carried, rows: carried.rows.toSpliced(1, 1, carried.rows[0]!) } }],
    [
      'a row has no text of hers',
      { statement, carried: { ...carried, rows: carried.rows.map(({ hash }) => ({ hash })) } },
    ],
    ['the tree is another', { statement: { ...statement, root: 'ab'.repeat(32) }, carried }],
    ['the tree is of fewer', { statement: { ...statement, size: 1 }, carried }],
    ['the tokens are another salt’s', { statement: { ...statement, salt: 'ab'.repeat(32) }, carried }],
    ['nothing is carried', { statement }],
    ['it is another organisation’s', { statement: { ...statement, organisation: 'clinic' }, carried }],
  ];
  for (const [fault, shown] of faults)
    it(`is none where ${fault}`, async () => {
      expect(await failureOf(anchor(1, shown))).to.match(/INVALID/);
    });

  it('goes on from the anchor before, or says that it does not', async () => {
    await anchor(1, { statement, carried });
    const anew = exampleStretch('hospital', 2, START, ['bob']);
    const forged = { ...statement, to: anew.statement.from };
    for (const shown of [anew, { ...anew, previous: statement }, { ...anew, previous: forged }])
      expect(await failureOf(anchor(2, shown))).to.match(/INVALID/);
    const { writes } = await anchor(2, { ...anew, restarted: true });
    expect(JSON.parse(writes.private['marks log/hospital/2']!)).to.include({ restarted: true });
  });

  for (const { name: from } of exampleConsortium.organisations)
    it(`is each organisation’s own: ${from}`, async () => {
      const own = exampleStretch(from, 1, START, ['ann']);
      const shown = from === 'patients' ? { statement: own.statement } : own;
      const { writes } = await anchor(1, shown, { from });
      const marks = [`marks log/${from}/1`];
      expect(Object.keys(writes.private).sort()).to.deep.equal(
        from === 'patients' ? marks : [`inbox_${from} reads/${from}/1`, ...marks],
      );
      const role = from === 'patients' ? 'patient' : 'operator';
      expect(await failureOf(anchor(2, shown, { from, role }))).to.match(/FORBIDDEN/);
    });

  it('shows no row of the custodian’s to who endorses its anchor', async () => {
    const own = exampleStretch('patients', 1, START, ['ann']);
    expect(await failureOf(anchor(1, own, { from: 'patients' }))).to.match(/INVALID/);
  });

  describe('purges rows', () => {
    const purge = (change: Partial<Request<'PurgeReads'>> = {}, input = {}) =>
      ledger.submit('PurgeReads', {
        ...{ from: 'hospital', role: 'system', input: { organisation: 'hospital', from: 1, to: 2, ...input } },
        ...change,
      });
    beforeEach(async () => {
      await anchor(1, { statement, carried });
      await anchor(2, { ...second, previous: statement });
    });
    const after = (ms: number) => {
      ledger.time = new Date(readsOverAt(ledger.time) + ms).toISOString();
    };

    it('of several anchors six years after the last, and leaves the marks', async () => {
      after(0);
      const { writes } = await purge();
      expect(writes.purged).to.deep.equal(['inbox_hospital reads/hospital/1', 'inbox_hospital reads/hospital/2']);
      expect([writes.private, writes.public]).to.deep.equal([{}, {}]);
      expect(await failureOf(purge())).to.match(/CONFLICT.*already/);
      // The log goes on from what stands in its mark.
      const third = exampleStretch('hospital', 3, second.statement.to, ['ann']);
      await anchor(3, { ...third, previous: second.statement });
    });

    it('not a moment earlier, and none of an anchor that is not there', async () => {
      after(-1);
      expect(await failureOf(purge())).to.match(/CONFLICT.*kept still/);
      after(1);
      expect(await failureOf(purge({}, { to: 3 }))).to.match(/CONFLICT.*no such anchor/);
    });

    it('not of the younger of two', async () => {
      after(-1);
      const third = exampleStretch('hospital', 3, second.statement.to, ['ann']);
      await anchor(3, { ...third, previous: second.statement });
      ledger.time = new Date(Date.parse(ledger.time) + 1).toISOString();
      expect(await failureOf(purge({}, { to: 3 }))).to.match(/CONFLICT/);
      expect((await purge()).writes.purged).to.have.length(2);
    });

    it('by their organisation, or by the custodian with any other, and by nobody else', async () => {
      after(0);
      for (const { name: from, kind } of exampleConsortium.organisations) {
        const isAllowed = from === 'hospital' || kind === 'custodian';
        if (!isAllowed) expect(await failureOf(purge({ from })), from).to.match(/FORBIDDEN/);
      }
      expect(await failureOf(purge({ from: 'patients' }, { organisation: 'patients' }))).to.match(/FORBIDDEN/);
      expect((await purge({ from: 'patients' })).writes.purged).to.have.length(2);
    });

    it('in one transaction of as many as it says, in order', async () => {
      after(0);
      for (const range of [{ from: 2, to: 1 }, { to: MAX_PURGED + 1 }])
        expect(await failureOf(purge({}, range))).to.match(/INVALID/);
    });
  });
});
