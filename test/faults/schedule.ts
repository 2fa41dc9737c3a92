/** Which faults a run meets, drawn from its seed: one seed, one schedule. */
import type { Part } from './network.ts';
import { type Random, random, seedOf } from './random.ts';

/** SIGKILL and start again; SIGSTOP and SIGCONT; SIGTERM and start again. */
export type Action = 'kill' | 'pause' | 'restart';

export interface Fault {
  /** What it is counted as in the report. */
  kind: string;
  strikes: { action: Action; part: Part }[];
  /** How long a killed part stays down, and a paused one stands still. */
  holdMs: number;
  /** How long the next one waits once the consortium has answered again. */
  restMs: number;
}

export interface ScheduleOptions {
  seed: number;
  count: number;
  parts: readonly Part[];
  /** What may be done to a part; everything unless said. */
  allowed?: (action: Action, part: Part) => boolean;
  longestHoldMs: number;
}

const PAIR_PERCENT = 12;
const RESTS_MS = [100, 800] as const;
const HOLDS_MS = { kill: 2_000, pause: 6_000, restart: 500 } as const;

export function schedule({ seed, count, parts, allowed = () => true, longestHoldMs }: ScheduleOptions): Fault[] {
  const draw = random(seedOf(seed, 'schedule'));
  const strike = (from: readonly Part[]): Fault['strikes'][number] => {
    for (;;) {
      const kind = draw.pick([...new Set(from.map((part) => part.kind))]);
      const part = draw.pick(from.filter((candidate) => candidate.kind === kind));
      const action = drawAction(draw);
      if (allowed(action, part)) return { action, part };
    }
  };
  return Array.from({ length: count }, () => {
    const first = strike(parts);
    const others = parts.filter(
      ({ name, kind }) => name !== first.part.name && !(kind === 'orderer' && first.part.kind === kind),
    );
    const strikes = draw.percent(PAIR_PERCENT) ? [first, strike(others)] : [first];
    const longest = Math.max(...strikes.map(({ action }) => HOLDS_MS[action]));
    return {
      kind: strikes.length > 1 ? 'two at once' : `${first.action} ${first.part.kind}`,
      strikes,
      holdMs: Math.min(draw.between(100, longest), longestHoldMs),
      restMs: draw.between(...RESTS_MS),
    };
  });
}

function drawAction(draw: Random): Action {
  const chance = draw.between(1, 100);
  return chance <= 40 ? 'kill' : chance <= 80 ? 'pause' : 'restart';
}

/** For the report: `kill peer-bank, pause orderer-payer for 1.2 s`. */
export const described = ({ strikes, holdMs }: Fault): string =>
  `${strikes.map(({ action, part }) => `${action} ${part.name}`).join(', ')} for ${(holdMs / 1000).toFixed(1)} s`;
