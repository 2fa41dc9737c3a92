/**
 * Empties the read model of a gateway that is stopped, by the environment the gateway itself is given: the next start
 * fills it again from block 0. The journal stays.
 */
import process from 'node:process';
import { readConfig } from './config.ts';
import { emptyIndex } from './index/stores.ts';
import { newLog } from './operations/log.ts';
import { endWith } from './process.ts';

async function main(): Promise<void> {
  const { gateway, logLevel } = readConfig(process.env);
  const log = newLog(gateway.organisation.name, logLevel);
  await emptyIndex(gateway, log);
  log.info('the read model is empty: start the gateway to fill it again');
}

main().catch(endWith);
