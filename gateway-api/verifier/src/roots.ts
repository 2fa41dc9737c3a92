/** What a verifier is given: the consortium's roots. And whether a certificate is of one of them. */
// The library below asks for it.
import 'reflect-metadata';
import { X509Certificate, X509Crl } from '@peculiar/x509';

/** The authorities of a consortium's members, as they publish them. */
export interface Roots {
  channel: string;
  /** Hash of the header of the channel's block 0, hex. */
  genesis: string;
  /** How many members must have signed a checkpoint; more than half of them where it is left out. */
  needed?: number;
  organisations: {
    mspId: string;
    /** PEM: its certificate authorities, each of which signs certificates itself. */
    authorities: string[];
    /** PEM: their revocation lists. */
    revocations?: string[];
  }[];
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
  { mspId, time }: { mspId: string; time: number },
  roots: Roots,
): Promise<X509Certificate> {
  const member = roots.organisations.find((one) => one.mspId === mspId);
  if (member === undefined) throw new Error(`${mspId} is no member of this consortium`);
  const certificate = new X509Certificate(der);
  const at = new Date(time * 1000);
  const issuer = await issuerOf(certificate, member.authorities, at);
  if (issuer === undefined)
    throw new Error(`a certificate is of no authority of ${mspId}, or not in force at its time`);
  for (const list of member.revocations ?? [])
    if (await isRevoked(certificate, issuer, new X509Crl(list)))
      throw new Error(`a certificate of ${mspId} is revoked`);
  if (roleOf(certificate) !== 'system') throw new Error(`a certificate of ${mspId} is not its system's`);
  return certificate;
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
