import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { Draft } from '../model/transactions.ts';
import { Records } from './records.ts';

function draftOf(resourceType = 'Observation', id: string = randomUUID(), version = 1): Draft {
  return { id, version, salt: randomBytes(32).toString('hex'), resource: { resourceType, id, note: 'naïve "quoted"' } };
}

const system = { from: 'hospital', role: 'system', input: {} };

describe('the records contract', () => {
  let ledger: MemoryLedger;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Records(exampleConsortium)]);
  });

  it('writes one private value per version, in canonical JSON, and nothing else', async () => {
    const first = draftOf();
    const second = draftOf('Patient');
    const { reply, writes } = await ledger.submit('RecordVersions', {
      ...system,
      private: { records: [first, second] },
    });
    const textOf = ({ id, salt, resource }: Draft): string =>
      `{"author":"HospitalMSP","id":"${id}","recordedAt":"${ledger.time}",` +
      `"resource":{"id":"${id}","note":"naïve \\"quoted\\"","resourceType":"${resource.resourceType}"},"salt":"${salt}","version":1}`;
    expect(reply).to.deep.equal({ time: ledger.time });
    expect(writes).to.deep.equal({
      public: {},
      private: {
        [`care_hospital record/${first.id}/1`]: textOf(first),
        [`care_hospital record/${second.id}/1`]: textOf(second),
      },
      purged: [],
      policies: {},
      event: undefined,
    });
  });

  it('goes on to the next version and refuses any other', async () => {
    const first = draftOf();
    await ledger.submit('RecordVersions', { ...system, private: { records: [first] } });
    const again = (version: number) =>
      ledger.submit('RecordVersions', { ...system, private: { records: [draftOf('Observation', first.id, version)] } });
    expect(await failureOf(again(1))).to.match(/^LedgerError CONFLICT at <private.records\[0\].version>: this version/);
    expect(await failureOf(again(3))).to.match(
      /^LedgerError CONFLICT at <private.records\[0\].version>: the version be/,
    );
    await again(2);
    expect([...ledger.private.keys()]).to.deep.equal(
      [1, 2].map((version) => `care_hospital record/${first.id}/${version}`),
    );
  });

  it('takes two shim calls for a new record and three for a later version', async () => {
    const drafts = Array.from({ length: 50 }, () => draftOf());
    await ledger.submit('RecordVersions', { ...system, private: { records: drafts } });
    expect(ledger.lastCalls).to.equal(100);
    const next = drafts.map(({ id }) => draftOf('Observation', id, 2));
    await ledger.submit('RecordVersions', { ...system, private: { records: next } });
    expect(ledger.lastCalls).to.equal(150);
  });

  it('answers anchors on any peer: the SHA-256 of the stored text, or nothing', async () => {
    const draft = draftOf();
    const { writes } = await ledger.submit('RecordVersions', { ...system, private: { records: [draft] } });
    const entries = [1, 2].map((version) => ({ collection: 'care_hospital', key: `record/${draft.id}/${version}` }));
    const { hashes } = await ledger.evaluate('GetAnchors', { from: 'bank', role: 'operator', input: { entries } });
    expect(hashes).to.deep.equal([sha256Hex(Object.values(writes.private)[0]!), '']);
  });

  it("answers the SHA-256 of what a member's own peer holds, and to others that it cannot", async () => {
    const draft = draftOf();
    const { writes } = await ledger.submit('RecordVersions', { ...system, private: { records: [draft] } });
    const held = { collection: 'care_hospital', key: `record/${draft.id}/1` };
    const entries = [held, { ...held, key: `record/${draft.id}/2` }, { collection: '', key: 'nothing' }];
    const ask = async (from: string) =>
      (await ledger.evaluate('GetHeld', { from, role: 'operator', input: { entries } })).hashes;
    expect(await ask('hospital')).to.deep.equal([sha256Hex(Object.values(writes.private)[0]!), '', '']);
    expect(await ask('bank')).to.deep.equal(['unavailable', 'unavailable', '']);
  });

  const one = draftOf();
  const refused: [string, { from?: string; role?: string; records?: unknown[] }, string][] = [
    ['a payer', { from: 'payer' }, 'LedgerError FORBIDDEN: only a provider may do this'],
    ['the custodian', { from: 'patients' }, 'LedgerError FORBIDDEN: only a provider may do this'],
    ['an operator', { role: 'operator' }, 'LedgerError FORBIDDEN: the role must be system or practitioner'],
    ['no role', { role: '' }, 'LedgerError FORBIDDEN: the certificate has no role of a provider'],
    ['no records', { records: [] }, 'LedgerError INVALID at <private.records>: too small'],
    [
      'a resource of another id',
      { records: [{ ...one, resource: { ...one.resource, id: randomUUID() } }] },
      "LedgerError INVALID at <private.records[0].resource.id>: the resource's id is not its key's",
    ],
    ['an id twice', { records: [one, one] }, 'LedgerError INVALID at <private.records[1].id>: the same id twice'],
    [
      'an id that could be guessed',
      { records: [{ ...one, id: 'Smith-1970' }] },
      'LedgerError INVALID at <private.records[0].id>: invalid format',
    ],
    [
      'a salt that is too short',
      { records: [one, { ...draftOf(), salt: 'abcd' }] },
      'LedgerError INVALID at <private.records[1].salt>: invalid format',
    ],
    [
      'something that is no resource',
      { records: [{ ...one, resource: { id: one.id } }] },
      'LedgerError INVALID at <private.records[0].resource.resourceType>: expected string',
    ],
    [
      "an author of the caller's choice",
      { records: [{ ...one, author: 'ClinicMSP' }] },
      'LedgerError INVALID at <private.records[0]>: has a member that is not known',
    ],
  ];
  for (const [what, { records = [one], ...caller }, message] of refused)
    it(`refuses ${what}, all or nothing`, async () => {
      const request = { ...system, ...caller, private: { records: records as Draft[] } };
      expect(await failureOf(ledger.submit('RecordVersions', request))).to.equal(message);
      expect(ledger.private.size).to.equal(0);
    });

  it('refuses a change of type', async () => {
    const draft = draftOf();
    await ledger.submit('RecordVersions', { ...system, private: { records: [draft] } });
    const changed = { ...system, private: { records: [draftOf('Condition', draft.id, 2)] } };
    expect(await failureOf(ledger.submit('RecordVersions', changed))).to.equal(
      'LedgerError INVALID at <private.records[0].resource.resourceType>: a record keeps its type',
    );
  });

  it('refuses a call without its private input', async () => {
    expect(await failureOf(ledger.submit('RecordVersions', system))).to.equal(
      'LedgerError INVALID at <private>: the private input is missing',
    );
  });

  it('keeps the records of two providers apart', async () => {
    const draft = draftOf();
    await ledger.submit('RecordVersions', { ...system, private: { records: [draft] } });
    const foreign = { from: 'clinic', role: 'system', input: {}, private: { records: [{ ...draft, version: 2 }] } };
    expect(await failureOf(ledger.submit('RecordVersions', foreign))).to.match(/^LedgerError CONFLICT/);
  });
});
