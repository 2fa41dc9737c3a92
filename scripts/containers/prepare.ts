/** Before anything runs: what the certificate authorities and the databases need to start, secrets included. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareAuthorities } from '@telemed-ledger/network/ca/fabric-ca/server.ts';
import { ADMIN_PASSWORD_FILE } from '@telemed-ledger/network/fabric/compose/monitoring.ts';
import {
  AUTHORITY_OPERATIONS_PORT,
  AUTHORITY_PORT,
  DATABASE,
  serviceOf,
} from '@telemed-ledger/network/fabric/compose/services.ts';
import { databaseVolume, GRAFANA_VOLUME } from '@telemed-ledger/network/fabric/compose/volumes.ts';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { dataDirectory, definedConsortium } from '../command-line.ts';
import { gatewayPath } from './gateway-files.ts';

export async function prepareVolumes(report: (line: string) => void): Promise<void> {
  const consortium = definedConsortium();
  await prepareAuthorities(dataDirectory(), consortium, (organisation) => ({
    host: serviceOf.authority(organisation),
    port: AUTHORITY_PORT,
    listenHost: '0.0.0.0',
    operationsAddress: `127.0.0.1:${AUTHORITY_OPERATIONS_PORT}`,
  }));
  for (const { name } of consortium.organisations) {
    readOrMakeSecret(join(databaseVolume(name).directory, DATABASE.ownerPasswordFile));
    const password = readOrMakeSecret(join(databaseVolume(name).directory, DATABASE.passwordFile));
    writeIfDifferent(gatewayPath(name, 'database-password'), password);
  }
  readOrMakeSecret(join(GRAFANA_VOLUME.directory, ADMIN_PASSWORD_FILE));
  report(`prepared for ${consortium.organisations.map(({ name }) => name).join(', ')}`);
}

function readOrMakeSecret(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const secret = randomBytes(32).toString('base64url');
  writeIfDifferent(file, secret);
  return secret;
}
