/**
 * The gateway's log: JSON lines with the organisation's name. No bodies, no query strings, no paths as they came (they
 * carry ids), nothing of a patient.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export function newLog(organisation: string, level: string, destination?: DestinationStream): Logger {
  const options = { level, base: { organisation }, timestamp: pino.stdTimeFunctions.isoTime };
  return destination === undefined ? pino(options) : pino(options, destination);
}
