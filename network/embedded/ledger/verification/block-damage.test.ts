/** Each way in which a block may be damaged, by its name, with and without a copy that the orderer kept. */
import { cp, rm } from 'node:fs/promises';
import {
  COMMIT_HASH,
  decodeBlock,
  encodeBlock,
  LAST_CONFIG,
  SIGNATURES,
  type StoredBlock,
  TRANSACTIONS_FILTER,
} from '@telemed-ledger/formats/blocks/block.ts';
import { expect } from 'chai';
import { blockKey, headerHashKey } from '../state/keys.ts';
import type { Database } from '../state/store.ts';
import type { Damage } from './damage.ts';
import { RichLedger } from './rich-ledger.fixture.ts';
import { verifyLedger } from './verify.ts';

type Change = (database: Database) => Promise<void>;

const BLOCK = 5;

function flip(bytes: Buffer | undefined, at = -1): Buffer {
  const changed = Buffer.from(bytes?.length ? bytes : [0]);
  const index = at < 0 ? changed.length + at : at;
  changed[index] = (changed[index] ?? 0) ^ 1;
  return changed;
}

const altered =
  (change: (block: StoredBlock) => void, number = BLOCK): Change =>
  async (database) => {
    const block = decodeBlock(database.getSync(blockKey(number)) ?? Buffer.alloc(0));
    change(block);
    await database.put(blockKey(number), encodeBlock(block));
  };

const entry = (index: number): Change =>
  altered((block) => {
    block.metadata[index] = flip(block.metadata[index]);
  });

interface Row {
  change: Change;
  /** `subject fault: place` of everything that is reported. */
  named: string[];
  /** Without a copy nothing else can be told: the chain cannot be followed any further. */
  endsChain?: true;
}

const at = (subject: string, number = BLOCK, fault = 'altered') => `${subject} ${fault}: block ${number}`;

const ROWS: Record<string, Row> = {
  'a missing block': {
    change: (db) => db.del(blockKey(BLOCK)),
    named: [at('block', BLOCK, 'missing')],
    endsChain: true,
  },
  'a block that cannot be read': {
    change: (db) => db.put(blockKey(BLOCK), Buffer.from([0xff, 0xff])),
    named: [at('block')],
    endsChain: true,
  },
  'another block in its place': {
    change: async (db) => db.put(blockKey(BLOCK), db.getSync(blockKey(3)) ?? Buffer.alloc(0)),
    named: [at('block number')],
    endsChain: true,
  },
  'two blocks that were swapped': {
    change: async (db) => {
      const [one, other] = [db.getSync(blockKey(BLOCK)), db.getSync(blockKey(6))];
      await db.put(blockKey(BLOCK), other ?? Buffer.alloc(0));
      await db.put(blockKey(6), one ?? Buffer.alloc(0));
    },
    named: [at('block number'), at('block number', 6)],
    endsChain: true,
  },
  'an altered transaction': {
    change: altered(({ envelopes }) => envelopes.splice(0, 1, flip(envelopes[0], 900))),
    named: [at('block data')],
    endsChain: true,
  },
  'a transaction that was taken out': {
    change: altered(({ envelopes }) => envelopes.splice(0, 1)),
    named: [at('block data')],
    endsChain: true,
  },
  'an altered hash of the block before': {
    change: altered(({ header }) => {
      header.previousHash = flip(header.previousHash);
    }),
    named: [at('block link')],
    endsChain: true,
  },
  'altered validation codes': { change: entry(TRANSACTIONS_FILTER), named: [at('validation codes')] },
  'an altered commit hash': { change: entry(COMMIT_HASH), named: [at('commit hash')] },
  "an altered orderer's signature": { change: entry(SIGNATURES), named: [at('block signature')] },
  'an altered configuration index': { change: entry(LAST_CONFIG), named: [at('block metadata')] },
  'an altered first block': {
    change: altered(({ envelopes }) => envelopes.splice(0, 1, flip(envelopes[0], 900)), 0),
    named: [at('block data', 0)],
    endsChain: true,
  },
  'a missing first block': {
    change: (db) => db.del(blockKey(0)),
    named: [at('block', 0, 'missing')],
    endsChain: true,
  },
};

