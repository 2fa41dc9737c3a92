/** `npm run network -- backup` and `restore`: one organisation, on either network. */
import { readFileSync } from 'node:fs';
import { backUp } from '../backup/backup.ts';
import { restore as restoreOrganisation } from '../backup/restore.ts';
import { dataDirectory, organisationNamed, UsageError } from '../command-line.ts';
import { printFindings } from '../verification/report.ts';

interface BackupArguments {
  org?: string | undefined;
  to?: string | undefined;
  recipient?: string[] | undefined;
  unencrypted: boolean;
}

interface RestoreArguments {
  names: string[];
  org?: string | undefined;
  identity?: string[] | undefined;
}

/** Keys and health data lie in it: whoever wants it unencrypted says so. */
export async function backup({ org, to, recipient = [], unencrypted }: BackupArguments): Promise<number> {
  const { name } = organisationNamed(org);
  if (to === undefined) throw new UsageError('--to names the file of the backup');
  if (recipient.length > 0 === unencrypted)
    throw new UsageError('--recipient age1… says who can read the backup (age-keygen makes a key), or --unencrypted');
  const { manifest, awayMs } = await backUp(dataDirectory(), name, to, recipient);
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(`${name} as of block ${manifest.height - 1} of ${manifest.channel}: ${manifest.files.length} files,`);
  console.log(`${(bytes / 1e6).toFixed(1)} MB before compression, in ${to}`);
  if (awayMs > 0) console.log(`its peer was away for ${(awayMs / 1000).toFixed(1)} s`);
  return 0;
}

export async function restore({ names: [file], org, identity = [] }: RestoreArguments): Promise<number> {
  const { name } = organisationNamed(org);
  if (file === undefined) throw new UsageError('restore takes the file of a backup');
  const restored = await restoreOrganisation(dataDirectory(), name, file, identity.flatMap(identitiesIn));
  const { manifest, since, lines, findings } = restored;
  console.log(
    `${name} is restored from the backup of ${manifest.madeAt}, which ends with block ${manifest.height - 1}`,
  );
  for (const line of lines) console.log(line);
  console.log(`since the backup: ${since.blocks} blocks ← the orderers`);
  for (const [holders, count] of since.values) console.log(`  ${count} private values, held by ${holders} too`);
  console.log(
    `lost: what the gateway's journal held since: Idempotency-Keys of ${since.own} transactions that ${name} made`,
  );
  console.log('  (a client that repeats one of these writes has it made a second time), and which reads were logged');
  if (restored.isDefinedAnew) console.log("the consortium's definition has changed since; the one that is here stays");
  printFindings(findings);
  return findings.length === 0 ? 0 : 1;
}

/** The lines of an age identity file that are not comments. */
const identitiesIn = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
