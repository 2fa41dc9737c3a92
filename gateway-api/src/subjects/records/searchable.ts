/**
 * Which criteria a search may have. What is kept of records can be asked in any way; what is made when it is read, or shown in
 * part, by what it shows alone: anything else would be left out in silence, or tell what is not shown.
 */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import type { Search } from '../../fhir/repository.ts';
import { Failure } from '../../http/failures.ts';
import { isExplained } from '../claims/explanations.ts';
import { isInDirectory } from '../directory/directory.ts';

const AUDIT = 'AuditEvent';

/** By which parameters the entries of a directory are found: those of the elements that it shows. */
const IN_DIRECTORY: Readonly<Record<string, readonly string[]>> = {
  Organization: ['active', 'identifier', 'name', 'type'],
  Practitioner: ['active', 'family', 'given', 'identifier', 'name', 'phonetic'],
  PractitionerRole: ['active', 'identifier', 'organization', 'practitioner', 'role', 'specialty'],
};
const OF_EXPLANATIONS = ['claim', 'identifier'];

/** Every search that is part of this one. */
const innerOf = ({ chains = [], reverse = [] }: Search): Search[] =>
  [...chains.flatMap(({ anyOf }) => anyOf), ...reverse.map(({ of }) => of)].flatMap((one) => [one, ...innerOf(one)]);

/** The types that a search asks for through others. */
export const innerTypesOf = (search: Search): string[] => [...new Set(innerOf(search).map(({ type }) => type))];

/** The parameter of a name that is kept: `code` of `code:text`. */
const plain = (name: string): string => name.replace(/:.*$/, '');

/** Parameters that are asked for beside values and columns. */
const beside = ({
  ranges = [],
  composites = [],
  missing = [],
  chains = [],
  reverse = [],
  sort = [],
}: Search): string[] =>
  [...ranges, ...composites, ...missing, ...chains, ...reverse, ...sort].map(({ parameter }) => plain(parameter));

/** The parameters by which a type is found; undefined for all that it has. */
function onlyBy(search: Search, caller: Caller, organisation: Organisation): readonly string[] | undefined {
  if (search.type === AUDIT) return (search.values ?? []).map(({ parameter }) => parameter);
  if (isInDirectory(caller, search.type, organisation)) return IN_DIRECTORY[search.type] ?? [];
  return search.asRecorded !== true && isExplained(search.type, organisation) ? OF_EXPLANATIONS : undefined;
}

/** @throws {Failure} 400 not-supported, with the parameter, for what cannot be asked here */
export function demandSearchable(search: Search, caller: Caller, organisation: Organisation): void {
  const refuse = (expression: string): never => {
    const message =
      'What is asked for is made when it is read, or shown in part: it is not found by this parameter here.';
    throw new Failure(400, 'not-supported', message, { expression });
  };
  const only = onlyBy(search, caller, organisation);
  if (only !== undefined) {
    const [first] = beside(search);
    if (first !== undefined) refuse(first);
    for (const { parameter, orUnder = [], isNot } of search.values ?? []) {
      const other = [parameter, ...orUnder].find((name) => isNot === true || !only.includes(plain(name)));
      if (other !== undefined) refuse(plain(other));
    }
  }
  for (const inner of innerOf(search))
    if (onlyBy({ ...inner, values: [] }, caller, organisation) !== undefined) refuse(inner.type);
}
