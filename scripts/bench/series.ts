/** Rounds of all operations in turn, so that what disturbs the machine disturbs all of them alike. */
import { closedLoop, median, perSecond, quantile, type Round } from './closed-loop.ts';

export interface Operation {
  name: string;
  run: () => Promise<void>;
  /** Records that one operation writes or reads. */
  records: number;
  /** Share of the time, next to the others'. */
  weight: number;
}

/** A round with the processor time that the consortium and this process used in it. */
export interface MeasuredRound extends Round {
  cpuMs: number;
}

export interface Series {
  callers: number;
  /** By the operation's name, in the order of the rounds. */
  rounds: Map<string, MeasuredRound[]>;
}

export interface Watch {
  onRound: (operation: string) => void;
  /** Processor time used so far. */
  cpuMs: () => number;
}

/** `rounds` times each operation for its weight times `unitMs`; every other time around in the opposite order. */
export async function measure(
  operations: readonly Operation[],
  callers: number,
  rounds: number,
  unitMs: number,
  watch: Watch,
): Promise<Series> {
  const series: Series = { callers, rounds: new Map(operations.map(({ name }) => [name, []])) };
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const { name, run, weight } of turn % 2 === 0 ? operations : [...operations].reverse()) {
      watch.onRound(name);
      const before = watch.cpuMs();
      const round = await closedLoop(callers, weight * unitMs, run);
      series.rounds.get(name)?.push({ ...round, cpuMs: watch.cpuMs() - before });
    }
  }
  return series;
}

/** One line of the table: the median of the rounds' throughputs, quantiles of all latencies. */
export interface Line {
  perSecond: number;
  p50: number;
  p99: number;
  errors: number;
  /** Processor time per operation, of the consortium and of this process together: does not depend on who else is at work. */
  cpuMs: number;
}

export function lineOf(rounds: readonly MeasuredRound[]): Line {
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
  const sum = (of: (round: MeasuredRound) => number) => rounds.reduce((total, round) => total + of(round), 0);
  return {
    perSecond: median(rounds.map(perSecond)),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    errors: sum(({ errors }) => errors),
    cpuMs: sum(({ cpuMs }) => cpuMs) / sum(({ operations }) => operations),
  };
}

/** Median over the rounds of one operation's throughput over another's in the same turn. */
export function ratioOf({ rounds }: Series, name: string, over: string): number {
  const base = rounds.get(over) ?? [];
  return median((rounds.get(name) ?? []).map((round, turn) => perSecond(round) / perSecond(base[turn] as Round)));
}
