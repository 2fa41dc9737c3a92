/**
 * The read models of a consortium that does not run: it is started on ports of the system's choosing, has its gateways
 * compare their rows with the ledger, and is stopped again.
 */
import type { VerifyReport } from '@telemed-ledger/gateway-api/index/verification/report.ts';
import { organisations } from '../command-line.ts';
import type { NetworkKind } from '../consortium/read-models.ts';
import { openConsortium } from '../consortium.ts';
import { type Hopeless, sweep } from './sweep.ts';

/** Filling a read model takes some hundred records a second: nobody should wait longer than a day. */
const CATCH_UP_MS = 24 * 3_600_000;
const POLL_MS = 100;

type Gateway = Awaited<ReturnType<typeof openConsortium>>['gateways'][number];

export interface ComparisonOptions {
  /** An organisation of which a restore is under way. */
  restoring?: string;
  /** Called once all of them have caught up, while their peers answer. */
  whileRunning?: () => Promise<void>;
}

/** By organisation. @throws as openConsortium, and where a gateway does not catch up. */
export async function compareStopped(
  dataDir: string,
  network: NetworkKind,
  names: readonly string[],
  { restoring, whileRunning }: ComparisonOptions = {},
): Promise<Map<string, VerifyReport | Hopeless>> {
  const running = await openConsortium({
    dataDir,
    network,
    ports: Object.fromEntries(organisations().map(({ name }) => [name, 0])),
    consortiumFile: process.env['CONSORTIUM'] || undefined,
    restoring,
  });
  try {
    const reports = new Map<string, VerifyReport | Hopeless>();
    for (const gateway of running.gateways.filter(({ organisation }) => names.includes(organisation))) {
      const { organisation } = gateway;
      const hopeless = await untilCaughtUp(gateway);
      const url = running.urls[organisation] ?? '';
      reports.set(organisation, hopeless === undefined ? await sweep({ dataDir, organisation, url }) : { hopeless });
    }
    await whileRunning?.();
    return reports;
  } finally {
    await running.close();
  }
}

/** Why it never will, where that is certain. */
async function untilCaughtUp(gateway: Gateway): Promise<string | undefined> {
  const deadline = Date.now() + CATCH_UP_MS;
  for (;;) {
    const { ready, reasons, hopeless } = await gateway.readiness();
    if (ready) return undefined;
    if (hopeless === true) return reasons.join('; ');
    if (Date.now() > deadline) throw new Error(`${gateway.organisation}'s gateway: ${reasons.join('; ')}`);
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
}
