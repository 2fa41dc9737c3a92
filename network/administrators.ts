/**
 * What Fabric's `peer` command reads when an organisation's administrator uses it: `organisations/<name>/admin` with
 * `core.yaml` and `msp`, the same for the embedded network and for real Fabric.
 */
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { prepareAdministrators } from './ca/nodes.ts';
import type { PreparedOrganisation } from './ca/organisations.ts';
import { writeYaml } from './fabric/files.ts';
import { writeMemberMsp } from './fabric/msp.ts';
import { administratorConfig } from './fabric/peer-config.ts';

/**
 * Enrols whoever is missing and writes what is not there yet. Call it after the organisations are prepared.
 * @throws UnusableCertificatesError naming every certificate that has expired or is of another authority.
 */
export async function writeAdministrators(
  dataDir: string,
  consortium: ConsortiumDefinition,
  organisations: readonly PreparedOrganisation[],
): Promise<void> {
  const administrators = await prepareAdministrators(dataDir, consortium);
  for (const organisation of organisations) {
    const administrator = administrators[organisation.name];
    if (administrator === undefined) continue;
    const directory = join(organisation.directory, 'admin');
    writeMemberMsp(join(directory, 'msp'), organisation, administrator.identity);
    writeYaml(join(directory, 'core.yaml'), administratorConfig());
  }
}
