/**
 * Checks a whole export with the consortium's roots and nothing else: every byte of the archive, every file against the signed
 * manifest, every version of a record and every decision against its receipt. What does not hold is named, all of it.
 */
import { type ArchivedFile, readArchive } from './archive.ts';
import { attachmentsOf } from './attachments.ts';
import { type Checked, checkReceipt, type Roots, type Seen } from './check.ts';
import { originOf } from './checkpoint.ts';
import { exactText, parseExact } from './exact-json.ts';
import {
  ACCESS_LOG,
  checkManifestSignature,
  HISTORY,
  MANIFEST,
  MANIFEST_SIGNATURE,
  type Manifest,
  READS,
  RECORD,
  readManifest,
} from './manifest.ts';
import { type CheckedReads, checkReads, type ReadsProof } from './reads.ts';
import { sha256, sha256Hex, toHex } from './tree.ts';

export interface Finding {
  /** A file of the export, a record version or an access; absent where it is the export as a whole. */
  place?: string;
  fault: string;
}

/** What an export that was checked says. It holds where nothing was found. */
export interface CheckedExport {
  findings: Finding[];
  manifest?: Manifest;
  /** Versions in it, those that a receipt proves, and the accesses whose decision one proves. */
  versions: number;
  proven: number;
  decisions: number;
  /** Anchors of logs of reads, between which no read of hers is left out. */
  anchors: number;
  withoutReceipt: Manifest['withoutReceipt'];
  proved: string[];
  notProved: string[];
}

const ANCHOR = 'LogAnchor/';

interface Version {
  /** `Type/id/_history/version` */
  name: string;
  resource: Resource;
}

interface Resource {
  resourceType: string;
  id: string;
  meta?: Record<string, unknown>;
}

/** @param archive the bytes of the export */
export async function checkExport(archive: Uint8Array, roots: Roots): Promise<CheckedExport> {
  const { files, faults } = readArchive(archive);
  const findings: Finding[] = faults.map(({ path, fault }) =>
    path === undefined ? { fault } : { place: path, fault },
  );
  const byPath = new Map(files.map((file) => [file.path, file.bytes]));
  const check = new ExportCheck(byPath, roots, findings);
  const manifest = await check.manifest();
  if (manifest === undefined) return { ...NOTHING, findings };
  await check.files(manifest, files);
  const versions = [...check.versionsIn(RECORD, manifest), ...check.versionsIn(HISTORY, manifest)];
  const { proven, decisions } = await check.receipts(manifest, versions);
  check.attachments(manifest, versions);
  const anchors = await check.reads(manifest);
  const { withoutReceipt, mspId, made } = manifest;
  const counts = { versions: versions.length, proven, decisions, anchors };
  return { findings, manifest, ...counts, withoutReceipt, ...sayings(mspId, made, counts) };
}

const NOTHING = { versions: 0, proven: 0, decisions: 0, anchors: 0, withoutReceipt: [], proved: [], notProved: [] };
const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
const nameOf = ({ resourceType, id, meta }: Resource): string =>
  `${resourceType}/${id}/_history/${String(meta?.['versionId'])}`;
/** A version as its files are named. */
export const fileNameOf = (version: string): string => version.replace('/_history/', '-').replaceAll('/', '-');

class ExportCheck {
  readonly #files: Map<string, Uint8Array>;
  readonly #roots: Roots;
  readonly #findings: Finding[];

  constructor(files: Map<string, Uint8Array>, roots: Roots, findings: Finding[]) {
    this.#files = files;
    this.#roots = roots;
    this.#findings = findings;
  }

