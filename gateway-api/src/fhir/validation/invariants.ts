/**
 * FHIR's invariants (hl7.org/fhir/R4/conformance-rules.html#constraints): FHIRPath conditions of types and elements,
 * each parsed once. The few that stand on nearly every resource have a plain function of the same meaning in natively.ts.
 */
import { type FhirPathAtom, parseFhirPath, type TypedValue } from '@medplum/core';
import { natively } from './natively.ts';

export interface Invariant {
  /** For instance `obs-6`. */
  key: string;
  /** FHIR's own words for it. */
  human: string;
  holds(value: unknown, type: string, context: InvariantContext): boolean;
}

export interface InvariantContext {
  /** The innermost resource that holds the value. */
  resource: TypedValue;
  root: TypedValue;
}

const UCUM: TypedValue = { type: 'string', value: 'http://unitsofmeasure.org' };

function byFhirPath(expression: string): Invariant['holds'] {
  let parsed: FhirPathAtom | undefined;
  return (value, type, { resource, root }) => {
    parsed ??= parseFhirPath(expression);
    const focus: TypedValue = { type, value };
    const variables = { '%context': focus, '%resource': resource, '%rootResource': root, '%ucum': UCUM };
    const answer = parsed.eval({ variables }, [focus]);
    return answer.length === 1 && answer[0]?.value === true;
  };
}

const built = new Map<string, Invariant>();

/** One Invariant per key and expression. An expression that cannot be evaluated on a value throws when it is held against it. */
export function invariantOf(key: string, expression: string, human: string): Invariant {
  const known = built.get(key + expression);
  if (known !== undefined) return known;
  const shortcut = natively[key];
  const defined = byFhirPath(expression);
  const holds: Invariant['holds'] =
    shortcut === undefined ? defined : (value, type, context) => shortcut(value) ?? defined(value, type, context);
  const invariant = { key, human, holds };
  built.set(key + expression, invariant);
  return invariant;
}

/** As it is defined, without the shortcut: for the test that compares the two. */
export const invariantByFhirPath = byFhirPath;
