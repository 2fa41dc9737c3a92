import { common } from '@hyperledger/fabric-protos';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { governingPolicies, updated } from '@telemed-ledger/formats/channel/config-update.ts';
import { isSatisfied } from '@telemed-ledger/formats/policies/channel-policies.ts';
import { expect } from 'chai';
import { createAuthority, type DevelopmentAuthority, openAuthority } from '../../ca/authority.ts';
import { channelConfiguration } from '../channel-config.ts';
import type { Reading } from '../lag.ts';
import { layoutOf } from '../layout.ts';
import { type Administrator, apply, gather, isInStep, type Operator } from './apply.ts';
import { namesIn } from './configuration.ts';
import { identityIn } from './native.ts';
import { planOf } from './steps.ts';
import {
  decodeUpdate,
  encodeUpdate,
  type SignedUpdate,
  signed,
  signersOf,
  together,
  UpdateFileError,
} from './update-file.ts';

const consortium = loadConsortium();
const layout = layoutOf('/data', consortium, 'bft');
const orderers = layout.orderers.map(({ process }) => process);
const authorities = new Map<string, DevelopmentAuthority>();
const administrators: Administrator[] = [];

/** Ends the command at one of its steps, as a kill does. */
class Killed extends Error {}

/** A channel, its nodes and their disks, in memory. `killAt`: the number of the operation that does not come back. */
class Network implements Operator {
  block = 0;
  group = this.#wanted(new Map());
  readonly disk = new Map(orderers.map((name) => [name, 1]));
  readonly next = new Map<string, number>();
  readonly serving = new Map(orderers.map((name) => [name, 1]));
  readonly away = new Set<string>();
  /** Of those that are away: by the command itself. */
  readonly stopped = new Set<string>();
  killAt = Number.POSITIVE_INFINITY;
  batchMs = 40;
  #operations = 0;
  #clock = 0;

