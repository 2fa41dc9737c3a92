/**
 * A payer's reasons of a decision in X12's list of them (886), where a ConceptMap that it has loaded says so: HCR03 takes codes of that
 * list alone. What has none there is counted; its code and words are told in MSG.
 */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { type CrosswalkRow, countingOn, isNamedBy } from '@telemed-ledger/chaincode/model/claim-tables.ts';
import { isOfReasons, REVIEW_REASONS, readConceptMap } from '@telemed-ledger/chaincode/model/concept-map.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { type ActorReference, organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { tablesShown } from '../claims/tables-shown.ts';
import type { Services } from '../services.ts';
import type { NotMapped } from './unread.ts';

type Members = Record<string, unknown>;
interface Coding {
  system?: string;
  code?: string;
}

/** The decision with its reasons as HCR03 can tell them. @throws {Failure} 503 while a part of the tables is on its way */
export async function withReasons(
  response: Resource,
  { index, organisation }: Pick<Services, 'index' | 'organisation'>,
  notMapped: NotMapped,
): Promise<Resource> {
  if (!JSON.stringify(response['item'] ?? []).includes('"reasonCode"')) return response;
  const payer = organisationNameOf(response['insurer'] as ActorReference | undefined) ?? '';
  const tables = await tablesShown(index, collections.billing(organisation.name), payer);
  const maps = (tables?.maps ?? []).flatMap((text) => readConceptMap((parseExact(text) as Members)['resource']));
  const rows = countingOn(maps.filter(isOfReasons), String(response['created']).slice(0, 10));
  return told(response, rows, notMapped);
}

/** Pure. @param rows those that count on the day of the decision */
export function told(response: Resource, rows: readonly CrosswalkRow[], notMapped: NotMapped): Resource {
  const inConcept = (concept: unknown): object => {
    const { coding, ...more } = (concept ?? {}) as Members;
    const codes = objectsOf(coding) as Coding[];
    const found = codes.flatMap((one) => reasonsOf(one, rows));
    const known = codes.filter(({ system }) => system === REVIEW_REASONS).length + found.length;
    const lost = known === 0 ? codes.length : known - 1;
    if (lost > 0) notMapped.set('HCR03', (notMapped.get('HCR03') ?? 0) + lost);
    return { ...more, ...(codes.length === 0 ? {} : { coding: [...codes, ...found] }) };
  };
  const inPart = (part: Members): Members =>
    part['url'] === 'reasonCode' ? { ...part, valueCodeableConcept: inConcept(part['valueCodeableConcept']) } : part;
  const inside = (element: Members, change: (one: Members) => Members): Members =>
    element['extension'] === undefined
      ? element
      : { ...element, extension: objectsOf(element['extension']).map((one) => change(one)) };
  const item = objectsOf(response['item']).map((one) => ({
    ...one,
    adjudication: objectsOf(one['adjudication']).map((own) => inside(own, (review) => inside(review, inPart))),
  }));
  return { ...response, item };
}

function reasonsOf({ system = '', code }: Coding, rows: readonly CrosswalkRow[]): Coding[] {
  if (code === undefined || system === REVIEW_REASONS) return [];
  return rows
    .filter(({ record }) => isNamedBy(record, { system, code }))
    .map(({ billed }) => ({ system: REVIEW_REASONS, code: billed.slice(REVIEW_REASONS.length + 1) }));
}
