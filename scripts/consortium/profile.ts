/**
 * connection.json of each organisation: what its gateway needs to reach its peer, the same on either network
 * (DESIGN: two networks, one switch), and what an operator's own tools can use.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import type { Identities } from '@telemed-ledger/gateway-api/auth/identities.ts';
import type { Connection } from '@telemed-ledger/gateway-api/ledger/connect.ts';
import {
  enrolUser,
  type IdentityFiles,
  organisationDirectory,
  type PreparedOrganisation,
} from '@telemed-ledger/network/ca/organisations.ts';
import { Revocations } from '@telemed-ledger/network/ca/revoking.ts';

export interface Reach {
  connection: Connection;
  identities: Identities;
}

/** Writes connection.json and answers the same for a gateway in this process. */
export function reachOf(
  dataDir: string,
  consortium: ConsortiumDefinition,
  organisation: PreparedOrganisation,
  endpoint: string,
  /** A server name may not be an IP address (RFC 6066); the certificates of peers on this machine name both. */
  tlsServerName: string = 'localhost',
): Reach {
  const { mspId, name, directory, identities, tlsCaCertificate, tlsCaCertificateFile } = organisation;
  const place = {
    endpoint,
    tlsServerName,
    mspId,
    channel: consortium.channel,
    chaincode: consortium.chaincode,
  };
  const file = join(directory, 'connection.json');
  const profile = { ...place, tlsRootCertificate: tlsCaCertificateFile, identities };
  writeFileSync(`${file}.new`, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return {
    connection: { ...place, tlsRootCertificate: tlsCaCertificate },
    identities: enrollingIdentities(dataDir, name, identities),
  };
}

/** Identities of an organisation's roles, and of single users, whom the organisation's authority enrols at first use. */
export function enrollingIdentities(
  dataDir: string,
  organisation: string,
  stored: Readonly<Record<string, IdentityFiles>>,
): Identities {
  const revocations = new Revocations(organisationDirectory(dataDir, organisation));
  return {
    isRevoked: ({ certificate }) => revocations.has(certificate),
    of: async (role: Role, fhirUser?: string) => {
      const files = fhirUser === undefined ? stored[role] : await enrolUser(dataDir, organisation, role, fhirUser);
      if (files === undefined) throw new Error(`${organisation} has no identity for the role ${role}`);
      return { name: fhirUser === undefined ? role : files.certificate, ...pemOf(files) };
    },
  };
}

const pemOf = (files: IdentityFiles): { certificate: string; privateKey: string } => ({
  certificate: readFileSync(files.certificate, 'utf8'),
  privateKey: readFileSync(files.privateKey, 'utf8'),
});
