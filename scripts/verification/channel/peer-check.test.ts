/** A peer checked through its services alone: what it delivers and answers is damaged in its store, one kind at a time. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  COMMIT_HASH,
  decodeBlock,
  encodeBlock,
  SIGNATURES,
  type StoredBlock,
  TRANSACTIONS_FILTER,
} from '@telemed-ledger/formats/blocks/block.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type { startChaincode } from '@telemed-ledger/network/embedded/fixtures/chaincode.ts';
import {
  BOTH,
  CHAINCODE,
  CHANNEL,
  contractOf,
  Fixture,
  type Name,
} from '@telemed-ledger/network/embedded/fixtures/network.ts';
import {
  blockKey,
  hashKey,
  privateKey,
  stateKey,
  storedSetKey,
} from '@telemed-ledger/network/embedded/ledger/state/keys.ts';
import { type Database, shareDatabase } from '@telemed-ledger/network/embedded/ledger/state/store.ts';
import { expect } from 'chai';
import { checkPeer } from './peer-check.ts';
import { PeerAway, type Reach } from './reach.ts';

const COLLECTIONS = new Map([
  ['shared', 0],
  ['open', 0],
]);
const flip = (bytes: Buffer | undefined, at: number): Buffer => {
  const changed = Buffer.from(bytes?.length ? bytes : [0]);
  const index = at < 0 ? changed.length + at : at;
  changed[index] = (changed[index] ?? 0) ^ 1;
  return changed;
};

type Operations = NonNullable<Parameters<typeof startChaincode>[1]>;
type Stub = Parameters<Operations[string]>[0];

/** One of the product's two questions about state, for this chaincode. */
const asked =
  (answer: (stub: Stub, collection: string, key: string) => Promise<string>) =>
  async (stub: Stub, argument = ''): Promise<unknown> => {
    const hashes: string[] = [];
    for (const { collection, key } of JSON.parse(argument).entries) {
      hashes.push(await answer(stub, collection, key).catch(() => 'unavailable'));
    }
    return { hashes };
  };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const hashOf = (bytes: Uint8Array): string =>
  bytes.length === 0 ? '' : createHash('sha256').update(bytes).digest('hex');
const behaviour: Operations = {
  'records:GetHeld': asked(async (stub, collection, key) =>
    hashOf(await (collection === '' ? stub.getState(key) : stub.getPrivateData(collection, key))),
  ),
  'records:GetAnchors': asked(async (stub, collection, key) => hex(await stub.getPrivateDataHash(collection, key))),
};

type Change = (database: Database) => Promise<void>;

/** Blocks: 0 and 1 begin the channel, 2 to 6 are those of `before`. */
const BLOCK = 3;
const block =
  (change: (block: StoredBlock) => void): Change =>
  async (database) => {
    const decoded = decodeBlock(database.getSync(blockKey(BLOCK)) ?? Buffer.alloc(0));
    change(decoded);
    await database.put(blockKey(BLOCK), encodeBlock(decoded));
  };
const metadata = (entry: number): Change =>
  block((each) => {
    each.metadata[entry] = flip(each.metadata[entry], -1);
  });
const entry =
  (key: Buffer, change?: (value: Buffer) => Buffer): Change =>
  async (database) => {
    const value = database.getSync(key);
    if (!value) throw new Error(`there is no ${key.toString('latin1')}`);
    await (change ? database.put(key, change(value)) : database.del(key));
  };
const last = (value: Buffer): Buffer => flip(value, -1);
const at = (name: string, key: string): Buffer => privateKey(name, CHAINCODE, 'shared', Buffer.from(key));

const ROWS: Record<string, { change: Change; found: string[] }> = {
  'a swapped block': {
    change: async (database) => database.put(blockKey(BLOCK), database.getSync(blockKey(2)) ?? Buffer.alloc(0)),
    found: ['blocks: block 3: another block stands in its place'],
  },
  'a block that is none': {
    change: async (database) => database.put(blockKey(BLOCK), Buffer.from([0xff])),
    found: ['blocks: block 3: unreadable: the block'],
  },
  'a deleted block': {
    change: async (database) => database.del(blockKey(BLOCK)),
    found: ['blocks: block 3: unreadable: the block'],
  },
  'a deleted first block': {
    change: async (database) => database.del(blockKey(0)),
    found: ['blocks: block 0: unreadable: the block'],
  },
  'an altered transaction': {
    change: block((each) => each.envelopes.splice(0, 1, flip(each.envelopes[0], 2000))),
    found: ['blocks: block 3: its transactions are not those that were ordered'],
  },
  'altered validation codes': {
    change: metadata(TRANSACTIONS_FILTER),
    found: ['blocks: block 3: its validation codes and commit hash do not follow from it'],
  },
  'an altered commit hash': {
    change: metadata(COMMIT_HASH),
    found: ['blocks: block 3: its validation codes and commit hash do not follow from it'],
  },
  'a commit hash that is none': {
    change: block((each) => {
      each.metadata[COMMIT_HASH] = Buffer.from([0xff]);
    }),
    found: ['blocks: block 3: its validation codes and commit hash do not follow from it'],
  },
  "an altered orderer's signature": {
    change: metadata(SIGNATURES),
    found: ["blocks: block 3: the orderers' signatures do not hold"],
  },
  'altered private data': {
    change: entry(storedSetKey(2, 0, CHAINCODE, 'shared'), last),
    found: ['private data: altered: private data kept for delivery'],
  },
  'private data that is none': {
    change: entry(storedSetKey(2, 0, CHAINCODE, 'shared'), () => Buffer.from([0xff])),
    found: ['private data: altered: private data kept for delivery'],
  },
  'deleted private data': {
    change: entry(storedSetKey(2, 0, CHAINCODE, 'shared')),
    found: ['private data: missing: private data kept for delivery'],
  },
  'an altered private value': { change: entry(at('alpha', 'kept'), last), found: ['state: altered: a private value'] },
  'a deleted private value': {
    change: entry(at('alpha', 'kept')),
    found: ['state: missing or unreadable: a private value'],
  },
  'an altered hash': {
    change: entry(hashKey(CHAINCODE, 'shared', sha256(Buffer.from('kept'))), last),
    found: ['state: altered: the hash of a private value'],
  },
  'altered public state': {
    change: entry(stateKey(CHAINCODE, Buffer.from('public')), last),
    found: ['state: altered: a key of public state'],
  },
  'deleted public state': {
    change: entry(stateKey(CHAINCODE, Buffer.from('public'))),
    found: ['state: missing: a key of public state'],
  },
};

