/** A patient's log for her export: accesses across organisations as AuditEvents and as a table, and the reads at her custodian. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Caller } from '../../auth/caller.ts';
import { accountOf, csvOf } from '../access/accounting.ts';
import type { Disclosure } from '../access/disclosure.ts';
import { readsProof } from '../reads/proofs.ts';
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

/** Anchors of one organisation that are in an export. */
const MOST_ANCHORS = 100;

/** Proofs over the last anchors of an organisation's log of reads, as far as they are here, one after the other to the newest. */
export async function readsProofsOf(
  patient: string,
  organisation: string,
  { logAnchors }: Services,
): Promise<{
  proofs: object[];
  last?: { organisation: string; n: number; text: string; transactionId: string };
  isCut: boolean;
}> {
  const newest = await logAnchors.newest(organisation);
  const first = Math.max(1, newest - MOST_ANCHORS + 1);
  const proofs: object[] = [];
  for (let n = first; n <= newest; n += 1) {
    const proof = await readsProof(logAnchors, { organisation, n }, patient);
    if (proof === undefined) break;
    proofs.push(proof);
  }
  const n = first + proofs.length - 1;
  const standing = proofs.length === 0 ? undefined : await logAnchors.mark(organisation, n);
  if (standing === undefined) return { proofs: [], isCut: false };
  const { text, transactionId } = standing;
  return { proofs, last: { organisation, n, text, transactionId }, isCut: first > 1 };
}
