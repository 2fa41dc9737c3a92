/**
 * What an organisation's certificate authority does for this project, and the development authority that does it:
 * P-256 certificates as Fabric CA issues them, with one node OU and Fabric's attribute extension. fabric-ca/ has the
 * authority of an organisation that runs Fabric CA.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

/** PEM texts. */
export interface KeyPair {
  certificate: string;
  privateKey: string;
}

export interface EnrolmentRequest {
  commonName: string;
  /** The node OU; a client, unless it is a node's or an administrator's identity. */
  ou: 'client' | 'peer' | 'admin' | 'orderer';
  /** What chaincode reads about the caller, for instance `role`. */
  attributes?: Record<string, string>;
  days: number;
}

/** Issues identities of one organisation. */
export interface Authority {
  /** The certificate is valid for these days, or longer where the authority has fixed lifetimes. */
  enrol(request: EnrolmentRequest): Promise<KeyPair>;
  /**
   * A PEM revocation list of these PEM certificates and what a list `before` names; `days` until the next one, where the
   * authority lets one choose.
   */
  revoke(certificates: readonly string[], days: number, before?: string): Promise<string>;
}

/** Issues TLS certificates of one organisation. `hosts`: the names and IP addresses by which the server is reached. */
export interface ServerAuthority {
  enrolServer(commonName: string, hosts: readonly string[], days: number): Promise<KeyPair>;
  /** The same, with which it may also present itself to other servers, as ordering nodes do to each other. */
  enrolNode(commonName: string, hosts: readonly string[], days: number): Promise<KeyPair>;
}

export interface DevelopmentAuthority extends Authority, ServerAuthority {
  certificate: string;
}

/** By which a server on this machine is reached. */
export const LOCAL_HOSTS: readonly string[] = ['127.0.0.1', 'localhost'];

/** https://hyperledger-fabric-ca.readthedocs.io/en/latest/users-guide.html#attribute-based-access-control */
const FABRIC_ATTRIBUTES_OID = '1.2.3.4.5.6.7.8.1';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** How far a certificate's beginning lies in the past, so that clocks that differ a little do not matter. */
const AUTHORITY_SKEW_MS = 60 * 60_000;
const LEAF_SKEW_MS = 5 * 60_000;

/** Makes a new self-signed authority. */
export async function createAuthority(commonName: string, organisation: string, days: number): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: nameOf(commonName, [], organisation),
    ...validity(days, AUTHORITY_SKEW_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificatePem(certificate), privateKey: await privateKeyPem(keys.privateKey) };
}

/** Opens an authority that `createAuthority` made. @throws Error when certificate or key cannot be read. */
export async function openAuthority(pair: KeyPair): Promise<DevelopmentAuthority> {
  const certificate = new x509.X509Certificate(pair.certificate);
  const issuer: Issuer = { certificate, key: await importPrivateKey(pair.privateKey) };
  return {
    certificate: pair.certificate,
    enrol: (request) =>
      issue(issuer, {
        subject: nameOf(request.commonName, [request.ou]),
        days: request.days,
        extensions: attributeExtensions(request.attributes),
      }),
    enrolServer: (commonName, hosts, days) =>
      issue(issuer, { subject: nameOf(commonName, []), days, extensions: serverExtensions(SERVES, hosts) }),
    enrolNode: (commonName, hosts, days) =>
      issue(issuer, { subject: nameOf(commonName, []), days, extensions: serverExtensions(SERVES_AND_CALLS, hosts) }),
    revoke: (certificates, days, before) => revocationList(issuer, certificates, days, before),
  };
}

interface Issuer {
  certificate: x509.X509Certificate;
  key: webcrypto.CryptoKey;
}

async function issue(
  issuer: Issuer,
  request: { subject: string; days: number; extensions: x509.Extension[] },
): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: request.subject,
    issuer: issuer.certificate.subjectName,
    ...validity(request.days, LEAF_SKEW_MS),
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.AuthorityKeyIdentifierExtension(subjectKeyIdentifier(issuer.certificate)),
      ...request.extensions,
    ],
  });
  return { certificate: certificatePem(certificate), privateKey: await privateKeyPem(keys.privateKey) };
}

function attributeExtensions(attributes: Record<string, string> | undefined): x509.Extension[] {
  if (attributes === undefined) return [];
  return [new x509.Extension(FABRIC_ATTRIBUTES_OID, false, Buffer.from(JSON.stringify({ attrs: attributes })))];
}

const SERVES = [x509.ExtendedKeyUsage.serverAuth];
const SERVES_AND_CALLS = [...SERVES, x509.ExtendedKeyUsage.clientAuth];

function serverExtensions(usages: x509.ExtendedKeyUsage[], hosts: readonly string[]): x509.Extension[] {
  const names = hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  return [new x509.ExtendedKeyUsageExtension(usages), new x509.SubjectAlternativeNameExtension(names)];
}

async function revocationList(
  issuer: Issuer,
  certificates: readonly string[],
  days: number,
  before: string | undefined,
): Promise<string> {
  const now = new Date();
  const earlier = before === undefined ? [] : new x509.X509Crl(before).entries;
  const known = new Set(earlier.map(({ serialNumber }) => serialNumber));
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.certificate.subjectName,
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + days * DAY_MS),
    entries: [
      ...earlier.map(({ serialNumber, revocationDate }) => ({ serialNumber, revocationDate })),
      ...certificates
        .map((pem) => new x509.X509Certificate(pem).serialNumber)
        .filter((serialNumber) => !known.has(serialNumber))
        .map((serialNumber) => ({ serialNumber, revocationDate: now })),
    ],
    extensions: [new x509.AuthorityKeyIdentifierExtension(subjectKeyIdentifier(issuer.certificate))],
    signingAlgorithm: ALGORITHM,
    signingKey: issuer.key,
  });
  return `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
}

/** The key identifier of a PEM authority, as the certificates it issues name it: hexadecimal. */
export const keyIdentifierOf = (authority: string): string => subjectKeyIdentifier(new x509.X509Certificate(authority));

function subjectKeyIdentifier(certificate: x509.X509Certificate): string {
  const extension = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  if (extension === null) throw new Error('the authority has no subject key identifier');
  return extension.keyId;
}

function nameOf(commonName: string, units: string[], organisation?: string): string {
  return new x509.Name([
    ...(organisation === undefined ? [] : [{ O: [organisation] }]),
    ...units.map((unit) => ({ OU: [unit] })),
    { CN: [commonName] },
  ]).toString();
}

function validity(days: number, skewMs: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - skewMs), notAfter: new Date(now + days * DAY_MS) };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [der] = x509.PemConverter.decode(pem);
  if (der === undefined) throw new Error('the authority has no private key');
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

const certificatePem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;
