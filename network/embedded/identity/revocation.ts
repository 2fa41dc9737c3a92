/** X.509 revocation lists (RFC 5280, section 5): whose they are and which serial numbers they name. */
import { type KeyObject, verify } from 'node:crypto';
import { type DerElement, readElement, readElements, TAG } from '@telemed-ledger/formats/der/der.ts';
import { withoutLeadingZeros } from './certificate.ts';

const HASH_OF_ALGORITHM: Record<string, string> = {
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const PEM = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/;

export interface RevocationList {
  /** Serial numbers as in `Certificate.serialNumber`. */
  serialNumbers: Set<string>;
  /** Whether the list was signed with this issuer's key. */
  isSignedBy(issuer: KeyObject): boolean;
}

/** @throws Error when the PEM text holds no list that can be parsed. */
export function parseRevocationList(pem: string): RevocationList {
  const body = PEM.exec(pem)?.[1];
  if (body === undefined) throw new Error('could not decode the PEM structure of a revocation list');
  const [list, algorithm, signature] = readElements(readElement(Buffer.from(body, 'base64')).content);
  if (list === undefined || algorithm === undefined || signature?.tag !== TAG.bitString) {
    throw new Error('malformed revocation list');
  }
  const hash = HASH_OF_ALGORITHM[readElement(algorithm.content).content.toString('hex')];
  if (hash === undefined) throw new Error('the signature algorithm of a revocation list is not ECDSA with SHA-2');
  const bits = signature.content.subarray(1);
  return {
    serialNumbers: new Set(revokedEntries(list).map(serialOf)),
    isSignedBy: (issuer) => verify(hash, list.raw, issuer, bits),
  };
}

/** After version, algorithm, issuer and one or two times comes the optional list of entries. */
function revokedEntries(list: DerElement): DerElement[] {
  const fields = readElements(list.content);
  const isTime = (field: DerElement) => field.tag === UTC_TIME || field.tag === GENERALIZED_TIME;
  const entries = fields[fields.findLastIndex(isTime) + 1];
  return entries?.tag === TAG.sequence ? readElements(entries.content) : [];
}

function serialOf(entry: DerElement): string {
  return withoutLeadingZeros(readElement(entry.content).content.toString('hex'));
}