describe('A damaged block', function () {
  this.timeout(60_000);
  let rich: RichLedger;
  let blocks: Buffer[];
  before(async () => {
    rich = await RichLedger.make();
    const entries = await rich.entries();
    blocks = entries.filter(([key]) => key.toString('latin1', 0, 1) === 'b').map(([, bytes]) => bytes);
    await cp(rich.fixture.ledgerDir, `${rich.fixture.ledgerDir}.sound`, { recursive: true });
  });
  afterEach(async () => {
    const { ledgerDir } = rich.fixture;
    await rm(ledgerDir, { recursive: true });
    await cp(`${ledgerDir}.sound`, ledgerDir, { recursive: true });
  });
  after(() => rich.close());

  const NONE = { height: 0, read: () => undefined };
  const verify = (copies?: (number: number) => Buffer | undefined, height = blocks.length) => {
    const { ledgerDir: dir, config } = rich.fixture;
    return verifyLedger({ dir, config, orderer: copies ? { height, read: copies } : NONE });
  };
  const named = (damages: Damage[]) => damages.map(({ subject, fault, place }) => `${subject} ${fault}: ${place}`);

  for (const [name, { change, named: expected, endsChain }] of Object.entries(ROWS)) {
    it(`is named: ${name}`, async () => {
      await rich.change(change);
      const { damages: all, replayed } = await verify();
      const damages = all.filter(({ subject }) => subject !== 'block copy');
      const [first = ''] = expected;
      if (endsChain) expect(named(damages)[0]).to.equal(first);
      else expect(named(damages)).to.deep.equal(expected);
      expect(damages.every(({ organisation }) => organisation === undefined)).to.equal(true);
      expect(replayed).to.equal(endsChain ? Number(first.split(' ').at(-1)) : blocks.length);
    });

    it(`is found to be mendable where the orderer kept it: ${name}`, async () => {
      await rich.change(change);
      const { damages, replayed } = await verify((number) => blocks[number]);
      expect(named(damages)).to.deep.equal(expected);
      expect(damages.some(({ isLost }) => isLost)).to.equal(false);
      expect(replayed).to.equal(blocks.length);
    });
  }

  it('is told to be lost where no copy is left', async () => {
    await rich.change((db) => db.del(blockKey(BLOCK)));
    const { damages } = await verify((number) => (number === BLOCK ? undefined : blocks[number]));
    expect(damages.map(({ subject, isLost }) => [subject, isLost])).to.deep.equal([
      ['block', true],
      ['block copy', true],
    ]);
  });

  it('is one that the orderer keeps, too', async () => {
    const { damages } = await verify((number) => (number === 3 ? flip(blocks[3], 700) : blocks[number]));
    expect(named(damages)).to.deep.equal(['block copy altered: block 3']);
  });

  it('is not what a store has whose newest files were replaced by older ones: it lacks the last blocks', async () => {
    const { damages } = await verify((number) => blocks[number % 10] as Buffer, 13);
    expect(named(damages)).to.deep.equal(['block missing: blocks 10 to 12']);
  });

  it('is not called another network, whatever is wrong with the record of the chain', async () => {
    await rich.change(async (db) => {
      const header = await db.iterator({ gte: headerHashKey(Buffer.alloc(0)), lt: Buffer.from('i') }).next();
      await db.put(Buffer.from('m'), Buffer.from('{"format":1,"height":3}'));
      await db.del(header?.[0] ?? Buffer.alloc(0));
    });
    const found = named((await verify((number) => blocks[number])).damages);
    expect(found.map((line) => line.replace(/ [0-9a-f]{64}$/, ''))).to.deep.equal([
      'header index missing: block hash',
      'chain record altered: chain record',
    ]);
  });
});
