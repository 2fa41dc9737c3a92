/**
 * The story's export: the patient takes her record along as one file. The verifier checks it with the consortium's roots, and then
 * programs that have nothing to do with this repository: sha256sum every file, openssl a member's signature.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { type ArchivedFile, readArchive } from '@telemed-ledger/verifier/archive.ts';
import { type CheckedExport, checkExport } from '@telemed-ledger/verifier/check-export.ts';
import { readProof } from '@telemed-ledger/verifier/proof.ts';
import pRetry from 'p-retry';
import { rootsOf } from '../receipt-roots.ts';
import { expectThat, type Party, Unexpected } from './parties.ts';
import { known, type Narrator, type Story } from './step.ts';

const PATIENCE_MS = 30_000;
const PAUSE_MS = 500;

export async function takenAlong(story: Story, narrator: Narrator): Promise<void> {
  const { parties } = story;
  const patientId = known(story.patientId, 'patient');
  const patient = parties.of('patients', 'patient', `Patient/${patientId}`);
  const { origin } = await patient.ask<{ origin: string }>({ path: '/ledger-tree' });
  const { dataDir } = parties.reach;
  if (!existsSync(join(dataDir, 'organisations', 'patients', 'ca', 'ca.pem')))
    return narrator.fact("left out: the members' authorities do not lie in files here");
  const roots = rootsOf(dataDir, loadConsortium(process.env['CONSORTIUM'] || undefined), origin);
  const isSigned = (await patient.ask<{ witnesses: object[] }>({ path: '/witnesses' })).witnesses.length > 0;
  const { bytes, checked } = await exported(patient, patientId, isSigned, (archive) => checkExport(archive, roots));
  const { versions, proven, decisions } = checked;
  narrator.fact(`record.zip, ${bytes.length} bytes: ${versions} versions, ${proven} proven, and ${decisions} accesses`);
  const changed = Buffer.from(bytes);
  changed[bytes.indexOf('"birthDate"') + 14]! ^= 1;
  const [finding] = (await checkExport(changed, roots)).findings;
  expectThat(finding?.place === 'record.json', 'a changed byte to be named by its file', finding ?? 'nothing');
  narrator.fact(`with one byte changed: ${finding.place}: ${finding.fault}`);
  outside(readArchive(bytes).files, narrator);
}

/** The export, as soon as the members have signed what the story wrote; where nobody signs, as it is. */
async function exported(
  patient: Party,
  patientId: string,
  isSigned: boolean,
  check: (archive: Uint8Array) => Promise<CheckedExport>,
): Promise<{ bytes: Buffer; checked: CheckedExport }> {
  const attempt = async () => {
    const path = `/fhir/R4/Patient/${patientId}/$export-record`;
    const { status, body } = await patient.send({ path, asBytes: true });
    expectThat(status === 200, 'the export', `status ${status}`);
    const checked = await check(body as Buffer);
    expectThat(checked.findings.length === 0, 'the export to hold', checked.findings);
    const open = checked.withoutReceipt.filter(({ reason }) => reason.includes('too few'));
    expectThat(!isSigned || open.length === 0, 'a receipt of every version', open);
    return { bytes: body as Buffer, checked };
  };
  return pRetry(attempt, {
    ...{ retries: Number.POSITIVE_INFINITY, maxRetryTime: PATIENCE_MS, minTimeout: PAUSE_MS, factor: 1 },
    shouldRetry: ({ error }) => error instanceof Unexpected,
  });
}

function outside(files: readonly ArchivedFile[], narrator: Narrator): void {
  const directory = mkdtempSync(join(tmpdir(), 'telemed-export-'));
  try {
    for (const { path, bytes } of files) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), bytes);
    }
    run('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], directory, 'every file is what SHA256SUMS says', narrator);
    const receipt = files.find(({ path }) => path.endsWith('.tlog-proof'));
    if (receipt !== undefined) checkSignature(receipt, directory, narrator);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** DER of an Ed25519 public key before its 32 bytes (RFC 8410). */
const ED25519 = Buffer.from('302a300506032b6570032100', 'hex');
const TIME_AT = 4;
const SIGNATURE_AT = 12;

/** The first member's cosignature, under its witness's key. */
function checkSignature({ path, bytes }: ArchivedFile, directory: string, narrator: Narrator): void {
  const { checkpoint, signatures, extra } = readProof(Buffer.from(bytes).toString('utf8'));
  const [, , mspId, publicKey] = extra.witnesses[0]!.statement.split('\n');
  const signature = Buffer.from(signatures[0]!.split(' ')[2]!, 'base64');
  const message = `cosignature/v1\ntime ${signature.readBigUInt64BE(TIME_AT)}\n${checkpoint}`;
  writeFileSync(join(directory, 'key.der'), Buffer.concat([ED25519, Buffer.from(publicKey!, 'hex')]));
  writeFileSync(join(directory, 'message'), message);
  writeFileSync(join(directory, 'signature'), signature.subarray(SIGNATURE_AT));
  const options = ['-verify', '-pubin', '-keyform', 'DER', '-inkey', 'key.der', '-rawin'];
  const files = ['-in', 'message', '-sigfile', 'signature'];
  run('openssl', ['pkeyutl', ...options, ...files], directory, `${mspId} has signed the tree of ${path}`, narrator);
}

function run(program: string, parameters: string[], cwd: string, says: string, narrator: Narrator): void {
  const { status, error, stderr } = spawnSync(program, parameters, { cwd, encoding: 'utf8' });
  expectThat(error !== undefined || status === 0, `${program} to find that ${says}`, stderr);
  narrator.fact(error === undefined ? `${program}: ${says}` : `left out: there is no ${program} here`);
}
