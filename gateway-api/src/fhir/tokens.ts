/** Search tokens and the criteria made of them: hl7.org/fhir/R4/search.html#token. */

export interface Token {
  /** Undefined: whatever system; empty: none. */
  system?: string;
  value: string;
}

/** Splits at a separator that is not escaped by a backslash (hl7.org/fhir/R4/search.html#escaping). */
export function splitEscaped(text: string, separator: ',' | '|' | '$'): string[] {
  const parts = [''];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]!;
    if (character === '\\' && index + 1 < text.length) parts[parts.length - 1] += character + text[++index]!;
    else if (character === separator) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

export const withoutEscapes = (text: string): string => text.replace(/\\([\\,|$])/g, '$1');

/** `system|value`, `|value`, `system|` or `value`; undefined for what is no token. */
export function parseToken(text: string): { system?: string; value?: string } | undefined {
  const parts = splitEscaped(text, '|').map(withoutEscapes);
  const [first = '', second] = parts;
  if (parts.length > 2) return undefined;
  if (second === undefined) return first === '' ? undefined : { value: first };
  if (second === '') return first === '' ? undefined : { system: first };
  return { system: first, value: second };
}

/** The one criterion of conditional interactions here: `identifier=system|value` of a type. */
export interface Criterion extends Token {
  type: string;
}

/**
 * The criterion in a query such as `identifier=sys|val`; undefined where it is anything else, or could match by
 * value alone what was never meant (a value without its system is allowed, several parameters are not).
 */
export function parseCriterion(type: string, query: string): Criterion | undefined {
  const parameters = [...new URLSearchParams(query)];
  const [parameter] = parameters;
  if (parameters.length !== 1 || parameter?.[0] !== 'identifier') return undefined;
  if (splitEscaped(parameter[1], ',').length !== 1) return undefined;
  const identifier = parseToken(parameter[1]);
  const { value } = identifier ?? {};
  return value === undefined ? undefined : { type, ...identifier, value };
}

/**
 * The query of an If-None-Exist. R4 has it alone; clients also send it behind `?`, `Type?`, or (HAPI FHIR) the whole
 * URL of the type.
 */
export function queryOfCondition(type: string, condition: string): string {
  const [path = '', query] = condition.split(/\?(.*)/s);
  const isOfType = path === '' || path === type || (/^https?:\/\/\S+$/.test(path) && path.endsWith(`/${type}`));
  return query !== undefined && isOfType ? query : condition;
}

export const criterionKey = ({ type, system, value }: Criterion): string =>
  JSON.stringify([type, system ?? null, value]);
