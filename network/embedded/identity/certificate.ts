/**
 * A certificate as the MSP looks at it. Parsed once with OpenSSL; what OpenSSL does not give (the signed part, the
 * issuer's key identifier) is read from the DER.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { readElement, readElements } from '@telemed-ledger/formats/der/der.ts';

export interface Certificate {
  x509: X509Certificate;
  publicKey: KeyObject;
  /** Every OU of the subject, repeated ones included. */
  organizationalUnits: string[];
  /** Upper-case hexadecimal without leading zeros. */
  serialNumber: string;
  /**
   * SHA-256 of the signed part, hexadecimal. It names the certificate whatever form the issuer's own malleable
   * signature or the PEM text around it has.
   */
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
}

/**
 * One certificate and nothing around it. Fabric would read the first of several blocks, whatever its label; the
 * chaincode parses the same text again by rules of its own, and the two must never see different certificates.
 */
const PEM = /^\s*-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)\s-----END CERTIFICATE-----\s*$/;

/** @throws Error when the PEM text is not exactly one certificate or it cannot be parsed. */
export function parseCertificate(pem: string): Certificate {
  const body = PEM.exec(pem)?.[1]?.replace(/\s+/g, '');
  const der = Buffer.from(body ?? '', 'base64');
  if (der.length === 0 || der.toString('base64') !== body) throw new Error('could not decode the PEM structure');
  const x509 = new X509Certificate(der);
  if (!x509.raw.equals(der)) throw new Error('something follows the certificate');
  return {
    x509,
    publicKey: x509.publicKey,
    organizationalUnits: organizationalUnitsOf(x509),
    serialNumber: withoutLeadingZeros(x509.serialNumber),
    fingerprint: createHash('sha256').update(signedPart(x509.raw)).digest('hex'),
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
  };
}

export function withoutLeadingZeros(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}

function organizationalUnitsOf(x509: X509Certificate): string[] {
  const units: unknown = (x509.toLegacyObject().subject as { OU?: unknown } | undefined)?.OU;
  if (units === undefined) return [];
  return Array.isArray(units) ? units.map(String) : [String(units)];
}

function signedPart(der: Buffer): Buffer {
  const [tbs] = readElements(readElement(der).content);
  if (tbs === undefined) throw new Error('the certificate is empty');
  return tbs.raw;
}
