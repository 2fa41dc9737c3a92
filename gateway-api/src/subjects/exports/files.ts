/**
 * The files of an export, one after the other: records and log are gathered before the first is sent, receipts are made one by
 * one. The manifest comes last, signed with the certificate of the member that makes the export.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { ArchivedFile } from '@telemed-ledger/verifier/archive.ts';
import { attachmentsOf } from '@telemed-ledger/verifier/attachments.ts';
import { fileNameOf } from '@telemed-ledger/verifier/check-export.ts';
import {
  ACCESS_LOG,
  HISTORY,
  MANIFEST,
  MANIFEST_FORMAT,
  MANIFEST_SIGNATURE,
  type Manifest,
  manifestText,
  READS,
  RECORD,
} from '@telemed-ledger/verifier/manifest.ts';
import { CompactSign } from 'jose';
import type { Caller } from '../../auth/caller.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import { Failure } from '../../http/failures.ts';
import { inTurn } from '../../http/pauses.ts';
import { anchorReceipt, decisionReceipt, versionReceipt } from '../receipts/what-is-proved.ts';
import { Records } from '../records/records.ts';
import type { Services } from '../services.ts';
import { documentOf } from './document.ts';
import { accessesOf, auditEventsOf, readsOf, readsProofsOf, tableOf } from './log.ts';
import { type Page, pageOf } from './page.ts';
import { recordOf, type WholeRecord } from './record.ts';

/** What is read before anything is answered. */
export interface Gathered {
  patient: string;
  made: string;
  origin: string;
  whole: WholeRecord;
  events: object[];
  accesses: Awaited<ReturnType<typeof accessesOf>>;
  reads: object[];
}

/** @throws {LedgerError} NOT_FOUND where whoever asks may not read that patient, or there is none */
export async function gathered(patient: string, caller: Caller, services: Services): Promise<Gathered> {
  const records = new Records(services, {});
  const made = new Date().toISOString();
  const found = await records.read(caller, 'Patient', patient);
  const origin = await services.witness.origin();
  if (found === undefined || origin === undefined) throw new LedgerError('NOT_FOUND', 'there is no such patient');
  const whole = await recordOf(patient, caller, records);
  const events = await auditEventsOf(patient, caller, records);
  const accesses = await accessesOf(patient, services);
  return { patient, made, origin, whole, events, accesses, reads: await readsOf(patient, services) };
}

const utf8 = new TextEncoder();
const asJson = (value: object): Uint8Array => utf8.encode(`${JSON.stringify(value, undefined, 1)}\n`);
const versionName = ({ resource, version }: StoredResource): string =>
  `${resource.resourceType}/${resource.id}/_history/${version}`;

/** In the order of the archive. @param baseUrl of this gateway's FHIR, by which references within a Bundle are resolved */
export async function* filesOf(gathering: Gathered, services: Services, baseUrl: string): AsyncGenerator<ArchivedFile> {
  const { patient, made, origin, whole, events, accesses, reads } = gathering;
  const { organisation } = services;
  const manifest: Manifest = {
    ...{ format: MANIFEST_FORMAT, origin, mspId: organisation.mspId, patient: `Patient/${patient}`, made },
    ...{ files: [], receipts: [], withoutReceipt: [], leftOut: whole.leftOut },
  };
  const listed = (file: ArchivedFile): ArchivedFile => {
    const sha256 = createHash('sha256').update(file.bytes).digest('hex');
    manifest.files.push({ path: file.path, size: file.bytes.length, sha256 });
    return file;
  };
  yield listed({ path: RECORD, bytes: await bundleOf(whole.newest, made, baseUrl) });
  if (whole.earlier.length > 0) yield listed({ path: HISTORY, bytes: await bundleOf(whole.earlier, made, baseUrl) });
  const attachments = new Map<string, string[]>();
  for (const one of [...whole.newest, ...whole.earlier]) {
    const files = attachmentsOf(one.resource, fileNameOf(versionName(one)));
    attachments.set(
      versionName(one),
      files.map(({ path }) => path),
    );
    for (const file of files) yield listed(file);
  }
  for (const one of [...whole.newest, ...whole.earlier]) {
    const { type, id } = { type: one.resource.resourceType, id: one.resource.id ?? '' };
    const path = `receipts/${fileNameOf(versionName(one))}.tlog-proof`;
    const receipt = await proved(versionName(one), path, manifest, () =>
      versionReceipt(services, { type, id, version: one.version }),
    );
    if (receipt !== undefined) yield listed(receipt);
  }
  for (const { state } of accesses) {
    const path = `receipts/access-${state.id}.tlog-proof`;
    const receipt = await proved(`AccessRequest/${state.id}`, path, manifest, () => decisionReceipt(services, state));
    if (receipt !== undefined) yield listed(receipt);
  }
  yield* readsProven(patient, manifest, services, listed);
  const log = { resourceType: 'Bundle', type: 'collection', timestamp: made, ...entriesOf(events) };
  yield listed({ path: ACCESS_LOG, bytes: asJson(log) });
  yield listed({ path: 'access-log.csv', bytes: utf8.encode(tableOf(accesses)) });
  yield listed({ path: 'reads.json', bytes: asJson({ organisation: organisation.name, reads }) });
  const page = asPage(gathering, manifest, attachments, organisation.name);
  yield listed({ path: 'record.html', bytes: await pageBytes(page) });
  yield listed({ path: 'record.pdf', bytes: await documentOf(page) });
  yield listed({ path: 'README.txt', bytes: utf8.encode(README) });
  const sums = manifest.files.map(({ path, sha256 }) => `${sha256}  ${path}\n`);
  yield listed({ path: 'SHA256SUMS', bytes: utf8.encode(sums.join('')) });
  const text = utf8.encode(manifestText(manifest));
  yield { path: MANIFEST, bytes: text };
  yield { path: MANIFEST_SIGNATURE, bytes: utf8.encode(await signed(text, services)) };
}

