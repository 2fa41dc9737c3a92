/**
 * The provider's other claims for the patient of a claim that are counted together with it, where the payer's tables limit what is paid of
 * a day. Most claims have none, and show none.
 */
import {
  countsBeside,
  isCounted,
  isSameBiller,
  isSamePerson,
  MAX_BESIDE,
} from '@telemed-ledger/chaincode/model/beside-claims.ts';
import { type Bill, readBill } from '@telemed-ledger/chaincode/model/bill.ts';
import type { ClaimTables } from '@telemed-ledger/chaincode/model/claim-tables.ts';
import type { ClaimRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { addDays } from '@telemed-ledger/chaincode/model/days.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import type { Search } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/** Claims of one person that are looked through, page by page. */
const PAGE = 500;
const MOST_PAGES = 10;

/** A claim as it stands, as endorsers are shown it. */
interface Standing {
  claim: string;
  state: string;
  response?: string;
}

interface Own {
  state: ClaimState;
  record: ClaimRecord;
  /** The payer's tables. */
  tables: string | undefined;
  /** How a claim stands, as endorsers are shown it. */
  standingOf: (state: ClaimState) => Promise<Standing>;
}

/** @throws {Failure} 503 while a part of one is on its way */
export async function besideShown(index: ReadModel, own: Own): Promise<{ beside?: Standing[] }> {
  const { state, record, tables, standingOf } = own;
  const bill = readBill(record.resource);
  if (tables === undefined || !isCounted(bill, JSON.parse(tables) as ClaimTables)) return {};
  const found: Standing[] = [];
  for (const id of await claimsOnDaysOf(index, bill, record)) {
    const other = await index.state('claim', id);
    const standing = other === undefined ? undefined : (JSON.parse(other.value) as ClaimState);
    if (standing === undefined || standing.provider !== state.provider || !countsBeside(state, standing)) continue;
    const shown = await standingOf(standing);
    if (isSamePerson(record, parseExact(shown.claim) as ClaimRecord)) found.push(shown);
  }
  return found.length === 0 ? {} : { beside: found.slice(-MAX_BESIDE) };
}

/**
 * Ids of claims on the same coverage, for the same Patient, or for one of her names with birth date and gender, that bill any of the days
 * of a bill, or one beside these.
 */
async function claimsOnDaysOf(
  index: ReadModel,
  bill: Bill,
  { coverage, identities = [] }: ClaimRecord,
): Promise<string[]> {
  const [, patient = ''] = bill.patient.split('/');
  const searches: Omit<Search, 'type' | 'count'>[] = [
    { values: [{ parameter: 'coverage', anyOf: [{ value: `Coverage/${coverage.id}` }] }] },
    { patients: [patient] },
    { ids: await index.claimsNamed(identities) },
  ];
  const found = new Set<string>();
  for (const search of searches)
    for await (const other of claimsOf(index, search))
      if (isSameBiller(bill, other) && isNear(bill, other)) found.add(other.claimId);
  found.delete(bill.claimId);
  return [...found];
}

async function* claimsOf(index: ReadModel, search: Omit<Search, 'type' | 'count'>): AsyncGenerator<Bill> {
  for await (const resource of resourcesOf(index, search)) yield readBill(resource);
}

/** Claims that are found, page by page; requests for authorization are left out. */
export async function* resourcesOf(
  index: ReadModel,
  search: Omit<Search, 'type' | 'count'>,
): AsyncGenerator<Resource & { id: string }> {
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await index.search({ ...search, type: 'Claim', count: PAGE, ...(after && { after }) });
    for (const { resource } of answer.matches)
      if (resource['use'] === 'claim') yield resource as Resource & { id: string };
    after = answer.next;
    if (after === undefined) return;
  }
}

/** Instants may be on the day beside, which they are in another offset. */
const isNear = (bill: Bill, other: Bill): boolean =>
  bill.items.some((item) =>
    other.items.some(({ first, last }) => addDays(item.first, -1) <= last && first <= addDays(item.last, 1)),
  );
