import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { sql } from 'kysely';
import { newTransactionId } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, recordWrites } from '../index.fixture.ts';
import { consentWrite, markWrite } from '../values.fixture.ts';

onEachDatabase('the read model', (kind) => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
  });
  afterEach(() => fixture.close());

  const search = (type: string, more: object = {}) => fixture.index.search({ type, count: 10, ...more });

  it('answers a record with its version and time, as soon as its block is applied', async () => {
    const transactionId = newTransactionId();
    const write = recordWrites('Observation', { status: 'final', recordedAt: '2026-03-01T10:00:00.500Z' });
    await fixture.block({ transactionId, privateWrites: write });
    const stored = await fixture.index.newest('Observation', write.id);
    expect(stored).to.deep.equal({
      resource: {
        resourceType: 'Observation',
        id: write.id,
        status: 'final',
        meta: { versionId: '1', lastUpdated: '2026-03-01T10:00:00.500Z' },
      },
      version: 1,
      lastUpdated: '2026-03-01T10:00:00.500Z',
      author: 'hospital',
      transactionId,
    });
  });

  it('keeps every version, newest first, and searches the newest only', async () => {
    const id = randomUUID();
    const version = (number: number) =>
      recordWrites('Patient', { id, version: number, identifier: [{ system: 's', value: `v${number}` }] });
    await fixture.block({ privateWrites: version(1) });
    await fixture.block({ privateWrites: version(2) }, { privateWrites: version(3) });
    expect((await fixture.index.versions('Patient', id)).versions.map((one) => one.version)).to.deep.equal([3, 2, 1]);
    const found = await search('Patient');
    expect(found.matches.map((one) => one.version)).to.deep.equal([3]);
    expect(found.total).to.equal(1);
    expect(
      (await search('Patient', { values: [{ parameter: 'identifier', anyOf: [{ value: 'v1' }] }] })).matches,
    ).to.deep.equal([]);
    expect(
      (await search('Patient', { values: [{ parameter: 'identifier', anyOf: [{ system: 's', value: 'v3' }] }] }))
        .matches,
    ).to.have.length(1);
  });

  it('applies a block exactly once, also after a restart', async () => {
    const write = recordWrites('Observation', {});
    const delivered = await fixture.block({ privateWrites: write });
    await fixture.apply(delivered);
    await fixture.reopen();
    expect(fixture.projector.checkpoint()?.block).to.equal(0);
    await fixture.apply(delivered);
    expect((await search('Observation')).total).to.equal(1);
  });

  it('reads again what a database lost that crashed, and refuses to leave it out', async () => {
    const writes = [0, 1, 2].map(() => recordWrites('Observation', {}));
    const { writing } = fixture.stores;
    await fixture.block({ privateWrites: writes[0]! });
    const earlier = await writing.selectFrom('checkpoint').selectAll().executeTakeFirstOrThrow();
    const lost = await fixture.block({ privateWrites: writes[1]! });
    // As if block 1 had not reached the disk.
    await writing.updateTable('checkpoint').set(earlier).execute();
    for (const table of ['versions', 'private_values', 'anchors', 'transactions'] as const)
      await writing.deleteFrom(table).where('block', '=', 1).execute();
    const failure = await fixture.block({ privateWrites: writes[2]! }).catch((error: Error) => error.message);
    expect(failure).to.match(/not at the block/);
    expect((await search('Observation')).total).to.equal(1);
    await fixture.projector.reopen();
    expect(fixture.projector.checkpoint()?.block).to.equal(0);
    await fixture.apply(lost);
    expect((await search('Observation')).total).to.equal(2);
  });

  it('finds identifiers of any length, and tells them apart', async () => {
    const long = randomBytes(100_000).toString('base64');
    const [one, other] = [`${long}1`, `${long}2`].map((value) =>
      recordWrites('Patient', { identifier: [{ system: `http://${long}`, value }, { value: 'short' }] }),
    );
    await fixture.block({ privateWrites: [...one!, ...other!] });
    const found = await search('Patient', {
      values: [{ parameter: 'identifier', anyOf: [{ system: `http://${long}`, value: `${long}1` }] }],
    });
    expect(found.matches.map(({ resource }) => resource.id)).to.deep.equal([one!.id]);
    const queries = [{ type: 'Patient', value: `${long}2` }];
    expect(await fixture.index.findByIdentifier(queries)).to.deep.equal([[other!.id]]);
    expect(
      (await search('Patient', { values: [{ parameter: 'identifier', anyOf: [{ value: 'short' }] }] })).total,
    ).to.equal(2);
  });

  it('compares texts byte by byte: instants by their order, names by their case', async () => {
    const times = ['2026-03-01T10:00:00.000Z', '2026-03-01T10:00:00.5Z', '2026-03-01T10:00:00Z'];
    const writes = times.map((recordedAt) => recordWrites('Observation', { recordedAt }));
    await fixture.block({ privateWrites: writes.flat() });
    const { reading } = fixture.stores;
    const rows = await reading.selectFrom('versions').select('last_updated').orderBy('last_updated').execute();
    expect(rows.map((row) => row.last_updated)).to.deep.equal([...times].sort());
    const like = async (pattern: string) =>
      (await reading.selectFrom('versions').select('id').where('key', 'like', pattern).execute()).length;
    expect([await like('content/%'), await like('CONTENT/%')]).to.deep.equal([3, 0]);
  });

  it('refuses a search that no database takes, in words', async () => {
    const failureOf = (more: object) =>
      search('Patient', more).then(
        () => undefined,
        (error) => error,
      );
    expect(await failureOf({ values: [{ parameter: 'identifier', anyOf: [{ value: 'a\0b' }] }] })).to.include({
      status: 400,
      issue: 'invalid',
    });
    const ids = Array.from({ length: 70_000 }, (_, index) => `${index}`);
    expect(await failureOf({ ids })).to.include({ status: 400, issue: 'too-costly' });
    expect((await search('Patient')).total, 'and goes on').to.equal(0);
  });

  it('ignores invalid transactions but keeps their outcome, and the first outcome of a repeated id', async () => {
    const transactionId = newTransactionId();
    const write = recordWrites('Observation', {});
    await fixture.block({ transactionId, code: 11, privateWrites: write }, { transactionId, code: 9 });
    expect((await fixture.index.transaction(transactionId))?.code).to.equal(11);
    expect(await fixture.index.newest('Observation', write.id)).to.equal(undefined);
  });

  it('refuses to show content that was changed behind its back, and names it', async () => {
    const write = recordWrites('Observation', { status: 'final' });
    await fixture.block({ privateWrites: write });
    const changed = sql<string>`replace(value, 'final', 'Final')`;
    await fixture.stores.writing.updateTable('versions').set({ value: changed }).execute();
    const place = `Observation/${write.id}/_history/1`;
    for (const read of [() => fixture.index.newest('Observation', write.id), () => search('Observation')]) {
      const failure = await (read() as Promise<unknown>).then(
        () => undefined,
        (error) => error,
      );
      expect(failure).to.include({ status: 409, issue: 'security', place });
    }
  });

  it('shows what was moved to another name as a failure too', async () => {
    const write = recordWrites('Observation', {});
    await fixture.block({ privateWrites: write });
    const other = randomUUID();
    await fixture.stores.writing.updateTable('versions').set({ id: other }).execute();
    const failure = await fixture.index.newest('Observation', other).catch((error) => error);
    expect(failure).to.include({ place: `Observation/${other}/_history/1` });
  });

  it('does not store a delivered value that is not the anchored one', async () => {
    const write = recordWrites('Observation', {});
    const privateWrites = write.map((one) => ({ ...one, ...(one.key.startsWith('content/') && { instead: '{}' }) }));
    await fixture.block({ privateWrites });
    const failure = await fixture.index.newest('Observation', write.id).catch((error) => error);
    expect(failure).to.include({ status: 503 });
    const missing = await fixture.stores.reading.selectFrom('missing').selectAll().execute();
    expect(missing).to.have.length(1);
  });

  it('searches by patient, id and time, a page at a time', async () => {
    const patient = randomUUID();
    const writes = Array.from({ length: 25 }, (_, index) =>
      recordWrites('Observation', {
        subject: { reference: `Patient/${patient}` },
        recordedAt: `2026-03-01T10:00:${String(index).padStart(2, '0')}.000Z`,
      }),
    );
    const stranger = recordWrites('Observation', { subject: { reference: `Patient/${randomUUID()}` } });
    await fixture.block({ privateWrites: writes.flat() }, { privateWrites: stranger });
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await search('Observation', { patients: [patient], ...(after === undefined ? {} : { after }) });
      expect(page.total).to.equal(25);
      seen.push(...page.matches.map((one) => one.resource.id));
      after = page.next;
      if (after === undefined) break;
    }
    expect(seen.sort()).to.deep.equal(writes.map(({ id }) => id).sort());
    expect((await search('Observation', { ids: [stranger.id] })).total).to.equal(1);
    const late = { prefix: 'ge' as const, value: '2026-03-01T10:00:20Z' };
    expect((await search('Observation', { patients: [patient], lastUpdated: [late] })).total).to.equal(5);
    const compartment = await fixture.index.search({ type: 'Observation', count: 50 }, { compartment: patient });
    expect(compartment.total).to.equal(25);
  });

  it('finds its own resources by identifier and says which references lead nowhere', async () => {
    const identifier = [{ system: 'http://npi', value: '1' }];
    const one = recordWrites('Practitioner', { identifier });
    const two = recordWrites('Organization', { identifier: { system: 'http://npi', value: '1' } });
    await fixture.block({ privateWrites: [...one, ...two] });
    const found = await fixture.index.findByIdentifier([
      { type: 'Practitioner', system: 'http://npi', value: '1' },
      { type: 'Practitioner', value: '1' },
      { type: 'Practitioner', system: 'other', value: '1' },
      { type: 'Organization', value: '1' },
    ]);
    expect(found).to.deep.equal([[one.id], [one.id], [], [two.id]]);
    const missing = await fixture.index.missing([`Practitioner/${one.id}`, `Patient/${one.id}`]);
    expect(missing).to.deep.equal([`Patient/${one.id}`]);
  });

  it('looks for a record once that references lead to, and again after something was removed', async () => {
    const write = recordWrites('Patient', {});
    const reference = `Patient/${write.id}`;
    expect(await fixture.index.missing([reference])).to.deep.equal([reference]);
    await fixture.block({ privateWrites: write });
    expect(await fixture.index.missing([reference])).to.deep.equal([]);
    await fixture.block({ privateWrites: write.map(({ collection, key }) => ({ collection, key, purge: true })) });
    expect(await fixture.index.missing([reference]), 'from memory').to.deep.equal([]);
    fixture.index.forgetKnown();
    expect(await fixture.index.missing([reference, 'Patient/a'])).to.deep.equal([reference, 'Patient/a']);
  });

  it('shows a consent that was revoked as one more version, inactive', async () => {
    const { id, ...consent } = consentWrite({});
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [consent] });
    expect((await fixture.index.newest('Consent', id))?.version).to.equal(1);
    const at = '2026-03-02T10:00:00.000Z';
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [markWrite(id, undefined, at)] });
    const { versions } = await fixture.index.versions('Consent', id);
    expect(versions.map(({ version, resource }) => [version, resource['status']])).to.deep.equal([
      [2, 'inactive'],
      [1, 'active'],
    ]);
    expect(versions[0]?.resource['meta']).to.deep.equal({ versionId: '2', lastUpdated: at });
    const since = async (time: number) => {
      const { versions, total, exists } = await fixture.index.versions('Consent', id, { since: time, count: 10 });
      return [versions.map(({ version }) => version), total, exists];
    };
    const first = Date.parse(versions[1]!.lastUpdated);
    expect(first).to.be.below(Date.parse(at));
    expect(await since(first)).to.deep.equal([[2, 1], 2, true]);
    expect(await since(Date.parse(at))).to.deep.equal([[2], 1, true]);
    expect(await since(Date.parse(at) + 1)).to.deep.equal([[], 0, true]);
    expect((await fixture.index.versions('Consent', randomUUID(), { since: 0 })).exists).to.equal(false);
  });

  it("never lets another provider's record of the same id take a record's place at the custodian", async () => {
    const custodian = await FixtureIndex.open('patients', kind);
    try {
      const id = randomUUID();
      await custodian.block({ privateWrites: recordWrites('Observation', { id, status: 'final' }) });
      const theirs = recordWrites('Observation', { id, version: 2, status: 'x' }, 'care_clinic');
      await custodian.block({ creator: 'ClinicMSP', privateWrites: theirs });
      const stored = await custodian.index.newest('Observation', id);
      expect(stored).to.include({ author: 'hospital', version: 1 });
    } finally {
      await custodian.close();
    }
  });
});