describe("A peer's services, against the blocks it delivers", function () {
  this.timeout(60_000);
  let fixture: Fixture;
  before(async () => {
    fixture = await Fixture.start({ behaviour: { alpha: behaviour, beta: behaviour, gamma: behaviour } });
    await submit('putPrivate', 'shared', 'kept');
    await submit('put', 'public', 'state');
    await submit('putPrivate', 'open', 'purged');
    await submit('purge', 'open', 'purged');
    await submit('putPrivate', 'shared', 'kept too');
    // More blocks than a peer keeps as it has read them.
    for (let round = 0; round < 9; round++) await submit('put', 'beside', String(round));
  });
  after(() => fixture.close());

  async function submit(name: string, ...args: string[]): Promise<void> {
    const contract = contractOf(await fixture.client('alpha'));
    const proposal = contract.newProposal(name, {
      arguments: args,
      transientData: { value: Buffer.from(`secret of ${args.join()}`) },
      endorsingOrganizations: BOTH,
    });
    const commit = await (await proposal.endorse()).submit();
    expect((await commit.getStatus()).successful).to.equal(true);
  }
  async function reachOf(name: Name): Promise<Reach> {
    const { ca, mspId } = fixture.organisation(name);
    return {
      organisation: name,
      connection: {
        endpoint: fixture.network.endpoints[name] ?? '',
        tlsRootCertificate: ca.certificate,
        tlsServerName: 'localhost',
        mspId,
        channel: CHANNEL,
        chaincode: CHAINCODE,
      },
      identity: { name: 'client', ...(await ca.issue()) },
    };
  }
  const check = async (name: Name) => checkPeer(await reachOf(name), COLLECTIONS);

  const named = async (name: Name): Promise<string[]> =>
    (await check(name)).findings.map(({ part, place, what }) =>
      part === 'blocks' ? `${part}: ${place}: ${what}` : `${part}: ${what}`,
    );

  /** Peers look at the store as of their last block, and keep the last eight blocks as they were read. */
  async function whileChanged<T>(change: Change, look: () => Promise<T>): Promise<T> {
    const database = await shareDatabase(join(fixture.config.dataDir, 'ledger'));
    const before = new Map((await database.iterator().all()).map(([key, value]) => [key.toString('hex'), value]));
    try {
      await change(database);
      const changed = new Map((await database.iterator().all()).map(([key, value]) => [key.toString('hex'), value]));
      for (const [key, value] of before) if (changed.get(key)?.equals(value)) before.delete(key);
      await submit('put', 'beside', 'x');
      return await look();
    } finally {
      for (const [key, value] of before) await database.put(Buffer.from(key, 'hex'), value);
      await database.close();
      await submit('put', 'beside', 'x');
    }
  }

  it('are sound, with what was purged', async () => {
    const alpha = await check('alpha');
    expect(alpha.findings).to.deep.equal([]);
    expect(alpha.values).to.equal(2);
    expect(alpha.state).to.equal(5);
    expect((await checkPeer(await reachOf('gamma'), new Map())).findings).to.deep.equal([]);
  });

  for (const [name, { change, found }] of Object.entries(ROWS)) {
    it(`show ${name}`, async () => {
      const [alpha, last] = await whileChanged(change, async () => [await named('alpha'), await named('alpha')]);
      expect(alpha).to.deep.equal(found);
      expect(last).to.deep.equal(found);
      expect(await named('alpha')).to.deep.equal([]);
    });
  }

  it("show one member's damage to that member alone", async () => {
    const { change } = ROWS['a deleted private value']!;
    expect(await whileChanged(change, () => named('beta'))).to.deep.equal([]);
  });

  it('say nothing where what is asked for changes meanwhile', async () => {
    const writing = (async () => {
      for (let round = 0; round < 10; round++) await submit('putPrivate', 'shared', 'kept too');
    })();
    for (let round = 0; round < 3; round++) expect(await named('alpha')).to.deep.equal([]);
    await writing;
  });

  it('are away when nobody answers', async () => {
    fixture.network.drop('beta', true);
    try {
      const outcome = await check('beta').catch((error: Error) => error);
      expect(outcome).to.be.instanceOf(PeerAway);
    } finally {
      fixture.network.drop('beta', false);
    }
  });
});
