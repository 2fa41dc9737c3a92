/**
 * `npm run -s receipt:roots > roots.json`: the consortium's roots as a verifier of receipts is given them, from the data directory
 * and a running gateway, which says which ledger it is. A real verifier takes each member's authority from that member.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agreedEndorsement } from '@telemed-ledger/consortium/agreed.ts';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import type { Roots } from '@telemed-ledger/verifier/roots.ts';
import { dataDirectory, gatewayUrls } from './command-line.ts';
import { Parties } from './demo/parties.ts';

/**
 * @param origin as GET /ledger-tree answers it
 * @param ordering as GET /orderers does; without it no orderer's signature is checked
 */
export function rootsOf(
  dataDir: string,
  consortium: ConsortiumDefinition,
  origin: string,
  ordering?: Roots['ordering'],
): Roots {
  const { channel, organisations } = consortium;
  const read = (name: string, file: string) => join(dataDir, 'organisations', name, 'ca', file);
  return {
    ...{ channel, genesis: origin.split('/').at(-1)! },
    organisations: organisations.map(({ name, mspId }) => ({
      ...{ mspId, authorities: [readFileSync(read(name, 'ca.pem'), 'utf8')] },
      ...(existsSync(read(name, 'crl.pem')) && { revocations: [readFileSync(read(name, 'crl.pem'), 'utf8')] }),
    })),
    endorsement: agreedEndorsement(consortium),
    ...(ordering && { ordering }),
  };
}

/** The roots of the running consortium of this data directory. */
export async function presentRoots(): Promise<Roots> {
  const dataDir = dataDirectory();
  const consortium = loadConsortium(process.env['CONSORTIUM'] || undefined);
  const parties = new Parties({ dataDir, urls: gatewayUrls() });
  try {
    const [first] = consortium.organisations;
    const member = parties.of(first!.name, 'system');
    const { origin } = await member.ask<{ origin: string }>({ path: '/ledger-tree' });
    const ordering = await member.ask<NonNullable<Roots['ordering']>>({ path: '/orderers' });
    return rootsOf(dataDir, consortium, origin, ordering);
  } finally {
    parties.close();
  }
}

if (import.meta.main) console.log(JSON.stringify(await presentRoots(), null, 2));
