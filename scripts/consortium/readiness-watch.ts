/**
 * Watches the gateways from their start until all of them are ready, and says which is not and why: a gateway that is
 * not ready is no reason to end the others, nor itself.
 */
import type { RunningConsortium } from '../consortium.ts';

type Watched = RunningConsortium['gateways'][number];

export interface WatchOptions {
  gateways: readonly Watched[];
  /** Called with lines for the operator. */
  print: (line: string) => void;
  /** How long nothing is said of a gateway that is not ready yet. */
  patienceMs?: number;
  pauseMs?: number;
  /** A gateway that took longer is asked less often. */
  latePauseMs?: number;
}

const PATIENCE_MS = 60_000;
const PAUSE_MS = 50;
const LATE_PAUSE_MS = 1_000;

/**
 * Answers when all are ready. @throws Error where none of them can become so without somebody's help, with what to do:
 * then nothing is served that could be trusted
 */
export async function untilAllReady({ gateways, print, ...options }: WatchOptions): Promise<void> {
  const { patienceMs = PATIENCE_MS, pauseMs = PAUSE_MS, latePauseMs = LATE_PAUSE_MS } = options;
  const hopeless = new Map<string, string>();
  let end: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    end = reject;
  });
  const watch = async (gateway: Watched): Promise<void> => {
    const started = Date.now();
    let said = '';
    for (;;) {
      const { ready, reasons, hopeless: isHopeless } = await gateway.readiness();
      if (ready) break;
      const why = `${gateway.organisation} is not ready: ${reasons.join('; ')}`;
      const isLate = isHopeless === true || Date.now() - started > patienceMs;
      if (isLate && why !== said) print(why);
      if (isLate) said = why;
      if (isHopeless === true) hopeless.set(gateway.organisation, why);
      if (hopeless.size === gateways.length) end(new Error('no gateway can become ready by itself'));
      await new Promise((next) => setTimeout(next, isLate ? latePauseMs : pauseMs));
    }
    hopeless.delete(gateway.organisation);
    if (said !== '') print(`${gateway.organisation} is ready`);
  };
  await Promise.race([Promise.all(gateways.map(watch)), failed]);
}
