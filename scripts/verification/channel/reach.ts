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

/** The peer answers, and its chaincode does not: what only that can tell is not known. */
export class ChaincodeAway extends Error {
  override name = 'ChaincodeAway';
}

/** The peer answers that it cannot give what it should have. */
export class PeerFault extends Error {
  override name = 'PeerFault';
}

/** The peer answers that whoever asks may not: that tells nothing of what it holds. */
export class PeerRefuses extends Error {
  override name = 'PeerRefuses';
}

/** The peer answers, and has no ledger of the channel. */
export class NotInChannel extends Error {
  override name = 'NotInChannel';
}

/** gRPC: CANCELLED, DEADLINE_EXCEEDED and UNAVAILABLE. */
const AWAY = new Set([1, 4, 14]);
/** gRPC: INVALID_ARGUMENT, PERMISSION_DENIED and UNAUTHENTICATED, which say more of who asks than of what is asked for. */
const REFUSED = new Set([3, 7, 16]);
/** What a peer says of a channel that it has not joined, as gateway and as endorser. */
const WITHOUT_CHANNEL = /could not get last config for channel|channel '?[\w.-]+'? (was )?not found|Invalid chain ID/i;

const KINDS = [PeerAway, PeerFault, PeerRefuses, NotInChannel];

/** The same error, as one of the kinds above where it is one. */
export function kindOf(error: unknown): Error {
  if (KINDS.some((kind) => error instanceof kind)) return error as Error;
  const { code, message = 'no answer', details } = error as { code?: number; message?: string; details?: unknown };
  if (typeof code === 'number') {
    const said = saidBy(details) || message;
    if (WITHOUT_CHANNEL.test(`${message} ${said}`)) return new NotInChannel(said, { cause: error });
    if (AWAY.has(code)) return new PeerAway(message, { cause: error });
    return new (REFUSED.has(code) ? PeerRefuses : PeerFault)(said, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** The words of the peers that the answering one asked. */
const saidBy = (details: unknown): string =>
  Array.isArray(details) ? details.map(({ message }: { message?: string }) => message ?? '').join('; ') : '';
