/** `npm run network -- revoke`: certificates that are to count for nothing any more, of a user or of a node that has newer ones. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { organisationDirectory, userDirectory } from '@telemed-ledger/network/ca/organisations.ts';
import { revoke } from '@telemed-ledger/network/ca/revoking.ts';
import { dataDirectory, organisationNamed, UsageError } from '../command-line.ts';

interface Given {
  names: string[];
  org?: string | undefined;
}

const USER = /^([a-z]+):([A-Z][A-Za-z]+\/[A-Za-z0-9.-]+)$/;

export async function revokeCertificates({ names, org }: Given): Promise<number> {
  const { name } = organisationNamed(org);
  if (names.length === 0) throw new UsageError('revoke takes files of certificates, or ROLE:USER');
  const directory = organisationDirectory(dataDirectory(), name);
  const files = names.map((given) => {
    const [, role, user] = USER.exec(given) ?? [];
    return role === undefined ? given : join(userDirectory(directory, role, user!), 'cert.pem');
  });
  const missing = files.findIndex((file) => !existsSync(file));
  if (missing >= 0) throw new UsageError(`there is no certificate of ${names[missing]}`);
  await revoke(
    dataDirectory(),
    name,
    files.map((file) => readFileSync(file, 'utf8')),
  );
  console.log(
    `${name} has revoked ${files.length === 1 ? 'a certificate' : `${files.length} certificates`}: its gateway heeds it now`,
  );
  console.log('its peers and the others: npm run network -- apply; the embedded network: once it is started again');
  return 0;
}
