/** A patient's log for her export: accesses across organisations as AuditEvents and as a table, and the reads at her custodian. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Caller } from '../../auth/caller.ts';
import { accountOf, csvOf } from '../access/accounting.ts';
import type { Disclosure } from '../access/disclosure.ts';
import { readsShown } from '../reads/routes.ts';
import type { Records } from '../records/records.ts';
import type { Services } from '../services.ts';

const PAGE = 500;

export async function auditEventsOf(patient: string, caller: Caller, records: Records): Promise<Resource[]> {
  const found: Resource[] = [];
  let after: string | undefined;
  do {
    const search = { type: 'AuditEvent', patients: [patient], count: PAGE };
    const page = await records.search(caller, { ...search, ...(after === undefined ? {} : { after }) });
    found.push(...page.matches.map(({ resource }) => resource));
    after = page.next;
  } while (after !== undefined);
  return found;
}

export async function accessesOf(patient: string, { disclosures }: Services): Promise<Disclosure[]> {
  const found: Disclosure[] = [];
  let after: string | undefined;
  do {
    const page = await disclosures.page({ compartment: patient, patients: [patient], count: PAGE, after });
    found.push(...page.disclosures);
    after = page.next;
  } while (after !== undefined);
  return found;
}

export const tableOf = (accesses: readonly Disclosure[]): string => csvOf(accesses.map(accountOf));

/** Who of the custodian's read what of hers, newest first. */
export async function readsOf(patient: string, services: Services): Promise<object[]> {
  const found: object[] = [];
  let before: string | undefined;
  do {
    const page = await readsShown({ patient }, { count: PAGE, before }, { path: '/reads', narrowed: {} }, services);
    found.push(...page.reads);
    before =
      page.next === undefined ? undefined : (new URLSearchParams(page.next.split('?')[1]).get('before') ?? undefined);
  } while (before !== undefined);
  return found;
}
