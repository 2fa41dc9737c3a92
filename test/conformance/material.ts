/**
 * The suite's own organisations: authorities, peers and every kind of client a case needs, right and wrong. Plain PEM
 * texts, so that two networks can be started with the same identities.
 */
import { createAuthority, type KeyPair, LOCAL_HOSTS, openAuthority } from '@telemed-ledger/network/ca/authority.ts';

export const ORGANISATIONS = ['org1', 'org2', 'org3'] as const;
export type OrganisationName = (typeof ORGANISATIONS)[number];

export interface OrganisationMaterial {
  name: OrganisationName;
  mspId: string;
  ca: KeyPair;
  peer: KeyPair;
  peerTls: KeyPair;
  admin: KeyPair;
  client: KeyPair;
  /** A client of the same organisation whose certificate is over. */
  expired: KeyPair;
  /** A client whose certificate is in the organisation's revocation list. */
  revoked: KeyPair;
  revocationList: string;
}

export interface Material {
  organisations: Record<OrganisationName, OrganisationMaterial>;
  orderer: { mspId: string; ca: KeyPair; node: KeyPair; tls: KeyPair; admin: KeyPair };
  /** A client certificate of an authority nobody knows; it is used under the name of Org1MSP. */
  foreign: KeyPair;
}

const DAYS = 30;
/** Begins five minutes ago and ended well before now. */
const OVER = -1 / 1440;

export async function createMaterial(): Promise<Material> {
  const [org1, org2, org3] = await Promise.all(ORGANISATIONS.map(createOrganisation));
  const stranger = await openAuthority(await createAuthority('ca.stranger', 'stranger', DAYS));
  return {
    organisations: { org1: org1!, org2: org2!, org3: org3! },
    orderer: await createOrderer(),
    foreign: await stranger.enrol({ commonName: 'client', ou: 'client', days: DAYS }),
  };
}

async function createOrganisation(name: OrganisationName): Promise<OrganisationMaterial> {
  const ca = await createAuthority(`ca.${name}`, name, DAYS);
  const authority = await openAuthority(ca);
  const enrol = (commonName: string, ou: 'client' | 'peer' | 'admin', days = DAYS) =>
    authority.enrol({ commonName, ou, days });
  const revoked = await enrol('revoked', 'client');
  return {
    name,
    mspId: `${name.charAt(0).toUpperCase()}${name.slice(1)}MSP`,
    ca,
    peer: await enrol('peer', 'peer'),
    peerTls: await authority.enrolServer('peer', LOCAL_HOSTS, DAYS),
    admin: await enrol('admin', 'admin'),
    client: await enrol('client', 'client'),
    expired: await enrol('expired', 'client', OVER),
    revoked,
    revocationList: await authority.revoke([revoked.certificate], DAYS),
  };
}

async function createOrderer(): Promise<Material['orderer']> {
  const ca = await createAuthority('ca.orderer', 'orderer', DAYS);
  const authority = await openAuthority(ca);
  return {
    mspId: 'OrdererMSP',
    ca,
    node: await authority.enrol({ commonName: 'orderer', ou: 'orderer', days: DAYS }),
    tls: await authority.enrolServer('orderer', LOCAL_HOSTS, DAYS),
    admin: await authority.enrol({ commonName: 'admin', ou: 'admin', days: DAYS }),
  };
}
