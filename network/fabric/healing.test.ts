import { common } from '@hyperledger/fabric-protos';
import { genesisBlock } from '@telemed-ledger/formats/channel/genesis.ts';
import { expect } from 'chai';
import { timeOfBlock } from './block-time.ts';
import { examine, heal, type Nodes, report } from './healing.ts';
import { assess, candidates, described, type Finding, mayRestart, quorumOf, type Reading } from './lag.ts';

const ORDERERS = ['o1', 'o2', 'o3', 'o4'];
type State = number | 'down' | 'silent';

/** A reading of each node: its height, or that it is down or silent. */
const readingsOf = (states: Record<string, State>, extra: Partial<Reading> = {}): Reading[] =>
  Object.entries(states).map(([name, state]) => ({
    name,
    kind: name.startsWith('o') ? 'orderer' : 'peer',
    isRunning: state !== 'down',
    height: typeof state === 'number' ? state : undefined,
    ...(name.startsWith('o') && typeof state === 'number' ? { status: 'active', relation: 'consenter', ...extra } : {}),
  }));

const findingsOf = (first: Record<string, State>, second = first): Finding[] =>
  assess(readingsOf(first), readingsOf(second));

describe('Nodes that stay behind', () => {
  it('are none where everybody has the same, also while blocks come in', () => {
    expect(findingsOf({ o1: 9, o2: 9, p1: 9 })).to.deep.equal([]);
    expect(findingsOf({ o1: 9, o2: 8, p1: 7 }, { o1: 14, o2: 11, p1: 9 })).to.deep.equal([]);
  });

  it('have less than any had before, and get nothing', () => {
    expect(findingsOf({ o1: 9, o2: 5 }, { o1: 12, o2: 5 })).to.deep.equal([
      { name: 'o2', kind: 'orderer', is: 'behind', height: 5, missing: 7 },
    ]);
    expect(findingsOf({ o1: 9, p1: 8 })).to.deep.equal([
      { name: 'p1', kind: 'peer', is: 'behind', height: 8, missing: 1 },
    ]);
  });

  it('are told from those that catch up, say nothing or do not run', () => {
    expect(
      findingsOf(
        { o1: 90, o2: 5, o3: 'silent', o4: 'down', p1: 'silent' },
        { o1: 90, o2: 30, o3: 'silent', o4: 'down', p1: 3 },
      ),
    ).to.deep.equal([
      { name: 'o2', kind: 'orderer', is: 'catching-up', height: 30, missing: 60 },
      { name: 'o3', kind: 'orderer', is: 'silent' },
      { name: 'o4', kind: 'orderer', is: 'down' },
      { name: 'p1', kind: 'peer', is: 'catching-up', height: 3, missing: 87 },
    ]);
  });

  it('are not those that were too busy for one of the two answers', () => {
    expect(findingsOf({ o1: 9, o2: 9 }, { o1: 9, o2: 'silent' })).to.deep.equal([]);
  });

  it('include an orderer that has every block and does not order', () => {
    for (const extra of [{ status: 'failed' }, { relation: 'follower' }]) {
      const readings = readingsOf({ o1: 9 }, extra);
      expect(assess(readings, readings)).to.have.length(1);
    }
  });

  it('are described with what an operator needs', () => {
    const since = new Date('2026-11-28T10:00:00Z');
    const [behind] = findingsOf({ o1: 9, o2: 8 });
    expect(described(behind!, since)).to.equal(
      'o2 stays behind: it has 8 blocks, 1 fewer than others, the first of 2026-11-28T10:00:00.000Z, and gets none',
    );
    expect(described({ name: 'o1', kind: 'orderer', is: 'silent' })).to.equal('o1 runs and gives no answer');
  });
});

describe('A quorum of orderers', () => {
  it('is more than two thirds with BFT and more than half with Raft', () => {
    expect([1, 4, 5, 7, 10].map((count) => quorumOf('bft', count))).to.deep.equal([1, 3, 4, 5, 7]);
    expect([1, 3, 4, 5].map((count) => quorumOf('raft', count))).to.deep.equal([1, 2, 3, 3]);
  });
});

describe('Which node may be started again', () => {
  /** By the first of the states; `undefined` where nothing is to be started. */
  const decision = (states: Record<string, State>): [string, boolean] | undefined => {
    const readings = readingsOf(states);
    const findings = assess(readings, readings);
    const [first] = candidates(findings);
    return first && [first.name, mayRestart(first, findings, readings, quorumOf('bft', ORDERERS.length)).restart];
  };
  const cases: [string, Record<string, State>, [string, boolean] | undefined][] = [
    ['none where all is well', { o1: 9, o2: 9, o3: 9, o4: 9, p1: 9 }, undefined],
    ['none that does not run: it is started anyway', { o1: 9, o2: 9, o3: 9, o4: 'down' }, undefined],
    ['one that is behind', { o1: 9, o2: 9, o3: 9, o4: 5 }, ['o4', true]],
    ['one of two that are behind, as both answer', { o1: 9, o2: 9, o3: 4, o4: 5 }, ['o3', true]],
    ['not one that is behind while another is down', { o1: 9, o2: 9, o3: 'down', o4: 5 }, ['o4', false]],
    ['a silent one first, which takes part in nothing', { o1: 9, o2: 9, o3: 5, o4: 'silent' }, ['o4', true]],
    ['silent ones where ordering stands', { o1: 9, o2: 9, o3: 'silent', o4: 'silent' }, ['o3', true]],
    ['an orderer before a peer', { o1: 9, o2: 9, o3: 9, o4: 5, p1: 5 }, ['o4', true]],
    ['a peer, whatever orderers do', { o1: 9, o2: 9, o3: 'down', o4: 9, p1: 5, p2: 9 }, ['p1', true]],
  ];
  for (const [what, states, expected] of cases) it(what, () => expect(decision(states)).to.deep.equal(expected));
});

