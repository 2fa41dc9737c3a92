/**
 * `MedicationRequest/$check` and `MedicationDispense/$check`: what speaks against a medication by what its caller may see of the patient, and
 * nothing else. Whoever prescribes or hands out now brings what was found, answered, or is refused: here for what others have shown, and by
 * the endorsers (chaincode/contracts/medication-checks.ts) for what the provider itself has recorded.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import {
  CHECK_REFUSALS,
  checkRefusal,
  type Finding,
  findingsAgainst,
  issueOf,
  tablesOn,
} from '@telemed-ledger/chaincode/model/medication-checks.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Caller } from '../../auth/caller.ts';
import { isDeciding, orderIn } from '../records/checks.ts';
import type { RecordItem } from '../records/sheets.ts';
import { viewIfAny } from '../records/views.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { knownFor } from './known.ts';

type CheckServices = Pick<Services, 'index' | 'organisation'>;

/** What speaks against an order, by what the caller sees of its patient. */
async function findingsFor({ index }: CheckServices, caller: Caller, order: Resource): Promise<Finding[]> {
  const now = new Date().toISOString();
  const tables = tablesOn(now.slice(0, 10));
  if (tables === undefined) return [];
  const records = await knownFor(index, order, (type) => viewIfAny(caller, type, 's'));
  return findingsAgainst(order, { tables, now, records });
}

/** @throws {LedgerError} CONFLICT for what a check stops, and for what it finds and the transaction does not answer */
export async function demandChecked(
  services: CheckServices,
  items: readonly RecordItem[],
  caller: Caller,
): Promise<void> {
  const issues = items
    .filter(({ type, deleted }) => type === 'DetectedIssue' && deleted === undefined)
    .map(({ resource }) => parseExact(resource) as Resource);
  for (const item of items) {
    const order = orderIn(item);
    if (order === undefined || !(await isDeciding(services, item, order))) continue;
    const reason = checkRefusal(order, await findingsFor(services, caller, order), issues);
    if (reason === undefined) continue;
    const asked = `${item.type}/$check says what it found`;
    throw new LedgerError('CONFLICT', `${reason}: ${CHECK_REFUSALS[reason]} (${asked})`, item.type);
  }
}

const checkOf = (type: string): SubjectOperation => ({
  ...{ kind: 'provider', type, name: 'check', level: 'type', isQuestion: true },
  summary: `What speaks against a ${type}, as DetectedIssues: allergy, duplicate therapy, interaction, dose, pregnancy, renal function.`,
  definition: definitionOf('check-medication'),
  async handle({ caller, body }, services) {
    if (body?.resourceType !== type) throw new LedgerError('INVALID', `is no ${type}`, 'resourceType');
    const patient = patientIdOf(body);
    if (patient === undefined) throw new LedgerError('INVALID', 'names no Patient', `${type}.subject`);
    const findings = await findingsFor(services, caller, { ...body, id: body.id ?? '' });
    const now = new Date().toISOString();
    const named = body.id === undefined ? [] : [`${type}/${body.id}`];
    const entry = findings.map((finding) => ({ resource: issueOf(finding, patient, named, now) }));
    const found = entry.length === 0 ? {} : { entry };
    return { status: 200, resource: { resourceType: 'Bundle', type: 'collection', ...found } };
  },
});

export const checkMedication: readonly SubjectOperation[] = ['MedicationRequest', 'MedicationDispense'].map(checkOf);
