/** Whether those to whom a delegation goes act for the patient, and in what, as a provider has recorded. */
import type { CaretakerAct } from '../model/consent-codes.ts';
import type { Doubt } from '../model/consent-refusals.ts';
import { actorsOfDelegation, actsOfDelegation } from '../model/delegations.ts';
import { patientIdOf, type Resource, shareIdentifier } from '../model/fhir.ts';
import { actsRecorded } from '../model/related-persons.ts';

interface Recorded {
  anchored: { resource: Resource };
}

/**
 * Those of whom none of these records says that they act for the patient; where each is, the acts that the records of one of them do
 * not let him do. @param patient id of the Patient
 */
export function unrecordedCaretakers(delegation: Resource, patient: string, records: readonly Recorded[]): Doubt[] {
  const related = records
    .map(({ anchored: { resource } }) => resource)
    .filter(({ resourceType, active }) => resourceType === 'RelatedPerson' && active !== false);
  const hers = related.filter((resource) => patientIdOf({ patient: resource['patient'] }) === patient);
  // Whoever acts for several patients is recorded for each of them, under one identifier.
  const actsOf = (reference: string): CaretakerAct[] => {
    const named = related.find(({ id }) => reference === `RelatedPerson/${id}`);
    if (named === undefined) return [];
    return hers.filter((one) => one === named || shareIdentifier(one, named)).flatMap(actsRecorded);
  };
  const recorded = actorsOfDelegation(delegation).map(actsOf);
  const unrecorded = recorded.flatMap((acts, index): Doubt[] =>
    acts.length > 0
      ? []
      : [{ rule: 'delegation-unrecorded', expression: `Consent.provision.actor[${index}].reference` }],
  );
  if (unrecorded.length > 0) return unrecorded;
  return actsOfDelegation(delegation).flatMap((acts, index): Doubt[] =>
    acts.every((act) => recorded.every((known) => known.some((one) => one === act)))
      ? []
      : [{ rule: 'delegation-beyond', expression: `Consent.provision.action[${index}]` }],
  );
}
