/** Which visits no claim names. */
import type { Claim, Encounter } from '@medplum/fhirtypes';

/** A claim that was taken back bills nothing. */
const isBilling = ({ status }: Claim): boolean => status === 'active';

/** Of a page of visits with the claims that name them, those that none names. */
export function unbilledIn(found: readonly (Encounter | Claim)[]): Encounter[] {
  const claims = found.filter((one): one is Claim => one.resourceType === 'Claim' && isBilling(one));
  const billed = new Set(
    claims.flatMap(({ item }) => item ?? []).flatMap(({ encounter }) => (encounter ?? []).map((one) => one.reference)),
  );
  return found.filter(
    (one): one is Encounter => one.resourceType === 'Encounter' && !billed.has(`Encounter/${one.id}`),
  );
}