  #wanted(versions: ReadonlyMap<string, number>, timeoutMs = 40): common.ConfigGroup {
    return channelConfiguration(
      layout,
      { ...consortium.ordering.batch, timeoutMs },
      {
        mspOf: (name) => ({
          mspId: consortium.organisations.find((one) => one.name === name)!.mspId,
          caCertificate: authorities.get(name)!.certificate,
          tlsCaCertificate: authorities.get(name)!.certificate,
        }),
        certificatesOf: ({ process }) => {
          const text = `${process} ${versions.get(process) ?? 1}`;
          return { identity: text, tls: text };
        },
      },
    );
  }

  killAfter(operations: number): void {
    this.killAt = this.#operations + operations;
  }

  #operation(): void {
    this.#operations += 1;
    if (this.#operations === this.killAt) throw new Killed();
  }

  async configuration() {
    this.#operation();
    return { block: this.block, group: this.group };
  }

  async plan(current: common.ConfigGroup) {
    const versions = new Map(orderers.map((name) => [name, this.next.get(name) ?? this.disk.get(name)!]));
    return planOf('telemed', current, this.#wanted(versions, this.batchMs), namesIn(layout), 1);
  }

  async broadcast(update: SignedUpdate, except: string | undefined) {
    this.#operation();
    const message = common.ConfigUpdate.deserializeBinary(update.update);
    const after = updated(this.group, message);
    const by = signersOf(this.group, update, new Date());
    for (const policy of governingPolicies(this.group, message))
      if (!isSatisfied(this.group, policy, by)) throw new Error(`${policy} is not satisfied`);
    if (this.#ordering().filter((name) => name !== except).length < 3) throw new Error('no quorum');
    // With a key that is replaced by this very block it must not have signed it.
    if (except !== undefined) expect([...this.away], 'while its key is replaced').to.include(except);
    [this.group, this.block] = [after, this.block + 1];
    // It may be killed before it hears of that.
    this.#operation();
  }

  #inChannel(name: string): boolean {
    const orderer = layout.orderers.find(({ process }) => process === name)!;
    return identityIn(this.group, orderer) === `${name} ${this.serving.get(name)}`;
  }

  #ordering(): string[] {
    return orderers.filter((name) => !this.away.has(name) && this.#inChannel(name));
  }

  async nodes(): Promise<Reading[]> {
    return orderers.map((name) => ({
      ...{
        name,
        kind: 'orderer',
        isRunning: !this.away.has(name),
        height: this.away.has(name) ? undefined : this.block + 1,
      },
      ...(this.away.has(name) ? {} : { status: 'active' }),
      ...{ relation: this.#inChannel(name) ? 'consenter' : 'follower' },
    }));
  }

  async takeRenewed() {
    this.#operation();
    const ready = orderers.filter((name) => {
      const orderer = layout.orderers.find(({ process }) => process === name)!;
      return this.next.has(name) && identityIn(this.group, orderer) === `${name} ${this.next.get(name)}`;
    });
    for (const name of ready) {
      this.disk.set(name, this.next.get(name)!);
      this.next.delete(name);
    }
    return ready;
  }

  async outdated() {
    return orderers.filter((name) => {
      const orderer = layout.orderers.find(({ process }) => process === name)!;
      const isKnown = identityIn(this.group, orderer) === `${name} ${this.disk.get(name)}`;
      return isKnown && (this.serving.get(name) !== this.disk.get(name) || this.stopped.has(name));
    });
  }

  async stop(name: string) {
    this.#operation();
    this.away.add(name);
    this.stopped.add(name);
    this.#operation();
  }

  async restart(name: string) {
    this.#operation();
    expect(
      this.#ordering().filter((other) => other !== name),
      `while ${name} is started again`,
    ).to.have.length(3);
    this.serving.set(name, this.disk.get(name)!);
    this.away.delete(name);
    this.stopped.delete(name);
    this.#operation();
  }

  async untilEndorsed() {
    throw new Error('no peer is started again');
  }

  async delay(ms: number) {
    this.#clock += ms;
  }

  now() {
    return new Date(Date.now() + this.#clock);
  }
}

const quiet = () => undefined;
const everybody = () => ({ given: [], own: administrators });

describe('Applying a plan', function () {
  this.timeout(60_000);

  before(async () => {
    for (const { name, mspId } of consortium.organisations) {
      const authority = await openAuthority(await createAuthority(`ca.${name}`, name, 10));
      authorities.set(name, authority);
      administrators.push({ mspId, ...(await authority.enrol({ commonName: `admin.${name}`, ou: 'admin', days: 1 })) });
    }
  });

  const renewedAt = (names: readonly string[]): Network => {
    const network = new Network();
    for (const name of names) network.next.set(name, 2);
    network.batchMs = 80;
    return network;
  };
  const renewedEverywhere = (): Network => renewedAt(orderers);
  const isRenewed = async (network: Network, names = orderers) => {
    expect(orderers.filter((name) => network.serving.get(name) === 2)).to.deep.equal(names);
    expect([network.block, network.next.size]).to.deep.equal([names.length + 1, 0]);
    expect((await network.plan(network.group)).steps).to.deep.equal([]);
  };

  it('renews every orderer, one at a time, and goes on with the rest', async () => {
    const network = renewedEverywhere();
    const said: string[] = [];
    expect(await apply(network, everybody(), (line) => said.push(line))).to.deep.equal({ is: 'done', steps: 5 });
    await isRenewed(network);
    expect(said.filter((line) => line.includes('runs with the certificates on disk'))).to.have.length(4);
    expect(await apply(network, everybody(), quiet)).to.deep.equal({ is: 'done', steps: 0 });
  });

  it('goes on wherever it was killed, and leaves at most one orderer away', async () => {
    const two = orderers.slice(1, 3);
    let kills = 0;
    for (let killAt = 1; ; killAt += 1) {
      const network = renewedAt(two);
      network.killAt = killAt;
      const first = await apply(network, everybody(), quiet).catch((error: unknown) => error);
      if (!(first instanceof Killed)) break;
      kills += 1;
      expect([...network.away], `killed at ${killAt}`).to.have.length.at.most(1);
      await apply(network, everybody(), quiet);
      await isRenewed(network, two);
    }
    // Two orderers and the batches: each is read, stopped, ordered, taken and started.
    expect(kills).to.be.greaterThan(20);
  });

  it('comes to its end when it is killed at each of its steps in turn', async () => {
    const one = orderers.slice(2, 3);
    const network = renewedAt(one);
    for (let step = 1; ; step += 1) {
      network.killAfter(step);
      const outcome = await apply(network, everybody(), quiet).catch((error: unknown) => error);
      expect([...network.away]).to.have.length.at.most(1);
      if (!(outcome instanceof Killed)) break;
    }
    await isRenewed(network, one);
  });

  it('changes nothing while another orderer is away, and names it', async () => {
    const network = renewedEverywhere();
    network.away.add('orderer-bank').add('orderer-patients');
    const error = await apply(network, everybody(), quiet).catch((one: Error) => one);
    expect((error as Error).message).to.match(/every other orderer must order: orderer-patients does not/);
    expect(network.block).to.equal(0);
  });

  it('puts an orderer back whose certificate on disk the channel does not know', async () => {
    const network = new Network();
    network.disk.set('orderer-payer', 7);
    network.serving.set('orderer-payer', 7);
    expect((await network.nodes())[2]!.relation).to.equal('follower');
    expect(await apply(network, everybody(), quiet)).to.deep.equal({ is: 'done', steps: 1 });
    expect((await network.nodes())[2]!.relation).to.equal('consenter');
  });

  it('waits for signatures that are not here, and takes them from files', async () => {
    const network = renewedEverywhere();
    network.next.clear();
    const own = administrators.filter(({ mspId }) => mspId === 'HospitalMSP' || mspId === 'BankMSP');
    const first = await apply(network, { given: [], own }, quiet);
    expect(network.block).to.equal(0);
    if (first.is !== 'unsigned') throw new Error(first.is);
    expect(first.mspIds).to.deep.equal(['PatientsMSP', 'PayerMSP', 'RegulatorMSP']);
    const file = encodeUpdate('telemed', first.update);
    const others = ['PayerMSP', 'RegulatorMSP'].map((mspId) =>
      decodeUpdate('telemed', encodeUpdate('telemed', signed(decodeUpdate('telemed', file), administratorOf(mspId)))),
    );
    expect(await apply(network, { given: others.slice(1), own: [] }, quiet)).to.deep.include({ is: 'unsigned' });
    expect(await apply(network, { given: others, own: [] }, quiet)).to.deep.equal({ is: 'done', steps: 1 });
  });

  it('takes an orderer to be in step once it agrees with most others on the next block', () => {
    const reading = (name: string, view?: Reading['view']): Reading => ({
      ...{ name, kind: 'orderer', isRunning: true, height: 7, view },
    });
    const [same, behind, apart] = [
      { number: 1, leader: 2, next: 7 },
      { number: 1, leader: 2, next: 5 },
      { number: 0, leader: 1, next: 7 },
    ];
    const others = [reading('b', same), reading('c', same), reading('d', same)];
    const cases: [Reading['view'], Reading[], boolean][] = [
      [same, others, true],
      [{ ...same, next: 9 }, others, true],
      [behind, others, false],
      [apart, others, false],
      [undefined, others, false],
      [same, [reading('b', same), reading('c', apart), reading('d', same)], true],
      [apart, [reading('b', same), reading('c', apart), reading('d', same)], false],
      // None says: there is nothing to wait for.
      [undefined, [reading('b'), reading('c'), reading('d')], true],
    ];
    for (const [own, rest, expected] of cases)
      expect(isInStep([reading('a', own), ...rest], 'a', 7), JSON.stringify([own, rest])).to.equal(expected);
  });

  describe('a signature', () => {
    const network = () => renewedEverywhere();
    const stepOf = async (of: Network) => (await of.plan(of.group)).steps[0]!;

    it('counts when an administrator made it of this update, and in no other case', async () => {
      const of = network();
      const { update } = gather(of.group, await stepOf(of), { given: [], own: [] }, new Date());
      const by = (one: SignedUpdate, now = new Date()) => [...signersOf(of.group, one, now)];
      expect(by(signed(update, administratorOf('PayerMSP')))).to.deep.equal(['PayerMSP']);
      const client = await authorities.get('payer')!.enrol({ commonName: 'clerk', ou: 'client', days: 1 });
      expect(by(signed(update, { mspId: 'PayerMSP', ...client }))).to.deep.equal([]);
      expect(by(signed(update, { ...administratorOf('PayerMSP'), mspId: 'BankMSP' }))).to.deep.equal([]);
      const stranger = await openAuthority(await createAuthority('ca.payer', 'payer', 1));
      const forged = await stranger.enrol({ commonName: 'admin.payer', ou: 'admin', days: 1 });
      expect(by(signed(update, { mspId: 'PayerMSP', ...forged }))).to.deep.equal([]);
      const other = { ...signed(update, administratorOf('PayerMSP')), update: Buffer.from('another') };
      expect(by(other)).to.deep.equal([]);
      const late = new Date(Date.now() + 2 * 86_400_000);
      expect(by(signed(update, administratorOf('PayerMSP')), late)).to.deep.equal([]);
    });

    it('of an update for another step is not used, and files of different ones are not put together', async () => {
      const of = network();
      const { steps } = await of.plan(of.group);
      const [first, second] = steps.map((step) => gather(of.group, step, everybody(), new Date()).update);
      expect(() => together([first!, second!])).to.throw(UpdateFileError, 'different updates');
      expect(together([first!, first!])!.signatures).to.have.length(first!.signatures.length);
      const { mspIds } = gather(of.group, await stepOf(of), { given: [second!], own: [] }, new Date());
      expect(mspIds).to.have.length(4);
    });

    it('is read from nothing but an update of this channel', async () => {
      const of = network();
      const { update } = gather(of.group, await stepOf(of), everybody(), new Date());
      expect(decodeUpdate('telemed', encodeUpdate('telemed', update)).update).to.deep.equal(update.update);
      expect(() => decodeUpdate('other', encodeUpdate('telemed', update))).to.throw(
        UpdateFileError,
        'of channel telemed',
      );
      for (const bytes of [Buffer.alloc(0), Buffer.from('no update'), Buffer.alloc(100, 255)])
        expect(() => decodeUpdate('telemed', bytes)).to.throw(UpdateFileError, 'holds no configuration update');
    });
  });
});

const administratorOf = (mspId: string): Administrator => administrators.find((one) => one.mspId === mspId)!;
