import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf, MemoryLedger } from '../ledger/memory-ledger.fixture.ts';
import { licencesOf } from '../ledger/register.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { Rules } from '../model/consortium-rules.ts';
import { leafHash, rootOf } from '../model/merkle.ts';
import { ORGANISATION_SYSTEM } from '../model/organisations.ts';
import { BUCKETS, bucketOfNumber, EMPTY_BUCKET, EMPTY_ROOT } from '../model/registers.ts';
import { type InputOf, MAX_STANDINGS } from '../model/transactions.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';
import { Registry } from './registry.ts';

const licence = { number: '1234567893', status: 'active', start: '2024-01-01', end: '2027-12-31' } as const;

describe('the registry contract', () => {
  let ledger: MemoryLedger;
  beforeEach(() => {
    ledger = new MemoryLedger(exampleConsortium, [new Registry(exampleConsortium)]);
  });
  const set = (change: Partial<InputOf<'SetLicence'>> = {}) =>
    ledger.submit('SetLicence', licensing(ledger, { ...licence, ...change }));

  it('sets a licence: its bucket and the register’s root, which everybody holds, and nothing that others could forge', async () => {
    const { reply, writes } = await set();
    const index = bucketOfNumber(licence.number);
    const text = canonicalJson({ schema: 1, licences: { [licence.number]: { ...licence, updatedAt: ledger.time } } });
    const leaves = Array.from({ length: BUCKETS }, (_, at) => leafHash(at === index ? text : EMPTY_BUCKET));
    expect(reply).to.deep.equal({ ...licence, updatedAt: ledger.time });
    expect(writes).to.deep.equal({
      public: {},
      private: {
        'registers register/1': canonicalJson({ schema: 1, root: rootOf(leaves), salt: 'ab'.repeat(32) }),
        [`registers bucket/${index}/1`]: text,
      },
      purged: [],
      policies: {},
      event: { name: 'LicenceSet', payload: canonicalJson(reply) },
    });
  });

  it('keeps every licence through the generations, and shows each by its bucket', async () => {
    const numbers = Array.from({ length: 12 }, (_, index) => String(1_000_000_000 + index));
    for (const number of numbers) await set({ number });
    await set({ number: numbers[3]!, status: 'excluded' });
    const { register, buckets } = bucketEvidence(ledger, numbers);
    expect(register).to.equal(13);
    const { root } = ledger.read('registers', 'register/13') as { root: string };
    const found = licencesOf({ generation: 13, root }, numbers, buckets);
    expect([...found.keys()]).to.have.members(numbers);
    expect(found.get(numbers[3]!)?.status).to.equal('excluded');
    expect(licencesOf({ generation: 0, root: EMPTY_ROOT }, [], [])).to.have.property('size', 0);
    expect(() => licencesOf({ generation: 12, root: EMPTY_ROOT }, numbers, buckets)).to.throw(/register holds/);
    expect(() => licencesOf({ generation: 13, root }, numbers, buckets.slice(1))).to.throw(/are not the buckets/);
  });

  it('knows no licence of a number that is what every object has', () => {
    const number = 'constructor';
    const { buckets } = bucketEvidence(ledger, [number]);
    expect([...licencesOf({ generation: 0, root: EMPTY_ROOT }, [number], buckets)]).to.deep.equal([]);
  });

  it('reads one key of the register, whosever licence it is', async () => {
    await set();
    await set({ number: '1' });
    expect([...ledger.private.keys()].filter((name) => name.includes(licence.number))).to.deep.equal([]);
  });

  it('refuses a bucket that the register does not hold', async () => {
    const early = licensing(ledger, { ...licence, status: 'suspended' });
    await set();
    const failure = 'LedgerError CONFLICT at <private.bucket>: is not what the register holds';
    expect(await failureOf(ledger.submit('SetLicence', early))).to.equal(failure);
    const other = licensing(ledger, { ...licence, number: '1' });
    expect(await failureOf(ledger.submit('SetLicence', { ...other, input: licence }))).to.equal(failure);
    const beyond = licensing(ledger, licence);
    const unknown = { ...beyond, private: { ...beyond.private!, register: 7 } };
    expect(await failureOf(ledger.submit('SetLicence', unknown))).to.match(/INVALID at <register>/);
  });

  it('goes on naming whom a licence named, until others are named', async () => {
    const [one, other] = ['Practitioner/x', 'Practitioner/y'].map((practitioner) => ({
      ...{ organisation: 'hospital', practitioner },
    }));
    expect((await set({ practitioners: [one!] })).reply.practitioners).to.deep.equal([one]);
    expect((await set({ status: 'suspended' })).reply).to.deep.include({ status: 'suspended', practitioners: [one] });
    expect((await set({ practitioners: [other!] })).reply.practitioners).to.deep.equal([other]);
    expect((await set({ number: '1' })).reply).to.not.have.property('practitioners');
  });

  it('keeps what counted before the day from which something else counts', async () => {
    const first = (await set({ jurisdictions: ['DE'] })).reply;
    ledger.time = '2026-04-01T00:00:00.000Z';
    const { reply } = await set({ status: 'suspended', effective: '2026-03-01' });
    const { status, start, end } = licence;
    expect(reply).to.deep.equal({
      ...{ ...licence, status: 'suspended', effective: '2026-03-01', jurisdictions: ['DE'], updatedAt: ledger.time },
      history: [{ status, start, end, jurisdictions: ['DE'], effective: start, updatedAt: first.updatedAt }],
    });
    expect((await set()).reply, 'all of it anew').to.deep.equal({ ...first, updatedAt: ledger.time });
  });

  it('says no of what would be one standing too many, and keeps the others', async () => {
    await set({ effective: '2024-01-01' });
    const day = (index: number) => new Date(Date.UTC(2024, 0, 1 + index)).toISOString().slice(0, 10);
    for (let index = 1; index < MAX_STANDINGS; index += 1) await set({ effective: day(index) });
    expect(await failureOf(set({ effective: day(MAX_STANDINGS) }))).to.match(/CONFLICT at <number>: .*200 standings/);
    await set({ effective: day(3), status: 'suspended' });
    const { buckets } = bucketEvidence(ledger, [licence.number]);
    expect(JSON.parse(buckets[0]!.text).licences[licence.number].history).to.have.length(3);
  });

  describe('several at once', () => {
    const numbers = Array.from({ length: 60 }, (_, index) => String(2_000_000_000 + index));
    const several = (of: readonly string[]) => ({
      ...{ from: 'regulator', role: 'system' },
      input: { licences: of.map((number) => ({ ...licence, number, status: 'excluded' as const })) },
      private: { salt: 'ab'.repeat(32), ...bucketEvidence(ledger, of) },
    });

    it('sets all of them in one generation, and each can be shown', async () => {
      for (const number of numbers.slice(0, 3)) await set({ number });
      const { reply } = await ledger.submit('SetLicences', several(numbers));
      expect(reply.licences.map(({ number }) => number)).to.deep.equal(numbers);
      const { root } = ledger.read('registers', 'register/4') as { root: string };
      const { register, buckets } = bucketEvidence(ledger, numbers);
      expect(register).to.equal(4);
      const found = licencesOf({ generation: 4, root }, numbers, buckets);
      expect(numbers.map((number) => found.get(number)?.status)).to.deep.equal(numbers.map(() => 'excluded'));
    });

    it('sets none of them where one cannot be, and names it', async () => {
      // Buckets of an empty register are all alike.
      await set({ number: numbers[0]! });
      const before = ledger.private.size;
      const good = several(numbers);
      const one = (at: number, change: object) => ({
        ...good,
        input: { licences: good.input.licences.map((each, index) => (index === at ? { ...each, ...change } : each)) },
      });
      const refused: [object, RegExp][] = [
        [one(7, { end: '2020-01-01' }), /INVALID at <licences\[7\].end>/],
        [one(7, { number: numbers[3]! }), /INVALID at <licences\[7\].number>: the same licence twice/],
        [one(2, { practitioners: [{ organisation: 'payer', practitioner: 'Practitioner/x' }] }), /<licences\[2\].prac/],
        [
          { ...good, private: { ...good.private, buckets: good.private.buckets.slice(1) } },
          /INVALID at <private.buckets>/,
        ],
        [
          { ...good, private: { ...good.private, buckets: good.private.buckets.toReversed() } },
          /CONFLICT at <private.buckets\[/,
        ],
        [{ ...good, from: 'hospital' }, /FORBIDDEN/],
        [{ ...good, role: 'operator' }, /FORBIDDEN/],
      ];
      for (const [request, message] of refused)
        expect(await failureOf(ledger.submit('SetLicences', request as typeof good))).to.match(message);
      expect(ledger.private.size).to.equal(before);
    });

    it('refuses what was gathered before another change', async () => {
      const early = several(numbers.slice(0, 2));
      await set({ number: numbers[1]! });
      expect(await failureOf(ledger.submit('SetLicences', early))).to.match(/CONFLICT at <private.buckets\[/);
    });
  });

  it('sets the rules, one generation after the other, for whatever a regulator may choose', async () => {
    const rules = { emergencyHours: 6, denialStopsBreakGlass: false, recordingLicence: 'required' } as const;
    const setRules = (input: object = rules, change: object = {}) =>
      ledger.submit('SetRules', {
        ...{ from: 'regulator', role: 'auditor', input: input as typeof rules, private: { salt: 'cd'.repeat(32) } },
        ...change,
      });
    for (let generation = 1; generation <= 9; generation += 1) {
      const emergencyHours = generation;
      const { writes } = await setRules({ ...rules, emergencyHours });
      expect(Object.keys(writes.private)).to.deep.equal([`registers rules/${generation}`]);
      const { schema, updatedAt, salt, ...said } = ledger.read('registers', `rules/${generation}`) as Rules;
      expect({ schema, updatedAt, salt }).to.deep.equal({ schema: 1, updatedAt: ledger.time, salt: 'cd'.repeat(32) });
      expect(said).to.deep.equal({ ...rules, emergencyHours });
    }
    const refused: [object, object, RegExp][] = [
      [{ ...rules, emergencyHours: 0 }, {}, /INVALID at <emergencyHours>/],
      [{ ...rules, emergencyHours: 169 }, {}, /INVALID at <emergencyHours>/],
      [{ ...rules, emergencyHours: 1.5 }, {}, /INVALID at <emergencyHours>/],
      [{ ...rules, recordingLicence: 'never' }, {}, /INVALID at <recordingLicence>/],
      [{ emergencyHours: 6 }, {}, /INVALID/],
      [rules, { from: 'patients', role: 'system' }, /FORBIDDEN: only a regulator/],
      [rules, { role: 'operator' }, /FORBIDDEN/],
    ];
    for (const [input, change, message] of refused) expect(await failureOf(setRules(input, change))).to.match(message);
  });

  it('goes with any second organisation', async () => {
    for (const other of ['hospital', 'clinic', 'patients', 'payer', 'bank'])
      await ledger.submit('SetLicence', { ...licensing(ledger, licence), endorsers: ['regulator', other] });
  });

  it('lists the organisations of the consortium', async () => {
    const { organisations } = await ledger.evaluate('ListOrganisations', { from: 'payer', role: 'system', input: {} });
    expect(organisations).to.deep.equal(exampleConsortium.organisations);
  });

  const refused: [string, object, string][] = [
    ['another kind of organisation', { from: 'hospital' }, 'LedgerError FORBIDDEN: only a regulator may do this'],
    ['an operator', { role: 'operator' }, 'LedgerError FORBIDDEN: the role must be system or auditor'],
    [
      'a role of another kind',
      { role: 'patient' },
      'LedgerError FORBIDDEN: the certificate has no role of a regulator',
    ],
    ['an unknown MSP', { from: 'StrangerMSP' }, 'LedgerError FORBIDDEN: the caller is of no member of the consortium'],
    [
      'an end before the start',
      { input: { ...licence, end: '2020-01-01' } },
      'LedgerError INVALID at <end>: a licence cannot end before it starts',
    ],
    ['a date that is none', { input: { ...licence, start: 'soon' } }, 'LedgerError INVALID at <start>: invalid format'],
    ...['payer', 'regulator', 'nobody'].map((organisation): [string, object, string] => [
      `a practitioner of ${organisation}`,
      { input: { ...licence, practitioners: [{ organisation, practitioner: 'Practitioner/x' }] } },
      'LedgerError INVALID at <practitioners[0].organisation>: is no provider of the consortium',
    ]),
    ...['Patient/x', 'x', `${ORGANISATION_SYSTEM}/hospital/Practitioner/x`].map(
      (practitioner): [string, object, string] => [
        `a practitioner named ${practitioner}`,
        { input: { ...licence, practitioners: [{ organisation: 'hospital', practitioner }] } },
        'LedgerError INVALID at <practitioners[0].practitioner>: invalid format',
      ],
    ),
    ['a member too many', { input: { ...licence, name: 'x' } }, 'LedgerError INVALID: has a member that is not known'],
  ];
  for (const [what, change, message] of refused)
    it(`refuses ${what} and writes nothing`, async () => {
      const request = { ...licensing(ledger, licence), ...change };
      expect(await failureOf(ledger.submit('SetLicence', request))).to.equal(message);
      expect(ledger.private.size).to.equal(0);
    });
});
