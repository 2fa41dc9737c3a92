/** Sends prepared Claims, or Coverages, to a gateway, some at a time, and says what became of each. */
import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { HttpClient } from '../http.ts';
import type { Prepared } from './coverages.ts';
import type { PreparedClaim } from './prepared.ts';

export interface Billed {
  name: string;
  /** taken: it waits for the payer, or is registered. denied: an edit denies it, and it stands so on the ledger. refused: it was not taken. */
  outcome: 'taken' | 'denied' | 'refused' | 'missing' | 'not sent';
  reason: string | undefined;
  did: string[];
}

export interface Billing {
  http: Pick<HttpClient, 'send'>;
  token: () => Promise<string>;
  /** Of the file: the same Claims of it are billed once. */
  key: string;
  atOnce: number;
}

const ATTEMPTS = 5;

export const billedAs = (claims: readonly PreparedClaim[], billing: Billing): Promise<Billed[]> =>
  all(
    claims.map(({ bundle: body, ...claim }) => ({ ...claim, body })),
    '/fhir/R4/Claim/$submit',
    billing,
  );

/** Each once under a key of its own: sent again, it is answered as it was. */
export const registeredAs = (coverages: readonly Prepared[], billing: Billing): Promise<Billed[]> =>
  all(coverages, '/fhir/R4/Coverage', billing);

function all(prepared: readonly Prepared[], path: string, billing: Billing): Promise<Billed[]> {
  const limit = pLimit(billing.atOnce);
  return Promise.all(prepared.map((one) => limit(() => send(one, path, billing))));
}

async function send(
  { name, body: sent, missing, did }: Prepared,
  path: string,
  { http, token, key }: Billing,
): Promise<Billed> {
  if (sent === undefined) return { name, outcome: 'missing', reason: missing, did };
  const idempotency = createHash('sha256').update(`${key}/${name}`).digest('hex').slice(0, 32);
  for (let attempt = 1; ; attempt += 1) {
    const headers = { authorization: `Bearer ${await token()}`, 'idempotency-key': `bill-${idempotency}` };
    const { status, body } = await http.send({ method: 'POST', path, headers, body: sent });
    const isBusy = status === 429 || status === 503;
    if (isBusy && attempt < ATTEMPTS) continue;
    return { name, did, ...became(status, isBusy, body as Answer) };
  }
}

interface Answer {
  resourceType?: string;
  outcome?: string;
  disposition?: string;
  error?: { code: { coding?: { code: string }[]; text?: string } }[];
  issue?: { diagnostics?: string; expression?: string[] }[];
}

function became(status: number, isBusy: boolean, answer: Answer): Pick<Billed, 'outcome' | 'reason'> {
  const [issue] = answer.issue ?? [];
  // Places differ from Claim to Claim; what is wrong there is what is counted.
  const place = issue?.expression?.[0]?.replaceAll(/\[\d+\]/g, '[]');
  const said = [issue?.diagnostics, place].filter((part) => part !== undefined).join(' at ');
  if (isBusy || status >= 500) return { outcome: 'not sent', reason: said || `status ${status}` };
  if (status === 201) return { outcome: 'taken', reason: undefined };
  if (status !== 200) return { outcome: 'refused', reason: said || `status ${status}` };
  // It is on the ledger, and how it stands could not be read at once: whoever bills it again is told.
  if (answer.resourceType === 'OperationOutcome') return { outcome: 'taken', reason: 'how it stands is not known yet' };
  if (answer.outcome === 'queued') return { outcome: 'taken', reason: undefined };
  const { coding, text } = answer.error?.[0]?.code ?? {};
  return { outcome: 'denied', reason: text ?? coding?.[0]?.code ?? answer.disposition };
}
