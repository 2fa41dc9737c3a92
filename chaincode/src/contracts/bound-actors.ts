/**
 * Whom the actors of a consent mean, found when it is given from records that are shown: a reference to a practitioner is his
 * organisation's record, a role or an identifier is that of practitioners. The consent keeps the answer, so that a record
 * which somebody makes later means nobody whom the patient has named.
 */
import { checkRecord } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { actorNamed, keyOfActor, type NamedActor, type Person } from '../model/actors.ts';
import { LedgerError } from '../model/errors.ts';
import type { Reference, Resource } from '../model/fhir.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import { actorsIn } from '../rules/consent-actors.ts';
import type { BoundActors, ConsentContent } from '../rules/consent-content.ts';

interface Shown {
  provider: string;
  record: RecordEvidence;
}

interface Known extends Person {
  resource: Resource;
}

/**
 * @param provider name of the provider whose data the consent governs
 * @throws LedgerError NOT_FOUND, CONFLICT, INVALID for what is no current record of a practitioner or a role
 */
export async function bindActors(
  { store }: { store: Store },
  provider: string,
  content: ConsentContent,
  shown: readonly Shown[],
): Promise<BoundActors> {
  const known = await Promise.all(shown.map((one, index) => knownIn(store, one, `private.actors[${index}]`)));
  const bound: Record<string, Person[]> = {};
  for (const { actor } of actorsIn(content)) {
    const named = actorNamed(actor.reference ?? {}, provider);
    const key = keyOfActor(named);
    const persons = personsOf(named, known, provider);
    if (key !== undefined && persons.length > 0) bound[key] = persons;
  }
  return bound;
}

async function knownIn(store: Store, { provider, record }: Shown, place: string): Promise<Known> {
  const { anchored } = await checkRecord(store, provider, record, `${place}.record`);
  const { resource } = anchored;
  const practitioner =
    resource.resourceType === 'Practitioner'
      ? `Practitioner/${resource.id}`
      : resource.resourceType === 'PractitionerRole'
        ? practitionerIn(resource, provider)
        : undefined;
  if (practitioner === undefined) throw new LedgerError('INVALID', 'is no practitioner', `${place}.record`);
  return { organisation: provider, practitioner, resource };
}

/** Of a role: the practitioner of the same organisation who has it. */
function practitionerIn(role: Resource, provider: string): string | undefined {
  const named = actorNamed((role['practitioner'] ?? {}) as Reference, provider);
  return named.kind === 'practitioner' && named.organisation === provider ? named.fhirUser : undefined;
}

/** Where the governed provider has a practitioner of that reference, it is he; else whoever alone has. */
function personsOf(named: NamedActor, known: readonly Known[], provider: string): Person[] {
  const found = known.filter((one) => isNamed(named, one));
  const own = found.filter(({ organisation }) => organisation === provider);
  const meant = named.kind === 'identified' ? found : own.length > 0 ? own : found;
  const byName = new Map(
    meant.map(({ organisation, practitioner }) => [`${organisation}/${practitioner}`, { organisation, practitioner }]),
  );
  const persons = [...byName.values()];
  return named.kind === 'identified' || persons.length === 1 ? persons : [];
}

function isNamed(named: NamedActor, { resource }: Known): boolean {
  const reference = `${resource.resourceType}/${resource.id}`;
  if (named.kind === 'practitioner') return reference === named.fhirUser;
  if (named.kind === 'role') return reference === named.reference;
  if (named.kind !== 'identified') return false;
  const identifiers = [resource['identifier'] ?? []].flat() as { system?: unknown; value?: unknown }[];
  return (
    resource.resourceType === 'Practitioner' &&
    identifiers.some(({ system, value }) => system === named.system && value === named.value)
  );
}
