/** Which codes a value set has (hl7.org/fhir/R4/valueset.html#compositions), of code systems and value sets that are known here. */
import { refuse, UNPROCESSABLE } from '../outcomes.ts';
import type { Scope } from '../repository.ts';
import { codesOf } from '../validation/bindings.ts';
import { type Concept, codeSystemOf, conceptsOf, type Include, type ValueSet, valueSetOf } from './local.ts';

export interface Member {
  system: string;
  code: string;
  display?: string;
  designation?: object[];
}

/** More is no list that anybody looks at. */
const MOST = 20_000;
/** Value sets may name each other. */
const MOST_DEEP = 10;

const keyOf = ({ system, code }: Member): string => `${system}|${code}`;

/** @throws {Refusal} 404 for what is not known here, 422 for what cannot be worked out here */
export async function membersOf(scope: Scope, valueSet: ValueSet, deep = 0): Promise<Map<string, Member>> {
  if (deep > MOST_DEEP) refuse(UNPROCESSABLE, 'too-costly', 'The value sets lead too deep.', 'ValueSet.compose');
  const { compose } = valueSet;
  if (compose === undefined)
    return refuse(UNPROCESSABLE, 'not-supported', 'The value set does not say what it is made of.', 'ValueSet.compose');
  const found = new Map<string, Member>();
  for (const include of compose.include) {
    for (const member of await included(scope, include, deep)) found.set(keyOf(member), member);
    if (found.size > MOST) refuse(UNPROCESSABLE, 'too-costly', `It has more than ${MOST} codes.`, 'ValueSet');
  }
  for (const exclude of compose.exclude ?? [])
    for (const member of await included(scope, exclude, deep)) found.delete(keyOf(member));
  return found;
}

/** By its canonical URL. @throws {Refusal} as membersOf */
export async function membersAt(scope: Scope, url: string, deep = 0): Promise<Map<string, Member>> {
  const recorded = await valueSetOf(scope, url);
  if (recorded !== undefined) return membersOf(scope, recorded, deep);
  const known = codesOf(url.replace(/\|.*$/, ''));
  if (known === undefined) return refuse(404, 'not-found', 'This value set is not known here.', 'url');
  const members = Object.entries(known).flatMap(([system, codes]) =>
    codes === true
      ? refuse(UNPROCESSABLE, 'too-costly', 'It has the codes of a system that has no list.', 'url')
      : codes.map((code) => ({ system, code })),
  );
  return new Map(members.map((member) => [keyOf(member), member]));
}

async function included(scope: Scope, include: Include, deep: number): Promise<Member[]> {
  const { system, valueSet = [] } = include;
  const named: Map<string, Member>[] = [];
  for (const url of valueSet) named.push(await membersAt(scope, url, deep + 1));
  const own = system === undefined ? undefined : await ofSystem(scope, system, include);
  const all = own ?? [...(named[0]?.values() ?? [])];
  return all.filter((member) => named.every((others) => others.has(keyOf(member))));
}

async function ofSystem(scope: Scope, system: string, { concept, filter = [] }: Include): Promise<Member[]> {
  const known = await codeSystemOf(scope, system);
  const all = [...conceptsOf(known?.concept)];
  if (concept !== undefined) {
    const words = new Map(all.map(([one]) => [one.code, one]));
    return concept.map((one) => memberOf(system, { ...words.get(one.code), ...one }));
  }
  if (known === undefined) return refuse(404, 'not-found', 'A code system of this value set is not known here.', 'url');
  if (known.content !== 'complete')
    return refuse(UNPROCESSABLE, 'not-supported', 'A code system of this value set is not known as a whole.', 'url');
  const tests = filter.map(testOf);
  return all.filter(([one, above]) => tests.every((test) => test(one, above))).map(([one]) => memberOf(system, one));
}

const memberOf = (system: string, { code, display, designation }: Concept): Member => ({
  ...{ system, code },
  ...(display === undefined ? {} : { display }),
  ...(designation === undefined ? {} : { designation }),
});

type Test = (concept: Concept, above: readonly string[]) => boolean;

/** hl7.org/fhir/R4/valueset-filter-operator.html @throws {Refusal} 422 for an operator that is not known here */
function testOf({ property, op, value }: NonNullable<Include['filter']>[number]): Test {
  const said = ({ property: all = [] }: Concept): string[] =>
    all
      .filter(({ code }) => code === property)
      .map((one) => Object.entries(one).find(([name]) => name.startsWith('value'))?.[1])
      .map((one) => String((one as { code?: string } | undefined)?.code ?? one));
  const values = (one: Concept): string[] =>
    property === 'code' || property === 'concept'
      ? [one.code]
      : property === 'display'
        ? [one.display ?? '']
        : said(one);
  switch (op) {
    case 'is-a':
      return ({ code }, above) => code === value || above.includes(value);
    case 'descendent-of':
      return (_, above) => above.includes(value);
    case 'is-not-a':
      return ({ code }, above) => code !== value && !above.includes(value);
    case '=':
      return (one) => values(one).includes(value);
    case 'in':
      return (one) => values(one).some((found) => value.split(',').includes(found));
    case 'not-in':
      return (one) => !values(one).some((found) => value.split(',').includes(found));
    case 'exists':
      return (one) => values(one).length > 0 === (value === 'true');
    default:
      return refuse(
        UNPROCESSABLE,
        'not-supported',
        'A filter of this kind is not worked out here.',
        'ValueSet.compose',
      );
  }
}
