/** Names of people, as they are shown. */
interface Name {
  text?: string;
  given?: string[];
  family?: string;
}

/** The first name of a Patient, Practitioner or RelatedPerson; empty where it has none. */
export function personName(person: Readonly<Record<string, unknown>> | undefined): string {
  const { text, given = [], family = '' } = (person?.['name'] as Name[] | undefined)?.[0] ?? {};
  return text ?? [...given, family].join(' ').trim();
}
