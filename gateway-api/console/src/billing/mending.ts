/** What would mend a denied claim, by the edit that denied it (docs/claim-edits.md): the message of each. */
import type { StaffKey } from '../messages/staff/en.ts';

const COVERAGE: readonly string[] = ['coverage-not-of-patient', 'coverage-not-in-force', 'patient-mismatch'];
const RECORDS: readonly string[] = [
  ...['service-not-shown', 'code-not-of-record', 'dispense-not-shown', 'duration-too-short', 'evidence-outdated'],
];
const CODES: readonly string[] = [
  ...['units-exceeded', 'procedure-pair', 'age-mismatch', 'sex-mismatch', 'place-mismatch', 'modifier-conflict'],
  ...['currency', 'arithmetic', 'payee', 'outside-lifetime', 'impossible-day'],
];
const AUTHORIZATION: readonly string[] = [
  ...['no-authorization', 'authorization-exceeded', 'authorization-denied', 'authorization-invalid'],
];

export function mendingOf(edit: string): StaffKey {
  if (COVERAGE.includes(edit)) return 'mendCoverage';
  if (RECORDS.includes(edit)) return 'mendRecords';
  if (CODES.includes(edit)) return 'mendCodes';
  if (AUTHORIZATION.includes(edit)) return 'mendAuthorization';
  if (edit === 'practitioner-not-licensed') return 'mendLicence';
  return edit === 'duplicate' ? 'mendDuplicate' : 'mendAppeal';
}
