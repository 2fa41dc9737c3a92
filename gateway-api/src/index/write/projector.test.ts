import { randomBytes, randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { expect } from 'chai';
import { sql } from 'kysely';
import { newTransactionId } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, recordWrite } from '../index.fixture.ts';

onEachDatabase('the read model', (kind) => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
  });
  afterEach(() => fixture.close());

  const accessStates = () =>
    fixture.stores.reading.selectFrom('states').selectAll().where('kind', '=', 'access').execute();
  const search = (type: string, more: object = {}) => fixture.index.search({ type, count: 10, ...more });

  it('answers a record with its version and time, as soon as its block is applied', async () => {
    const transactionId = newTransactionId();
    const write = recordWrite('Observation', { status: 'final', recordedAt: '2026-03-01T10:00:00.500Z' });
    await fixture.block({ transactionId, privateWrites: [write] });
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
      recordWrite('Patient', { id, version: number, identifier: [{ system: 's', value: `v${number}` }] });
    await fixture.block({ privateWrites: [version(1)] });
    await fixture.block({ privateWrites: [version(2)] }, { privateWrites: [version(3)] });
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
    const write = recordWrite('Observation', {});
    const delivered = await fixture.block({ privateWrites: [write] });
    await fixture.apply(delivered);
    await fixture.reopen();
    expect(fixture.projector.checkpoint()?.block).to.equal(0);
    await fixture.apply(delivered);
    expect((await search('Observation')).total).to.equal(1);
  });

  it('reads again what a database lost that crashed, and refuses to leave it out', async () => {
    const writes = [0, 1, 2].map(() => recordWrite('Observation', {}));
    const { writing } = fixture.stores;
    await fixture.block({ privateWrites: [writes[0]!] });
    const earlier = await writing.selectFrom('checkpoint').selectAll().executeTakeFirstOrThrow();
    const lost = await fixture.block({ privateWrites: [writes[1]!] });
    // As if block 1 had not reached the disk.
    await writing.updateTable('checkpoint').set(earlier).execute();
    await writing.deleteFrom('versions').where('block', '=', 1).execute();
    const failure = await fixture.block({ privateWrites: [writes[2]!] }).catch((error: Error) => error.message);
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
      recordWrite('Patient', { identifier: [{ system: `http://${long}`, value }, { value: 'short' }] }),
    );
    await fixture.block({ privateWrites: [one!, other!] });
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
    const writes = times.map((recordedAt) => recordWrite('Observation', { recordedAt }));
    await fixture.block({ privateWrites: writes });
    const { reading } = fixture.stores;
    const rows = await reading.selectFrom('versions').select('last_updated').orderBy('last_updated').execute();
    expect(rows.map((row) => row.last_updated)).to.deep.equal([...times].sort());
    const like = async (pattern: string) =>
      (await reading.selectFrom('versions').select('id').where('key', 'like', pattern).execute()).length;
    expect([await like('record/%'), await like('RECORD/%')]).to.deep.equal([3, 0]);
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
    const write = recordWrite('Observation', {});
    await fixture.block({ transactionId, code: 11, privateWrites: [write] }, { transactionId, code: 9 });
    expect((await fixture.index.transaction(transactionId))?.code).to.equal(11);
    expect(await fixture.index.newest('Observation', write.id)).to.equal(undefined);
  });

  it('refuses to show content that was changed behind its back, and names it', async () => {
    const write = recordWrite('Observation', { status: 'final' });
    await fixture.block({ privateWrites: [write] });
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
    const write = recordWrite('Observation', {});
    await fixture.block({ privateWrites: [write] });
    const other = randomUUID();
    await fixture.stores.writing.updateTable('versions').set({ id: other }).execute();
    const failure = await fixture.index.newest('Observation', other).catch((error) => error);
    expect(failure).to.include({ place: `Observation/${other}/_history/1` });
  });

  it('does not store a delivered value that is not the anchored one', async () => {
    const write = recordWrite('Observation', {});
    await fixture.block({ privateWrites: [{ ...write, instead: '{"resource":{}}' }] });
    expect(await fixture.index.newest('Observation', write.id)).to.equal(undefined);
    const missing = await fixture.stores.reading.selectFrom('missing').selectAll().execute();
    expect(missing).to.have.length(1);
  });

  it('searches by patient, id and time, a page at a time', async () => {
    const patient = randomUUID();
    const writes = Array.from({ length: 25 }, (_, index) =>
      recordWrite('Observation', {
        subject: { reference: `Patient/${patient}` },
        recordedAt: `2026-03-01T10:00:${String(index).padStart(2, '0')}.000Z`,
      }),
    );
    const stranger = recordWrite('Observation', { subject: { reference: `Patient/${randomUUID()}` } });
    await fixture.block({ privateWrites: writes }, { privateWrites: [stranger] });
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
    const compartment = await fixture.index.search({ type: 'Observation', count: 50 }, patient);
    expect(compartment.total).to.equal(25);
  });

  it('finds its own resources by identifier and says which references lead nowhere', async () => {
    const identifier = [{ system: 'http://npi', value: '1' }];
    const one = recordWrite('Practitioner', { identifier });
    const two = recordWrite('Organization', { identifier: { system: 'http://npi', value: '1' } });
    await fixture.block({ privateWrites: [one, two] });
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
    const write = recordWrite('Patient', {});
    const reference = `Patient/${write.id}`;
    expect(await fixture.index.missing([reference])).to.deep.equal([reference]);
    await fixture.block({ privateWrites: [write] });
    expect(await fixture.index.missing([reference])).to.deep.equal([]);
    const { collection, key } = write;
    await fixture.block({ privateWrites: [{ collection, key, purge: true }] });
    expect(await fixture.index.missing([reference]), 'from memory').to.deep.equal([]);
    fixture.index.forgetKnown();
    expect(await fixture.index.missing([reference, 'Patient/a'])).to.deep.equal([reference, 'Patient/a']);
  });

  it('shows a consent that was revoked as one more version, inactive', async () => {
    const { id, text } = anchored('Consent', { status: 'active', author: 'PatientsMSP' });
    const state = { id, status: 'active', version: 1, updatedAt: '2026-03-01T10:00:00.000Z' };
    const revoked = { ...state, status: 'revoked', updatedAt: '2026-03-02T10:00:00.000Z' };
    await fixture.block({
      privateWrites: [{ collection: 'consent_hospital', key: `consent/${id}/1`, value: text }],
      publicWrites: [{ key: `consent/${id}`, value: JSON.stringify(state) }],
    });
    expect((await fixture.index.newest('Consent', id))?.version).to.equal(1);
    await fixture.block({ publicWrites: [{ key: `consent/${id}`, value: JSON.stringify(revoked) }] });
    const { versions } = await fixture.index.versions('Consent', id);
    expect(versions.map(({ version, resource }) => [version, resource['status']])).to.deep.equal([
      [2, 'inactive'],
      [1, 'active'],
    ]);
    expect(versions[0]?.resource['meta']).to.deep.equal({ versionId: '2', lastUpdated: revoked.updatedAt });
  });

  describe('of delivered copies', () => {
    const access = randomUUID();
    let clinic: FixtureIndex;
    beforeEach(async () => {
      clinic = await FixtureIndex.open('clinic', kind);
    });
    afterEach(() => clinic.close());

    const copyOf = (text: string, id: string, expiresAt: string, by = access) => ({
      collection: 'inbox_clinic',
      key: `copy/${by}/${id}`,
      value: canonicalJson({
        accessId: by,
        holder: 'hospital',
        deliveredAt: expiresAt,
        expiresAt,
        salt: '0',
        record: text,
      }),
    });
    const later = new Date(Date.now() + 3_600_000).toISOString();

    it('reads them with their source, until they expire', async () => {
      const kept = anchored('Observation', {});
      const over = anchored('Observation', {});
      const past = '2020-01-01T00:00:00.000Z';
      await clinic.block({ privateWrites: [copyOf(kept.text, kept.id, later), copyOf(over.text, over.id, past)] });
      const stored = await clinic.index.newest('Observation', kept.id);
      expect(stored?.author).to.equal('hospital');
      expect((stored!.resource['meta'] as { source: string }).source).to.match(/organisations\/hospital$/);
      expect(await clinic.index.newest('Observation', over.id)).to.equal(undefined);
      expect((await clinic.index.search({ type: 'Observation', count: 10 })).total).to.equal(1);
    });

    it('forgets a purged one by its hash alone, with its identifiers', async () => {
      const { id, text } = anchored('Patient', { identifier: [{ system: 's', value: 'x' }] });
      const copy = copyOf(text, id, later);
      await clinic.block({ privateWrites: [copy] });
      const { collection, key } = copy;
      await clinic.block({ privateWrites: [{ collection, key, purge: true, delivered: false }] });
      expect(await clinic.index.newest('Patient', id)).to.equal(undefined);
      expect(await clinic.stores.reading.selectFrom('search_values').selectAll().execute()).to.deep.equal([]);
    });

    it('shows the earlier delivery again when the later one is purged', async () => {
      const { id, text } = anchored('Observation', {});
      const second = copyOf(text, id, later, randomUUID());
      await clinic.block({ privateWrites: [copyOf(text, id, later)] });
      await clinic.block({ privateWrites: [second] });
      expect((await clinic.index.search({ type: 'Observation', count: 10 })).total).to.equal(1);
      const { collection, key } = second;
      await clinic.block({ privateWrites: [{ collection, key, purge: true }] });
      expect((await clinic.index.search({ type: 'Observation', count: 10 })).total).to.equal(1);
    });

    it('does not let a copy stand in for an own resource when identifiers are resolved', async () => {
      const { id, text } = anchored('Practitioner', { identifier: [{ system: 's', value: 'x' }] });
      await clinic.block({ privateWrites: [copyOf(text, id, later)] });
      const found = await clinic.index.findByIdentifier([{ type: 'Practitioner', system: 's', value: 'x' }]);
      expect(found).to.deep.equal([[]]);
    });
  });

  it("never lets another provider's record of the same id take a record's place at the custodian", async () => {
    const custodian = await FixtureIndex.open('patients', kind);
    try {
      const id = randomUUID();
      await custodian.block({ privateWrites: [recordWrite('Observation', { id, status: 'final' })] });
      const theirs = recordWrite('Observation', { id, version: 2, author: 'ClinicMSP', status: 'x' }, 'care_clinic');
      await custodian.block({ creator: 'ClinicMSP', privateWrites: [theirs] });
      const stored = await custodian.index.newest('Observation', id);
      expect(stored).to.include({ author: 'hospital', version: 1 });
    } finally {
      await custodian.close();
    }
  });

  describe('with what two organisations can write between themselves', () => {
    const garbage = [
      'null',
      '7',
      '"x"',
      '[]',
      '{}',
      '{"resource":null}',
      '{"author":"M","id":"x","version":{},"resource":{}}',
      'not JSON',
    ];

    it('goes on after private values that are not what their keys promise', async () => {
      const kinds = ['record', 'consent', 'coverage', 'copy', 'claim', 'response', 'remittance', 'directory'];
      const privateWrites = kinds.flatMap((kind) =>
        garbage.map((value, index) => ({ collection: 'care_hospital', key: `${kind}/${index}/1`, value })),
      );
      const nested = (record: string) => JSON.stringify({ holder: 'clinic', accessId: 'x', record });
      for (const [index, value] of garbage.entries())
        privateWrites.push({ collection: 'inbox_hospital', key: `copy/${index}/2`, value: nested(value) });
      await fixture.block({ privateWrites });
      const write = recordWrite('Observation', {});
      await fixture.block({ privateWrites: [write] });
      expect((await fixture.index.newest('Observation', write.id))?.version).to.equal(1);
      expect((await search('Observation')).total).to.equal(1);
    });

    it('leaves out what no text can hold, tells of it, and goes on', async () => {
      const good = recordWrite('Observation', {});
      const nul = 'a\0b';
      const privateWrites = [
        recordWrite('Observation', { id: nul }),
        recordWrite('Observation', { author: nul }),
        { collection: 'care_hospital', key: `request/${nul}`, value: '{}' },
        { collection: 'care_hospital', key: 'request/1', value: nul },
        good,
      ];
      const publicWrites = [
        { key: `access/${nul}`, value: '{}' },
        { key: 'access/1', value: JSON.stringify({ status: nul }) },
      ];
      await fixture.block({ event: { name: nul, payload: '' }, privateWrites, publicWrites });
      expect((await search('Observation')).matches.map(({ resource }) => resource.id)).to.deep.equal([good.id]);
      const missing = await fixture.stores.reading.selectFrom('missing').selectAll().execute();
      expect(missing).to.have.length(4);
      expect((await accessStates()).map(({ id, status }) => [id, status])).to.deep.equal([['1', '']]);
      await fixture.block(
        { publicWrites: [{ key: `access/${nul}` }] },
        { privateWrites: [{ ...privateWrites[2]!, purge: true }] },
      );
    });

    it('leaves out what is too long for an index, and goes on', async () => {
      const long = randomBytes(40_000).toString('base64');
      const good = recordWrite('Observation', {});
      const privateWrites = [
        recordWrite('Observation', { id: long }),
        recordWrite(long, {}),
        { collection: 'care_hospital', key: `request/${long}`, value: '{}' },
        good,
      ];
      const publicWrites = [
        { key: `access/${long}`, value: '{}' },
        { key: 'access/1', value: JSON.stringify({ status: long }) },
      ];
      await fixture.block({ privateWrites, publicWrites });
      expect((await search('Observation')).matches.map(({ resource }) => resource.id)).to.deep.equal([good.id]);
      expect(await fixture.stores.reading.selectFrom('missing').selectAll().execute()).to.have.length(3);
      expect((await accessStates()).map(({ id, status }) => [id, status])).to.deep.equal([['1', '']]);
    });

    it('keeps the last of what one block writes twice, and the largest numbers', async () => {
      const { MAX_SAFE_INTEGER: version } = Number;
      const [one, other] = [recordWrite('Observation', { version }), recordWrite('Observation', { version })];
      const text = (status: string) => recordWrite('Observation', { id: one.id, version, status }).value!;
      const twice = [text('preliminary'), text('final')].map((value) => ({ ...one, value }));
      const values = ['{"a":1}', '{"a":2}'].map((value) => ({ collection: 'care_hospital', key: 'request/1', value }));
      const [first, last] = twice.map((write, index) => ({ privateWrites: [write, values[index]!] }));
      await fixture.block(first!, { privateWrites: [other] }, last!);
      const stored = await fixture.index.newest('Observation', one.id);
      expect(stored).to.include({ version });
      expect(stored?.resource['status']).to.equal('final');
      expect((await fixture.index.privateValue('care_hospital', 'request/1'))?.value).to.equal('{"a":2}');
    });

    it('keeps no public state that is no object', async () => {
      const publicWrites = garbage.map((value, index) => ({ key: `access/${index}`, value }));
      await fixture.block({ publicWrites });
      const kept = await accessStates();
      expect(kept.map(({ value }) => value)).to.have.members(garbage.filter((value) => value.startsWith('{')));
    });
  });
});
