/** Edits about the insurance: it covers this patient, and it was in force on every day billed. */
import { objectsOf } from '../../model/claim-evidence.ts';
import { billedItems } from '../../model/claim-practitioners.ts';
import type { Cover } from '../../model/coverage.ts';
import { covers } from '../../model/days.ts';
import type { Resource } from '../../model/fhir.ts';
import { type ClaimEdit, patientOf } from '../claim-facts.ts';

/** Member and subscriber number, of http://terminology.hl7.org/CodeSystem/v2-0203. */
const MEMBER_TYPES = ['MB', 'SN'];

function isMemberNumber(identifier: Record<string, unknown>): boolean {
  const { coding } = (identifier['type'] ?? {}) as { coding?: unknown };
  return objectsOf(coding).some(({ code }) => typeof code === 'string' && MEMBER_TYPES.includes(code));
}

/** Whether a coverage insures a person, by what it calls its beneficiary. */
export function isBeneficiary(cover: Cover, patient: Resource): boolean {
  const identifiers = objectsOf(patient['identifier']);
  const { identifier, reference } = cover.beneficiary;
  if (identifier !== undefined) {
    return identifiers.some((own) => own['value'] === identifier.value && own['system'] === identifier.system);
  }
  if (reference !== undefined) return reference === `Patient/${patient.id}`;
  const { subscriberId } = cover;
  return subscriberId !== undefined && identifiers.some((own) => own['value'] === subscriberId && isMemberNumber(own));
}

/**
 * The coverage's beneficiary is the claim's patient: by `beneficiary.identifier` where it has one, else by
 * `beneficiary.reference`, else by `subscriberId` among the patient's member numbers.
 */
export const coverageOfPatient: ClaimEdit = {
  name: 'coverage-not-of-patient',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const patient = patientOf(facts);
    return patient !== undefined && isBeneficiary(facts.cover, patient) ? [] : [{ coverage: facts.cover.id }];
  },
};

/** The coverage is active, and its period holds every day of every item. */
export const coverageInForce: ClaimEdit = {
  name: 'coverage-not-in-force',
  version: '2',
  after: [],
  judge: ({ bill, cover }) => {
    if (cover.status !== 'active') return [{ coverage: cover.id, status: cover.status }];
    const { first = null, last = null } = cover.days;
    return billedItems(bill)
      .filter((item) => !covers(cover.days, item.first, item.last))
      .map((item) => {
        const service = { service: item.first, until: item.last };
        return { coverage: cover.id, item: item.sequence, ...service, first, last };
      });
  },
};
