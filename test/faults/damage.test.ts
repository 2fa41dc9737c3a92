/**
 * The damage table: what a consortium's ledger holds is changed behind its back, one kind at a time. Each must be found by
 * its right name, with organisation, place and remedy; must keep the network from starting; and must be as it was after a
 * repair. Damage of single entries, of every kind there is, is in network/embedded/ledger/{verification,repair}.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import {
  COMMIT_HASH,
  decodeBlock,
  encodeBlock,
  SIGNATURES,
  TRANSACTIONS_FILTER,
} from '@telemed-ledger/formats/blocks/block.ts';
import { purgesFile } from '@telemed-ledger/network/embedded/ledger/private/forgetting.ts';
import { repairLedger } from '@telemed-ledger/network/embedded/ledger/repair/repair.ts';
import { type Database, openDatabase } from '@telemed-ledger/network/embedded/ledger/state/store.ts';
import type { Damage } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import { assertSound } from '@telemed-ledger/network/embedded/ledger/verification/start-check.ts';
import { startConsortium } from '@telemed-ledger/scripts/consortium.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { tell } from '@telemed-ledger/scripts/demo/story.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { networkConfigWithoutChaincode, verifyStopped } from '@telemed-ledger/scripts/verification/peer-ledger.ts';
import { ReadModelCopies } from '@telemed-ledger/scripts/verification/read-model-copies.ts';
import { type Finding, ledgerFindings } from '@telemed-ledger/scripts/verification/report.ts';
import { expect } from 'chai';
import { findSecret } from '../scenarios/secrets.fixture.ts';

const ORGANISATIONS = ['hospital', 'clinic', 'patients', 'payer', 'bank', 'regulator'];
const KEY = /^\S+ key [0-9a-f]{64}/;
const BLOCK = 6;
/** Of a record that is erased before all of this; nothing that LevelDB would compress. */
const FORGOTTEN = randomBytes(24).toString('base64url');

interface Row {
  what: string;
  place: RegExp;
  /** Whose it is; the network's where it is undefined. */
  organisation?: string;
  /** Values that were written again since may be in no copy but the one that is gone. */
  losesHistory?: true;
  change(place: Places): void | Promise<void>;
}

interface Places {
  /** The directory of the store, and that of the orderer's blocks. */
  store: string;
  orderer: string;
  entries(work: (database: Database) => Promise<void>): Promise<void>;
}

const flip = (bytes: Buffer | undefined, at: number): Buffer => {
  const changed = Buffer.from(bytes?.length ? bytes : [0]);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};
const flipFile = (path: string, at: number): void => writeFileSync(path, flip(readFileSync(path), at));
const largest = (dir: string, pattern: RegExp): string =>
  readdirSync(dir)
    .filter((name) => pattern.test(name))
    .map((name) => join(dir, name))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length)[0] ?? '';

const number64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const blockKey = (number: number): Buffer => Buffer.concat([Buffer.from('b'), number64(number)]);
/** The nth entry whose database key begins so, and that `isMeant`. */
async function entryOf(database: Database, start: string, isMeant = (_: Buffer) => true): Promise<[Buffer, Buffer]> {
  for await (const [key, value] of database.iterator({
    gte: Buffer.from(start),
    lt: Buffer.from(`${start}\xff`, 'latin1'),
  })) {
    if (isMeant(key)) return [key, value];
  }
  throw new Error(`no entry under ${start}`);
}
const dropped =
  (start: string, isMeant?: (key: Buffer) => boolean): Row['change'] =>
  ({ entries }) =>
    entries(async (database) => database.del((await entryOf(database, start, isMeant))[0]));
const altered =
  (start: string, isMeant?: (key: Buffer) => boolean): Row['change'] =>
  ({ entries }) =>
    entries(async (database) => {
      const [key, value] = await entryOf(database, start, isMeant);
      await database.put(key, flip(value, value.length - 1));
    });
const block =
  (change: (block: ReturnType<typeof decodeBlock>) => void, number = BLOCK): Row['change'] =>
  ({ entries }) =>
    entries(async (database) => {
      const decoded = decodeBlock(database.getSync(blockKey(number)) ?? Buffer.alloc(0));
      change(decoded);
      await database.put(blockKey(number), encodeBlock(decoded));
    });
const metadata = (entry: number): Row['change'] =>
  block((each) => {
    each.metadata[entry] = flip(each.metadata[entry], (each.metadata[entry]?.length ?? 1) - 1);
  });
const isSet = (key: Buffer): boolean => key.length > 17;
const compacted = (places: Places): Promise<void> =>
  places.entries((database) => database.compactRange(Buffer.from('a'), Buffer.from('z')));

