/** What is taken today: of each prescription in force, what its patient said of its doses. */
import type { MedicationRequest, MedicationStatement } from '@medplum/fhirtypes';

export interface Dose {
  statement: MedicationStatement;
  isTaken: boolean;
  at: string;
}

const orderIn = ({ basedOn = [] }: MedicationStatement): string =>
  basedOn.map(({ reference = '' }) => reference).find((one) => /MedicationRequest\//.test(one)) ?? '';

/** By `MedicationRequest/ID`, the earliest first; what was said by mistake is no dose. */
export function dosesOf(statements: readonly MedicationStatement[]): Map<string, Dose[]> {
  const doses = statements
    .filter(({ status, effectiveDateTime }) => status !== 'entered-in-error' && effectiveDateTime !== undefined)
    .map((statement) => ({
      statement,
      isTaken: statement.status !== 'not-taken',
      at: statement.effectiveDateTime ?? '',
    }))
    .sort((one, other) => one.at.localeCompare(other.at));
  return Map.groupBy(doses, ({ statement }) => orderIn(statement).split('/').slice(-2).join('/'));
}

interface Said {
  isTaken: boolean;
  /** `Patient/ID` */
  patient: string;
  /** `Patient/ID` or `RelatedPerson/ID` */
  author: string;
  /** ISO 8601 UTC. */
  at: string;
}

/** That a dose was taken, or was not, as hl7.org/fhir/R4/medicationstatement.html has it. */
export const statementOf = (order: MedicationRequest, { isTaken, patient, author, at }: Said): MedicationStatement =>
  ({
    ...{ resourceType: 'MedicationStatement', status: isTaken ? 'completed' : 'not-taken' },
    ...{ subject: { reference: patient }, informationSource: { reference: author }, effectiveDateTime: at },
    basedOn: [{ reference: `MedicationRequest/${order.id}` }],
    ...(order.medicationReference === undefined
      ? { medicationCodeableConcept: order.medicationCodeableConcept }
      : { medicationReference: order.medicationReference }),
  }) as MedicationStatement;
