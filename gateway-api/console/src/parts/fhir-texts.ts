/** What stands in records, as short texts: the words of whoever recorded them, since codes are not translated here. */
import type { CodeableConcept, HumanName, Identifier, Reference } from '@medplum/fhirtypes';

export const conceptOf = (concept: CodeableConcept | undefined): string => {
  const coding = concept?.coding ?? [];
  return concept?.text ?? coding.find(({ display }) => display !== undefined)?.display ?? coding[0]?.code ?? '';
};

export const nameOf = (names: readonly HumanName[] | undefined): string => {
  const [name] = names ?? [];
  return name?.text ?? [...(name?.given ?? []), name?.family ?? ''].join(' ').trim();
};

/** Members of the consortium are named by an identifier of this system. */
export const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const PEOPLE = /^https:\/\/telemed-ledger\.example\/organisations\/([a-z0-9-]+)\/people$/;

/** Name of the organisation whose person an identifier is of. */
export const employerOf = (identifiers: readonly Identifier[] | undefined): Identifier | undefined =>
  identifiers?.find(({ system = '' }) => PEOPLE.test(system));
export const organisationIn = ({ system = '' }: Identifier): string => PEOPLE.exec(system)?.[1] ?? '';

/** Whom a reference names, as it is written. */
export const namedBy = ({ display, identifier, reference }: Reference): string =>
  display ??
  (identifier?.system === ORGANISATIONS ? identifier.value : undefined) ??
  reference?.split('/').at(-1) ??
  identifier?.value ??
  '';