const ROWS: Record<string, Row> = {
  'a missing block': {
    change: ({ entries }) => entries((database) => database.del(blockKey(BLOCK))),
    what: 'missing: the block',
    place: /^block 6$/,
  },
  'an altered transaction': {
    change: block((each) => each.envelopes.splice(0, 1, flip(each.envelopes[0], 2000))),
    what: "altered: the block's transactions",
    place: /^block 6$/,
  },
  'a swapped block': {
    change: ({ entries }) =>
      entries((database) => database.put(blockKey(BLOCK), database.getSync(blockKey(3)) ?? Buffer.alloc(0))),
    what: "altered: the block's number",
    place: /^block 6$/,
  },
  'a changed validation code': {
    change: metadata(TRANSACTIONS_FILTER),
    what: "altered: the block's validation codes",
    place: /^block 6$/,
  },
  'a changed commit hash': {
    change: metadata(COMMIT_HASH),
    what: "altered: the block's commit hash",
    place: /^block 6$/,
  },
  "a changed orderer's signature": {
    change: metadata(SIGNATURES),
    what: "altered: the orderer's signature",
    place: /^block 6$/,
  },
  'a changed first block': {
    change: block((each) => each.envelopes.splice(0, 1, flip(each.envelopes[0], 2000)), 0),
    what: "altered: the block's transactions",
    place: /^block 0$/,
  },
  'a changed block in the orderer’s copy': {
    // In what a block holds, and not in how long one is.
    change: ({ orderer }) => {
      const path = largest(orderer, /blocks$/);
      flipFile(path, readFileSync(path).indexOf('RecordVersions'));
    },
    what: "altered: the orderer's copy of the block",
    place: /^block \d+$/,
  },
  'a changed record of the chain': {
    change: altered('m'),
    what: 'altered: the record of height and last hashes',
    place: /^chain record$/,
  },
  'a changed definition': { change: altered('s_lifecycle'), what: 'altered: a key of public state', place: KEY },
  'a deleted definition': { change: dropped('s_lifecycle'), what: 'missing: a key of public state', place: KEY },
  'a deleted hash': { change: dropped('c'), what: 'missing: the hash of a private value', place: KEY },
  'a changed hash': { change: altered('c'), what: 'altered: the hash of a private value', place: KEY },
  'a deleted private value': {
    change: dropped('phospital'),
    what: 'missing: a private value',
    place: KEY,
    organisation: 'hospital',
  },
  'a private value of the same length': {
    change: altered('ppayer'),
    what: 'altered: a private value',
    place: KEY,
    organisation: 'payer',
  },
  'deleted private data for delivery': {
    change: dropped('w', isSet),
    what: 'missing: private data kept for delivery',
    place: /^block \d+, transaction \d+, telemed\/\w+$/,
    organisation: 'patients',
  },
  'changed private data for delivery': {
    change: altered('w', isSet),
    what: 'altered: private data kept for delivery',
    place: /^block \d+, transaction \d+, telemed\/\w+$/,
    organisation: 'patients',
  },
  'a deleted entry of a history': {
    change: dropped('y'),
    what: "missing: an entry of a key's history",
    place: /^\S+ key [0-9a-f]{64} in block \d+$/,
  },
  'a changed entry of the index of transactions': {
    change: altered('t'),
    what: 'altered: an entry of the index of transactions',
    place: /^transaction [0-9a-f]{64}$/,
  },
  'a deleted entry of the index of block hashes': {
    change: dropped('h'),
    what: 'missing: an entry of the index of block hashes',
    place: /^block hash [0-9a-f]{64}$/,
  },
  'a deleted index of definitions': {
    change: dropped('d'),
    what: 'missing: an entry of the index of chaincode definitions',
    place: /^telemed in block 1$/,
  },
  'a flipped byte in a table': {
    change: async (places) => {
      await compacted(places);
      flipFile(largest(places.store, /ldb$/), 5000);
    },
    what: 'altered: a file of the store',
    place: /^\d+\.ldb at byte \d+ \(.+\)$/,
    losesHistory: true,
  },
  'a truncated table': {
    change: async (places) => {
      await compacted(places);
      truncateSync(largest(places.store, /ldb$/), 5000);
    },
    what: 'truncated: a file of the store',
    place: /^\d+\.ldb at byte 5000$/,
    losesHistory: true,
  },
  'a missing table': {
    change: async (places) => {
      await compacted(places);
      rmSync(largest(places.store, /ldb$/));
    },
    what: 'missing: a file of the store',
    place: /^\d+\.ldb$/,
    losesHistory: true,
  },
  'a flipped byte in the log': {
    change: ({ store }) => flipFile(largest(store, /log$/), 50_000),
    what: 'altered: a file of the store',
    place: /^\d+\.log at byte \d+$/,
  },
  'a truncated log': {
    change: ({ store }) => truncateSync(largest(store, /log$/), readFileSync(largest(store, /log$/)).length - 20_000),
    what: 'missing: the block',
    place: /^blocks? \d+( to \d+)?$/,
  },
  'a missing CURRENT': {
    change: ({ store }) => rmSync(join(store, 'CURRENT')),
    what: 'missing: a file of the store',
    place: /^CURRENT$/,
  },
  'a missing store': {
    change: ({ store }) => rmSync(store, { recursive: true }),
    what: 'missing: a file of the store',
    place: /^the whole store$/,
    losesHistory: true,
  },
};

