/** What is known of a patient that medicines are checked by, as far as somebody sees it: nothing else is read for a check. */
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import {
  CHECK_SYSTEM,
  CHECKED_CONDITIONS,
  CHECKED_OBSERVATIONS,
} from '@telemed-ledger/chaincode/model/medication-checks.ts';
import { medicationsIn } from '../../fhir/medication-list.ts';
import type { Search } from '../../fhir/repository.ts';
import type { View } from '../../index/read/deliveries.ts';
import type { ReadModel } from '../../index/read/queries.ts';

const PAGE = 500;
/** Of one type no more are looked at; who has more is checked by the newest. */
const MOST = 5_000;

const coded = (codes: readonly string[]): Search['values'] => [
  { parameter: 'code', anyOf: codes.map((value) => ({ value })) },
];
const active: Search['values'] = [{ parameter: 'status', anyOf: [{ value: 'active' }] }];
/** What a check reads of a patient, by type. */
const READ: Readonly<Record<string, Pick<Search, 'values'>>> = {
  AllergyIntolerance: {},
  Condition: { values: coded(CHECKED_CONDITIONS)! },
  DetectedIssue: { values: [{ parameter: 'code', anyOf: [{ system: CHECK_SYSTEM }] }] },
  MedicationRequest: { values: active },
  MedicationStatement: { values: active },
  Observation: { values: coded(CHECKED_OBSERVATIONS)! },
};

/** How somebody sees a type; undefined where not at all. */
export type ViewOf = (type: string) => View | undefined;

/** The Patient of an order, what of hers bears on it, and the Medications that any of it names. */
export async function knownFor(index: ReadModel, order: Resource, viewOf: ViewOf): Promise<Resource[]> {
  const patient = patientIdOf(order);
  if (patient === undefined) return [];
  const found = await seen(index, { type: 'Patient', ids: [patient] }, viewOf);
  for (const [type, criteria] of Object.entries(READ))
    found.push(...(await seen(index, { type, patients: [patient], ...criteria }, viewOf)));
  const ids = medicationsIn([order, ...found]);
  if (ids.length > 0) found.push(...(await seen(index, { type: 'Medication', ids }, viewOf)));
  return found;
}

async function seen(index: ReadModel, search: Omit<Search, 'count'>, viewOf: ViewOf): Promise<Resource[]> {
  const view = viewOf(search.type);
  if (view === undefined) return [];
  const found: Resource[] = [];
  let after: string | undefined;
  do {
    const page = await index.search({ ...search, count: PAGE, isUncounted: true, ...(after && { after }) }, view);
    found.push(...page.matches.map(({ resource }) => resource));
    after = page.next;
  } while (after !== undefined && found.length < MOST);
  return found;
}
