/** Searches by which somebody who has a person's identifier finds out whether the person is here for others than himself. */
import type { Search } from '../../fhir/repository.ts';

/** Whether a search is by a Patient's identifier: of Patients, or of what leads to one. */
export const looksForPerson = ({ type, values = [], chains = [], reverse = [] }: Search): boolean =>
  (type === 'Patient' && values.some(({ parameter }) => parameter === 'identifier')) ||
  chains.some(({ anyOf }) => anyOf.some(looksForPerson)) ||
  reverse.some(({ of }) => looksForPerson(of));
