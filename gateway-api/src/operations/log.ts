/**
 * The gateway's log: JSON lines with the organisation's name. No bodies, no query strings, no paths as they came (they
 * carry ids), nothing of a patient.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export function newLog(organisation: string, level: string, destination?: DestinationStream): Logger {
  const options = { level, base: { organisation }, timestamp: pino.stdTimeFunctions.isoTime };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Errors whose messages are Fabric's and the gateway's own; any other may quote what it stumbled over. */
const PLAIN =
  /^(LedgerError|LoneRefusal|LedgerFailure|Failure|IntegrityFailure|DatabaseLost|LockHeld|\w*(Endorse|Submit|Commit|CommitStatus|Gateway)Error)$/;

/**
 * An error as the log may have it: its kind, where it was made, and its message only where that cannot hold content
 * (JSON.parse quotes its input; what a chaincode says after its status may be anything).
 */
export function loggable(error: unknown): { kind: string; reason?: string; code?: string; at?: string[] } {
  if (!(error instanceof Error)) return { kind: typeof error };
  const kind = error.constructor.name;
  const at = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const reason = PLAIN.test(kind) ? { reason: error.message.replace(/(chaincode response \d+).*/s, '$1') } : {};
  const { code } = error as { code?: unknown };
  // A system's or a database's code for what went wrong (ECONNREFUSED, 23505): never content.
  const coded = typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? { code } : {};
  return { kind, ...reason, ...coded, at: at.slice(0, 12).map((line) => line.trim()) };
}