/** Nodes that behave as the test says; time goes by when somebody waits. */
class FakeNodes implements Nodes {
  readonly quorum = 3;
  readonly states: Record<string, State>;
  readonly restarted: string[] = [];
  /** Most orderers that were being restarted at one time. */
  waitedMs = 0;
  /** What a node is after it was started. */
  readonly #after: (name: string) => State;
  /** Called after each wait. */
  readonly #later: (states: Record<string, State>) => void;

  constructor(
    states: Record<string, State>,
    after: (name: string) => State = () => 9,
    later: (states: Record<string, State>) => void = () => {},
  ) {
    this.states = states;
    this.#after = after;
    this.#later = later;
  }

  read = async (): Promise<Reading[]> => readingsOf(this.states);
  restart = async (name: string): Promise<void> => {
    this.restarted.push(name);
    this.states[name] = this.#after(name);
  };
  timeOf = async (): Promise<Date | undefined> => undefined;
  delay = async (ms: number): Promise<void> => {
    this.waitedMs += ms;
    this.#later(this.states);
  };
}

describe('The time of a block', () => {
  it('is that of its first transaction, and none where that cannot be read', () => {
    const block = genesisBlock('telemed', new common.ConfigGroup(), new Date('2026-11-28T10:00:00Z')).serializeBinary();
    expect(timeOfBlock(block)?.toISOString()).to.equal('2026-11-28T10:00:00.000Z');
    expect(timeOfBlock(new Uint8Array())).to.equal(undefined);
    expect(timeOfBlock(Buffer.from([0x12, 3, 0x0a, 1, 0xff]))).to.equal(undefined);
  });
});

describe('Healing', () => {
  const healed = async (nodes: FakeNodes) => {
    const lines: string[] = [];
    return { isWell: await heal(nodes, (line) => lines.push(line)), lines };
  };

  it('does nothing and waits for nothing where all is well', async () => {
    const nodes = new FakeNodes({ o1: 9, o2: 9, o3: 9, o4: 9, p1: 9 });
    expect(await healed(nodes)).to.deep.equal({ isWell: true, lines: [] });
    expect([nodes.restarted, nodes.waitedMs]).to.deep.equal([[], 0]);
  });

  it('starts one after the other again, and says that they have caught up', async () => {
    const nodes = new FakeNodes({ o1: 9, o2: 9, o3: 4, o4: 5, p1: 'silent' });
    const { isWell, lines } = await healed(nodes);
    expect(isWell).to.equal(true);
    expect(nodes.restarted).to.deep.equal(['o3', 'o4', 'p1']);
    expect(lines).to.include.members([
      'o3 stays behind: it has 4 blocks, 5 fewer than others, and gets none',
      'o3 was started again: it has all 9 blocks',
    ]);
  });

  it('does not start a second one while the first has not come back: fewer than a quorum would be left', async () => {
    const nodes = new FakeNodes({ o1: 9, o2: 9, o3: 4, o4: 5 }, () => 'down');
    const { isWell, lines } = await healed(nodes);
    expect(isWell).to.equal(false);
    expect(nodes.restarted).to.deep.equal(['o3']);
    expect(lines).to.include('o3 was started again: it has no of 9 blocks after 60 s');
    expect(lines).to.include('o4 is not started again: only 2 of the 3 other orderers answer, and 3 must agree');
  });

  it('starts each at most once, and says that it stays behind', async () => {
    const nodes = new FakeNodes({ o1: 9, o2: 9, o3: 9, o4: 5 }, () => 5);
    const { isWell, lines } = await healed(nodes);
    expect([isWell, nodes.restarted]).to.deep.equal([false, ['o4']]);
    expect(lines).to.include('o4 was started again: it has 5 of 9 blocks after 60 s');
  });

  it('waits for one that catches up, and starts it not', async () => {
    const nodes = new FakeNodes(
      { o1: 9, o2: 9, o3: 9, o4: 5 },
      () => 0,
      (states) => {
        states['o4'] = Math.min(Number(states['o4']) + 1, 9);
      },
    );
    expect((await healed(nodes)).isWell).to.equal(true);
    expect(nodes.restarted).to.deep.equal([]);
  });

  it('takes no longer than one look where nobody is behind', async () => {
    const nodes = new FakeNodes({ o1: 9, o2: 8 }, undefined, (states) => {
      states['o2'] = 9;
    });
    const { findings } = await examine(nodes);
    expect(findings).to.deep.equal([]);
    expect(await report(nodes, findings)).to.deep.equal([]);
  });
});
