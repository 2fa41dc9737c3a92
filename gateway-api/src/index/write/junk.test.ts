/** Whatever organisations write that endorse together, projector, reads and verify go on, and the rest is shown. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { peer } from '@hyperledger/fabric-protos';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections, collectionsOf } from '@telemed-ledger/consortium/collections.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type FixtureTransaction,
  type FixtureWrite,
  fixtureBlock,
  newTransactionId,
} from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import {
  anchored,
  FixtureIndex,
  type Logged,
  logInto,
  recordWrites,
  sheetWrites,
  wideConsortium,
} from '../index.fixture.ts';
import {
  accessState,
  accessStep,
  claimState,
  claimStateWrites,
  consentWrite,
  copiesWrite,
  delivery,
  evidenceFrom,
  markWrite,
  requestWrite,
} from '../values.fixture.ts';
import { named, verify } from '../verification/verification.fixture.ts';

const UNREADABLE = 'a committed value cannot be read';
const COLLECTIONS = collectionsOf(wideConsortium).map(({ name }) => name);
const ID = randomUUID();

/** A key of every kind, by the functions that make them. */
const KEYS: string[] = Object.values(privateKeys as Record<string, (...segments: never[]) => string>).map((keyOf) =>
  keyOf(...([ID, 1] as never[])),
);
const STRANGE_KEYS = [
  '',
  '/',
  '//',
  'a',
  '__proto__/a/1',
  'constructor/a/1',
  'content',
  'content//',
  'copies/',
  `copies/${ID}/1`,
  'access/a/9',
  'consent/a',
  'register/1',
  'bucket/1/1',
  'record/a/1',
  'copy/a/b',
  'x'.repeat(400),
];
const VALUES = [
  ...['null', '7', '"x"', '[]', '{}', '[{}]', 'true', 'not JSON', '{', '', '\u{feff}{}'],
  ...[
    '{"resource":null}',
    '{"resource":{}}',
    '{"resources":7}',
    '{"resources":[null]}',
    '{"author":"M","id":"x","version":{},"resource":{}}',
  ],
  ...[
    '{"schema":1,"leaves":["{}"]}',
    '{"schema":1,"records":[{}],"holder":"hospital"}',
    '{"status":"granted","consent":7}',
  ],
  ...[
    '{"payer":7,"author":{},"resource":{"insurer":null}}',
    '{"resource":{"insurer":{"identifier":7,"reference":{}}}}',
    '{"patient":{"system":1}}',
  ],
  ...['{"__proto__":{"id":"x"}}', '{"id":{"toString":1}}', '['.repeat(3_000) + ']'.repeat(3_000)],
  JSON.stringify({
    resource: { resourceType: 'Patient', id: ID },
    resources: [{ resourceType: 'Observation', id: ID }],
  }),
  ...[accessState({ id: ID }), claimState({ id: ID })].map((state) => JSON.stringify({ ...state, extra: 1 })),
];

