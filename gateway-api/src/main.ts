/**
 * One gateway for one organisation as a process of its own, configured by the environment (config.ts says how). It
 * stops on SIGTERM and SIGINT after answering what is under way.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { Role } from '@telemed-ledger/chaincode/model/consortium.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { createGateway, type Identities } from './app.ts';
import { ConfigError, type ProcessConfig, readConfig } from './config.ts';
import { newLog } from './log.ts';

/** The identities of connection.json, by `role` or `role:fhirUser`; nobody is enrolled here. */
function storedIdentities(files: ProcessConfig['identities']): Identities {
  return {
    of: async (role: Role, fhirUser?: string) => {
      const name = fhirUser === undefined ? role : `${role}:${fhirUser}`;
      const found = files[name];
      if (found === undefined) throw new LedgerError('FORBIDDEN', 'no identity is enrolled here for this caller');
      const certificate = readFileSync(found.certificate, 'utf8');
      return { name, certificate, privateKey: readFileSync(found.privateKey, 'utf8') };
    },
  };
}

async function main(): Promise<void> {
  const { gateway: config, consortium, identities, logLevel } = readConfig(process.env);
  const log = newLog(config.organisation.name, logLevel);
  const gateway = await createGateway(config, { consortium, identities: storedIdentities(identities), log });
  await gateway.listen();
  let closing = false;
  const stop = async (): Promise<void> => {
    if (closing) return;
    closing = true;
    await gateway.close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: Error) => {
  console.error(error instanceof ConfigError ? error.message : `The gateway did not start: ${error.message}`);
  process.exit(1);
});
