/** Asks one gateway, as its operator, to compare everything it stores with the ledger. */
import type { VerifyReport } from '@telemed-ledger/gateway-api/index/verification/report.ts';
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
  changed: 'the row is not what the ledger says',
  absent: 'the row that the ledger demands is not there',
  additional: 'nothing on the ledger accounts for this row',
  missing: 'anchored, and not delivered to this peer yet',
  unreadable: 'delivered, and not what its key promises',
  gone: 'this peer does not hold the value that the ledger anchors',
  rewritten: 'a key was written a second time, by changed chaincode: what was written first stands',
  original: 'the copy is not what its holder anchored',
  block: "the peer's block is not what its hash says: nothing was compared",
};

/** A read model that can only be made anew, because it was filled from another chain. */
export interface Hopeless {
  hopeless: string;
}

export const readModelRow = (found: VerifyReport | Hopeless): Row => ({
  what: 'read model',
  checked: 'hopeless' in found ? undefined : found.values,
  damaged: 'hopeless' in found ? 1 : found.differences.length + found.more,
});

export function readModelFindings(organisation: string, found: VerifyReport | Hopeless): Finding[] {
  const remedies = {
    reindex: `npm run reindex -- --org ${organisation}`,
    repair: `npm run repair -- --org ${organisation}`,
    wait: 'it arrives by itself when the peer has obtained it',
    log: 'the custodian has what was anchored of this log: docs/access-log.md says how to go on',
    none: 'nothing here helps',
  };
  if ('hopeless' in found) return [{ place: 'the whole read model', what: found.hopeless, remedy: remedies.reindex }];
  return found.differences.map(({ table, place, kind, columns = [], transactionId, remedy }) => ({
    place: [
      table === undefined ? place : `${table}, ${place}`,
      transactionId && ` (transaction ${transactionId})`,
    ].join(''),
    what: columns.length === 0 ? MEANING[kind] : `${MEANING[kind]} (${columns.join(', ')})`,
    remedy: remedies[remedy],
  }));
}
