/**
 * `:in` and `:not-in` of tokens (hl7.org/fhir/R4/search.html#token): the codes of a value set that is known here in the place of its
 * URL, so that the search itself knows of codes alone.
 */
import { Refusal, refuse } from '../outcomes.ts';
import type { Scope } from '../repository.ts';
import { parameterOf, targetsOf } from '../search-parameters.ts';
import type { Parameters } from '../search-query.ts';
import { membersAt } from '../terminology/members.ts';
import { supportedTypes } from '../types.ts';

/** More would be looked for one by one. */
const MOST_CODES = 400;
/** Names in a chain, with the types between: longer ones are refused where they are read. */
const LONGEST_NAME = 16;

const escaped = (text: string): string => text.replace(/[\\,|$]/g, '\\$&');

async function codesOf(scope: Scope, url: string, name: string): Promise<string> {
  try {
    const members = await membersAt(scope, url);
    if (members.size === 0) refuse(400, 'value', 'This value set has no codes.', name);
    if (members.size > MOST_CODES)
      refuse(400, 'too-costly', `A value set of at most ${MOST_CODES} codes is searched by.`, name);
    return [...members.values()].map(({ system, code }) => `${escaped(system)}|${escaped(code)}`).join(',');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(
      400,
      error.issues.map((issue) => ({ ...issue, expression: [name] })),
    );
  }
}

/** The types of the parameters at the end of a chain, or of what refers to it (search/criteria.ts); of a parameter alone its own. */
function kindsOf(type: string, name: string): string[] {
  const [, referring, rest = ''] = /^_has:([A-Za-z]+):[^:]+:(.+)$/.exec(name) ?? [];
  if (referring !== undefined) return kindsOf(referring, rest);
  const [, first, only, chained = ''] = /^([A-Za-z_-]+)(?::([A-Za-z]+))?\.(.+)$/.exec(name) ?? [];
  const known = parameterOf(type, first ?? name);
  if (known === undefined) return [];
  if (first === undefined) return [known.type];
  const targets = known.type === 'reference' ? targetsOf(known, supportedNames()) : [];
  return targets.filter((target) => only === undefined || only === target).flatMap((one) => kindsOf(one, chained));
}

const supportedNames = (): string[] => supportedTypes.map(({ name }) => name);

function isOfTokens(type: string, name: string): boolean {
  if (name.split(/[.:]/).length > LONGEST_NAME) return false;
  const kinds = kindsOf(type, name);
  return kinds.length > 0 && kinds.every((kind) => kind === 'token');
}

export interface Resolved {
  parameters: Parameters;
  /** The parameter as it was given, of one that was put in its place. */
  givenOf: (parameter: readonly [string, string]) => readonly [string, string];
}

/** @throws {Refusal} 400 for a value set that is not known here, or not as a list of its codes */
export async function withCodes(scope: Scope, type: string, given: Parameters): Promise<Resolved> {
  const originals = new Map<string, readonly [string, string]>();
  const parameters: (readonly [string, string])[] = [];
  for (const one of given) {
    const [, name = '', modifier] = /^(.+):(in|not-in)$/.exec(one[0]) ?? [];
    if (isOfTokens(type, name)) {
      const made = [modifier === 'in' ? name : `${name}:not`, await codesOf(scope, one[1], one[0])] as const;
      originals.set(made.join('='), one);
      parameters.push(made);
    } else parameters.push(one);
  }
  return { parameters, givenOf: (parameter) => originals.get(parameter.join('=')) ?? parameter };
}
