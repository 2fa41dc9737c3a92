/** Whom a consent may name: the members of the consortium, and people of theirs, by the directory of the patient's gateway. */
import type { Organization, Practitioner } from '@medplum/fhirtypes';
import { search } from '../api.ts';
import { employerOf, nameOf, organisationIn } from './fhir-texts.ts';

const KINDS = ['provider', 'payer'] as const;

export interface Member {
  name: string;
  kind: (typeof KINDS)[number];
  people: { system: string; value: string; name: string }[];
}

/** Those that may ask for records. @throws {Problem} */
export async function directory(signal: AbortSignal): Promise<Member[]> {
  const [organisations, practitioners] = await Promise.all([
    search<Organization>('Organization?_count=100', signal),
    search<Practitioner>('Practitioner?_count=100', signal),
  ]);
  const people = practitioners.found.flatMap(({ identifier, name, id = '' }) => {
    const found = employerOf(identifier);
    if (found === undefined) return [];
    const { system = '', value = '' } = found;
    return [{ employer: organisationIn(found), system, value, name: nameOf(name) || id }];
  });
  return organisations.found.flatMap(({ id: name = '', type }) => {
    const kind = KINDS.find((one) => one === type?.[0]?.coding?.[0]?.code);
    return kind === undefined ? [] : [{ name, kind, people: people.filter(({ employer }) => employer === name) }];
  });
}
