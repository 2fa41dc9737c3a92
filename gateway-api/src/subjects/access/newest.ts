/** Accesses as they are listed: the one that went on last first, of one patient or all that this organisation takes part in. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import { DatabaseLost } from '../../index/health.ts';
import { accessesOf, ownAccesses } from '../log/accesses.ts';
import type { Services } from '../services.ts';
import { type DisclosurePage, patientsOf, type Whose } from './disclosures.ts';

export interface Newest {
  compartment: Whose;
  /** Of these patients alone, as far as the compartment has them. */
  patients?: readonly string[] | undefined;
  status?: AccessState['status'] | undefined;
  count: number;
  /** `next` of the page before. */
  after?: string | undefined;
}

/** Accesses that one page looks at. */
const MOST_SEEN = 2_000;

/** A page. What cannot be read is reported, and counted. */
export async function newestPage(
  { disclosures, index, organisation, broken }: Pick<Services, 'disclosures' | 'index' | 'organisation' | 'broken'>,
  { status, count, after, ...whose }: Newest,
): Promise<DisclosurePage> {
  const options = { index, isCustodian: organisation.kind === 'custodian', read: async () => undefined };
  const patients = patientsOf(whose);
  const source = patients === undefined ? ownAccesses(options) : accessesOf(patients, options);
  const page: DisclosurePage = { disclosures: [], broken: 0 };
  let last: unknown;
  let seen = 0;
  for await (const { position, id } of source(positionIn(after))) {
    if (page.disclosures.length === count || seen === MOST_SEEN) return { ...page, next: JSON.stringify(last) };
    last = position;
    if (id === undefined) continue;
    seen += 1;
    try {
      const found = await disclosures.find(id, patients);
      if (found !== undefined && (status === undefined || found.state.status === status)) page.disclosures.push(found);
    } catch (error) {
      if (error instanceof DatabaseLost) throw error;
      page.broken += 1;
      broken.report('access', id, error);
    }
  }
  return page;
}

/** @throws {LedgerError} INVALID where it is of no page */
function positionIn(after: string | undefined): unknown {
  if (after === undefined) return undefined;
  try {
    return z.tuple([z.string(), z.union([z.string(), z.int()])]).parse(JSON.parse(after));
  } catch {
    throw new LedgerError('INVALID', 'this page is not known', 'after');
  }
}
