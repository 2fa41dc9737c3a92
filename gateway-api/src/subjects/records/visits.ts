/** Consultations on their way to the ledger: what they show to their endorsers (chaincode/contracts/live-visits.ts), from the read model. */
import { isConsultation } from '@telemed-ledger/chaincode/model/consultations.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import {
  isHeld,
  isLive,
  isTelehealthConsent,
  staffOf,
  startOf,
  type VisitShown,
} from '@telemed-ledger/chaincode/model/live-visits.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { licenceNaming } from '../registers/licence-shown.ts';
import type { Services } from '../services.ts';
import { ownRow } from './dispenses.ts';
import type { RecordItem } from './sheets.ts';

const TYPE = 'Encounter';
/** Of a patient's consents so many are looked at. */
const MOST_CONSENTS = 200;

export const isVisit = ({ type }: RecordItem): boolean => type === TYPE;

type VisitServices = Pick<Services, 'index' | 'organisation'>;

/** The records, its consultations with what they show. @throws {LedgerError} CONFLICT */
export const withVisits = (services: VisitServices, items: readonly RecordItem[]): Promise<RecordItem[]> =>
  Promise.all(items.map((item) => withVisited(services, item)));

async function withVisited(services: VisitServices, item: RecordItem): Promise<RecordItem> {
  if (!isVisit(item) || item.deleted !== undefined) return item;
  const visit = parseExact(item.resource) as Resource;
  if (!isConsultation(visit) || (item.version === 1 && !isLive(visit) && !isHeld(visit))) return item;
  const { index, organisation } = services;
  const row = item.version === 1 ? undefined : await index.evidence.rowOf(TYPE, item.id, item.version - 1);
  const previous = row === undefined ? {} : { previous: await index.evidence.ofRecord(ownRow(row, organisation)) };
  return { ...item, visited: { ...previous, ...(await restsOn(services, visit)) } };
}

/** The patient, her consent to telehealth, and the licences of those who take part; what is not here is left out. */
async function restsOn({ index, organisation }: VisitServices, visit: Resource): Promise<Omit<VisitShown, 'id'>> {
  const id = patientIdOf(visit);
  const row = id === undefined ? undefined : await index.newestRow('Patient', id);
  const patient = row === undefined || row.source !== null ? {} : { patient: await index.evidence.ofRecord(row) };
  const licences: NonNullable<VisitShown['licences']> = [];
  for (const practitioner of staffOf(visit).filter((one) => one.startsWith('Practitioner/'))) {
    const { licence } = await licenceNaming(index, { organisation: organisation.name, practitioner });
    if (licence !== undefined) licences.push({ practitioner, licence });
  }
  const consent = id === undefined ? undefined : await telehealthConsentOf(index, id, heldAt(visit));
  return { ...patient, ...(licences.length === 0 ? {} : { licences }), ...(consent === undefined ? {} : { consent }) };
}

/** When it takes place, or took place. */
const heldAt = (visit: Resource): string => (isHeld(visit) && startOf(visit)) || new Date().toISOString();

async function telehealthConsentOf(index: ReadModel, patient: string, at: string): Promise<VisitShown['consent']> {
  const search = { type: 'Consent', patients: [patient], count: MOST_CONSENTS, isUncounted: true };
  const { matches } = await index.search(search);
  const found = matches.find(({ resource }) => isTelehealthConsent(resource, patient, at));
  return found && { id: found.resource.id, version: found.version };
}
