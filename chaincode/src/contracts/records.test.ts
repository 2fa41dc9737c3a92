import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { checkRecord } from '../ledger/evidence.ts';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger, type Request } from '../ledger/memory-ledger.fixture.ts';
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import { patientIdOf, type Resource, tombstoneOf } from '../model/fhir.ts';
import { leafHash, rootOf } from '../model/merkle.ts';
import {
  MAX_CONTENT_LENGTH,
  type RecordDraft,
  type RecordEvidence,
  recordIdAt,
  type SheetDraft,
} from '../model/sheets.ts';
import type { InputOf } from '../model/transactions.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';
import { createdSheet, evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Records } from './records.ts';
import { Registry } from './registry.ts';

const observation = (id: string = randomUUID(), content: object = {}): Resource => ({
  resourceType: 'Observation',
  id,
  note: 'naïve "quoted"',
  ...content,
});

const draftOf = (id?: string, version = 1, content: object = {}): RecordDraft =>
  recordDraft(observation(id, content), version);

describe('the records contract', () => {
  let ledger: MemoryLedger;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium)]);
  });
  const write = (...sheets: SheetDraft[]) => ledger.submit('RecordVersions', recording(sheets));
  const writeOne = (draft: RecordDraft) => write(sheetOf([draft]));

  describe('of a practitioner', () => {
    const NUMBER = '1234567893';
    const PERSON = 'Practitioner/d1';
    const TERMS = { number: NUMBER, status: 'active', start: '2020-01-01', end: '2030-01-01' } as const;
    beforeEach(() => {
      ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium), new Registry(exampleConsortium)]);
    });
    const licensed = (change: Partial<InputOf<'SetLicence'>> = {}) => {
      const practitioners = [{ organisation: 'hospital', practitioner: PERSON }];
      return ledger.submit('SetLicence', licensing(ledger, { ...TERMS, practitioners, ...change }));
    };
    const shown = () => {
      const { register, buckets } = bucketEvidence(ledger, [NUMBER]);
      return { licence: { number: NUMBER, register, bucket: buckets[0]! } };
    };
    const record = (hidden: object = {}, by: object = { fhirUser: PERSON }) => {
      const request = recording([createdSheet([observation()])]);
      return ledger.submit('RecordVersions', {
        ...{ ...request, role: 'practitioner', private: { ...request.private!, ...hidden } },
        ...by,
      });
    };
    const required = () =>
      ledger.submit('SetRules', {
        ...{ from: 'regulator', role: 'system', private: { salt: 'ab'.repeat(32) } },
        input: { emergencyHours: 24, denialStopsBreakGlass: true, recordingLicence: 'required' },
      });

    it('is recorded with a licence in force that names him, and with none that does not hold', async () => {
      await licensed();
      await record(shown());
      const refused: [object, string][] = [
        [{ status: 'suspended' }, 'licence-suspended'],
        [{ status: 'excluded' }, 'licence-excluded'],
        [{ end: '2026-02-28' }, 'licence-expired'],
        [{ start: '2026-03-02' }, 'licence-not-begun'],
        [{ practitioners: [{ organisation: 'clinic', practitioner: PERSON }] }, 'licence-of-another'],
        [{ practitioners: [{ organisation: 'hospital', practitioner: 'Practitioner/d2' }] }, 'licence-of-another'],
      ];
      for (const [change, reason] of refused) {
        await licensed(change);
        const before = ledger.private.size;
        expect(await failureOf(record(shown()))).to.equal(`LedgerError FORBIDDEN at <private.licence>: ${reason}`);
        expect(ledger.private.size).to.equal(before);
      }
      await licensed({ status: 'suspended', effective: '2026-03-02' });
      await record(shown());
    });

    it('is recorded without one only until the rules require it of all', async () => {
      await record();
      await record({}, {});
      await required();
      const absent = 'LedgerError FORBIDDEN at <private.licence>: licence-absent';
      for (const by of [{ fhirUser: PERSON }, {}]) expect(await failureOf(record({}, by))).to.equal(absent);
      expect(await failureOf(record(shown()))).to.equal(absent);
      await licensed();
      await record(shown());
      expect(await failureOf(record(shown(), {}))).to.match(/licence-of-another/);
      await record({}, { role: 'system' });
    });

    it('is not recorded by a licence as the register no longer has it', async () => {
      await licensed();
      const early = shown();
      await licensed({ status: 'suspended' });
      expect(await failureOf(record(early))).to.match(/CONFLICT/);
    });
  });

  it('writes two private values for a sheet of new records, in canonical JSON, and nothing else', async () => {
    const sheet = createdSheet([observation(), { resourceType: 'Patient' }, observation()]);
    const { reply, writes } = await write(sheet);
    const texts = sheet.records.map(
      ({ id, salt, resource }) =>
        `{"author":"HospitalMSP","id":"${id}","recordedAt":"${ledger.time}","resource":${resource},"salt":"${salt}","schema":1,"version":1}`,
    );
    expect(reply).to.deep.equal({ time: ledger.time });
    expect(writes).to.deep.equal({
      public: {},
      private: {
        [`care_hospital sheet/${sheet.id}`]: `{"root":"${rootOf(texts.map(leafHash))}","salt":"${sheet.salt}","schema":1,"size":3}`,
        [`care_hospital content/${sheet.id}/0`]: JSON.stringify({ leaves: texts, schema: 1 }),
      },
      purged: [],
      policies: {},
      event: undefined,
    });
  });

  it('writes a key of its own for an id that the author chose, and for each later version', async () => {
    const own = draftOf();
    const { writes } = await writeOne(own);
    expect(Object.keys(writes.private).map((name) => name.split('/')[0])).to.deep.equal([
      'care_hospital sheet',
      'care_hospital content',
      'care_hospital version',
    ]);
    const sheet = createdSheet([observation()]);
    await write(sheet);
    const { id } = sheet.records[0]!;
    const next = { ...draftOf(id, 2), origin: { sheet: sheet.id, index: 0 } };
    const later = await writeOne(next);
    expect(ledger.read('care_hospital', `version/${id}/2`)).to.include({ index: 0, type: 'Observation' });
    expect(Object.keys(later.writes.private)).to.have.length(3);
    await writeOne(draftOf(id, 3));
  });

  it('goes on to the next version and refuses any other', async () => {
    const first = draftOf();
    await writeOne(first);
    const again = (version: number) => writeOne(draftOf(first.id, version));
    const at = 'LedgerError CONFLICT at <private.sheets[0].records[0].version>:';
    expect(await failureOf(again(1))).to.equal(`${at} this version is already recorded`);
    expect(await failureOf(again(3))).to.equal(`${at} the version before this one is not recorded`);
    await again(2);
    expect(await failureOf(again(2))).to.equal(`${at} this version is already recorded`);
  });

  it('holds version 2 to where version 1 stands', async () => {
    const sheet = createdSheet([observation(), observation()]);
    await write(sheet);
    const [first, second] = sheet.records.map(({ id }) => id);
    const at = (origin?: { sheet: string; index: number }) =>
      failureOf(writeOne({ ...draftOf(first, 2), ...(origin === undefined ? {} : { origin }) }));
    const missing = /CONFLICT .*the version before this one is not recorded/;
    expect(await at()).to.match(missing);
    expect(await at({ sheet: sheet.id, index: 1 })).to.match(missing);
    expect(await at({ sheet: randomUUID(), index: 0 })).to.match(missing);
    expect(await failureOf(writeOne({ ...draftOf(second, 3), origin: { sheet: sheet.id, index: 1 } }))).to.match(
      missing,
    );
    // An id that a sheet would give to its third record, which it does not have.
    const beyond = recordIdAt({ sheet: sheet.id, index: 2 }, 'Observation');
    expect(await failureOf(writeOne({ ...draftOf(beyond, 2), origin: { sheet: sheet.id, index: 2 } }))).to.match(
      missing,
    );
  });

  it('begins a record whose id says where it stands there and nowhere else', async () => {
    const sheet = createdSheet([observation(), observation()]);
    await write(sheet);
    const refusal = /INVALID at <private.sheets\[0\].records\[0\].id>: an id of this form says where a record begins/;
    for (const id of [sheet.records[0]?.id, recordIdAt({ sheet: randomUUID(), index: 0 }, 'Observation')])
      expect(await failureOf(writeOne(draftOf(id, 1, { status: 'amended' }))), id).to.match(refusal);
    const [first, second] = sheet.records;
    const swapped = sheetOf([second!, first!]);
    expect(await failureOf(write(swapped))).to.match(refusal);
  });

  it('writes a sheet once', async () => {
    const sheet = createdSheet([observation()]);
    await write(sheet);
    expect(await failureOf(write(sheet))).to.equal(
      'LedgerError CONFLICT at <private.sheets[0].id>: this sheet is already written',
    );
    const twice = createdSheet([observation()]);
    expect(await failureOf(write(twice, { ...createdSheet([observation()]), id: twice.id }))).to.match(
      /INVALID at <private.sheets\[1\].id>: the same id twice/,
    );
  });

  it('asks the peer once for a sheet of new records, and writes once, however many they are', async () => {
    await write(createdSheet(Array.from({ length: 500 }, () => observation())));
    expect(ledger.lastCalls).to.equal(2);
  });

  it('keeps every digit of a decimal', async () => {
    const draft = draftOf();
    const exact = {
      ...draft,
      resource: draft.resource.replace('"note"', '"nota":[1.50,0.12345678901234567,1e3],"note"'),
    };
    await writeOne(exact);
    expect(evidenceFrom(ledger, 'hospital', draft.id).text).to.contain('[1.50,0.12345678901234567,1e3]');
  });

  it('answers anchors on any peer: the SHA-256 of the stored text, or nothing', async () => {
    const sheet = createdSheet([observation()]);
    const { writes } = await write(sheet);
    const entries = [sheet.id, randomUUID()].map((id) => ({ collection: 'care_hospital', key: `sheet/${id}` }));
    const { hashes } = await ledger.evaluate('GetAnchors', { from: 'bank', role: 'operator', input: { entries } });
    expect(hashes).to.deep.equal([sha256Hex(Object.values(writes.private)[0]!), '']);
  });

  it("answers the SHA-256 of what a member's own peer holds, and to others that it cannot", async () => {
    const sheet = sheetOf([draftOf()]);
    const { writes } = await ledger.submit('RecordVersions', recording([sheet]));
    const held = { collection: 'care_hospital', key: `sheet/${sheet.id}` };
    const entries = [held, { ...held, key: 'sheet/of-nobody' }, { collection: '', key: 'nothing' }];
    const ask = async (from: string) =>
      (await ledger.evaluate('GetHeld', { from, role: 'operator', input: { entries } })).hashes;
    expect(await ask('hospital')).to.deep.equal([
      sha256Hex(writes.private[`care_hospital sheet/${sheet.id}`]!),
      '',
      '',
    ]);
    expect(await ask('bank')).to.deep.equal(['unavailable', 'unavailable', '']);
  });

  const one = draftOf();
  const placed = 'private.sheets[0].records';
  const long = 'A'.repeat(MAX_CONTENT_LENGTH / 2);
  const refused: [string, { from?: string; role?: string; records?: unknown[] }, string][] = [
    ['a payer', { from: 'payer' }, 'LedgerError FORBIDDEN: only a provider may do this'],
    ['the custodian', { from: 'patients' }, 'LedgerError FORBIDDEN: only a provider may do this'],
    ['an operator', { role: 'operator' }, 'LedgerError FORBIDDEN: the role must be system or practitioner'],
    ['no role', { role: '' }, 'LedgerError FORBIDDEN: the certificate has no role of a provider'],
    ['no records', { records: [] }, `LedgerError INVALID at <${placed}>: too small`],
    [
      'a resource of another id',
      { records: [{ ...one, resource: draftOf().resource }] },
      `LedgerError INVALID at <${placed}[0].resource.id>: the resource's id is not its key's`,
    ],
    ['an id twice', { records: [one, one] }, `LedgerError INVALID at <${placed}[1].id>: the same id twice`],
    ...['a/b', '', 'x'.repeat(65), 'a b', 'Ä'].map((id): [string, { records: unknown[] }, string] => [
      `the id ${JSON.stringify(id)}, which is none of FHIR's`,
      { records: [{ ...one, id }] },
      `^LedgerError INVALID at <private.sheets\\[0\\].records\\[0\\].id>: `,
    ]),
    [
      'a salt that is too short',
      { records: [one, { ...draftOf(), salt: 'abcd' }] },
      `LedgerError INVALID at <${placed}[1].salt>: invalid format`,
    ],
    [
      'something that is no resource',
      { records: [{ ...one, resource: `{"id":"${one.id}"}` }] },
      `LedgerError INVALID at <${placed}[0].resource.resourceType>: expected string`,
    ],
    [
      'a text that is not canonical',
      { records: [{ ...one, resource: ` ${one.resource}` }] },
      `LedgerError INVALID at <${placed}[0].resource>: is not canonical JSON`,
    ],
    [
      'a text that is no JSON',
      { records: [{ ...one, resource: 'Jane' }] },
      `LedgerError INVALID at <${placed}[0].resource>: is not JSON`,
    ],
    [
      "an author of the caller's choice",
      { records: [{ ...one, author: 'ClinicMSP' }] },
      `LedgerError INVALID at <${placed}[0]>: has a member that is not known`,
    ],
    [
      'more than one content holds',
      { records: [1, 2, 3].map(() => draftOf(undefined, 1, { data: long })) },
      'LedgerError INVALID at <private.sheets[0]>: is too long for one sheet',
    ],
    ...[
      'Consent',
      'Coverage',
      'ClaimResponse',
      'ExplanationOfBenefit',
      'PaymentNotice',
      'PaymentReconciliation',
      'AuditEvent',
    ].map((resourceType): [string, { records: unknown[] }, string] => {
      const draft = recordDraft({ resourceType, id: one.id });
      const reason = /^LedgerError INVALID at <private.sheets\[0\].records\[0\].resource.resourceType>: /.source;
      return [`a ${resourceType}, which is no record`, { records: [draft] }, reason];
    }),
  ];
  for (const [what, { records = [one], ...caller }, message] of refused)
    it(`refuses ${what}, all or nothing`, async () => {
      const request: Request<'RecordVersions'> = { ...recording([sheetOf(records as RecordDraft[])]), ...caller };
      const failure = await failureOf(ledger.submit('RecordVersions', request));
      if (message.startsWith('^')) expect(failure).to.match(new RegExp(message));
      else expect(failure).to.equal(message);
      expect(ledger.private.size).to.equal(0);
    });

  it('takes one record that is longer than a content of several', async () => {
    await writeOne(draftOf(undefined, 1, { data: long + long + long }));
  });

  it('refuses a change of type', async () => {
    const draft = draftOf();
    await writeOne(draft);
    const changed = recordDraft({ resourceType: 'Condition', id: draft.id }, 2);
    expect(await failureOf(writeOne(changed))).to.equal(
      `LedgerError INVALID at <${placed}[0].resource.resourceType>: a record keeps its type`,
    );
  });

  it('refuses a call without its private input', async () => {
    const { private: _, ...call } = recording([]);
    expect(await failureOf(ledger.submit('RecordVersions', call))).to.equal(
      'LedgerError INVALID at <private>: the private input is missing',
    );
  });

  it('keeps the records of two providers apart', async () => {
    const draft = draftOf();
    await writeOne(draft);
    const foreign = recording([sheetOf([draftOf(draft.id, 2)])], 'clinic');
    expect(await failureOf(ledger.submit('RecordVersions', foreign))).to.match(/^LedgerError CONFLICT/);
  });

  describe('deletes', () => {
    const subject = { reference: 'Patient/p1' };
    const tombstone = (id: string, content: object = {}, version = 2): RecordDraft => ({
      ...recordDraft({ resourceType: 'Observation', id, ...content } as Resource, version),
      deleted: true,
    });
    const fault = async (draft: RecordDraft) => failureOf(writeOne(draft));

    it('by a version that says so and holds nothing but whose it was, and takes later versions again', async () => {
      const first = draftOf(undefined, 1, { subject: { ...subject, display: 'her name' } });
      await writeOne(first);
      await writeOne(tombstone(first.id, { subject }));
      const { text } = evidenceFrom(ledger, 'hospital', first.id, 2);
      expect(JSON.parse(text)).to.deep.include({
        deleted: true,
        resource: { resourceType: 'Observation', id: first.id, subject },
      });
      await writeOne(draftOf(first.id, 3));
      expect(evidenceFrom(ledger, 'hospital', first.id, 3).text).to.not.contain('deleted');
    });

    it('of whatever type by the same tombstone, which says whose it was', () => {
      const parts: Record<string, object> = {
        Appointment: { participant: [{ actor: subject }, { actor: { reference: 'Location/l' } }] },
        Schedule: { actor: [subject] },
        Task: { for: subject },
        Provenance: { target: [{ reference: 'Observation/o' }, subject] },
        Coverage: { beneficiary: subject },
        Observation: { subject: { reference: 'Patient/p1/_history/1', display: 'x' } },
      };
      for (const [resourceType, content] of Object.entries(parts)) {
        const made = tombstoneOf({ resourceType, id: 'x', status: 'kept', ...content });
        expect(made).to.deep.equal({ resourceType, id: 'x', subject });
        expect(patientIdOf(made), resourceType).to.equal('p1');
        expect(tombstoneOf(made)).to.deep.equal(made);
      }
      expect(tombstoneOf({ resourceType: 'Patient', id: 'p1', name: [] })).to.deep.equal({
        resourceType: 'Patient',
        id: 'p1',
      });
      expect(tombstoneOf({ resourceType: 'Location', id: 'l', name: 'x' })).to.deep.equal({
        resourceType: 'Location',
        id: 'l',
      });
    });

    it('nothing that is not there, or that no provider records, and keeps no content', async () => {
      const first = draftOf();
      await writeOne(first);
      expect(await fault(tombstone(first.id, {}, 1))).to.match(/INVALID .*what is not there is not deleted/);
      expect(await fault(tombstone(randomUUID()))).to.match(/CONFLICT .*the version before this one is not recorded/);
      for (const content of [
        { note: 'x' },
        { subject: { ...subject, display: 'x' } },
        { subject: { reference: 'Group/g' } },
      ])
        expect(await fault(tombstone(first.id, content)), JSON.stringify(content)).to.match(
          /INVALID .*a deletion holds nothing of its record but whose it was/,
        );
      const consent = { ...recordDraft({ resourceType: 'Consent', id: first.id }, 2), deleted: true as const };
      expect(await fault(consent)).to.match(/INVALID .*a consent is granted through the custodian/);
    });

    it('so that no endorser takes the record as evidence', async () => {
      const first = draftOf();
      await writeOne(first);
      const anchor = async (collection: string, key: string) => {
        const value = ledger.private.get(`${collection} ${key}`);
        return value === undefined ? undefined : sha256Hex(value);
      };
      const check = (version: number) =>
        failureOf(
          checkRecord(
            { anchor } as unknown as Store,
            'hospital',
            evidenceFrom(ledger, 'hospital', first.id, version),
            'it',
          ),
        );
      await writeOne(tombstone(first.id));
      expect(await check(1)).to.match(/CONFLICT at <it>: is not the current version/);
      expect(await check(2)).to.match(/CONFLICT at <it>: the record is deleted/);
    });

    it('no record of another provider', async () => {
      const first = draftOf();
      await writeOne(first);
      const from = recording([sheetOf([tombstone(first.id)])], 'clinic');
      expect(await failureOf(ledger.submit('RecordVersions', from))).to.match(/CONFLICT/);
    });
  });

  it('takes an id of its author’s once in the whole consortium, of whatever type', async () => {
    const id = 'example.1-A';
    await writeOne(draftOf(id));
    const elsewhere = (draft: RecordDraft) =>
      failureOf(ledger.submit('RecordVersions', recording([sheetOf([draft])], 'clinic')));
    const taken =
      'LedgerError CONFLICT at <private.sheets[0].records[0].id>: another organisation has a record of this id';
    expect(await elsewhere(draftOf(id))).to.equal(taken);
    expect(await elsewhere(recordDraft({ resourceType: 'Patient', id }))).to.equal(taken);
    await writeOne(draftOf(id, 2));
  });

  describe('evidence', () => {
    const sheet = createdSheet([observation(), observation(), observation()]);
    const stub = () => ledger.private;
    /** As any peer checks it: by hashes alone. */
    const check = (evidence: RecordEvidence) => {
      const anchor = async (collection: string, key: string) => {
        const value = stub().get(`${collection} ${key}`);
        return value === undefined ? undefined : sha256Hex(value);
      };
      return checkRecord({ anchor } as unknown as Store, 'hospital', evidence, 'it');
    };

    it('shows a record by its text and its path, and nothing of its neighbours', async () => {
      await write(sheet);
      for (const { id } of sheet.records) {
        const evidence = evidenceFrom(ledger, 'hospital', id);
        expect((await check(evidence)).anchored.id).to.equal(id);
        for (const other of sheet.records.filter((record) => record.id !== id))
          expect(JSON.stringify(evidence)).not.to.contain(other.id).and.not.to.contain(other.salt);
      }
    });

    it('shows the current version, by its key, and no earlier one', async () => {
      await write(sheet);
      const { id } = sheet.records[1]!;
      const first = evidenceFrom(ledger, 'hospital', id);
      await writeOne({ ...draftOf(id, 2), origin: { sheet: sheet.id, index: 1 } });
      expect(await failureOf(check(first))).to.match(/CONFLICT at <it>: is not the current version/);
      expect((await check(evidenceFrom(ledger, 'hospital', id, 2))).anchored.version).to.equal(2);
    });

    it('fails with anything in it changed', async () => {
      await write(sheet);
      const evidence = evidenceFrom(ledger, 'hospital', sheet.records[0]!.id);
      const changes: Partial<RecordEvidence>[] = [
        { id: randomUUID() },
        { version: 2 },
        { text: evidence.text.replace('quoted', 'quotes') },
        { sheet: randomUUID() },
        { index: 1 },
        { path: evidence.path.slice(1) },
        { path: [...evidence.path].reverse() },
        { tree: evidence.tree.replace('"size":3', '"size":4') },
        { place: evidence.tree },
      ];
      for (const change of changes)
        expect(await failureOf(check({ ...evidence, ...change })), Object.keys(change)[0]).to.match(/^LedgerError/);
    });
  });
});
