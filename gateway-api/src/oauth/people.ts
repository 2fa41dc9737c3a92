/** Whom one may sign in as at a development issuer: the roles of its organisation, and people of its read model by name. */
import { type Kind, ROLES_OF_KIND, type Role } from '@telemed-ledger/consortium/members.ts';
import { personName } from '../fhir/person-names.ts';
import type { ReadModel } from '../index/read/queries.ts';
import { accountOf } from './users.ts';

export interface Person {
  role: Role;
  /** As users.ts writes whoever signs in. */
  account: string;
  /** Empty where a role has nobody in particular. */
  name: string;
}

/** Those recorded last are enough to try everything with. */
const MOST = 20;

const NEWEST = [{ parameter: '_lastUpdated', isDescending: true }];
/** Systems are nobody. */
const UNSEEN: readonly Role[] = ['system'];
/** People of a payer are in no directory; several are offered, since one who decided a claim decides no appeal against that. */
const CLERKS = ['clerk-a', 'clerk-b', 'clerk-c'];
const inParticular = (role: Role): Person[] =>
  role === 'adjudicator'
    ? CLERKS.map((name) => ({ role, account: accountOf({ role, fhirUser: `Practitioner/${name}` }), name }))
    : [];
/** Of which type people of a role are. */
const TYPES: Partial<Record<Role, 'Patient' | 'Practitioner' | 'RelatedPerson'>> = {
  ...{ patient: 'Patient', practitioner: 'Practitioner', caretaker: 'RelatedPerson' },
};

export const peopleIn = (index: Pick<ReadModel, 'search'>, kind: Kind) => async (): Promise<Person[]> => {
  const found = ROLES_OF_KIND[kind].map(async (role) => {
    const type = TYPES[role];
    if (type === undefined)
      return UNSEEN.includes(role) ? [] : [{ role, account: role, name: '' }, ...inParticular(role)];
    const { matches } = await index.search({ type, count: MOST, isUncounted: true, sort: NEWEST });
    return matches.map(({ resource }) => ({
      ...{
        role,
        account: accountOf({ role, fhirUser: `${type}/${resource.id}` }),
        name: personName(resource) || resource.id,
      },
    }));
  });
  return (await Promise.all(found)).flat();
};
