/** From the rows of a key the private value is put together again, byte for byte, or not at all. */
import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import { type Copies, recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import type { FixtureWrite } from '../../ledger/block.fixture.ts';
import { sqlite } from '../databases.fixture.ts';
import { anchored, FixtureIndex, sheetWrites } from '../index.fixture.ts';
import {
  claimWrites,
  consentWrite,
  copiesWrite,
  delivery,
  evidenceFrom,
  purgeWrites,
  purging,
} from '../values.fixture.ts';
import { valueFrom } from './whole-values.ts';

/** Texts that canonical JSON must bring back: escapes, other planes, what looks like markup. */
const note = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', 'é', '\u{1f600}', '\u2028', '</', '1.50', '{') });
const records = fc.array(
  fc.record({ isCreated: fc.boolean(), version: fc.integer({ min: 1, max: 3 }), note, places: fc.nat({ max: 3 }) }),
  { minLength: 1, maxLength: 12 },
);

describe('A private value from its rows', () => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('patients', sqlite);
  });
  afterEach(() => fixture.close());

  const rowsOf = ({ collection, key }: FixtureWrite) =>
    fixture.stores.reading
      .selectFrom('versions')
      .selectAll()
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection)
      .orderBy('sequence')
      .execute();

  /** A sheet of such records. */
  function sheetFrom(all: { isCreated: boolean; version: number; note: string; places: number }[]) {
    const sheet = randomUUID();
    const texts = all.map(({ isCreated, version, note: text, places }, index) => {
      const id = isCreated ? recordIdAt({ sheet, index }, 'Observation') : randomUUID();
      return anchored('Observation', {
        id,
        version: isCreated ? 1 : version,
        note: [{ text }],
        value: Number((1.5).toFixed(places)),
      });
    });
    return { texts, writes: sheetWrites(texts, { sheet }) };
  }

  it('is the content and the delivery that were anchored', async () => {
    let turn = 0;
    const whom = fc.constantFrom<Partial<Copies>>(
      {},
      { audience: { role: 'system' }, purpose: 'TREAT' },
      { audience: { role: 'practitioner', user: 'Practitioner/d1' }, purpose: 'HPAYMT' },
    );
    const property = fc.asyncProperty(records, fc.nat({ max: 0xfff }), whom, async (all, chosen, more) => {
      if (turn % 50 === 0) {
        await fixture.close();
        fixture = await FixtureIndex.open('patients', sqlite);
      }
      turn += 1;
      const { texts, writes } = sheetFrom(all);
      const delivered = texts.filter((_, index) => (chosen & (1 << index)) !== 0);
      const copies = copiesWrite(
        (delivered.length > 0 ? delivered : texts).map(({ id, version }) => evidenceFrom(writes, id, version)),
        more,
      );
      await fixture.block({ privateWrites: writes }, delivery(copies));
      for (const write of [writes[1]!, copies]) {
        const rows = await rowsOf(write);
        expect(rows).to.not.deep.equal([]);
        expect(valueFrom(rows)).to.equal(write.value);
      }
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('is the content that an erasure wrote again, whichever and how many of its records are gone', async () => {
    const few = fc.array(fc.boolean(), { minLength: 1, maxLength: 9 });
    const property = fc.asyncProperty(few, fc.nat({ max: 8 }), async (areErased, kept) => {
      const all = areErased.map(() => ({ isCreated: false, version: 1, note: 'x', places: 0 }));
      const { texts, writes } = sheetFrom(all);
      const gone = texts.filter((_, index) => areErased[index] && index !== kept % texts.length).map(({ id }) => id);
      await fixture.block({ privateWrites: writes });
      let content = writes;
      for (const ids of [gone.slice(0, 1), gone.slice(1)]) {
        const next = purgeWrites(content, ids);
        await fixture.block(purging(...next));
        content = [...next, ...writes.filter(({ key }) => !key.startsWith('content/'))];
      }
      const rows = await rowsOf(content[0]!);
      const values = await fixture.stores.reading.selectFrom('private_values').select(['kind', 'value']).execute();
      const notes = values.filter(({ kind }) => kind === 'erasure').map(({ value }) => value);
      expect(valueFrom(rows, { tree: writes[0]!.value, notes })).to.equal(content[0]!.value);
      expect(valueFrom(rows, { tree: undefined, notes })).to.equal(undefined);
      if (gone.length > 0) expect(valueFrom(rows, { tree: writes[0]!.value, notes: [] })).to.equal(undefined);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('is what lies under a key of its own', async () => {
    const consent = consentWrite({});
    const [claim] = claimWrites(randomUUID(), {});
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [consent] }, { privateWrites: [claim!] });
    for (const write of [consent, claim!]) expect(valueFrom(await rowsOf(write))).to.equal(write.value);
    expect(valueFrom([])).to.equal(undefined);
  });

  it('is nothing where a record of it is erased, or not shown', async () => {
    const { texts, writes } = sheetFrom([1, 2, 3].map(() => ({ isCreated: false, version: 1, note: 'x', places: 0 })));
    const [tree, content, ...places] = writes;
    const leaves = texts.map(({ text }, index) => (index === 1 ? { hash: leafHash(text) } : text));
    const erased = { ...content!, value: canonicalJson({ schema: 1, leaves }) };
    await fixture.block({ privateWrites: [tree!, erased, ...places] });
    expect(await rowsOf(erased)).to.have.length(2);
    expect(valueFrom(await rowsOf(erased))).to.equal(undefined);
    const other = sheetFrom([1, 2, 3].map(() => ({ isCreated: false, version: 1, note: 'x', places: 0 })));
    const [, second] = other.writes;
    await fixture.block({ privateWrites: other.writes.filter((_, index) => index !== 3) });
    expect(await rowsOf(second!)).to.have.length(2);
    expect(valueFrom(await rowsOf(second!))).to.equal(undefined);
  });

  it('is not what was anchored where it was not canonical, or a copy was left out', async () => {
    const { texts, writes } = sheetFrom([1, 2].map(() => ({ isCreated: false, version: 1, note: 'x', places: 0 })));
    const [tree, content, ...places] = writes;
    const loose = { ...content!, value: JSON.stringify(JSON.parse(content!.value!), null, 1) };
    await fixture.block({ privateWrites: [tree!, loose, ...places] });
    expect(await rowsOf(loose)).to.have.length(2);
    expect(sha256Hex(valueFrom(await rowsOf(loose))!)).to.not.equal(sha256Hex(loose.value));
    const evidence = texts.map(({ id, version }) => evidenceFrom(writes, id, version));
    const copies = copiesWrite([evidence[0]!, { ...evidence[1]!, index: 0 }]);
    await fixture.block(delivery(copies));
    expect(await rowsOf(copies)).to.have.length(1);
    expect(valueFrom(await rowsOf(copies))).to.not.equal(copies.value);
  });
});
