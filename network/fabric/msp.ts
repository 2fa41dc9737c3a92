/**
 * MSP directories as Fabric's programs read them, of nodes and administrators, each with its key. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/membership/membership.html#msp-structure
 */
import { join } from 'node:path';
import type { KeyPair } from '../ca/authority.ts';
import type { PreparedOrganisation } from '../ca/organisations.ts';
import { writeIfDifferent, writeYaml } from './files.ts';

const CA_FILE = 'cacerts/ca.pem';

/** Every identity is what its certificate's OU says: client, peer, administrator or orderer. */
const NODE_OUS = {
  NodeOUs: {
    Enable: true,
    ClientOUIdentifier: { Certificate: CA_FILE, OrganizationalUnitIdentifier: 'client' },
    PeerOUIdentifier: { Certificate: CA_FILE, OrganizationalUnitIdentifier: 'peer' },
    AdminOUIdentifier: { Certificate: CA_FILE, OrganizationalUnitIdentifier: 'admin' },
    OrdererOUIdentifier: { Certificate: CA_FILE, OrganizationalUnitIdentifier: 'orderer' },
  },
};

type Authorities = Pick<PreparedOrganisation, 'caCertificate' | 'tlsCaCertificate' | 'revocationLists'>;

/** One member's: who its organisation's are, and its own certificate and key. */
export function writeMemberMsp(directory: string, authorities: Authorities, identity: KeyPair): void {
  writeOrganisationMsp(directory, authorities);
  writeIfDifferent(join(directory, 'signcerts', 'cert.pem'), identity.certificate);
  writeIfDifferent(join(directory, 'keystore', 'key.pem'), identity.privateKey);
}

/** What the organisation's members are known by. */
function writeOrganisationMsp(directory: string, authorities: Authorities): void {
  writeIfDifferent(join(directory, CA_FILE), authorities.caCertificate);
  writeIfDifferent(join(directory, 'tlscacerts', 'tlsca.pem'), authorities.tlsCaCertificate);
  authorities.revocationLists.forEach((list, index) => {
    writeIfDifferent(join(directory, 'crls', `crl-${index}.pem`), list);
  });
  writeYaml(join(directory, 'config.yaml'), NODE_OUS);
}
