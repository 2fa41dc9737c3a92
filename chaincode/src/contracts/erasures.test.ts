import { randomUUID } from 'node:crypto';
import { collectionsOf, keeperOf } from '@telemed-ledger/consortium/collections.ts';
import { all } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { checkRecord } from '../ledger/evidence.ts';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, type MemoryLedger, type Outcome, type Request } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import type { Store } from '../ledger/store.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { beginningOf, erasureHandle } from '../model/erasures.ts';
import { privateKeys } from '../model/keys.ts';
import { isIncluded, leafHash } from '../model/merkle.ts';
import type { Content, RecordEvidence, Sheet, SheetDraft } from '../model/sheets.ts';
import type { Anchored } from '../model/values.ts';
import { ExamplePatient, newSalt, patients } from './example-patient.fixture.ts';
import { createdSheet, evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Story } from './example-story.fixture.ts';

const CARE = 'care_hospital';

/** As any peer checks evidence: by hashes alone. */
function checked(ledger: MemoryLedger, evidence: RecordEvidence) {
  const anchor = async (collection: string, key: string) => {
    const value = ledger.private.get(`${collection} ${key}`);
    return value === undefined ? undefined : sha256Hex(value);
  };
  return checkRecord({ anchor } as unknown as Store, 'hospital', evidence, 'it');
}

