/** Revokes certificates of an organisation: its list, `ca/crl.pem`, goes into the channel by `apply`, and its gateway heeds it at once. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { authoritiesIn } from './authorities.ts';
import { writeIfDifferent } from './key-store.ts';
import { organisationDirectory } from './organisations.ts';

/** Fabric's peers do not look at when the next one is due. */
const LIST_DAYS = 30;

export const revocationListFile = (organisation: string): string => join(organisation, 'ca', 'crl.pem');

/**
 * @param certificates PEM; what was revoked before stays so
 * @throws Error naming the first that is not of the organisation's authority, or by which one of its nodes, its administrator
 *   or its gateway acts: that is to be renewed first
 */
export async function revoke(dataDir: string, organisation: string, certificates: readonly string[]): Promise<void> {
  const directory = organisationDirectory(dataDir, organisation);
  const authorities = await authoritiesIn(join(directory, 'ca'), organisation, []);
  const issuer = new X509Certificate(authorities.caCertificate);
  for (const pem of certificates) assertRevocable(directory, new X509Certificate(pem), issuer);
  const file = revocationListFile(directory);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  const list = await (await authorities.identities()).revoke(certificates, LIST_DAYS, before);
  await writeIfDifferent(file, list);
}

function assertRevocable(directory: string, certificate: X509Certificate, issuer: X509Certificate): void {
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
    throw new Error("the certificate is not of the organisation's authority for identities");
  const used = inUse(directory).find(
    ({ pem }) => new X509Certificate(pem).fingerprint256 === certificate.fingerprint256,
  );
  if (used !== undefined)
    throw new Error(`it is in use as ${used.name}: npm run network -- renew, then apply; revoke the one before then`);
}

/** Of nodes, the administrator and the gateway's roles; a single user's may be revoked while he uses it. */
function inUse(directory: string): { name: string; pem: string }[] {
  const directories = [
    'peer',
    'admin',
    'gateway-registrar',
    ...below(directory, 'orderers'),
    ...below(directory, 'identities'),
  ];
  return directories
    .filter((name) => !/^identities\/[a-z]+-/.test(name))
    .map((name) => ({ name, file: join(directory, name, 'cert.pem') }))
    .filter(({ file }) => existsSync(file))
    .map(({ name, file }) => ({ name, pem: readFileSync(file, 'utf8') }));
}

const below = (directory: string, name: string): string[] =>
  existsSync(join(directory, name)) ? readdirSync(join(directory, name)).map((entry) => join(name, entry)) : [];

/** Whether an organisation's certificate is in the list that lies beside its authority now. */
export class Revocations {
  readonly #file: string;
  #read: { mark: string; serials: ReadonlySet<string> } = { mark: '', serials: new Set() };

  /** @param directory of the organisation */
  constructor(directory: string) {
    this.#file = revocationListFile(directory);
  }

  has(certificate: string): boolean {
    const found = statSync(this.#file, { throwIfNoEntry: false });
    if (found === undefined) return false;
    const mark = `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (mark !== this.#read.mark) this.#read = { mark, serials: serialsIn(readFileSync(this.#file, 'utf8')) };
    return this.#read.serials.has(new X509Certificate(certificate).serialNumber.toLowerCase());
  }
}

const serialsIn = (pem: string): ReadonlySet<string> =>
  new Set(new x509.X509Crl(pem).entries.map(({ serialNumber }) => normalised(serialNumber)));

/** As Node writes a certificate's: without a leading zero byte. */
const normalised = (serial: string): string => serial.toLowerCase().replace(/^(00)+(?=..)/, '');
