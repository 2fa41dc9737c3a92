/** The register of licences is put together from buckets in any order of arrival, and shown as the contracts take it. */

import type { peer } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  type Bucket,
  bucketOfNumber,
  bucketPaths,
  EMPTY_BUCKET,
  EMPTY_ROOT,
  isBucketOf,
  rootWith,
} from '@telemed-ledger/chaincode/model/registers.ts';
import type { LicenceState } from '@telemed-ledger/chaincode/model/values.ts';
import { expect } from 'chai';
import { type FixtureWrite, fixtureBlock, withheld, withheldKeys } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, newSalt } from '../index.fixture.ts';
import { COLUMNS, type TableName } from '../schema.ts';
import type { Evidence } from './evidence.ts';
import { LicenceRegister } from './register.ts';

const NUMBERS = ['1000000001', '1000000002', '1000000003'];

/** A register as the chaincode goes on with it. */
class Registry {
  readonly #texts = new Map<number, string>();
  readonly roots = [EMPTY_ROOT];
  generation = 0;

  /** The writes of the next generation, in which this licence stands. */
  set(number: string, status: LicenceState['status'] = 'active'): FixtureWrite[] {
    const index = bucketOfNumber(number);
    const { licences } = JSON.parse(this.#texts.get(index) ?? EMPTY_BUCKET) as Bucket;
    const licence = { number, status, start: '2020-01-01', end: '2030-12-31', updatedAt: '2026-03-01T10:00:00.000Z' };
    const text = canonicalJson({ schema: 1, licences: { ...licences, [number]: licence } });
    const root = rootWith([{ index, text, path: bucketPaths(this.#texts)[index]! }]);
    this.#texts.set(index, text);
    this.generation += 1;
    this.roots.push(root);
    return [
      at(privateKeys.register(this.generation), canonicalJson({ schema: 1, root, salt: newSalt() })),
      at(privateKeys.bucket(index, this.generation), text),
    ];
  }
}

const at = (key: string, value: string): FixtureWrite => ({ collection: 'registers', key, value });

onEachDatabase('The register of licences', (kind) => {
  let fixture: FixtureIndex;
  let registry: Registry;
  let chain: peer.BlockAndPrivateData[];
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    [registry, chain] = [new Registry(), []];
  });
  afterEach(() => fixture.close());

  const signed = (privateWrites: FixtureWrite[]) => ({ creator: 'RegulatorMSP', privateWrites });
  /** Applies a block of which a part may be lacking. */
  async function commit(writes: FixtureWrite[], lacks: (key: string) => boolean = () => false): Promise<number> {
    const block = fixtureBlock(chain.length, [signed(writes)], chain.at(-1));
    chain.push(block);
    await fixture.apply(withheldKeys(block, lacks));
    return chain.length - 1;
  }
  const statusOf = (number: string) =>
    fixture.index.register.licence(number).then(
      (licence) => licence?.status,
      ({ status }) => status as number,
    );
  /** That the buckets of these numbers are what the newest root holds. */
  async function expectEvidence(numbers: readonly string[]): Promise<void> {
    const { register, buckets } = await fixture.index.register.bucketsOf(numbers);
    expect(register).to.equal(registry.generation);
    const indexes = [...new Set(numbers.map(bucketOfNumber))].sort((one, other) => one - other);
    expect(buckets).to.have.length(indexes.length);
    for (const [position, bucket] of buckets.entries())
      expect(isBucketOf(registry.roots.at(-1)!, indexes[position]!, bucket)).to.equal(true);
  }

  it('is empty before anything was written', async () => {
    expect(await statusOf(NUMBERS[0]!)).to.equal(undefined);
    await expectEvidence(NUMBERS);
  });

  it('goes on generation by generation, and shows every number’s bucket', async () => {
    for (const number of NUMBERS) {
      await commit(registry.set(number));
      expect(await statusOf(number)).to.equal('active');
      await expectEvidence(NUMBERS);
    }
    await commit(registry.set(NUMBERS[1]!, 'excluded'));
    expect(await Promise.all(NUMBERS.map(statusOf))).to.deep.equal(['active', 'excluded', 'active']);
    await expectEvidence([...NUMBERS, ...NUMBERS]);
    await fixture.reopen();
    expect(await Promise.all(NUMBERS.map(statusOf))).to.deep.equal(['active', 'excluded', 'active']);
    await commit(registry.set('toString'));
    expect(await statusOf('toString')).to.equal('active');
    expect(await fixture.index.register.licence('constructor'), 'what every object has').to.equal(undefined);
  });

  it('keeps several licences of a bucket', async () => {
    const index = bucketOfNumber('1');
    const second = Array.from({ length: 100_000 }, (_, number) => `${number + 2}`).find(
      (number) => bucketOfNumber(number) === index,
    )!;
    await commit(registry.set('1'));
    await commit(registry.set(second, 'suspended'));
    expect([await statusOf('1'), await statusOf(second)]).to.deep.equal(['active', 'suspended']);
    await expectEvidence(['1', second]);
  });

  for (const lacking of ['register', 'bucket'])
    it(`waits for a ${lacking} that is late, and goes on when it has come`, async () => {
      await commit(registry.set(NUMBERS[0]!));
      expect(await statusOf(NUMBERS[0]!)).to.equal('active');
      const late = await commit(registry.set(NUMBERS[1]!), (key) => key.startsWith(`${lacking}/`));
      expect(await statusOf(NUMBERS[0]!)).to.equal(503);
      expect(await fixture.index.register.bucketsOf(NUMBERS).catch(({ status }) => status)).to.equal(503);
      await fixture.complete(chain[late]!);
      expect(await statusOf(NUMBERS[1]!)).to.equal('active');
      await expectEvidence(NUMBERS);
    });

  it('is the same whichever bucket comes last, also when later ones were read before', async () => {
    await commit(registry.set(NUMBERS[0]!));
    const late: number[] = [];
    const isBucket = (key: string): boolean => key.startsWith('bucket/');
    late.push(await commit(registry.set(NUMBERS[1]!), isBucket));
    late.push(await commit(registry.set(NUMBERS[0]!, 'suspended'), isBucket));
    await commit(registry.set(NUMBERS[2]!));
    expect(await statusOf(NUMBERS[2]!)).to.equal(503);
    await fixture.complete(chain[late[1]!]!);
    expect(await statusOf(NUMBERS[2]!)).to.equal(503);
    await fixture.complete(chain[late[0]!]!);
    expect(await Promise.all(NUMBERS.map(statusOf))).to.deep.equal(['suspended', 'active', 'active']);
    await expectEvidence(NUMBERS);
    // An older text of a bucket that comes after a newer one does not take its place.
    const older = await commit(registry.set(NUMBERS[1]!, 'suspended'), isBucket);
    await commit(registry.set(NUMBERS[1]!, 'excluded'));
    expect(await statusOf(NUMBERS[1]!)).to.equal('excluded');
    await fixture.complete(chain[older]!);
    await commit(registry.set(NUMBERS[2]!, 'suspended'));
    expect(await Promise.all(NUMBERS.map(statusOf))).to.deep.equal(['suspended', 'excluded', 'suspended']);
    await expectEvidence(NUMBERS);
  });

  it('holds where a whole block is late', async () => {
    const block = fixtureBlock(
      0,
      NUMBERS.map((number) => signed(registry.set(number))),
    );
    await fixture.apply(withheld(block, () => true));
    expect(await statusOf(NUMBERS[0]!)).to.equal(503);
    await fixture.complete(block);
    expect(await Promise.all(NUMBERS.map(statusOf))).to.deep.equal(['active', 'active', 'active']);
  });

  it('does not go by a second writing of a bucket or a root', async () => {
    const writes = registry.set(NUMBERS[0]!);
    await commit(writes);
    await commit(
      writes.map((one) => ({
        ...one,
        value: one.value!.replace('active', 'excluded').replace(/"root":"../, '"root":"ab'),
      })),
    );
    expect(await statusOf(NUMBERS[0]!)).to.equal('active');
    await expectEvidence(NUMBERS);
  });

  it('is read again from its beginning where the read model is filled anew', async () => {
    for (const number of NUMBERS) await commit(registry.set(number));
    expect(await statusOf(NUMBERS[2]!)).to.equal('active');
    for (const table of Object.keys(COLUMNS) as TableName[]) await fixture.stores.writing.deleteFrom(table).execute();
    await fixture.projector.reopen();
    const seen: unknown[][] = [];
    for (const block of chain) {
      await fixture.apply(block);
      seen.push(await Promise.all(NUMBERS.map(statusOf)));
    }
    expect(seen).to.deep.equal([
      ['active', undefined, undefined],
      ['active', 'active', undefined],
      ['active', 'active', 'active'],
    ]);
  });

  it('is of one generation, though the next comes while it is read', async () => {
    for (const number of NUMBERS) await commit(registry.set(number));
    const { evidence } = fixture.index;
    const before = Object.assign(Object.create(evidence) as Evidence, {
      newest: async () => 2,
      text: evidence.text.bind(evidence),
      values: evidence.values.bind(evidence),
    });
    const register = new LicenceRegister(before);
    const held = await Promise.all(NUMBERS.map(async (number) => (await register.licence(number))?.status));
    expect(held).to.deep.equal(['active', 'active', undefined]);
  });

  it('goes on over junk under keys of no bucket', async () => {
    await commit(registry.set(NUMBERS[0]!));
    const index = bucketOfNumber(NUMBERS[0]!);
    const keys = [
      `bucket/${index}`,
      `bucket/${index}/x`,
      `bucket/${index}/01`,
      `bucket/${index}/1/1`,
      `bucket/x/1`,
      'bucket/-1/1',
      'bucket/4096/1',
      'bucket/',
      'bucket',
      `bucket/${index}/0.5`,
      `bucket/${index}/1e0`,
    ];
    await commit(keys.map((key) => at(key, '{"licences":{}}')));
    // Nor what another transaction than the generation's puts into its place.
    const free = Array.from({ length: 9 }, (_, bucket) => bucket).find(
      (bucket) => !NUMBERS.map(bucketOfNumber).includes(bucket),
    )!;
    await commit([at(privateKeys.bucket(free, 1), '{"licences":{}}')]);
    await commit([
      ...registry.set(NUMBERS[1]!),
      ...keys.slice(1).map((key) => at(`${key}/2`, '{}')),
      at(`bucket/${index}/02`, '{}'),
    ]);
    expect(await statusOf(NUMBERS[0]!)).to.equal('active');
    await commit([at('register/x', '{}'), at('register/', '{}'), at('licence/1', '{}')]);
    expect(await statusOf(NUMBERS[0]!)).to.equal('active');
    await commit(registry.set(NUMBERS[1]!));
    expect(await Promise.all(NUMBERS.map(statusOf))).to.deep.equal(['active', 'active', undefined]);
    await expectEvidence(NUMBERS);
  });
});
