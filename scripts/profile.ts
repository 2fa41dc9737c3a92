/**
 * `npm run profile -- add hospital us-core.tgz`: keeps the profiles of a FHIR package beside an organisation's gateway, which holds
 * resources against them from its next start on; `list` and `remove`.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageIn } from '@telemed-ledger/gateway-api/fhir/profiles/package.ts';
import { packagesIn } from '@telemed-ledger/gateway-api/fhir/profiles/profiles.ts';
import { dataDirectory, organisations, runCommand, UsageError } from './command-line.ts';

const USAGE = `usage: npm run -s profile -- COMMAND ORGANISATION
  add ORGANISATION FILE.tgz [--checked]   of a FHIR package (US Core, IPS); with --checked whoever writes what states one of its
                                          profiles must keep it
  list ORGANISATION
  remove ORGANISATION NAME`;

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { checked: { type: 'boolean', default: false } },
  });
  const [command, name, given] = positionals;
  const organisation = organisations().find((one) => one.name === name);
  if (organisation === undefined) throw new UsageError(USAGE);
  const directory = join(dataDirectory(), 'organisations', organisation.name, 'profiles');
  if (command === 'list') for (const one of packagesIn(directory)) console.log(lineOf(one));
  else if (command === 'add' && given !== undefined) {
    const added = packageIn(readFileSync(given), values.checked);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(fileOf(directory, added.name), JSON.stringify(added));
    console.log(`${lineOf(added)}; the gateway knows them when it is started again`);
  } else if (command === 'remove' && packagesIn(directory).some((one) => one.name === given))
    rmSync(fileOf(directory, given ?? ''));
  else throw new UsageError(USAGE);
  return 0;
});

/** One version of a package at a time. */
function fileOf(directory: string, name: string): string {
  if (!/^[a-z0-9][a-z0-9.-]{0,200}$/i.test(name)) throw new UsageError('This is no name of a FHIR package.');
  return join(directory, `${name}.json`);
}

function lineOf({ name, version, profiles, isChecked }: ReturnType<typeof packageIn>): string {
  return `${name} ${version}: ${profiles.length} profiles${isChecked ? ', checked on write' : ''}`;
}