describe('A ledger that is damaged', function () {
  this.timeout(180_000);
  const consortium = loadConsortium();
  let directory: string;
  let dataDir: string;
  let secrets: string[];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'telemed-damage-'));
    dataDir = join(directory, 'data');
    const ports = Object.fromEntries(ORGANISATIONS.map((name) => [name, 0]));
    const running = await startConsortium({ dataDir, ports });
    const parties = new Parties({ dataDir, urls: running.urls });
    await erase(parties);
    const visit = newVisit();
    secrets = [...visit.secrets, visit.mrn.value, visit.member.value];
    const story = { parties, visit, startedAt: new Date().toISOString(), locations: new Map(), accessIds: [] };
    await tell(story, { fact: () => undefined, wrote: async () => undefined }, () => undefined);
    await writeMore(parties);
    parties.close();
    await running.close();
    cpSync(dataDir, join(directory, 'sound'), { recursive: true });
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  /** Of two records on a sheet one is erased, before the story begins. */
  async function erase(parties: Parties): Promise<void> {
    const hospital = parties.of('hospital', 'system');
    const entry = ['a text that stays', FORGOTTEN].map((text) => ({
      resource: { resourceType: 'Observation', status: 'final', code: { text }, note: [{ text }] },
      request: { method: 'POST', url: 'Observation' },
    }));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    const made = await hospital.ask<{ entry: { response: { location: string } }[] }>({
      ...{ method: 'POST', path: '/fhir/R4' },
      body,
    });
    const record = made.entry[1]?.response.location.split('/_history')[0];
    await parties.of('patients', 'system').find({ path: `/fhir/R4/${record}` }, 'the record');
    expect(remembering()).not.to.deep.equal([]);
    cpSync(join(dataDir, 'organisations', 'patients', 'gateway'), join(directory, 'backup'), { recursive: true });
    const answer = await hospital.send({ method: 'POST', path: `/fhir/R4/${record}/$erase` });
    const path = String(answer.headers['location']);
    for (const name of ['hospital', 'patients'])
      await parties
        .of(name, 'system')
        .find<{ status: string }>({ path }, 'the erasure', ({ status }) => status === 'erased');
    await untilRewritten();
  }

  async function untilRewritten(): Promise<void> {
    const isNoted = () => existsSync(purgesFile(join(dataDir, 'network', 'ledger')));
    while (isNoted()) await new Promise((next) => setTimeout(next, 50));
  }

  /** The story ends with an erasure, which leaves an empty log. */
  async function writeMore(parties: Parties): Promise<void> {
    await untilRewritten();
    const resource = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: randomBytes(1_000).toString('hex') },
    };
    const entry = Array.from({ length: 50 }, () => ({ resource, request: { method: 'POST', url: 'Observation' } }));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    await parties.of('hospital', 'system').ask({ method: 'POST', path: '/fhir/R4', body });
  }

  /** Files that hold the text of the erased record. */
  function remembering(root = dataDir): string[] {
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => findSecret(readFileSync(path), { text: FORGOTTEN }).length > 0);
  }

  const places: () => Places = () => ({
    store: join(dataDir, 'network', 'ledger'),
    orderer: join(dataDir, 'network', 'orderer', 'blocks'),
    entries: async (work) => {
      const database = await openDatabase(join(dataDir, 'network', 'ledger'));
      await work(database).finally(() => database.close());
    },
  });
  beforeEach(() => {
    rmSync(dataDir, { recursive: true });
    cpSync(join(directory, 'sound'), dataDir, { recursive: true });
  });

  const findings = async (): Promise<(Finding & { organisation: string | undefined })[]> => {
    const { damages } = await verifyStopped(dataDir, consortium);
    return damages.flatMap((damage) => {
      const { organisation } = damage;
      return ledgerFindings(organisation ?? 'hospital', [damage]).map((finding) => ({ ...finding, organisation }));
    });
  };
  const start = async (): Promise<string> =>
    assertSound(await networkConfigWithoutChaincode(dataDir, consortium)).then(
      () => 'starts',
      (error: Error) => error.message,
    );
  const repair = async () => {
    const readModels = new ReadModelCopies(dataDir, ORGANISATIONS);
    const config = await networkConfigWithoutChaincode(dataDir, consortium);
    const repaired = repairLedger({ config, organisation: undefined, elsewhere: [readModels] });
    return repaired.finally(() => readModels.close());
  };

  it('is not what a story leaves', async () => {
    expect(await findings()).to.deep.equal([]);
    expect(await start()).to.equal('starts');
    expect(remembering()).to.deep.equal([]);
  });

  for (const [name, { change, what, place, organisation, losesHistory = false }] of Object.entries(ROWS)) {
    it(`by ${name}: it is found, keeps the network from starting, and is mended`, async () => {
      await change(places());
      const found = await findings();
      const isIt = (each: Finding & { organisation: string | undefined }): boolean =>
        each.what === what && place.test(each.place) && each.organisation === organisation;
      const named = found.find(isIt);
      expect(named, JSON.stringify(found.slice(0, 5))).to.include({
        organisation,
        remedy: `npm run repair -- --org ${organisation ?? 'hospital'}`,
      });
      const refusal = await start();
      expect(refusal)
        .to.match(/^the ledger is damaged:\n/)
        .and.contain(what);
      expect(refusal)
        .to.contain(`${organisation ?? 'all peers'}: `)
        .and.not.match(/another network|behind/);
      for (const secret of secrets) expect(`${JSON.stringify(found)}${refusal}`).not.to.contain(secret);

      const { damages, taken, remaining } = await repair();
      expect(damages.length).to.be.greaterThan(0);
      expect(taken.length).to.be.greaterThan(0);
      if (losesHistory) expect(remaining.filter((damage) => !isHistory(damage))).to.deep.equal([]);
      else expect(remaining).to.deep.equal([]);
      expect(await findings()).to.have.length(remaining.length);
      expect(await start()).to.equal('starts');
      expect(remembering()).to.deep.equal([]);
    });
  }

  const isHistory = ({ subject, fault, isLost }: Damage): boolean =>
    subject === 'private set' && fault === 'missing' && isLost === true;

  it('takes private values from read models where the whole store is gone', async () => {
    rmSync(places().store, { recursive: true });
    const { taken, remaining } = await repair();
    expect(taken.map(({ from }) => from).join()).to.contain('read model');
    expect(remembering()).to.deep.equal([]);
    expect(remaining.filter((damage) => !isHistory(damage))).to.deep.equal([]);
  });

  it('takes back nothing that was erased, not from a read model that a backup brought back either', async () => {
    const gateway = join(dataDir, 'organisations', 'patients', 'gateway');
    rmSync(gateway, { recursive: true });
    cpSync(join(directory, 'backup'), gateway, { recursive: true });
    expect(remembering()).not.to.deep.equal([]);
    rmSync(places().store, { recursive: true });
    const { remaining } = await repair();
    expect(remaining.filter((damage) => !isHistory(damage))).to.deep.equal([]);
    expect(remembering(join(dataDir, 'network'))).to.deep.equal([]);
    expect(await start()).to.equal('starts');
  });

  describe('and the commands', () => {
    async function run(script: string, ...args: string[]): Promise<{ code: number; output: string }> {
      const path = join(import.meta.dirname, '..', '..', 'scripts', script);
      const ports = Object.fromEntries(ORGANISATIONS.map((name) => [`GATEWAY_PORT_${name.toUpperCase()}`, '0']));
      const env = { ...process.env, ...ports, DATA_DIR: dataDir };
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], { env });
      const output: string[] = [];
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(String(chunk)));
      const [code] = await once(child, 'close');
      return { code, output: output.join('') };
    }

    it('name it, refuse to start, mend it and say from what', async () => {
      await dropped('phospital')(places());
      rmSync(join(dataDir, 'organisations', 'hospital', 'gateway', 'index.sqlite'));
      const verified = await run('verify.ts');
      expect(verified.code).to.equal(1);
      expect(verified.output).to.match(
        /telemed\/\w+ key [0-9a-f]{64}: missing: a private value → npm run repair -- --org hospital/,
      );
      const started = await run('start.ts');
      expect(started.code).to.equal(1);
      expect(started.output).to.match(
        /the ledger is damaged:\n {2}hospital: telemed\/\w+ key [0-9a-f]{64}: missing: a private value/,
      );
      const repaired = await run('repair.ts', '--org', 'hospital');
      expect(repaired.code, repaired.output).to.equal(0);
      expect(repaired.output).to.contain(
        'hospital: 1 × a private value ← the private data that its members keep with the block',
      );
      const again = await run('verify.ts');
      expect(again.code, again.output).to.equal(0);
      expect(again.output).to.contain('Everything is as anchored.');
    });
  });
});
