/** What a verifier is given: the consortium's roots. And whether a certificate is of one of them. */
// The library below asks for it.
import 'reflect-metadata';
import { X509Certificate, X509Crl } from '@peculiar/x509';

/** An MSP id whose peer must sign, or `need` of several rules. */
export type PolicyRule = string | { need: number; of: readonly PolicyRule[] };

export interface Organisation {
  mspId: string;
  /** PEM: its certificate authorities, each of which signs certificates itself. */
  authorities: string[];
  /** PEM: their revocation lists. */
  revocations?: string[];
}

/** The authorities of a consortium's members, as they publish them. */
export interface Roots {
  channel: string;
  /** Hash of the header of the channel's block 0, hex. */
  genesis: string;
  /** How many members must have signed a checkpoint; more than half of them where it is left out. */
  needed?: number;
  organisations: Organisation[];
  /** Who must endorse, as the members agreed: for whom a receipt's full evidence is held to it. */
  endorsement?: {
    chaincode: string;
    /** Whatever is written. */
    floor: PolicyRule;
    /** By name of what is written to, and beyond the floor. */
    collections: Readonly<Record<string, PolicyRule>>;
  };
  /** Who orders the channel, by its configuration: for whom the orderers' signatures of a block are checked. */
  ordering?: {
    /** How many orderers sign a block. */
    needed: number;
    organisations: Organisation[];
    /** By their numbers in signatures, PEM; none where the channel is not ordered by BFT. */
    consenters: readonly { id: number; mspId: string; certificate: string }[];
  };
}

/** Fabric's extension with the attributes of an identity. */
const ATTRIBUTES = '1.2.3.4.5.6.7.8.1';

export const neededOf = ({ needed, organisations }: Roots): number =>
  Math.max(1, needed ?? Math.floor(organisations.length / 2) + 1);

/**
 * The system certificate of a member, in force at a time and not revoked.
 * @throws Error that says why it does not count
 */
export async function systemCertificate(
  der: Uint8Array<ArrayBuffer>,
  at: { mspId: string; time: number },
  roots: Roots,
): Promise<X509Certificate> {
  const { certificate, issuer } = await certified(der, at, roots);
  await demandNotRevoked(certificate, issuer, at.mspId, roots);
  if (roleOf(certificate) !== 'system') throw new Error(`a certificate of ${at.mspId} is not its system's`);
  return certificate;
}

/**
 * A certificate (PEM or DER) of a member in force at a time (seconds since 1970), and the authority that signed it.
 * @throws Error where it is not
 */
export async function certified(
  encoded: string | Uint8Array<ArrayBuffer>,
  { mspId, time }: { mspId: string; time: number },
  { organisations }: Pick<Roots, 'organisations'>,
): Promise<{ certificate: X509Certificate; issuer: X509Certificate }> {
  const member = organisations.find((one) => one.mspId === mspId);
  if (member === undefined) throw new Error(`${mspId} is no member of this consortium`);
  const certificate = new X509Certificate(encoded);
  const issuer = await issuerOf(certificate, member.authorities, new Date(time * 1000));
  if (issuer === undefined)
    throw new Error(`a certificate is of no authority of ${mspId}, or not in force at its time`);
  return { certificate, issuer };
}

/** @throws Error where a list of its authority has it, whenever it was revoked */
export async function demandNotRevoked(
  certificate: X509Certificate,
  issuer: X509Certificate,
  mspId: string,
  { organisations }: Pick<Roots, 'organisations'>,
): Promise<void> {
  for (const list of organisations.find((one) => one.mspId === mspId)?.revocations ?? [])
    if (await isRevoked(certificate, issuer, new X509Crl(list)))
      throw new Error(`a certificate of ${mspId} is revoked`);
}

/** @throws Error where the list is in the authority's name and not signed by it: nothing is known then */
async function isRevoked(certificate: X509Certificate, issuer: X509Certificate, list: X509Crl): Promise<boolean> {
  if (list.issuer !== issuer.subject) return false;
  // RFC 5280 wants it, and the library reads no entries of a list without it.
  if (list.nextUpdate === undefined) throw new Error('a revocation list does not say when the next one comes');
  if (!(await list.verify({ publicKey: issuer.publicKey })))
    throw new Error('a revocation list is not signed by its authority');
  const serialOf = (one: { serialNumber: string }): string => one.serialNumber.toLowerCase().replace(/^0+/, '');
  return list.entries.some((entry) => serialOf(entry) === serialOf(certificate));
}

async function issuerOf(
  certificate: X509Certificate,
  authorities: readonly string[],
  date: Date,
): Promise<X509Certificate | undefined> {
  for (const pem of authorities) {
    const authority = new X509Certificate(pem);
    const isInForce = authority.notBefore <= date && date <= authority.notAfter;
    if (!isInForce || certificate.issuer !== authority.subject) continue;
    if (await certificate.verify({ publicKey: authority, date })) return authority;
  }
  return undefined;
}

function roleOf(certificate: X509Certificate): string | undefined {
  const extension = certificate.getExtension(ATTRIBUTES);
  if (extension === null) return undefined;
  const { attrs } = JSON.parse(new TextDecoder().decode(extension.value)) as { attrs?: { role?: string } };
  return attrs?.role;
}
