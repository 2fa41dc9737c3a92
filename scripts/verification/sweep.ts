/** Asks one gateway, as its operator, to compare everything it stores with the ledger. */
import type { VerifyReport } from '@telemed-ledger/gateway-api/index/verification/verify.ts';
import { bearerToken } from '../credentials.ts';
import { HttpClient } from '../http.ts';
import type { Finding, Row } from './report.ts';

const SWEEP_TIMEOUT_MS = 10 * 60_000;

export interface GatewayReach {
  dataDir: string;
  organisation: string;
  url: string;
}

/** Throws where the gateway does not answer or refuses. */
export async function sweep({ dataDir, organisation, url }: GatewayReach): Promise<VerifyReport> {
  const http = new HttpClient(url);
  try {
    const authorization = `Bearer ${await bearerToken({ dataDir, organisation, role: 'operator' })}`;
    const asked = { method: 'POST', path: '/verify', headers: { authorization }, timeoutMs: SWEEP_TIMEOUT_MS } as const;
    const answer = await http.send(asked);
    if (answer.status !== 200) throw new Error(`${organisation}'s gateway answered ${answer.status}`);
    return answer.body as VerifyReport;
  } finally {
    http.close();
  }
}

const MEANING: Record<VerifyReport['differences'][number]['kind'], string> = {
  content: 'the stored text is not what was anchored',
  anchor: 'the ledger holds another anchor',
  gone: 'the ledger holds no anchor any more',
  original: 'the copy is not what its holder anchored',
  missing: 'anchored, and never delivered to this peer',
};

/** A read model that can only be made anew, because it was filled from another chain. */
export interface Hopeless {
  hopeless: string;
}

export const readModelRow = (found: VerifyReport | Hopeless): Row => ({
  what: 'read model',
  checked: 'hopeless' in found ? undefined : found.values,
  damaged: 'hopeless' in found ? 1 : found.differences.length,
});

export function readModelFindings(organisation: string, found: VerifyReport | Hopeless): Finding[] {
  const remedy = `npm run reindex -- --org ${organisation}`;
  if ('hopeless' in found) return [{ place: 'the whole read model', what: found.hopeless, remedy }];
  return found.differences.map(({ place, kind, transactionId }) => ({
    place: transactionId === '' ? place : `${place} (transaction ${transactionId})`,
    what: MEANING[kind],
    remedy,
  }));
}
