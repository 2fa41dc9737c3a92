/**
 * `$validate-code` of value sets and of code systems (hl7.org/fhir/R4/valueset-operation-validate-code.html), of what is known
 * here. A code that is not in it is an answer; a set that is not known is none.
 */
import type { Answer } from '../answers.ts';
import { type Asked, single } from '../asked.ts';
import { demandKnown } from '../everything.ts';
import { refuse } from '../outcomes.ts';
import type { Scope } from '../repository.ts';
import { type Coded, codedIn, said } from './coded.ts';
import { byId, type CodeSystem, codeSystemOf, conceptOf, type ValueSet } from './local.ts';
import { membersAt, membersOf } from './members.ts';

const KNOWN = new Set(['url', 'code', 'system', 'coding', 'codeableConcept', 'display', '_format', '_pretty']);

interface Found {
  display?: string;
}

export async function validateCode(scope: Scope, asked: Asked): Promise<Answer> {
  const { type, parameters, lenient } = asked;
  demandKnown(parameters, KNOWN, lenient);
  const coded = codedIn(asked);
  const found = type === 'ValueSet' ? await inValueSet(scope, asked, coded) : await inCodeSystem(scope, asked, coded);
  const display = single(parameters, 'display');
  const isOther = found?.display !== undefined && display !== undefined && display !== found.display;
  const message = found === undefined ? 'The code is not in it.' : isOther ? 'The code has other words.' : undefined;
  const parameter = [
    ...said('result', 'Boolean', message === undefined),
    ...said('message', 'String', message),
    ...said('display', 'String', found?.display),
  ];
  return { status: 200, resource: { resourceType: 'Parameters', parameter } };
}

async function inValueSet(
  scope: Scope,
  { id, parameters }: Asked,
  { system, code }: Coded,
): Promise<Found | undefined> {
  const url = single(parameters, 'url');
  if (id === undefined && url === undefined)
    return refuse(400, 'required', 'The url of a value set is required.', 'url');
  const members =
    id === undefined
      ? await membersAt(scope, url!)
      : await membersOf(scope, (await byId(scope, 'ValueSet', id)) as ValueSet);
  return [...members.values()].find((one) => one.code === code && (system === undefined || one.system === system));
}

async function inCodeSystem(
  scope: Scope,
  { id, parameters }: Asked,
  { system, code }: Coded,
): Promise<Found | undefined> {
  const url = single(parameters, 'url') ?? system;
  if (id === undefined && url === undefined)
    return refuse(400, 'required', 'The url of a code system is required.', 'url');
  const known =
    id === undefined ? await codeSystemOf(scope, url!) : ((await byId(scope, 'CodeSystem', id)) as CodeSystem);
  if (known === undefined) return refuse(404, 'not-found', 'This code system is not known here.', 'url');
  return conceptOf(known, code);
}
