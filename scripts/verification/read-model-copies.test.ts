/** A repair finds private values in the gateways' read models, puts them together, and takes nothing that does not fit. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { anchored, FixtureIndex, recordWrites, sheetWrites } from '@telemed-ledger/gateway-api/index/index.fixture.ts';
import {
  claimWrites,
  consentWrite,
  copiesWrite,
  delivery,
  evidenceFrom,
  requestWrite,
} from '@telemed-ledger/gateway-api/index/values.fixture.ts';
import type { FixtureWrite } from '@telemed-ledger/gateway-api/ledger/block.fixture.ts';
import { expect } from 'chai';
import { ReadModelCopies } from './read-model-copies.ts';

const ORGANISATIONS = ['clinic', 'hospital', 'patients'];

describe('Copies of private values in read models', () => {
  let dataDir: string;
  let copies: ReadModelCopies;
  /** What was written, and who holds it. */
  let written: { write: FixtureWrite; holders: string[] }[];

  const fileOf = (organisation: string): string =>
    join(dataDir, 'organisations', organisation, 'gateway', 'index.sqlite');
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'copies-'));
    const records = [randomUUID(), randomUUID(), randomUUID()].map((id) =>
      anchored('Observation', { id, note: [{ text: 'é\n"' }] }),
    );
    const sheet = sheetWrites(records);
    const created = recordWrites('Observation', { value: 1.5 });
    const delivered = copiesWrite(records.map(({ id }) => evidenceFrom(sheet, id)));
    const request = requestWrite(randomUUID(), 'P-1');
    const consent = consentWrite({});
    const claim = claimWrites(randomUUID(), {}, 'hospital');
    const own = ['hospital', 'patients'];
    written = [
      ...[...sheet, ...created, consent, claim[1]!].map((write) => ({ write, holders: own })),
      ...[delivered, request].map((write) => ({ write, holders: ['clinic', 'patients'] })),
    ];
    for (const organisation of ORGANISATIONS) {
      const fixture = await FixtureIndex.open(organisation);
      await fixture.block({ privateWrites: [...sheet, ...created, ...claim] }, delivery(delivered, consent), {
        creator: 'ClinicMSP',
        privateWrites: [request],
      });
      mkdirSync(join(fileOf(organisation), '..'), { recursive: true });
      const database = new DatabaseSync(fixture.file);
      database.exec(`VACUUM INTO '${fileOf(organisation)}'`);
      database.close();
      await fixture.close();
    }
    copies = new ReadModelCopies(dataDir, [...ORGANISATIONS, 'bank']);
  });
  afterEach(() => {
    copies.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const place = (collection: string) => ({ block: 0, transaction: 0, namespace: 'telemed', collection });
  const hashed = ({ key, value = '' }: FixtureWrite): Write => ({
    ...{ key: sha256(Buffer.from(key)), value: sha256(Buffer.from(value)) },
    ...{ isDelete: false, isPurge: false },
  });
  const find = (write: FixtureWrite, change: Partial<Write> = {}) =>
    copies.find(place(write.collection) as never, { ...hashed(write), ...change });
  const tamper = (organisation: string, statement: string): void => {
    const database = new DatabaseSync(fileOf(organisation));
    database.exec(statement);
    database.close();
  };

  it('are found exactly as they were anchored, with their keys, whatever they hold', async () => {
    expect(written.length).to.be.greaterThan(9);
    for (const { write, holders } of written) {
      const found = await find(write);
      expect(found?.key.toString(), write.key).to.equal(write.key);
      expect(found?.value.toString(), write.key).to.equal(write.value);
      expect(found?.from).to.equal(`${holders[0]}'s read model`);
      const key = await copies.keyOf(place(write.collection) as never, sha256(Buffer.from(write.key)));
      expect(key?.toString()).to.equal(write.key);
    }
  });

  it('are none of another collection, of another value, or of a key that nobody has', async () => {
    for (const { write } of written) {
      expect(await find({ ...write, collection: 'care_clinic' })).to.equal(undefined);
      expect(await find(write, { value: sha256(Buffer.from('another')) })).to.equal(undefined);
      expect(await find({ ...write, key: 'sheet/x' })).to.equal(undefined);
    }
    expect(await copies.keyOf(place('marks') as never, sha256(Buffer.from('x')))).to.equal(undefined);
  });

  it('are taken from another read model where one was changed or has lost them', async () => {
    tamper('hospital', "UPDATE versions SET value = replace(value, 'Observation', 'Condition')");
    tamper('hospital', "UPDATE private_values SET value = '{}'");
    for (const { write, holders } of written.filter((one) => one.holders.includes('hospital'))) {
      const found = await find(write);
      expect(found?.value.toString(), write.key).to.equal(write.value);
      expect(found?.from).to.be.oneOf(holders.map((name) => `${name}'s read model`));
      if (/^(sheet|content|version)/.test(write.key)) expect(found?.from).to.equal("patients's read model");
    }
  });

  it('are none where rows of a value are lacking, moved or junk', async () => {
    const { write } = written.find((one) => one.write.key.startsWith('content/'))!;
    const changes = [
      'DELETE FROM versions WHERE sequence = (SELECT min(sequence) FROM versions)',
      "UPDATE versions SET leaf = 'junk'",
      "UPDATE versions SET leaf = 'null'",
      "UPDATE versions SET key = 'content/x/0'",
      'UPDATE versions SET sequence = -sequence',
    ];
    for (const change of changes) {
      for (const organisation of ORGANISATIONS) {
        copyFileSync(fileOf(organisation), `${fileOf(organisation)}.sound`);
        tamper(organisation, change);
      }
      const other = new ReadModelCopies(dataDir, ORGANISATIONS);
      expect(await other.find(place(write.collection) as never, hashed(write)), change).to.equal(undefined);
      other.close();
      for (const organisation of ORGANISATIONS) copyFileSync(`${fileOf(organisation)}.sound`, fileOf(organisation));
    }
  });

  it('are looked for in the other read models where one cannot be read', async () => {
    tamper('clinic', 'DROP TABLE versions');
    writeFileSync(fileOf('hospital'), 'no database at all, but long enough to have a header of one: '.repeat(4));
    for (const { write } of written) expect((await find(write))?.value.toString()).to.equal(write.value);
  });

  it('give the key of what was deleted', async () => {
    const { write } = written[0]!;
    const found = await find(write, { isDelete: true, value: Buffer.alloc(0) });
    expect([found?.key.toString(), found?.value.length, found?.from]).to.deep.equal([write.key, 0, 'its key']);
  });
});
