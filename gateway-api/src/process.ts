/**
 * One gateway for one organisation as a process: configured by the environment (config.ts lists the variables), it stops on SIGTERM
 * and SIGINT after answering what is under way. Where its identities come from is the entry's choice.
 */
import process from 'node:process';
import { createGateway } from './app.ts';
import type { Identities } from './auth/identities.ts';
import { ConfigError, type ProcessConfig, readConfig } from './config.ts';
import type { Gateway } from './gateway.ts';
import { newLog } from './operations/log.ts';

export type IdentitiesFor = (config: ProcessConfig) => Identities | Promise<Identities>;

/**
 * Answers when the gateway listens; until it ends it is stopped by SIGTERM or SIGINT.
 * @throws {ConfigError} with every mistake of the environment. @throws Error where the database or a port can't be had.
 */
export async function runGateway(
  environment: Record<string, string | undefined>,
  identitiesFor: IdentitiesFor,
): Promise<Gateway> {
  const config = readConfig(environment);
  const { gateway: settings, consortium, logLevel } = config;
  const log = newLog(settings.organisation.name, logLevel);
  const gateway = await createGateway(settings, { consortium, identities: await identitiesFor(config), log });
  try {
    await gateway.listen();
  } catch (error) {
    await gateway.close();
    throw error;
  }
  onceToStop(async () => {
    await gateway.close();
  });
  return gateway;
}

function onceToStop(close: () => Promise<void>): void {
  let closing = false;
  const stop = async (): Promise<void> => {
    if (closing) return;
    closing = true;
    await close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** Ends an entry whose gateway does not start, with the reason on standard error. */
export function endWith(error: Error): never {
  console.error(error instanceof ConfigError ? error.message : `The gateway did not start: ${error.message}`);
  process.exit(1);
}
