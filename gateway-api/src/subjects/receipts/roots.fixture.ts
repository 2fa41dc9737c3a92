/** For tests of receipts: the roots of a consortium as its members would publish them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agreedEndorsement } from '@telemed-ledger/consortium/agreed.ts';
import type { Roots } from '@telemed-ledger/verifier/check.ts';
import type { FixtureConsortium } from '../../consortium.fixture.ts';

/** A file of a member's authority. */
export const authorityOf = ({ dataDir }: FixtureConsortium, name: string, file = 'ca.pem'): string =>
  readFileSync(join(dataDir, 'organisations', name, 'ca', file), 'utf8');

/** @param gateway of which member is asked for the name of the ledger */
export async function rootsAt(consortium: FixtureConsortium, gateway: string): Promise<Roots> {
  const { channel, organisations } = consortium.members;
  const { origin } = (await consortium.send(gateway, 'GET /ledger-tree')).body;
  const ordering = (await consortium.send(gateway, 'GET /orderers')).body;
  return {
    ...{ channel, genesis: String(origin).split('/').at(-1)! },
    organisations: organisations.map(({ name, mspId }) => ({ mspId, authorities: [authorityOf(consortium, name)] })),
    endorsement: agreedEndorsement(consortium.consortium),
    ordering,
  };
}
