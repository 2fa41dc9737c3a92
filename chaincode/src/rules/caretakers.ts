/** Whether those to whom a delegation goes act for the patient, as a provider has recorded. */
import type { Doubt } from '../model/consent-refusals.ts';
import { actorsOfDelegation } from '../model/delegations.ts';
import { patientIdOf, type Resource, shareIdentifier } from '../model/fhir.ts';
import { isToAct } from '../model/related-persons.ts';

interface Recorded {
  anchored: { resource: Resource };
}

/** Those of whom none of these records says that they act for the patient. @param patient id of the Patient */
export function unrecordedCaretakers(delegation: Resource, patient: string, records: readonly Recorded[]): Doubt[] {
  const related = records
    .map(({ anchored: { resource } }) => resource)
    .filter(({ resourceType, active }) => resourceType === 'RelatedPerson' && active !== false);
  const hers = related.filter(
    (resource) => patientIdOf({ patient: resource['patient'] }) === patient && isToAct(resource),
  );
  // Whoever acts for several patients is recorded for each of them, under one identifier.
  const isHers = (reference: string): boolean => {
    const named = related.find(({ id }) => reference === `RelatedPerson/${id}`);
    return named !== undefined && hers.some((one) => one === named || shareIdentifier(one, named));
  };
  return actorsOfDelegation(delegation).flatMap((reference, index) =>
    isHers(reference)
      ? []
      : [{ rule: 'delegation-unrecorded', expression: `Consent.provision.actor[${index}].reference` }],
  );
}
