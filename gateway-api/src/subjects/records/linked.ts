/** How a Patient is shown to the patient whose records are linked. */
import type { Caller } from '../../auth/caller.ts';
import type { StoredResource } from '../../fhir/repository.ts';

/** A patient's own Patient says which others are hers (hl7.org/fhir/R4/patient-definitions.html#Patient.link). */
export function withLinks(stored: StoredResource, { role, fhirUser, linked = [] }: Caller): StoredResource {
  const { resource } = stored;
  const own = [fhirUser, ...linked.map((id) => `Patient/${id}`)];
  if (role !== 'patient' || linked.length === 0 || !own.includes(`Patient/${resource.id}`)) return stored;
  if (resource.resourceType !== 'Patient') return stored;
  const others = own.filter((reference) => reference !== `Patient/${resource.id}`);
  const link = others.map((reference) => ({ other: { reference }, type: 'seealso' }));
  return { ...stored, resource: { ...resource, link: [...[resource['link'] ?? []].flat(), ...link] } };
}
