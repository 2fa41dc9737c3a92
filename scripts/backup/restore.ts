/**
 * One organisation restored from its backup, where the others go on: its files are put in their places, its peer gets
 * from the others what came since, and its read model follows the ledger before anybody is served. What was erased since
 * is purged by the blocks that came after the backup. It may be killed at any moment and repeated with the same file.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { organisationDirectory } from '@telemed-ledger/network/ca/organisations.ts';
import { definedConsortium } from '../command-line.ts';
import { holdDataDirectory } from '../consortium/data-directory.ts';
import type { NetworkKind } from '../consortium/read-models.ts';
import { reachOf } from '../verification/channel/reach.ts';
import type { Finding } from '../verification/report.ts';
import { compareStopped } from '../verification/stopped-read-models.ts';
import { readModelFindings } from '../verification/sweep.ts';
import { type Manifest, readArchive } from './archive.ts';
import { definitionText, IN_ARCHIVE, restoringFile } from './contents.ts';
import type { Place } from './place.ts';
import { EmbeddedPlace } from './restore-embedded.ts';
import { FabricPlace } from './restore-fabric.ts';
import { type Since, sinceBlock } from './since.ts';

export interface Restored {
  manifest: Manifest;
  since: Since;
  lines: string[];
  findings: Finding[];
  /** Whether the consortium's definition is another than it was. */
  isDefinedAnew: boolean;
}

/**
 * @param identities of age
 * @throws Error where the archive is of another organisation or channel, was changed or is not whole, or something is there
 */
export async function restore(
  dataDir: string,
  organisation: string,
  file: string,
  identities: readonly string[],
): Promise<Restored> {
  const consortium = definedConsortium();
  const staging = join(dataDir, `restore-${organisation}`);
  await whileHeld(dataDir, () => rm(staging, { recursive: true, force: true }));
  const manifest = await readArchive(file, staging, identities);
  try {
    assertIsOf(manifest, organisation, consortium);
    const isDefinedAnew = readFileSync(join(staging, IN_ARCHIVE.definition), 'utf8') !== definitionText();
    const place = placeOf(manifest.network, dataDir, organisation);
    const lines = await whileHeld(dataDir, async () => {
      await assertSameChannel(manifest, place);
      await put(manifest, place, dataDir, staging);
      return place.catchUp(staging);
    });
    const { since, findings } = await followLedger(dataDir, manifest, consortium);
    findings.push(...(await place.finish()));
    await rm(restoringFile(organisationDirectory(dataDir, organisation)), { force: true });
    return { manifest, since, lines, findings, isDefinedAnew };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function whileHeld<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const letGo = holdDataDirectory(dataDir);
  try {
    return await work();
  } finally {
    letGo();
  }
}

function assertIsOf(manifest: Manifest, organisation: string, { channel, organisations }: ConsortiumDefinition): void {
  if (manifest.organisation !== organisation) throw new Error(`the backup is of ${manifest.organisation}`);
  if (manifest.channel !== channel) throw new Error(`the backup is of channel ${manifest.channel}, not ${channel}`);
  if (!organisations.some(({ name }) => name === organisation))
    throw new Error(`there is no organisation ${organisation}`);
}

const placeOf = (network: NetworkKind, dataDir: string, organisation: string): Place =>
  network === 'fabric' ? new FabricPlace(dataDir, organisation) : new EmbeddedPlace(dataDir, organisation);

async function assertSameChannel({ genesis, height, lastBlock }: Manifest, place: Place): Promise<void> {
  const here = await place.hashOf(0);
  if (here !== undefined && here !== genesis)
    throw new Error('the backup is of another channel: its first block is not the one here');
  const last = await place.hashOf(height - 1);
  if (last !== undefined && last !== lastBlock)
    throw new Error(`the backup is of another chain: its block ${height - 1} is not the one here`);
}

/** An earlier attempt with the same backup is begun anew. */
async function put(manifest: Manifest, place: Place, dataDir: string, staging: string): Promise<void> {
  const { organisation } = manifest;
  const own = organisationDirectory(dataDir, organisation);
  const mark = restoringFile(own);
  const text = JSON.stringify(manifest);
  if (existsSync(mark) && readFileSync(mark, 'utf8') === text) {
    await place.stop();
    for (const target of [...place.targets(), own]) await rm(target, { recursive: true, force: true });
  }
  const occupied = [own, ...place.targets()].filter((target) => existsSync(target) && readdirSync(target).length > 0);
  if (occupied.length > 0)
    throw new Error(`a restore overwrites nothing: ${occupied.join(', ')} must be moved away before it`);
  await place.assertReady();
  const restored = join(staging, IN_ARCHIVE.organisation);
  writeFileSync(restoringFile(restored), text, { mode: 0o600, flush: true });
  // First what says that a restore is under way.
  await rm(own, { recursive: true, force: true });
  await mkdir(dirname(own), { recursive: true, mode: 0o700 });
  await rename(restored, own);
  await place.put(staging);
}

/** The read model comes to what the ledger has, erasures among it, before any client is answered. */
async function followLedger(
  dataDir: string,
  { organisation, network, height }: Manifest,
  consortium: ConsortiumDefinition,
): Promise<{ since: Since; findings: Finding[] }> {
  let since: Since | undefined;
  const reports = await compareStopped(dataDir, network, [organisation], {
    restoring: organisation,
    whileRunning: async () => {
      since = await sinceBlock(reachOf(dataDir, organisation), height, consortium);
    },
  });
  const findings = [...reports].flatMap(([name, found]) => readModelFindings(name, found));
  return { since: since!, findings };
}
