/**
 * That no member stands twice in an object of a JSON text (hl7.org/fhir/R4/json.html: property names are unique): the parser keeps the
 * last, and what was said before it would be lost in silence. A text has as many colons outside of strings as members, and what was
 * parsed of it has fewer where one stood twice.
 */
import { isExactNumber } from '@telemed-ledger/chaincode/model/numbers.ts';

/** How many members all objects of a parsed value have. */
export function membersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return 0;
  let found = 0;
  if (Array.isArray(value)) for (const one of value) found += membersIn(one);
  else for (const one of Object.values(value)) found += 1 + membersIn(one);
  return found;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/** Where in a JSON text the first member stands that its object has already, in UTF-16 code units; undefined where there is none. */
export function repeatedMember(text: string): number | undefined {
  const open: (Set<string> | undefined)[] = [];
  let isKey = false;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const members = open.at(-1);
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (isKey && members !== undefined && token !== ',') {
      const key = JSON.parse(token) as string;
      if (members.has(key)) return index;
      members.add(key);
    }
    isKey = token === '{' || token === ',';
  }
  return undefined;
}
