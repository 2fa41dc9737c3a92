/** What of a search is known when a match is read, and not before. */
import type { Search } from '../../fhir/repository.ts';

/** What a consent's status is, its state says, and not the version that was written: it is looked at when it is read. */
export function partedByStanding(search: Search): { kept: Search; standing?: Search } {
  const { type, values = [] } = search;
  const isStanding = ({ parameter }: { parameter: string }): boolean => type === 'Consent' && parameter === 'status';
  if (!values.some(isStanding)) return { kept: search };
  return {
    kept: { ...search, values: values.filter((one) => !isStanding(one)) },
    standing: { type, count: search.count, values: values.filter(isStanding) },
  };
}
