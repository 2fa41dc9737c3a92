/** Bearer tokens by the organisations' development issuers, as `npm start` made them under the data directory. */
import { existsSync } from 'node:fs';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { issueToken } from '@telemed-ledger/gateway-api/auth/issuer.ts';
import { issuerDirectory } from './command-line.ts';

export interface Credentials {
  dataDir: string;
  organisation: string;
  role: Role;
  /** For instance `Practitioner/…`. */
  fhirUser?: string;
  /** Scopes that narrow the role, and the Patient in context. */
  scope?: string;
  patient?: string;
  /** The client; by default the user or the role. */
  subject?: string;
  minutes?: number;
}

/** Throws where the consortium was never started on this data directory. */
export async function bearerToken({ dataDir, ...request }: Credentials): Promise<string> {
  const directory = issuerDirectory(dataDir, request.organisation);
  if (!existsSync(directory)) {
    throw new Error(`${directory} does not exist: start the consortium first (npm start), or set DATA_DIR to its data`);
  }
  return issueToken({ directory, ...request });
}

const RENEW_BEFORE_MS = 60_000;
const DEFAULT_MINUTES = 5;

/** Gives the same token until a minute before it ends, then a new one. */
export function renewedToken(credentials: Credentials): () => Promise<string> {
  let token: Promise<string> | undefined;
  let renewAt = 0;
  return () => {
    if (token === undefined || Date.now() >= renewAt) {
      token = bearerToken(credentials);
      renewAt = Date.now() + (credentials.minutes ?? DEFAULT_MINUTES) * 60_000 - RENEW_BEFORE_MS;
    }
    return token;
  };
}
