/** The entry of a gateway whose identities are stored beside its connection.json; process.ts does the rest. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import type { Identities } from './auth/identities.ts';
import type { ProcessConfig } from './config.ts';
import { endWith, runGateway } from './process.ts';

/** The identities of connection.json, by `role` or `role:fhirUser`; this entry enrols no one. */
function storedIdentities({ identities: files }: ProcessConfig): Identities {
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

runGateway(process.env, storedIdentities).catch(endWith);
