/**
 * Certificates and keys on disk. A directory of them appears whole or not at all, whatever happens to the process,
 * and only its owner can read the keys.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename, dirname, join } from 'node:path';

const UNFINISHED = '.unfinished-';
const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/**
 * Reads the files of a directory; where it does not exist yet, makes it from what `create` returns (text by file
 * name). When two make it at once, both get what the first one wrote.
 */
export async function readOrCreate<Name extends string>(
  directory: string,
  names: readonly Name[],
  create: () => Promise<Record<Name, string>>,
): Promise<Record<Name, string>> {
  const existing = await readAll(directory, names);
  if (existing !== undefined) return existing;
  await writeDirectory(directory, await create());
  const written = await readAll(directory, names);
  if (written === undefined) throw new Error(`${directory} vanished while it was being made`);
  return written;
}

/** Removes what an interrupted start left in a directory. */
export async function removeUnfinished(parent: string): Promise<void> {
  const entries = await readdir(parent).catch(() => []);
  const unfinished = entries.filter((entry) => entry.startsWith(UNFINISHED));
  await Promise.all(unfinished.map((entry) => rm(join(parent, entry), { recursive: true, force: true })));
}

/** Writes a file whole or not at all, for its owner alone, and only where it is other than before. */
export async function writeIfDifferent(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  await mkdir(dirname(path), { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  const unfinished = join(dirname(path), `${UNFINISHED}${basename(path)}-${randomBytes(6).toString('hex')}`);
  await writeFile(unfinished, text, { mode: OWNER_ONLY, flush: true });
  await rename(unfinished, path);
}

/** undefined when the directory does not exist. @throws Error naming a file that is missing in it. */
async function readAll<Name extends string>(
  directory: string,
  names: readonly Name[],
): Promise<Record<Name, string> | undefined> {
  try {
    const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
    return Object.fromEntries(names.map((name, index) => [name, texts[index]])) as Record<Name, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const isThere = await readdir(directory).catch(() => undefined);
    if (isThere === undefined) return undefined;
    const missing = names.filter((name) => !isThere.includes(name));
    // It was made between the two looks, by another start.
    if (missing.length === 0) return readAll(directory, names);
    throw new Error(`${directory} lacks ${missing.join(', ')}; restore it or begin anew`);
  }
}

async function writeDirectory(directory: string, files: Record<string, string>): Promise<void> {
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  const unfinished = join(parent, `${UNFINISHED}${basename(directory)}-${randomBytes(6).toString('hex')}`);
  await mkdir(unfinished, { mode: OWNER_ONLY_DIRECTORY });
  await Promise.all(
    Object.entries(files).map(([name, text]) =>
      writeFile(join(unfinished, name), text, { mode: OWNER_ONLY, flush: true }),
    ),
  );
  try {
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** A certificate that is to be looked at before it is used. */
export interface CertificateFile {
  path: string;
  certificate: string;
  /** Absent for an authority, which signed itself. */
  issuer?: string;
  /** The names and IP addresses that a server's certificate must hold. */
  hosts?: readonly string[];
}

/** Every certificate that cannot be used, with its file and the reason. */
export class UnusableCertificatesError extends Error {
  override name = 'UnusableCertificatesError';
}

/** @throws UnusableCertificatesError naming all certificates that are expired, unreadable or of another authority. */
export function assertUsable(files: readonly CertificateFile[], now: Date): void {
  const problems = files.flatMap((file) => {
    const problem = problemOf(file, now);
    return problem === undefined ? [] : [`  ${file.path}: ${problem}`];
  });
  if (problems.length > 0) throw new UnusableCertificatesError(`certificates cannot be used:\n${problems.join('\n')}`);
}

function problemOf({ certificate, issuer = certificate, hosts = [] }: CertificateFile, now: Date): string | undefined {
  try {
    const own = new X509Certificate(certificate);
    const name = own.subject.split('\n').findLast((part) => part.startsWith('CN=')) ?? own.subject;
    if (own.validToDate < now) return `${name} expired on ${own.validToDate.toISOString()}`;
    if (own.validFromDate > now) return `${name} is not valid before ${own.validFromDate.toISOString()}`;
    if (!own.checkIssued(new X509Certificate(issuer))) return `${name} is not of its organisation's authority`;
    const missing = hosts.filter((host) => !isNamed(own, host));
    return missing.length === 0 ? undefined : `${name} is not valid for ${missing.join(', ')}`;
  } catch {
    return 'cannot be read as a certificate';
  }
}

const isNamed = (certificate: X509Certificate, host: string): boolean =>
  (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
