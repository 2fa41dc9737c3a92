/** What a gateway's /metrics says of its event loop and its ledger transactions, between two readings. */

/** Times that the event loop was held for longer than each bound, by the bound in seconds; Infinity: observations. */
export type Held = Map<number, number>;

const METRIC = 'gateway_event_loop_delay_seconds_bucket';

/** Cumulative counts up to each bound, as Prometheus writes them. */
export function heldIn(text: string): Held {
  const counts: Held = new Map();
  for (const [, bound, count] of text.matchAll(new RegExp(`^${METRIC}\\{[^}]*le="([^"]+)"[^}]*\\} (\\d+)`, 'gm'))) {
    counts.set(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), Number(count));
  }
  return counts;
}

/** Transactions of several writes that group commit has sent. */
export const groupsIn = (text: string): number =>
  Number(/^gateway_group_writes_count(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? 0);

/** How often it was held for longer than `seconds`, which is one of the metric's bounds, between two readings. */
export function heldLonger(seconds: number, from: Held, to: Held): number {
  const since = (bound: number): number => (to.get(bound) ?? 0) - (from.get(bound) ?? 0);
  return since(Number.POSITIVE_INFINITY) - since(seconds);
}
