/** How an organisation's own identity reaches peers: what `npm start` and `npm run network` wrote into connection.json. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, type Enrolled, LedgerConnection } from '@telemed-ledger/gateway-api/ledger/connect.ts';

const TIMEOUTS = { evaluateMs: 30_000, endorseMs: 30_000, submitMs: 30_000, commitStatusMs: 30_000 };

export interface Reach {
  organisation: string;
  connection: Connection;
  identity: Enrolled;
}

/** As its member with the role `system`, whom the collections' members are. @throws Error where it was never started. */
export function reachOf(dataDir: string, organisation: string): Reach {
  const file = join(dataDir, 'organisations', organisation, 'connection.json');
  if (!existsSync(file)) throw new Error(`${file} does not exist: start the consortium first (npm start)`);
  const { tlsRootCertificate, identities, ...connection } = JSON.parse(readFileSync(file, 'utf8'));
  const read = (path: string): string => readFileSync(path, 'utf8');
  const { certificate, privateKey } = identities.system;
  return {
    organisation,
    connection: { ...connection, tlsRootCertificate: read(tlsRootCertificate) },
    identity: { name: 'system', certificate: read(certificate), privateKey: read(privateKey) },
  };
}

export const connectionOf = ({ connection }: Reach): LedgerConnection => new LedgerConnection(connection, TIMEOUTS);

/** The peer does not answer: that is no damage. */
export class PeerAway extends Error {
  override name = 'PeerAway';
}

/** gRPC: CANCELLED, DEADLINE_EXCEEDED and UNAVAILABLE. */
const AWAY = new Set([1, 4, 14]);

/** The same error, as a PeerAway where it says no more than that nobody answered. */
export function asAway(error: unknown): Error {
  const { code, message } = error as { code?: number; message?: string };
  if (code !== undefined && AWAY.has(code)) return new PeerAway(message ?? 'no answer', { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
