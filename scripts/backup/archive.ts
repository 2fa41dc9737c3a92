/**
 * One organisation's backup as a file: a tar.gz of the manifest and of the files that it lists, encrypted with age
 * (https://age-encryption.org/v1). The age program and tar read it too. What is read is held against the manifest's hashes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, link, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { createGunzip, createGzip } from 'node:zlib';
import { Decrypter, Encrypter } from 'age-encryption';
import { extract, pack } from 'tar-stream';
import type { NetworkKind } from '../consortium/read-models.ts';

/** What the archive is of, and every file in it. */
export interface Manifest {
  format: typeof FORMAT;
  organisation: string;
  network: NetworkKind;
  channel: string;
  /** Of block 0's header, hex: which chain it is. */
  genesis: string;
  /** Blocks that the peer had, and the hash of the last one's header, hex. */
  height: number;
  lastBlock: string;
  /** RFC 3339. */
  madeAt: string;
  files: FileEntry[];
}

interface FileEntry {
  /** From the archive's root on, with slashes. */
  path: string;
  bytes: number;
  /** Hex. */
  sha256: string;
}

type Entry = Readable & { header: { name: string } };

const FORMAT = 'telemed-ledger-backup-1';
const MANIFEST = 'manifest.json';
const AGE_MAGIC = 'age-encryption.org/v1\n';
const QUICKLY = 1;
const OWNER_ONLY = 0o600;

/**
 * Writes what lies in a directory to a file, under another name until all of it is on the disk.
 * @param recipients age recipients (`age1…`); without any the file is not encrypted
 * @throws Error where the file is there already, and then it is as it was
 */
export async function writeArchive(
  directory: string,
  about: Omit<Manifest, 'format' | 'files'>,
  file: string,
  recipients: readonly string[],
): Promise<Manifest> {
  const encrypt = encryptionFor(recipients);
  const manifest: Manifest = { format: FORMAT, ...about, files: await entriesOf(directory) };
  const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
  try {
    const zipped = createGzip({ level: QUICKLY });
    const zipping = pipeline(Readable.from(packed(directory, manifest)), zipped);
    zipping.catch(() => undefined);
    await pipeline(await encrypt(zipped), createWriteStream(partial, { flags: 'wx', mode: OWNER_ONLY, flush: true }));
    await zipping;
    // A link, unlike a renaming, overwrites nothing.
    await link(partial, file).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? new Error(`${file} is there already: it was not overwritten`) : error;
    });
  } finally {
    await rm(partial, { force: true });
  }
  const parent = await open(dirname(file), 'r');
  await parent.sync().finally(() => parent.close());
  return manifest;
}

/** @throws Error naming a recipient that is none */
function encryptionFor(recipients: readonly string[]): (plain: Readable) => Promise<Readable> {
  if (recipients.length === 0) return async (plain) => plain;
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw new Error(`${recipient} is no age recipient (age1…)`);
    }
  }
  return async (plain) => fromWeb(await encrypter.encrypt(toWeb(plain)));
}

const toWeb = (stream: Readable) => Readable.toWeb(stream) as unknown as globalThis.ReadableStream<Uint8Array>;
const fromWeb = (stream: globalThis.ReadableStream) => Readable.fromWeb(stream as unknown as ReadableStream);

async function entriesOf(directory: string): Promise<FileEntry[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const listed: FileEntry[] = [];
  for (const path of paths.sort()) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    const { size: bytes } = await stat(path);
    listed.push({ path: path.slice(directory.length + 1), bytes, sha256: hash.digest('hex') });
  }
  return listed;
}

async function* packed(directory: string, manifest: Manifest): AsyncGenerator<Buffer> {
  const tar = pack();
  const filled = fill(tar, directory, manifest);
  filled.catch((error: Error) => tar.destroy(error));
  for await (const chunk of tar) yield chunk as Buffer;
  await filled;
}

async function fill(tar: ReturnType<typeof pack>, directory: string, manifest: Manifest): Promise<void> {
  tar.entry({ name: MANIFEST, mode: OWNER_ONLY }, JSON.stringify(manifest));
  for (const { path, bytes } of manifest.files) {
    const entry = tar.entry({ name: path, size: bytes, mode: OWNER_ONLY });
    await pipeline(createReadStream(join(directory, path)), entry);
  }
  tar.finalize();
}

/**
 * Unpacks into a directory that is made for it, every file held against its hash.
 * @param identities of age (`AGE-SECRET-KEY-…`)
 * @throws Error where it is no such archive, is for another key, was changed or is not whole; the directory is removed then
 */
export async function readArchive(file: string, into: string, identities: readonly string[]): Promise<Manifest> {
  await mkdir(into, { mode: 0o700 });
  try {
    return await unpack(await decrypted(file, identities), into);
  } catch (error) {
    await rm(into, { recursive: true, force: true });
    throw new Error(`${file} is not used: ${(error as Error).message}`, { cause: error });
  }
}

async function decrypted(file: string, identities: readonly string[]): Promise<Readable> {
  const stream = createReadStream(file);
  if (!(await isEncrypted(file))) return stream;
  if (identities.length === 0) throw new Error('it is encrypted: --identity names the file of an age identity');
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  return fromWeb(await decrypter.decrypt(toWeb(stream)));
}

async function isEncrypted(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(AGE_MAGIC.length), 0, AGE_MAGIC.length, 0);
    return buffer.toString('latin1') === AGE_MAGIC;
  } finally {
    await handle.close();
  }
}

async function unpack(archive: Readable, into: string): Promise<Manifest> {
  const tar = extract();
  const unzipped = pipeline(archive, createGunzip(), tar);
  unzipped.catch(() => undefined);
  let manifest: Manifest | undefined;
  const missing = new Map<string, FileEntry>();
  for await (const each of tar) {
    const entry = each as unknown as Entry;
    if (manifest === undefined) {
      manifest = manifestIn(entry.header.name, await textOf(entry));
      for (const listed of manifest.files) missing.set(listed.path, listed);
      continue;
    }
    const listed = missing.get(entry.header.name);
    if (listed === undefined) throw new Error(`${entry.header.name} is not in its manifest`);
    await writeChecked(entry, listed, join(into, listed.path));
    missing.delete(listed.path);
  }
  await unzipped;
  if (manifest === undefined || missing.size > 0)
    throw new Error(`it ends before ${[...missing.keys()][0] ?? MANIFEST}`);
  return manifest;
}

async function writeChecked(entry: Entry, { path, sha256 }: FileEntry, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(entry, hashing, createWriteStream(to, { flags: 'wx', mode: OWNER_ONLY, flush: true }));
  if (hash.digest('hex') !== sha256) throw new Error(`${path} is not what its manifest says`);
  await chmod(to, OWNER_ONLY);
}

async function textOf(entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function manifestIn(name: string, text: string): Manifest {
  if (name !== MANIFEST) throw new Error('it has no manifest');
  const manifest = JSON.parse(text) as Partial<Manifest>;
  if (manifest.format !== FORMAT) throw new Error(`it is no ${FORMAT}`);
  const { files = [] } = manifest;
  const outside = files.find(({ path }) => isAbsolute(path) || normalize(path) !== path || path.startsWith('..'));
  if (outside !== undefined) throw new Error(`${outside.path} would lie outside`);
  return manifest as Manifest;
}
