/** Organisations for the tests of the embedded network: a CA that issues whatever a test needs, wrong things included. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { KeyPair, NetworkConfig, OrganisationConfig } from '../config.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface IssueOptions {
  commonName?: string;
  /** As many OUs as the test wants; one `client` unless told. */
  units?: string[];
  notBefore?: Date;
  notAfter?: Date;
  /** Makes the certificate a CA's, signed by this one. */
  ca?: boolean;
  curve?: 'P-256' | 'P-384';
}

export interface FixtureAuthority {
  certificate: string;
  privateKey: string;
  issue(options?: IssueOptions): Promise<KeyPair>;
  /** An authority below this one; with `ca` false one that has no right to be. */
  subordinate(name: string, ca?: boolean): Promise<FixtureAuthority>;
  /** A PEM list that revokes these certificates. */
  revoke(...certificates: string[]): Promise<string>;
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

export async function fixtureAuthority(name: string): Promise<FixtureAuthority> {
  const keys = await generateKeys('P-256');
  return authorityOf(await createCertificate({ commonName: name, ca: true, units: [] }, keys), keys);
}

function authorityOf(certificate: x509.X509Certificate, keys: CryptoKeyPair): Promise<FixtureAuthority> {
  const parent = { certificate, keys };
  return pemOf(keys.privateKey).then((privateKey) => ({
    certificate: certificate.toString('pem'),
    privateKey,
    issue: async (options = {}) => {
      const own = await generateKeys(options.curve ?? 'P-256');
      const issued = await createCertificate(options, own, parent);
      return { certificate: issued.toString('pem'), privateKey: await pemOf(own.privateKey) };
    },
    subordinate: async (name, ca = true) => {
      const own = await generateKeys('P-256');
      return authorityOf(await createCertificate({ commonName: name, ca, units: [] }, own, parent), own);
    },
    revoke: async (...certificates) => {
      const list = await x509.X509CrlGenerator.create({
        issuer: certificate.subject,
        thisUpdate: new Date(Date.now() - DAY_MS),
        nextUpdate: new Date(Date.now() + DAY_MS),
        entries: certificates.map((pem) => ({
          serialNumber: new x509.X509Certificate(pem).serialNumber,
          revocationDate: new Date(),
        })),
        signingAlgorithm: ALGORITHM,
        signingKey: keys.privateKey,
      });
      return x509.PemConverter.encode(list.rawData, 'X509 CRL');
    },
  }));
}

async function createCertificate(
  options: IssueOptions,
  keys: CryptoKeyPair,
  parent?: { certificate: x509.X509Certificate; keys: CryptoKeyPair },
): Promise<x509.X509Certificate> {
  const subject = new x509.Name([
    { CN: [options.commonName ?? 'someone'] },
    ...(options.units ?? ['client']).map((unit) => ({ OU: [unit] })),
  ]).toString();
  const usage = options.ca
    ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
    : x509.KeyUsageFlags.digitalSignature;
  return x509.X509CertificateGenerator.create({
    subject,
    issuer: parent?.certificate.subject ?? subject,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + 30 * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: (parent?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(options.ca ?? false, undefined, true),
      new x509.KeyUsagesExtension(usage, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create((parent?.keys ?? keys).publicKey),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
}

function generateKeys(namedCurve: string): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify']);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

export interface FixtureOrganisation {
  mspId: string;
  ca: FixtureAuthority;
  config: OrganisationConfig;
}

/** One authority serves as identity and TLS CA. The MSP id is the name with a capital and `MSP`. */
export async function fixtureOrganisation(name: string): Promise<FixtureOrganisation> {
  const ca = await fixtureAuthority(`ca.${name}`);
  const mspId = `${name.charAt(0).toUpperCase()}${name.slice(1)}MSP`;
  const peer = {
    identity: await ca.issue({ commonName: `peer.${name}`, units: ['peer'] }),
    tls: await ca.issue({ commonName: `peer.${name}`, units: [] }),
    port: 0,
  };
  return { mspId, ca, config: { name, mspId, caCertificate: ca.certificate, tlsCaCertificate: ca.certificate, peer } };
}

export interface FixtureNetwork {
  config: NetworkConfig;
  /** By name. */
  organisations: Map<string, FixtureOrganisation>;
  ordererCa: FixtureAuthority;
}

/** A network of these organisations and one orderer, without chaincodes. */
export async function fixtureNetwork(dataDir: string, ...names: string[]): Promise<FixtureNetwork> {
  const organisations = await Promise.all(names.map(fixtureOrganisation));
  const ordererCa = await fixtureAuthority('ca.orderer');
  const config: NetworkConfig = {
    dataDir,
    channel: 'testing',
    organisations: organisations.map(({ config: organisation }) => organisation),
    orderer: {
      mspId: 'OrdererMSP',
      caCertificate: ordererCa.certificate,
      tlsCaCertificate: ordererCa.certificate,
      identity: await ordererCa.issue({ commonName: 'orderer', units: ['orderer'] }),
    },
    batch: { timeoutMs: 50, maxMessageCount: 10, preferredMaxBytes: 524_288, absoluteMaxBytes: 103_809_024 },
    chaincodes: [],
  };
  const byName = new Map(organisations.map((organisation) => [organisation.config.name, organisation] as const));
  return { config, organisations: byName, ordererCa };
}