/** Of each organisation's log of reads: that nothing about her is left out between its last anchors, and a receipt of the last. */
async function* readsProven(
  patient: string,
  manifest: Manifest,
  services: Services,
  listed: (file: ArchivedFile) => ArchivedFile,
): AsyncGenerator<ArchivedFile> {
  for (const { name } of services.consortium.organisations) {
    const { proofs, last, isCut } = await readsProofsOf(patient, name, services);
    if (last === undefined) continue;
    const of = `LogAnchor/${name}/${last.n}`;
    const receipt = await proved(of, `receipts/log-${name}.tlog-proof`, manifest, () => anchorReceipt(services, last));
    if (receipt !== undefined) yield listed(receipt);
    yield listed({ path: `${READS}${name}.json`, bytes: asJson({ proofs }) });
    if (isCut) manifest.leftOut.push({ of: `${READS}${name}.json`, reason: 'earlier anchors of this log' });
  }
}

const README = `The record of one patient, with what proves it.

record.html       to be read in a browser; record.pdf the same to be printed
record.json       the newest version of every record (FHIR R4, Bundle)
history.json      the earlier versions, where there are any
attachments/      documents and pictures that records carry
receipts/         a C2SP tlog-proof of every version and of every decided access
access-log.json   who asked for what, and what came of it (FHIR R4 AuditEvents); access-log.csv the same as a table
reads.json        who read what at the organisation that made this export
reads/            for each organisation: proof that between its last anchors no read of hers is left out
SHA256SUMS        for sha256sum -c
manifest.json     every file with its SHA-256, what has no receipt and why, what is left out
manifest.jws      the signature of the organisation that made this export (RFC 7515, detached)

npm run verify -- FILE ROOTS checks all of it with the consortium's roots.
`;

const entriesOf = (resources: readonly object[]): object =>
  resources.length === 0 ? {} : { entry: resources.map((resource) => ({ resource })) };

/**
 * A Bundle of versions, written piece by piece: a long record holds nobody up. A relative reference leads to an entry by the base
 * that their full URLs share (hl7.org/fhir/R4/bundle.html#references).
 */
async function bundleOf(versions: readonly StoredResource[], made: string, baseUrl: string): Promise<Uint8Array> {
  const head = `{"resourceType":"Bundle","type":"collection","timestamp":"${made}","entry":[\n`;
  const entries: string[] = [];
  for (const { resource } of versions) {
    const fullUrl = `${baseUrl}/${resource.resourceType}/${resource.id}`;
    entries.push(await inTurn(() => JSON.stringify({ fullUrl, resource })));
  }
  return utf8.encode(`${head}${entries.join(',\n')}\n]}\n`);
}

/** A receipt as a file, or why there is none, in the manifest. */
async function proved(
  of: string,
  path: string,
  manifest: Manifest,
  make: () => Promise<Buffer | undefined>,
): Promise<ArchivedFile | undefined> {
  const receipt = await make().catch((error: unknown) => {
    if (error instanceof Failure || error instanceof LedgerError) return error;
    throw error;
  });
  if (Buffer.isBuffer(receipt)) {
    manifest.receipts.push({ path, of });
    return { path, bytes: receipt };
  }
  const reason =
    receipt === undefined
      ? 'no transaction wrote it as it is shown'
      : 'too few members have signed a tree that holds it';
  manifest.withoutReceipt.push({ of, reason });
  return undefined;
}

function asPage(
  { patient, made, whole }: Gathered,
  { receipts }: Manifest,
  attachments: ReadonlyMap<string, string[]>,
  organisation: string,
): Page {
  const paths = new Map(receipts.map(({ of, path }) => [of, path]));
  const versions = whole.newest.map((one) => {
    const name = versionName(one);
    const { resource, author } = one;
    return { name, resource, author, attachments: attachments.get(name) ?? [], receipt: paths.get(name) };
  });
  return { patient: `Patient/${patient}`, made, organisation, versions, leftOut: whole.leftOut };
}

async function pageBytes(page: Page): Promise<Uint8Array> {
  const parts: string[] = [];
  for await (const part of pageOf(page)) parts.push(part);
  return utf8.encode(parts.join(''));
}

/** A detached JWS (RFC 7515, appendix F) whose header carries the certificate. */
async function signed(manifest: Uint8Array, { systemIdentity }: Services): Promise<string> {
  const { certificate, privateKey } = await systemIdentity();
  const x5c = [new X509Certificate(certificate).raw.toString('base64')];
  const key = createPrivateKey(privateKey);
  const jws = await new CompactSign(manifest).setProtectedHeader({ alg: 'ES256', x5c }).sign(key);
  const [header, , signature] = jws.split('.');
  return `${header}..${signature}`;
}
