/**
 * What certifies a witness: its member's system certificate signs (ECDSA P-256, SHA-256, r ‖ s) that this key is its
 * witness on this ledger.
 */

export interface Statement {
  origin: string;
  mspId: string;
  /** Ed25519, hex. */
  publicKey: string;
  /** SHA-256 of the certificate that signs, DER, hex. */
  certificateHash: string;
  /** Seconds since 1970. */
  time: number;
}

const FIRST_LINE = 'telemed-ledger/witness@v1';

export const statementText = ({ origin, mspId, publicKey, certificateHash, time }: Statement): string =>
  [FIRST_LINE, origin, mspId, publicKey, certificateHash, String(time), ''].join('\n');

const STATEMENT = new RegExp(
  [`^${FIRST_LINE}`, '([^\\s]+)', '([^\\s]+)', '([0-9a-f]{64})', '([0-9a-f]{64})', '(\\d{1,15})\n$'].join('\n'),
);

/** @throws Error where it is not exactly what `statementText` writes */
export function readStatement(text: string): Statement {
  const [, origin, mspId, publicKey, certificateHash, time] = STATEMENT.exec(text) ?? [];
  const statement = { origin, mspId, publicKey, certificateHash, time: Number(time) } as Statement;
  if (origin === undefined || statementText(statement) !== text) throw new Error('a statement is not in its form');
  return statement;
}
