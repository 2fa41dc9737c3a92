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

export interface Series {
  callers: number;
  /** By the operation's name, in the order of the rounds. */
  rounds: Map<string, Round[]>;
}

/** `rounds` times each operation for its weight times `unitMs`; every other time around in the opposite order. */
export async function measure(
  operations: readonly Operation[],
  callers: number,
  rounds: number,
  unitMs: number,
  onRound: (operation: string) => void,
): Promise<Series> {
  const series: Series = { callers, rounds: new Map(operations.map(({ name }) => [name, []])) };
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const { name, run, weight } of turn % 2 === 0 ? operations : [...operations].reverse()) {
      onRound(name);
      series.rounds.get(name)?.push(await closedLoop(callers, weight * unitMs, run));
    }
  }
  return series;
}

/** One line of the table: medians of the rounds' throughputs, quantiles of all latencies. */
export function summaryOf(rounds: readonly Round[]): { perSecond: number; p50: number; p99: number; errors: number } {
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    perSecond: median(rounds.map(perSecond)),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
  };
}

/** Median over the rounds of one operation's throughput over another's in the same turn. */
export function ratioOf({ rounds }: Series, name: string, over: string): number {
  const base = rounds.get(over) ?? [];
  return median((rounds.get(name) ?? []).map((round, turn) => perSecond(round) / perSecond(base[turn] as Round)));
}
