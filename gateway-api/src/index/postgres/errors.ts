/** What an error of PostgreSQL or of the way to it means for a gateway. */
import pg from 'pg';

/** connection_exception; invalid authorization; shut down, crashed or starting; too many connections; read only. */
const LOSS = /^(08|28|57P0|53300|25006)/;
/** insufficient_resources, operator_intervention (a time limit, for one), system_error: the same may work later. */
const PASSING = /^(53|57|58)/;
/** Nobody mends these by waiting: wrong password or user, no such database, no right. */
const HOPELESS = /^(28|3D000|42501)/;

const sqlState = (error: unknown): string | undefined => (error instanceof pg.DatabaseError ? error.code : undefined);

/** pg-pool's words for: every connection was taken for too long. */
const ALL_TAKEN = 'timeout exceeded when trying to connect';

/** The connection is gone, or there can be none. */
export function isLoss(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined ? (error as Error).message !== ALL_TAKEN : LOSS.test(code);
}

/** Neither the connection's fault nor the statement's: there is too much to do, or too little room. */
export function isBusy(error: unknown): boolean {
  const code = sqlState(error);
  return !isLoss(error) && (code === undefined || PASSING.test(code));
}

export const isHopeless = (error: unknown): boolean => HOPELESS.test(sqlState(error) ?? '');

/** In words for an operator. The server's message about a statement may quote data: then its code alone. */
export function reasonOf(error: unknown): string {
  const { message = '', code } = error as { message?: string; code?: string };
  const ofStatement = error instanceof pg.DatabaseError && !LOSS.test(code ?? '') && !HOPELESS.test(code ?? '');
  if (ofStatement || message === '') return code ?? 'unknown';
  return message;
}