  #found(place: string, fault: string): void {
    this.#findings.push({ place, fault });
  }

  async manifest(): Promise<Manifest | undefined> {
    const [bytes, signature] = [this.#files.get(MANIFEST), this.#files.get(MANIFEST_SIGNATURE)];
    if (bytes === undefined) this.#found(MANIFEST, 'it is not there');
    if (signature === undefined) this.#found(MANIFEST_SIGNATURE, 'it is not there');
    const manifest = bytes && this.#read(MANIFEST, () => readManifest(textOf(bytes)));
    if (manifest === undefined || bytes === undefined || signature === undefined) return manifest;
    try {
      await checkManifestSignature(bytes, manifest, textOf(signature), this.#roots);
    } catch (error) {
      this.#found(MANIFEST_SIGNATURE, (error as Error).message);
    }
    if (manifest.origin !== originOf(this.#roots.channel, this.#roots.genesis))
      this.#found(MANIFEST, 'it is of another ledger');
    return manifest;
  }

  /** Every file that is there against the manifest, every one that it lists against what is there, in their order. */
  async files({ files }: Manifest, archived: readonly ArchivedFile[]): Promise<void> {
    const listed = new Map(files.map((file) => [file.path, file]));
    const given = [...listed.keys(), MANIFEST, MANIFEST_SIGNATURE];
    for (const { path, bytes } of archived) {
      const known = listed.get(path);
      if (known === undefined && !given.includes(path))
        this.#found(path, 'it was added: the manifest has no such file');
      if (known !== undefined && (known.size !== bytes.length || known.sha256 !== toHex(await sha256(bytes))))
        this.#found(path, 'it was changed: it is not what the manifest says');
    }
    for (const path of listed.keys())
      if (!this.#files.has(path)) this.#found(path, 'it was removed: the manifest has it');
    const order = archived.map(({ path }) => path).filter((path) => given.includes(path));
    const expected = given.filter((path) => this.#files.has(path));
    if (order.join() !== expected.join()) this.#findings.push({ fault: 'the files are in another order' });
  }

  versionsIn(path: string, { files }: Manifest): Version[] {
    const bytes = this.#files.get(path);
    if (bytes === undefined) {
      if (path === RECORD && !files.some((file) => file.path === path)) this.#found(path, 'it is not there');
      return [];
    }
    const read = (): Version[] => {
      const { entry = [] } = parseExact(textOf(bytes)) as { entry?: { resource: Resource }[] };
      return entry.map(({ resource }) => ({ name: nameOf(resource), resource }));
    };
    return this.#read(path, read) ?? [];
  }

  async receipts(manifest: Manifest, versions: readonly Version[]): Promise<{ proven: number; decisions: number }> {
    const receipts = new Map(manifest.receipts.map(({ of, path }) => [of, path]));
    const lacking = new Set(manifest.withoutReceipt.map(({ of }) => of));
    const seen: Seen = new Map();
    let [proven, decisions] = [0, 0];
    for (const { name, resource } of versions) {
      const path = receipts.get(name);
      receipts.delete(name);
      if (path === undefined && !lacking.has(name)) this.#found(name, 'it has no receipt, and nothing says why');
      const checked = path === undefined ? undefined : await this.#receipt(path, seen);
      if (checked === undefined) continue;
      if (isProven(resource, checked)) proven += 1;
      else this.#found(name, `it is not what its receipt ${path} proves`);
    }
    const accesses = this.#accessesIn();
    for (const [of, path] of receipts) {
      if (of.startsWith(ANCHOR)) continue;
      const id = /^AccessRequest\/([^/]+)$/.exec(of)?.[1];
      const checked = await this.#receipt(path, seen);
      if (id === undefined || !accesses.has(id)) this.#found(of, `it was removed: ${path} is a receipt of it`);
      else if (checked === undefined) continue;
      else if (checked.content?.key.startsWith(`access/${id}/`) === true) decisions += 1;
      else this.#found(of, `${path} proves something else`);
    }
    return { proven, decisions };
  }

  /** Ids of the accesses in the log; what else it holds has no receipts. */
  #accessesIn(): Set<string> {
    const bytes = this.#files.get(ACCESS_LOG);
    type Log = { entry?: { resource: Resource }[] };
    const idsIn = ({ entry = [] }: Log): string[] =>
      entry.filter(({ resource }) => resource.resourceType === 'AuditEvent').map(({ resource }) => resource.id);
    return new Set(bytes && this.#read(ACCESS_LOG, () => idsIn(JSON.parse(textOf(bytes)) as Log)));
  }

  async #receipt(path: string, seen: Seen): Promise<Checked | undefined> {
    const bytes = this.#files.get(path);
    if (bytes === undefined) {
      this.#found(path, 'the receipt is not there');
      return undefined;
    }
    try {
      return await checkReceipt(bytes, this.#roots, seen);
    } catch (error) {
      this.#found(path, (error as Error).message);
      return undefined;
    }
  }

  /** Between the anchors of each log that is in it no read of hers is left out, and a receipt proves the last of them. */
  async reads({ files, patient, receipts, withoutReceipt }: Manifest): Promise<number> {
    let anchors = 0;
    const lacking = new Set(withoutReceipt.map(({ of }) => of));
    const byName = new Map(receipts.map(({ of, path }) => [of, path]));
    for (const { path } of files.filter((file) => file.path.startsWith(READS))) {
      const checked = await this.#readsIn(path);
      if (checked === undefined) continue;
      const of = `${ANCHOR}${checked.organisation}/${checked.to}`;
      if (path !== `${READS}${checked.organisation}.json` || `Patient/${checked.patient}` !== patient)
        this.#found(path, 'it is of another log or patient');
      const receipt = byName.get(of);
      byName.delete(of);
      if (receipt === undefined && !lacking.has(of)) this.#found(path, 'its last anchor has no receipt');
      const { content } = (receipt && (await this.#receipt(receipt, new Map()))) || {};
      if (content !== undefined && (await sha256Hex(content.value)) !== checked.marks.at(-1))
        this.#found(path, `its last anchor is not the one that ${receipt} proves`);
      anchors += checked.marks.length;
    }
    for (const [of, path] of byName)
      if (of.startsWith(ANCHOR)) this.#found(of, `it was removed: ${path} is a receipt of it`);
    return anchors;
  }

  async #readsIn(path: string): Promise<CheckedReads | undefined> {
    try {
      const { proofs } = JSON.parse(textOf(this.#files.get(path) ?? new Uint8Array())) as { proofs: ReadsProof[] };
      return await checkReads(proofs);
    } catch (error) {
      this.#found(path, (error as Error).message);
      return undefined;
    }
  }

  /** The files beside the records hold what the records carry, and nothing else. */
  attachments({ files }: Manifest, versions: readonly Version[]): void {
    const carried = versions.flatMap(({ name, resource }) => attachmentsOf(resource, fileNameOf(name)));
    const expected = new Map(carried.map(({ path, bytes }) => [path, bytes]));
    for (const [path, bytes] of expected) {
      const given = this.#files.get(path);
      if (given === undefined) this.#found(path, 'it is not there, and a record carries it');
      else if (given.length !== bytes.length || given.some((byte, at) => byte !== bytes[at]))
        this.#found(path, 'it is not what its record carries');
    }
    for (const { path } of files)
      if (path.startsWith('attachments/') && !expected.has(path)) this.#found(path, 'no record carries it');
  }

  #read<T>(place: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#found(place, (error as Error).message);
      return undefined;
    }
  }
}

/** Whether a receipt's content holds exactly this resource, apart from what a server adds to `meta`. */
function isProven(resource: Resource, { content }: Checked): boolean {
  if (content === undefined) return false;
  const value = parseExact(content.text ?? content.value) as {
    version?: unknown;
    resource?: Resource;
    resources?: Resource[];
  };
  const held = [value.resource, ...(value.resources ?? [])].find(
    (one) => one?.resourceType === resource.resourceType && one.id === resource.id,
  );
  const isVersion = value.version === undefined || exactText(value.version) === String(resource.meta?.['versionId']);
  return held !== undefined && isVersion && exactText(asSent(resource)) === exactText(asSent(held));
}

/** Without what a server says of a version; the rest of `meta` is the sender's. */
function asSent({ meta = {}, ...resource }: Resource): object {
  const { versionId: _version, lastUpdated: _time, ...stated } = meta;
  return { ...resource, ...(Object.keys(stated).length > 0 && { meta: stated }) };
}

function sayings(
  mspId: string,
  made: string,
  { versions, proven, decisions, anchors }: Pick<CheckedExport, 'versions' | 'proven' | 'decisions' | 'anchors'>,
): Pick<CheckedExport, 'proved' | 'notProved'> {
  return {
    proved: [
      `${mspId} has signed that these are the files of the export that it made at ${made}`,
      `${proven} of ${versions} versions are, digit for digit, what a transaction of the ledger wrote`,
      `${decisions} accesses were decided as their receipts say`,
      `of what the logs of reads held between ${anchors} anchors nothing about her is left out`,
    ],
    notProved: [
      `that nothing is left out: that is the word of ${mspId}, which made the export`,
      `that the page, the tables and the log say what the records and receipts say: ${mspId} has made and signed them`,
      'that the content is true, or still in force',
    ],
  };
}
