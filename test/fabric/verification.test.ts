/**
 * What Fabric's own peers hold, checked through their public services: sound after a story, and damaged behind the system's
 * back, in each of the places where a peer keeps something. Then one peer's ledger is made anew from the others'.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { openDatabase } from '@telemed-ledger/network/embedded/ledger/state/store.ts';
import { requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { type Layout, layoutOf } from '@telemed-ledger/network/fabric/layout.ts';
import { restartNode } from '@telemed-ledger/network/fabric/network.ts';
import { materialOf } from '@telemed-ledger/network/fabric/prepare.ts';
import { runningPid, stopProcess } from '@telemed-ledger/network/fabric/processes.ts';
import { startConsortium } from '@telemed-ledger/scripts/consortium.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { tell } from '@telemed-ledger/scripts/demo/story.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { checkChannel } from '@telemed-ledger/scripts/verification/channel/channel-check.ts';
import type { PeerReport } from '@telemed-ledger/scripts/verification/channel/peer-check.ts';
import { reachOf } from '@telemed-ledger/scripts/verification/channel/reach.ts';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';

const NAMES = ['hospital', 'clinic', 'patients', 'payer', 'bank', 'regulator'];

describe("Verifying and repairing Fabric's peers", function () {
  this.timeout(240_000);
  let dataDir: string;
  let environment: Record<string, string>;
  let consortium: ConsortiumDefinition;
  let layout: Layout;

  before(async function () {
    await skipWithoutFabric(this);
    dataDir = mkdtempSync(join(tmpdir(), 'verification-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment['CONSORTIUM']!);
    consortium = loadConsortium(environment['CONSORTIUM']);
    layout = layoutOf(dataDir, consortium, 'bft');
    for (const command of ['up', 'deploy']) await succeed([command]);
    const ports = Object.fromEntries(NAMES.map((name) => [name, 0]));
    const running = await startConsortium({
      dataDir,
      ports,
      network: 'fabric',
      consortiumFile: environment['CONSORTIUM'],
    });
    const parties = new Parties({ dataDir, urls: running.urls });
    const story = {
      parties,
      visit: newVisit(),
      startedAt: new Date().toISOString(),
      locations: new Map(),
      accessIds: [],
    };
    await tell(story, { fact: () => undefined, wrote: async () => undefined }, () => undefined);
    parties.close();
    await running.close();
  });
  after(async () => {
    if (dataDir === undefined) return;
    await runNetwork(['reset', '--yes'], environment);
    rmSync(dataDir, { recursive: true });
  });

  async function succeed(args: string[]): Promise<void> {
    const { code, out, error } = await runNetwork(args, environment);
    expect(code, `${args.join(' ')}: ${out}${error}`).to.equal(0);
  }
  const check = (...chosen: string[]): Promise<PeerReport[]> =>
    checkChannel({ consortium, reaches: NAMES.map((name) => reachOf(dataDir, name)), chosen });
  const named = ({ away, refuses, findings }: PeerReport) => [
    ...[away, refuses].filter((why) => why !== undefined),
    ...findings.map(({ part, place, what }) => `${part}: ${place}: ${what}`),
  ];
  const ledgerOf = (name: string, ...path: string[]) =>
    join(dataDir, 'fabric', 'peers', name, 'data', 'ledgersData', ...path);

  async function run(script: string, ...args: string[]): Promise<{ code: number; output: string }> {
    const path = join(import.meta.dirname, '..', '..', 'scripts', script);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
      env: { ...process.env, ...environment },
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(String(chunk)));
    const [code] = await once(child, 'close');
    return { code, output: output.join('') };
  }

  it('finds them sound after a story, all by all and one by its own member', async () => {
    const reports = await check(...NAMES);
    for (const report of reports) {
      expect(named(report), report.organisation).to.deep.equal([]);
      expect(report.away).to.equal(undefined);
      expect(report.blocks).to.equal(reports[0]?.blocks);
      expect(report.values).to.be.greaterThan(0);
    }
    const [bank, ...others] = await check('bank');
    expect([named(bank!), others]).to.deep.equal([[], []]);
  });

  /** Stops the clinic's peer, changes what it has on disk, and starts it again. */
  async function change(work: () => Promise<void>): Promise<void> {
    await stopProcess(layout, 'peer-clinic');
    await work();
    const material = await materialOf(consortium, layout);
    await restartNode(layout, 'peer-clinic', consortium.channel, material, await requireBinaries(process.env));
  }
  /** The first entry of one of the peer's databases whose key holds this text. */
  async function entry(directory: string, text: string, change?: (value: Buffer) => Buffer): Promise<void> {
    // Fabric's LevelDB and ours write the same files.
    const database = await openDatabase(ledgerOf('clinic', directory));
    try {
      for await (const [key, value] of database.iterator()) {
        if (!key.toString('latin1').includes(text)) continue;
        return await (change ? database.put(key, change(value)) : database.del(key));
      }
      throw new Error(`${directory} has no ${text}`);
    } finally {
      await database.close();
    }
  }
  const lastByte = (value: Buffer): Buffer =>
    Buffer.concat([value.subarray(0, -1), Buffer.from([(value.at(-1) ?? 0) ^ 1])]);
  /** The value is the second field of what is stored, behind its version. */
  const inHash = (value: Buffer): Buffer => {
    const changed = Buffer.from(value);
    const at = value.indexOf(Buffer.from([0x12, 0x20])) + 2;
    changed[at] = (value[at] ?? 0) ^ 1;
    return changed;
  };
  /** One letter in a transaction of a block in the middle of the chain. */
  function flipInBlocks(): void {
    const bytes = readFileSync(blockFile());
    flip(blockFile(), bytes.indexOf('HospitalMSP', Math.floor((bytes.length * 2) / 3)), 1);
  }
  const places = (what: string, report: PeerReport | undefined) =>
    report?.findings.filter((finding) => finding.what === what).map(({ part, place }) => `${part}: ${place}`) ?? [];

  it('names what was altered and deleted in the state, the kept private data and the index of one of them', async () => {
    await change(async () => {
      await entry('stateLeveldb', '$$pinbox_clinic\0request/', lastByte);
      await entry('stateLeveldb', '$$pinbox_clinic\0copies/');
      await entry('pvtdataStore', 'telemed\0inbox_clinic', lastByte);
      await entry('chains/index', 'telemed\0t');
    });
    const [clinic, hospital] = await check('hospital', 'clinic').then((reports) => reports.toReversed());
    expect(places('altered: a private value', clinic)).to.have.length(1);
    expect(places('missing or unreadable: a private value', clinic)).to.have.length(1);
    expect(places('altered: private data kept for delivery', clinic).join()).to.match(
      /^private data: block \d+, transaction 0, telemed\/inbox_clinic key [0-9a-f]{64}$/,
    );
    expect(places('missing: an entry of the index of transactions', clinic)).to.have.length(1);
    expect(named(hospital!)).to.deep.equal([]);
  });

  it('names a hash that was altered, and private data that is gone', async () => {
    await change(async () => {
      await entry('stateLeveldb', '$$hinbox_clinic', inHash);
      await entry('pvtdataStore', 'telemed\0registers');
    });
    const [clinic] = await check('clinic');
    expect(places('altered: the hash of a private value', clinic), named(clinic!).join('\n')).to.have.length(1);
    expect(places('missing: private data kept for delivery', clinic).join()).to.match(
      /telemed\/registers key [0-9a-f]{64}$/,
    );
  });

  it('names a block that is not what was ordered', async () => {
    await change(async () => flipInBlocks());
    const [clinic] = await check('clinic');
    expect(places('its transactions are not those that were ordered', clinic).join()).to.match(/^blocks: block \d+$/);
  });

  it('leaves a peer that is sound as it is, and asks which one is meant', async () => {
    const sound = await run('repair.ts', '--org', 'hospital');
    expect([sound.code, sound.output]).to.deep.equal([
      0,
      "hospital's peer is sound.\nThe read model is as the ledger.\n",
    ]);
    const asked = await run('repair.ts');
    expect([asked.code, asked.output]).to.deep.equal([
      2,
      'on Fabric name the organisation whose peer is to be mended: --org\n',
    ]);
  });

  it('leaves a damaged ledger as it is where no other peer that is sound holds what it holds', async () => {
    await stopProcess(layout, 'peer-patients');
    const refused = await run('repair.ts', '--org', 'clinic');
    expect(refused.code, refused.output).to.equal(1);
    expect(refused.output).to.match(
      /^clinic's ledger was left as it is: no other peer that is sound holds care_clinic/,
    );
    expect(refused.output).to.contain("patients's peer is away (npm run network -- up)");
    await succeed(['up']);
  });

  it('makes the damaged ledger anew from the others, by the commands', async () => {
    const before = await run('verify.ts', '--org', 'clinic');
    expect(before.code, before.output).to.equal(1);
    expect(before.output).to.match(/its transactions are not those that were ordered → npm run repair -- --org clinic/);
    await mendedAnew();
    await succeed(['deploy']);
  });

  async function mendedAnew(): Promise<void> {
    const repaired = await run('repair.ts', '--org', 'clinic');
    expect(repaired.code, repaired.output).to.equal(0);
    expect(repaired.output).to.match(/clinic's ledger was made anew: \d+ blocks ← the orderers/);
    const after = await run('verify.ts', '--org', 'clinic');
    expect(after.code, after.output).to.equal(0);
    expect(after.output).to.contain('Everything is as anchored.');
  }

  const AWAY =
    /peer: away, so that nothing is known of it.*→ npm run network -- up; where it does not start, npm run repair/s;
  /** What `up` answers, and what `verify` says then; both after the peer was killed and its files were changed. */
  const STORES: Record<string, { change: () => void; up?: RegExp; found: RegExp }> = {
    'a block file that is cut short': {
      change: () => truncateSync(blockFile(), Math.floor(statSync(blockFile()).size / 2)),
      up: /peer-clinic .*ended.*panic.*where peer-clinic's ledger is damaged: npm run repair -- --org clinic/s,
      found: /peer: away.*panic/s,
    },
    'a block whose length is another': {
      change: () => flip(blockFile(), 1, 0xff),
      found: /block 0: unreadable: the block → npm run repair -- --org clinic/,
    },
    'no private data store': {
      change: () => rmSync(ledgerOf('clinic', 'pvtdataStore'), { recursive: true }),
      found: /block \d+: unreadable: private data kept for delivery → npm run repair -- --org clinic/,
    },
    'no list of its channels': {
      change: () => rmSync(ledgerOf('clinic', 'ledgerProvider'), { recursive: true }),
      up: /where peer-clinic's ledger is damaged: npm run repair -- --org clinic/,
      found: /peer: missing: the ledger of the channel → npm run repair -- --org clinic/,
    },
  };
  for (const [name, { change, up, found }] of Object.entries(STORES)) {
    it(`names and mends ${name}`, async () => {
      await kill('clinic');
      change();
      const { code, out, error } = await runNetwork(['up'], environment);
      expect(code, out + error).to.equal(up ? 1 : 0);
      if (up) expect(error, error).to.match(up);
      const before = await run('verify.ts', '--org', 'clinic');
      expect(before.code).to.equal(1);
      expect(before.output, before.output).to.match(found);
      await mendedAnew();
    });
  }

  it('makes a peer anew of which nothing is left', async () => {
    await kill('clinic');
    rmSync(join(dataDir, 'fabric', 'peers', 'clinic'), { recursive: true });
    expect((await run('verify.ts', '--org', 'clinic')).output).to.match(AWAY);
    await mendedAnew();
  });

  it('calls a peer that died or does not answer away, not damaged, and starts it', async () => {
    await kill('bank');
    const [bank] = await check('bank');
    expect(bank?.away).to.be.a('string');
    expect(bank?.findings).to.deep.equal([]);
    expect((await run('verify.ts', '--org', 'bank')).output).to.match(AWAY);
    const started = await run('repair.ts', '--org', 'bank');
    expect(started.code, started.output).to.equal(0);
    expect(started.output).to.match(/^bank's peer was away and was started.*bank's peer is sound\./s);
    const chaincode = runningPid(layout, 'chaincode-bank') ?? 0;
    process.kill(chaincode, 'SIGKILL');
    expect((await run('verify.ts', '--org', 'bank')).output).to.contain(
      'state: not checked, because the chaincode does not answer',
    );
    expect((await run('repair.ts', '--org', 'bank')).output).to.contain("bank's peer is sound.");
    const pid = runningPid(layout, 'peer-bank') ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      expect((await check('bank'))[0]?.away).to.be.a('string');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const { code, output } = await run('verify.ts');
    expect(code, output).to.equal(0);
  });

  /** As whoever changes files behind a peer's back does. */
  async function kill(name: string): Promise<void> {
    const pid = runningPid(layout, `peer-${name}`) ?? 0;
    process.kill(pid, 'SIGKILL');
    while (runningPid(layout, `peer-${name}`) !== undefined) await delay(50);
  }
  const blockFile = (): string => ledgerOf('clinic', 'chains', 'chains', consortium.channel, 'blockfile_000000');
});

function flip(file: string, at: number, mask: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ mask;
  writeFileSync(file, bytes);
}