describe('the erasures contract', () => {
  let example: ExamplePatient;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
  });
  const observation = (note = 'a secret') => ({
    resourceType: 'Observation',
    note,
    subject: { reference: `Patient/${example.patientId}` },
  });
  const write = async (sheet: SheetDraft): Promise<SheetDraft> => {
    await example.ledger.submit('RecordVersions', recording([sheet]));
    return sheet;
  };
  const idAt = ({ records }: SheetDraft, place: number): string => records[place]!.id;
  const content = (sheet: string, generation: number) =>
    example.ledger.read(CARE, privateKeys.content(sheet, generation)) as Content | undefined;
  const purge = (
    sheet: string,
    places: number[],
    { generation = 0, ...change }: { generation?: number } & Partial<Request<'PurgeContent'>> = {},
  ): Promise<Outcome<'PurgeContent'>> =>
    example.ledger.submit('PurgeContent', {
      ...patients,
      input: { provider: 'hospital' },
      private: { sheet, generation, erased: places.map((index) => ({ index })), salt: newSalt() },
      ...change,
    });
  /** At the provider's own request. */
  const asHospital = (record: string, shown: object = { record }): Partial<Request<'EraseRecord'>> => ({
    ...{ from: 'hospital', role: 'system' },
    private: {
      ...{ handle: erasureHandle('hospital', record), begins: beginningOf(record), salt: 'ab'.repeat(32) },
      ...shown,
    },
  });

  describe('a mark', () => {
    it('is one private value that names the record to nobody, and that no two members can take back', async () => {
      const id = await example.observation();
      const { reply, writes } = await example.erase(id, {
        private: { handle: erasureHandle('hospital', id), begins: id.slice(0, 8), salt: 'ab'.repeat(32) },
      });
      const { time } = example.ledger;
      const key = `marks erased/${sha256Hex(`erased/hospital/${id}`)}`;
      const everybody = policyBytes(all(...exampleConsortium.organisations.map(({ mspId }) => mspId)));
      expect(reply).to.deep.equal({ time });
      expect(writes).to.deep.equal({
        public: {},
        private: { [key]: canonicalJson({ schema: 1, at: time, begins: id.slice(0, 8), salt: 'ab'.repeat(32) }) },
        purged: [],
        policies: { [key]: Buffer.from(everybody).toString('hex') },
        event: { name: 'RecordErased', payload: '{}' },
      });
      expect(JSON.stringify(writes)).not.to.contain(id);
    });

    for (const other of ['hospital', 'clinic', 'payer', 'bank', 'regulator'])
      it(`goes with ${other} as the other endorser`, async () => {
        await example.erase(await example.observation(), { endorsers: ['patients', other] });
      });

    it('is made once', async () => {
      const id = await example.observation();
      await example.erase(id);
      expect(await failureOf(example.erase(id))).to.match(/CONFLICT at <private.handle>: this is already written/);
    });

    it('is made at the request of the provider whose record it is, which shows the custodian which', async () => {
      const id = await example.observation();
      await example.erase(id, asHospital(id));
      expect([...example.ledger.private.keys()]).to.include(`marks erased/${erasureHandle('hospital', id)}`);
    });

    const refused: [string, (id: string) => Partial<Request<'EraseRecord'>>, RegExp][] = [
      [
        'a provider for a record of another',
        (id) => ({ ...asHospital(id), from: 'clinic' }),
        /FORBIDDEN at <provider>/,
      ],
      [
        'a provider for a record that it does not show',
        (id) => asHospital(id, {}),
        /INVALID at <private.record>: does not show which record/,
      ],
      [
        'a provider that shows another record',
        (id) => asHospital(id, { record: randomUUID() }),
        /INVALID at <private.handle>: is the handle of another record/,
      ],
      [
        'a provider that would have nobody find it',
        (id) => asHospital(id, { record: id, begins: '00000000' }),
        /INVALID at <private.handle>/,
      ],
      ['a payer', () => ({ from: 'payer' }), /FORBIDDEN: only a custodian or provider may do this/],
      ['a practitioner', (id) => ({ ...asHospital(id), role: 'practitioner' }), /FORBIDDEN: the role must be system/],
      ['a patient by a certificate of her own', () => ({ role: 'patient' }), /FORBIDDEN: the role must be system/],
      [
        'anybody, of an organisation that is no provider',
        () => ({ input: { provider: 'bank' } }),
        /INVALID at <provider>/,
      ],
    ];
    for (const [who, change, failure] of refused)
      it(`is refused to ${who}`, async () => {
        const id = await example.observation();
        const before = example.ledger.private.size;
        expect(await failureOf(example.erase(id, change(id)))).to.match(failure);
        expect(example.ledger.private.size).to.equal(before);
      });
  });

  describe('an erased record', () => {
    const erased = /CONFLICT at <[^>]*>: the record is erased/;

    it('is no evidence any more, in no version, and its neighbours are', async () => {
      const sheet = await write(createdSheet([observation(), observation()]));
      const [first, second] = [idAt(sheet, 0), idAt(sheet, 1)];
      const origin = { sheet: sheet.id, index: 0 };
      await example.ledger.submit(
        'RecordVersions',
        recording([sheetOf([recordDraft({ ...observation(), id: first }, 2, { origin })])]),
      );
      const shown = [evidenceFrom(example.ledger, 'hospital', first, 2), example.evidence(second)];
      await example.erase(first);
      expect(await failureOf(checked(example.ledger, shown[0]!))).to.match(erased);
      expect((await checked(example.ledger, shown[1]!)).anchored.id).to.equal(second);
    });

    it('is not delivered', async () => {
      const id = await example.observation();
      await example.permit({ type: 'permit' });
      const access = await example.ask();
      await example.erase(id);
      expect(await failureOf(example.decide(access, [id]))).to.match(erased);
    });

    it('is no patient whom a consent could be about', async () => {
      const consent = example.consent({ type: 'permit' });
      await example.erase(example.patientId);
      expect(await failureOf(example.grant(consent))).to.match(erased);
    });

    it('has no further version, whatever its id, and no other record takes its id', async () => {
      const sheet = await write(createdSheet([observation()]));
      const [own, placed] = [await example.observation(), idAt(sheet, 0)];
      for (const id of [own, placed]) await example.erase(id);
      const origin = { sheet: sheet.id, index: 0 };
      const write2 = (id: string, type = 'Observation', version = 2, more = {}) =>
        failureOf(write(sheetOf([recordDraft({ ...observation(), resourceType: type, id }, version, more)])));
      expect(await write2(own)).to.match(erased);
      expect(await write2(placed, 'Observation', 2, { origin })).to.match(erased);
      await purge(sheet.id, [0]);
      const { sheet: at } = example.ledger.read(CARE, privateKeys.version(own, 1)) as { sheet: string };
      await purge(at, [0]);
      expect(await write2(own)).to.match(erased);
      expect(await write2(own, 'Condition', 1)).to.match(erased);
      expect(await write2(placed, 'Observation', 2, { origin })).to.match(erased);
    });

    it('of one provider leaves its id to no other', async () => {
      const id = await example.observation();
      await example.erase(id);
      const draft = recordDraft({ ...observation(), id });
      const elsewhere = example.ledger.submit('RecordVersions', recording([sheetOf([draft])], 'clinic'));
      expect(await failureOf(elsewhere)).to.match(erased);
    });

    it('is no evidence for a claim; a claim that rests on it already is judged on what it has anchored', async () => {
      const erase = (story: Story) => {
        const { id } = story.example.encounter;
        const marked = { handle: erasureHandle('hospital', id), begins: beginningOf(id), salt: newSalt() };
        return story.ledger.submit('EraseRecord', { ...patients, input: { provider: 'hospital' }, private: marked });
      };
      const late = await new Story().prepare();
      const submission = late.submission();
      await erase(late);
      expect(await failureOf(late.ledger.submit('SubmitClaim', submission))).to.match(erased);
      const pending = await new Story().prepare();
      await pending.submitClaim();
      await erase(pending);
      await pending.adjudicate();
      expect(pending.status().status).to.equal('approved');
      await pending.instruct();
      await pending.settle();
      await pending.remit();
      expect(pending.status().status).to.equal('remitted');
    });
  });

  describe('delivered copies', () => {
    it('go with any endorser once a record among them is erased, and the state says why', async () => {
      const [id, other] = [await example.observation(), await example.observation()];
      await example.permit({ type: 'permit' });
      const access = await example.ask();
      await example.decide(access, [id, other]);
      const state = example.text(privateKeys.access(access, 2));
      const handle = erasureHandle('hospital', id);
      const request = {
        ...patients,
        input: { id: access, requestor: 'clinic', holder: 'hospital' },
        private: { state, salt: newSalt(), erased: handle },
      };
      expect(await failureOf(example.ledger.submit('PurgeCopies', request))).to.match(/the consent is in force/);
      await example.erase(id);
      await example.ledger.submit('PurgeCopies', { ...request, endorsers: ['patients', 'bank'] });
      expect(example.text(privateKeys.copies(access))).to.equal('');
      expect(example.accessState(access)).to.include({ status: 'purged', reason: 'record-erased' });
    });
  });

  describe('a content', () => {
    it('is purged and written again without the text, which leaves its hash and a note', async () => {
      const sheet = await write(createdSheet([observation('one'), observation('two'), observation('three')]));
      const id = idAt(sheet, 1);
      const texts = content(sheet.id, 0)!.leaves as string[];
      await example.erase(id);
      const { writes } = await purge(sheet.id, [1], {
        private: { sheet: sheet.id, generation: 0, erased: [{ index: 1, askedBy: 'patient' }], salt: 'cd'.repeat(32) },
      } as object);
      const leaves = [texts[0], { hash: leafHash(texts[1]!) }, texts[2]];
      const tree = example.ledger.private.get(`${CARE} sheet/${sheet.id}`);
      expect(writes).to.deep.equal({
        public: {},
        private: {
          [`${CARE} content/${sheet.id}/1`]: canonicalJson({ schema: 1, leaves, tree }),
          [`${CARE} erasure/${erasureHandle('hospital', id)}/${sheet.id}`]: canonicalJson({
            ...{ schema: 1, record: id, type: 'Observation', version: 1, sheet: sheet.id, index: 1 },
            leaf: leafHash(texts[1]!),
            ...{ patient: example.patientId, askedBy: 'patient', purgedAt: example.ledger.time },
            salt: sha256Hex(`erasure/1/${'cd'.repeat(32)}`),
          }),
        },
        purged: [`${CARE} content/${sheet.id}/0`],
        policies: {},
        event: { name: 'ContentPurged', payload: '{}' },
      });
    });

    it('takes the key of a version with it, which names the record and holds its salt', async () => {
      const id = await example.observation();
      const place = example.ledger.read(CARE, privateKeys.version(id, 1)) as { sheet: string };
      await example.erase(id);
      const { writes } = await purge(place.sheet, [0]);
      expect(writes.purged).to.have.members([`${CARE} content/${place.sheet}/0`, `${CARE} version/${id}/1`]);
      const left = [...example.ledger.private].filter(([name]) => !name.startsWith('inbox')).join();
      expect(left).not.to.contain('a secret');
    });

    it('leaves what was shown before verifiable by its hash', async () => {
      const sheet = await write(createdSheet([observation(), observation()]));
      const shown = example.evidence(idAt(sheet, 0));
      await example.erase(shown.id);
      await purge(sheet.id, [0]);
      const tree = example.ledger.read(CARE, privateKeys.sheet(sheet.id)) as Sheet;
      expect(isIncluded(leafHash(shown.text), shown.index, shown.path, tree)).to.equal(true);
    });

    const two = async () => {
      const sheet = await write(createdSheet([observation(), observation()]));
      await example.erase(idAt(sheet, 0));
      return sheet;
    };
    const refused: [string, number[], Partial<Request<'PurgeContent'>> & { generation?: number }, RegExp][] = [
      ['of a record that is not marked', [1], {}, /CONFLICT at <private.erased\[0\]>: the record is not marked/],
      ['of a marked and another', [0, 1], {}, /CONFLICT at <private.erased\[1\]>: the record is not marked/],
      ['of a place that is not there', [2], {}, /INVALID at <private.erased\[0\]>: the sheet has no such place/],
      ['of one place twice', [0, 0], {}, /INVALID at <private.erased>: the same record twice/],
      ['of no place', [], {}, /INVALID at <private.erased>: names no place/],
      ['of another generation', [0], { generation: 1 }, /CONFLICT at <private.generation>: is not the newest content/],
      ["of another provider's", [0], { input: { provider: 'clinic' } }, /CONFLICT at <private.generation>/],
      ['by the provider alone', [0], { from: 'hospital' }, /FORBIDDEN: only a custodian may do this/],
      ['by a patient', [0], { role: 'patient' }, /FORBIDDEN: the role must be system/],
    ];
    for (const [what, places, change, failure] of refused)
      it(`is not purged ${what}`, async () => {
        const sheet = await two();
        const before = [...example.ledger.private];
        expect(await failureOf(purge(sheet.id, places, change))).to.match(failure);
        expect([...example.ledger.private]).to.deep.equal(before);
      });

    it('needs holder and custodian: nobody else can read it', async () => {
      const sheet = await two();
      for (const other of ['clinic', 'payer', 'bank', 'regulator'])
        expect(await failureOf(purge(sheet.id, [0], { endorsers: ['patients', other] })), other).to.match(
          /not available/,
        );
    });

    it('is purged of each place once', async () => {
      const sheet = await two();
      await purge(sheet.id, [0]);
      expect(await failureOf(purge(sheet.id, [0]))).to.match(/CONFLICT at <private.generation>/);
      expect(await failureOf(purge(sheet.id, [0], { generation: 1 }))).to.match(
        /CONFLICT at <private.erased\[0\]>: is erased already/,
      );
    });

    it('that an erasure wrote is written again as it is, so that what was refused under its key goes', async () => {
      const sheet = await two();
      await purge(sheet.id, [0]);
      const before = content(sheet.id, 1);
      const { writes } = await purge(sheet.id, [], { generation: 1 });
      expect(writes.purged).to.deep.equal([`${CARE} content/${sheet.id}/1`]);
      expect(Object.keys(writes.private)).to.deep.equal([`${CARE} content/${sheet.id}/2`]);
      expect(content(sheet.id, 2)).to.deep.equal(before);
    });

    it('which colluders replaced by that of another sheet is not written again', async () => {
      const [sheet, other] = [await two(), await write(createdSheet([observation()]))];
      const text = example.ledger.private.get(`${CARE} content/${other.id}/0`)!;
      example.ledger.private.set(`${CARE} content/${sheet.id}/0`, text);
      expect(await failureOf(purge(sheet.id, [0]))).to.match(/CONFLICT at <private.sheet>: is not the content/);
    });
  });

  describe('what was ordered and refused', () => {
    const collectionNames = collectionsOf(exampleConsortium).map(({ name }) => name);
    const purgeRefused = (collection: string, change: Partial<Request<'PurgeRefused'>> = {}) =>
      example.ledger.submit('PurgeRefused', {
        ...{ from: keeperOf(exampleConsortium, collection)!.name, role: 'system' },
        input: { collection },
        private: { keys: ['content/nowhere/0', 'sheet/nowhere'] },
        ...change,
      });

    for (const collection of collectionNames)
      it(`is purged by its keys in ${collection}, by its keeper with any one other`, async () => {
        const before = [...example.ledger.private];
        const { writes } = await purgeRefused(collection);
        expect(writes).to.deep.equal({
          ...{ public: {}, private: {}, policies: {} },
          purged: [`${collection} content/nowhere/0`, `${collection} sheet/nowhere`],
          event: { name: 'RefusedPurged', payload: '{}' },
        });
        expect([...example.ledger.private]).to.deep.equal(before);
      });

    it('takes nothing away that stands, whatever it is', async () => {
      await example.observation();
      await example.erase(await example.observation());
      const standing = [...example.ledger.private];
      expect(standing).to.have.length.greaterThan(5);
      for (const [name] of standing) {
        const [collection, key] = name.split(' ') as [string, string];
        const keys = { private: { keys: ['free', key] } };
        expect(await failureOf(purgeRefused(collection, keys)), name).to.match(/CONFLICT at <private.keys\[1\]>/);
      }
      expect([...example.ledger.private]).to.deep.equal(standing);
    });

    it('goes by nobody who is no member of the collection, and by no other role', async () => {
      for (const collection of collectionNames) {
        const members = collectionsOf(exampleConsortium).find(({ name }) => name === collection)!.members;
        for (const { name } of exampleConsortium.organisations) {
          const isMember = members.some((member) => member.name === name);
          const sent = purgeRefused(collection, { from: name, endorsers: [name, 'patients'] });
          if (isMember) await sent;
          else expect(await failureOf(sent), `${name} in ${collection}`).to.match(/FORBIDDEN at <collection>/);
        }
      }
      expect(await failureOf(purgeRefused(CARE, { role: 'operator' }))).to.match(/FORBIDDEN: the role/);
    });

    it('names each key once', async () => {
      const keys = { private: { keys: ['one', 'one'] } };
      expect(await failureOf(purgeRefused(CARE, keys))).to.match(/INVALID at <private.keys>: the same key twice/);
    });
  });

  /** Sheets of some sizes, and the order in which some of their records are erased, several at once. */
  const histories = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }).chain((sizes) => {
    const places = sizes.flatMap((size, sheet) => Array.from({ length: size }, (_, place) => ({ sheet, place })));
    return fc.record({
      sizes: fc.constant(sizes),
      rounds: fc.shuffledSubarray(places).chain((order) =>
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: order.length, maxLength: order.length }).map((cuts) => {
          const rest = [...order];
          return cuts.flatMap((cut) => (rest.length === 0 ? [] : [rest.splice(0, cut)]));
        }),
      ),
    });
  });

  it('leaves every neighbour bit for bit as it was, whatever is erased in which order', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ({ sizes, rounds }) => {
        const sheets: SheetDraft[] = [];
        for (const size of sizes)
          sheets.push(await write(createdSheet(Array.from({ length: size }, () => observation(randomUUID())))));
        const before = new Map(
          sheets.flatMap(({ records }) => records.map(({ id }) => [id, canonicalJson(example.evidence(id))])),
        );
        const generations = sheets.map(() => 0);
        const gone = new Set<string>();
        for (const round of rounds) {
          for (const { sheet, place } of round) await example.erase(idAt(sheets[sheet]!, place));
          for (const [index, sheet] of sheets.entries()) {
            const places = round.filter((one) => one.sheet === index).map(({ place }) => place);
            if (places.length === 0) continue;
            await purge(sheet.id, places, { generation: generations[index]! });
            generations[index]! += 1;
          }
          for (const { sheet, place } of round) gone.add(idAt(sheets[sheet]!, place));
          for (const [id, text] of before) {
            if (gone.has(id)) {
              expect(() => example.evidence(id)).to.throw('there is no such record version');
              continue;
            }
            const evidence = example.evidence(id);
            expect(canonicalJson(evidence)).to.equal(text);
            expect((await checked(example.ledger, evidence)).anchored.id).to.equal(id);
          }
        }
        const held = [...example.ledger.private].filter(([name]) => name.startsWith(`${CARE} content/`));
        for (const [, text] of held)
          for (const leaf of (JSON.parse(text) as Content).leaves)
            if (typeof leaf === 'string') expect(gone.has((JSON.parse(leaf) as Anchored).id)).to.equal(false);
        expect(held.filter(([name]) => sheets.some(({ id }) => name.includes(id)))).to.have.length(sheets.length);
      }),
      { numRuns: 25 },
    );
  });
});
