/**
 * Which nodes of a running network stay behind the others, and which of them may be started again now. Pure: what nodes
 * say of themselves comes from health.ts, what is done with it is in healing.ts.
 */
import type { Ordering } from './layout.ts';

/** What a node says of itself at one moment. */
export interface Reading {
  name: string;
  kind: 'orderer' | 'peer';
  /** Its process runs; it may nevertheless say nothing. */
  isRunning: boolean;
  /** Blocks in its ledger; undefined where it says nothing or is not in the channel. */
  height: number | undefined;
  /** Of an orderer: `active`, `onboarding` or `failed`, and `consenter` or `follower`. */
  status?: string | undefined;
  relation?: string | undefined;
  /** Of a BFT orderer: in which view, by which leader, which block it agrees on next. */
  view?: View | undefined;
}

export interface View {
  number: number;
  leader: number;
  next: number;
}

export type Finding = { name: string; kind: Reading['kind'] } & (
  | { is: 'down' }
  /** It runs and answers nobody. */
  | { is: 'silent' }
  /** It has fewer blocks than the others, and has got none between the two readings. */
  | { is: 'behind'; height: number; missing: number }
  /** It has fewer, and gets more. */
  | { is: 'catching-up'; height: number; missing: number }
  /** An orderer that has every block and takes no part in ordering. */
  | { is: 'apart'; says: string }
);

/** The newest block's number + 1, by whoever has it. */
export const tipOf = (readings: readonly Reading[]): number =>
  Math.max(0, ...readings.map(({ height }) => height ?? 0));

/**
 * What is not as it should be, from two readings with some seconds between them: a node must have by the second what any
 * had by the first. Blocks that came in between count for nobody's lag.
 */
export function assess(first: readonly Reading[], second: readonly Reading[]): Finding[] {
  const [tip, newest] = [tipOf(first), tipOf(second)];
  return second.flatMap((reading): Finding[] => {
    const { name, kind, isRunning, height, status, relation } = reading;
    const before = first.find((other) => other.name === name)?.height;
    if (!isRunning) return [{ name, kind, is: 'down' }];
    if (height === undefined) return before === undefined ? [{ name, kind, is: 'silent' }] : [];
    if (height < tip) {
      const moves = before === undefined || height > before;
      return [{ name, kind, is: moves ? 'catching-up' : 'behind', height, missing: newest - height }];
    }
    const isApart = kind === 'orderer' && (status === 'failed' || (relation !== undefined && relation !== 'consenter'));
    return isApart ? [{ name, kind, is: 'apart', says: `${status}, ${relation}` }] : [];
  });
}

/** How many orderers must agree: with BFT more than two thirds, so that it tolerates f of 3f + 1; with Raft more than half. */
export function quorumOf(ordering: Ordering, orderers: number): number {
  if (ordering === 'raft') return Math.floor(orderers / 2) + 1;
  const faulty = Math.floor((orderers - 1) / 3);
  return Math.ceil((orderers + faulty + 1) / 2);
}

export type Verdict = { restart: true } | { restart: false; why: string };

/**
 * Whether a node that is silent or behind may be started again now. A silent one takes part in nothing, so nothing is
 * lost. An orderer that answers may, though behind, be needed: those left that answer must be a quorum.
 */
export function mayRestart(
  { name, kind, is }: Finding,
  findings: readonly Finding[],
  readings: readonly Reading[],
  quorum: number,
): Verdict {
  if (kind === 'peer' || is === 'silent') return { restart: true };
  const answersNot = findings.filter((finding) => finding.is === 'down' || finding.is === 'silent');
  const others = readings.filter((reading) => reading.kind === 'orderer' && reading.name !== name);
  const left = others.filter((other) => !answersNot.some((finding) => finding.name === other.name)).length;
  if (left >= quorum) return { restart: true };
  return {
    restart: false,
    why: `only ${left} of the ${others.length} other orderers answer, and ${quorum} must agree`,
  };
}

/** Silent orderers, orderers that stay behind, then peers, which get their blocks from them. */
export const candidates = (findings: readonly Finding[]): Finding[] => {
  const rank = ({ kind, is }: Finding): number => (kind === 'peer' ? 2 : 0) + (is === 'silent' ? 0 : 1);
  return findings.filter(({ is }) => is === 'silent' || is === 'behind').sort((one, other) => rank(one) - rank(other));
};

const blocks = (count: number): string => `${count} block${count === 1 ? '' : 's'}`;

/** For an operator. `since` is when the first block that it lacks was made, where that is known. */
export function described(finding: Finding, since?: Date): string {
  const when = since === undefined ? '' : `, the first of ${since.toISOString()}`;
  switch (finding.is) {
    case 'down':
      return `${finding.name} does not run`;
    case 'silent':
      return `${finding.name} runs and gives no answer`;
    case 'behind':
      return `${finding.name} stays behind: it has ${blocks(finding.height)}, ${finding.missing} fewer than others${when}, and gets none`;
    case 'catching-up':
      return `${finding.name} catches up: it has ${blocks(finding.height)}, ${finding.missing} fewer than others${when}`;
    case 'apart':
      return `${finding.name} has every block and does not order (${finding.says})`;
  }
}