onEachDatabase('Junk', function (kind) {
  this.timeout(180_000);
  let fixture: FixtureIndex;
  let logged: Logged[];
  let chain: peer.BlockAndPrivateData[];
  const open = async (name: string): Promise<void> => {
    await fixture?.close();
    fixture = await FixtureIndex.open(name, kind, wideConsortium);
    [logged, chain] = [[], []];
    fixture.projector = await fixture.openProjector({ log: logInto(logged) });
  };
  beforeEach(() => open('hospital'));
  afterEach(() => fixture.close());

  async function commit(...transactions: FixtureTransaction[]): Promise<void> {
    const block = fixtureBlock(chain.length, transactions, chain.at(-1));
    chain.push(block);
    await fixture.apply(block);
  }
  const reports = () => logged.filter(({ msg }) => msg === UNREADABLE);
  const search = async (type: string): Promise<string[]> =>
    (await fixture.index.search({ type, count: 50 })).matches.map(({ resource }) => resource.id);

  /** Everything that goes over what others wrote answers, and shows what is sound. */
  async function expectGoingOn(): Promise<void> {
    const { index } = fixture;
    const writes = recordWrites('Observation', { status: 'final' });
    const consent = consentWrite({});
    const state = accessState({ requestor: 'hospital', holder: 'clinic' });
    const claim = claimState({ payer: 'payer' });
    const request = requestWrite(state.id, 'P-1', 'hospital');
    await commit(
      { privateWrites: writes },
      { creator: 'PatientsMSP', privateWrites: [consent] },
      ...[accessStep(state), { privateWrites: [request] }],
      { privateWrites: claimStateWrites(claim, 'hospital') },
    );
    expect(await search('Observation')).to.include(writes.id);
    expect(await search('Consent')).to.include(consent.id);
    for (const type of ['Patient', 'Coverage', 'Claim', 'ClaimResponse', 'PaymentReconciliation', 'PaymentNotice'])
      await search(type);
    expect((await index.newest('Observation', writes.id))?.version).to.equal(1);
    const pages = { access: state.id, claim: claim.id };
    for (const [one, id] of Object.entries(pages))
      expect((await index.own.page(one, { count: 500 })).rows.map((row) => row.read().id)).to.include(id);
    const since = [{ prefix: 'ge' as const, value: '2026-01-01' }];
    for (const { read } of (await index.own.updated('access', since, { count: 500 })).rows) read();
    for (const find of [index.accesses.due('9', { count: 500 }), index.accesses.orphaned({ count: 500 })]) await find;
    await index.register.licence('1').catch(({ status }) => expect(status).to.equal(503));
    for (const key of [...KEYS, ...STRANGE_KEYS]) await index.evidence.text('care_hospital', key);
    await index.missing([`Patient/${ID}`, `Observation/${ID}`]);
    const { differences } = await verify(fixture, chain);
    const kinds = new Set(differences.map((one) => one.kind));
    for (const one of ['content', 'changed', 'absent', 'additional', 'gone', 'block'])
      expect(kinds, JSON.stringify(differences.filter((d) => d.kind === one).map(named))).to.not.include(one);
  }

  for (const name of ['hospital', 'patients', 'payer', 'bank'])
    it(`of every kind in every collection stops nothing at ${name}`, async () => {
      await open(name);
      const creators = wideConsortium.organisations.map(({ mspId }) => mspId);
      for (const [turn, value] of VALUES.entries()) {
        const creator = creators[turn % creators.length]!;
        const transactions = COLLECTIONS.map((collection): FixtureTransaction => {
          const keys = [...KEYS, ...STRANGE_KEYS.map((key) => `${key}`)];
          // Each time under other keys: a second write is ignored anyway.
          const writes = keys.map((key) => ({ collection, key: key.replace(ID, randomUUID()), value }));
          return { creator, privateWrites: turn % 4 === 0 ? keys.map((key) => ({ collection, key, value })) : writes };
        });
        await commit(...transactions);
      }
      expect(reports().length).to.be.greaterThan(50);
      if (name === 'hospital') await expectGoingOn();
      else
        expect(
          (await verify(fixture, chain)).differences.filter(({ kind }) => !['unreadable', 'rewritten'].includes(kind)),
        ).to.deep.equal([]);
    });

  it('at random stops nothing', async () => {
    const key = fc.oneof(
      fc.constantFrom(...KEYS, ...STRANGE_KEYS),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(...KEYS).map((one) => one.replace(ID, randomUUID())),
    );
    const shape = {
      schema: fc.constantFrom(1, 2, '1'),
      id: fc.constantFrom(ID, 7),
      version: fc.anything(),
      author: fc.anything(),
      resource: fc.anything(),
      resources: fc.anything(),
      leaves: fc.anything(),
      records: fc.anything(),
      root: fc.anything(),
      size: fc.anything(),
      holder: fc.constantFrom('hospital', 7),
      accessId: fc.constantFrom(ID, null),
      status: fc.anything(),
    };
    const text = fc.oneof(
      fc.json(),
      fc
        .record(shape, { requiredKeys: [] })
        .map(
          (value) => JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one)) ?? '',
        ),
      fc.string({ unit: 'binary' }),
    );
    const write = fc.record({ collection: fc.constantFrom(...COLLECTIONS), key, value: text });
    const property = fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 30 }), async (privateWrites) => {
      if (chain.length > 100) await open('hospital');
      await commit({ privateWrites });
    });
    await fc.assert(property, { numRuns: kind.name === 'SQLite' ? 300 : 60 });
    await expectGoingOn();
  });

  it('that no text can hold is left out and reported, and the rest is shown', async () => {
    const nul = 'a\0b';
    const good = recordWrites('Observation', {});
    const bad = [
      sheetWrites([anchored('Observation', { id: nul })]),
      sheetWrites([anchored('Observation', { id: randomUUID(), author: nul })]),
      [{ collection: 'care_hospital', key: `version/${nul}/1`, value: '{}' }],
      [{ collection: 'care_hospital', key: 'version/a/1', value: nul }],
      [{ collection: 'care_hospital', key: 'version/b/1', value: '"\ud800"' }],
    ];
    await commit({ event: { name: nul, payload: '' }, privateWrites: [...bad.flat(), ...good] });
    expect(await search('Observation')).to.deep.equal([good.id]);
    const missing = await fixture.stores.reading.selectFrom('missing').selectAll().execute();
    expect(missing.map(({ reason }) => reason)).to.deep.equal(missing.map(() => 'unreadable'));
    const hashes = bad.flatMap((writes) =>
      writes.filter(({ key }) => !key.startsWith('sheet/')).map(({ key }) => sha256Hex(key)),
    );
    // The place of a record that another could have signed is sound by itself, and what UTF-8 cannot say is replaced.
    expect(hashes).to.include.members(missing.map(({ key_hash }) => key_hash));
    expect(missing.length).to.be.greaterThan(4);
    expect(reports()).to.have.length(1);
    await commit({ privateWrites: bad.flat().map(({ collection, key }) => ({ collection, key, purge: true })) });
    await expectGoingOn();
  });

  it('that is too long for an index is left out, and the rest is shown', async () => {
    const long = randomBytes(40_000).toString('base64');
    const good = recordWrites('Observation', {});
    const transactions: FixtureTransaction[] = [
      { privateWrites: sheetWrites([anchored('Observation', { id: long })]) },
      { privateWrites: sheetWrites([anchored(long, { id: randomUUID() })]) },
      { privateWrites: [{ collection: 'inbox_hospital', key: `request/${long}`, value: '{}' }] },
      { privateWrites: [requestWrite(long, long, 'hospital')] },
      { privateWrites: [{ ...requestWrite('x', long, 'hospital') }] },
      { creator: 'PatientsMSP', privateWrites: [consentWrite({ id: long }), markWrite(long)] },
      { event: { name: long, payload: long }, privateWrites: good },
    ];
    await commit(...transactions);
    expect(await search('Observation')).to.deep.equal([good.id]);
    await expectGoingOn();
  });

  it('in place of hashes names no key, is reported, and stops nothing', async () => {
    const write: FixtureWrite = { collection: 'care_hospital', key: 'sheet/a', value: '{}' };
    const hashes = [
      { key: randomBytes(20_000) },
      { key: new Uint8Array(0) },
      { key: randomBytes(31) },
      { value: randomBytes(20_000) },
      { value: randomBytes(33) },
    ];
    for (const one of ['care_hospital', 'care_clinic', 'marks']) {
      const odd = hashes.map((hash) => ({ ...write, collection: one, hashes: hash }));
      const removal = { collection: one, key: 'sheet/b', purge: true, hashes: { key: randomBytes(20_000) } };
      await commit({ privateWrites: [...odd, removal] });
    }
    expect(reports()).to.have.length(3);
    const { reading } = fixture.stores;
    for (const table of ['anchors', 'missing', 'private_values'] as const)
      expect(await reading.selectFrom(table).selectAll().execute()).to.deep.equal([]);
    await expectGoingOn();
  });

  it('in public is ignored and reported: the ledger has no public state', async () => {
    const keys = [`access/${ID}`, `claim/${ID}`, `consent/${ID}`, 'licence/1', '', 'a\0b', 'x'.repeat(20_000)];
    const values = [...VALUES, JSON.stringify({ id: ID, status: 'granted' })];
    const publicWrites = keys.flatMap((key) => values.map((value) => ({ key, value })));
    const transactionId = newTransactionId();
    await commit({ transactionId, publicWrites }, { publicWrites: [{ key: `access/${ID}` }] });
    expect(reports().map((line) => line['transactionId']))
      .to.have.length(2)
      .and.include(transactionId);
    expect(await fixture.stores.reading.selectFrom('states').selectAll().execute()).to.deep.equal([]);
    await expectGoingOn();
  });

  it('in a collection that no consortium has is no key of anybody’s', async () => {
    for (const collection of ['x'.repeat(20_000), 'care_', 'care_nobody', 'inbox_', 'a\0b', ''])
      await commit({ privateWrites: [{ collection, key: 'sheet/a', value: '{}' }] });
    await expectGoingOn();
  });

  it('that looks like records elsewhere is shown to nobody', async () => {
    const writes = sheetWrites([anchored('Patient', { id: ID, author: 'BankMSP' })]);
    const original = recordWrites('Patient', { id: randomUUID() });
    const copies = copiesWrite([evidenceFrom(original, original.id)], { requestor: 'hospital', holder: 'clinic' });
    await commit({ privateWrites: original });
    for (const collection of COLLECTIONS.filter((one) => one !== collections.care('hospital'))) {
      const moved = writes.map((one) => ({ ...one, collection }));
      await commit({ creator: 'BankMSP', privateWrites: moved }, delivery({ ...copies, collection }));
    }
    for (const kindOfKey of [
      'consent',
      'coverage',
      'claim',
      'response',
      'payment',
      'settlement',
      'remittance',
      'request',
      'unknown',
    ])
      for (const collection of COLLECTIONS) {
        const value = JSON.stringify({
          ...JSON.parse(anchored('Patient', { id: ID, author: 'BankMSP' }).text),
          payer: 'payer',
        });
        await commit({ creator: 'BankMSP', privateWrites: [{ collection, key: `${kindOfKey}/${ID}/1`, value }] });
        if (chain.length > 110) {
          expect(await search('Patient')).to.deep.equal([original.id]);
          await open('hospital');
          await commit({ privateWrites: original });
        }
      }
    expect(await search('Patient')).to.deep.equal([original.id]);
    await expectGoingOn();
  });

  it('of the largest numbers is kept as it is', async () => {
    const { MAX_SAFE_INTEGER: version } = Number;
    const writes = recordWrites('Observation', { id: randomUUID(), version });
    await commit({ privateWrites: writes });
    expect(await fixture.index.newest('Observation', writes.id)).to.include({ version });
    await expectGoingOn();
  });
});
