/** A code system's hierarchy, written down as the indented text that HL7 publishes it as: a code and its display a line. */

export interface Concept {
  code: string;
  display: string;
  /** The code that it is a kind of; undefined at the top. */
  parent: string | undefined;
}

export type Hierarchy = ReadonlyMap<string, Concept>;

const INDENT = 2;

/** Reads a text whose lines are `code display`, each indented by two spaces more than what it is a kind of. */
export function hierarchyOf(text: string): Hierarchy {
  const concepts = new Map<string, Concept>();
  const above: string[] = [];
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const depth = (line.length - line.trimStart().length) / INDENT;
    const [, code = '', display = ''] = /^(\S+) (.*)$/.exec(line.trim()) ?? [];
    above.length = depth;
    concepts.set(code, { code, display, parent: above[depth - 1] });
    above.push(code);
  }
  return concepts;
}

/** What a code is a kind of, the nearest first; nothing for a code that is not there. */
function ancestorsOf(hierarchy: Hierarchy, code: string): string[] {
  const found: string[] = [];
  for (let next = hierarchy.get(code)?.parent; next !== undefined; next = hierarchy.get(next)?.parent) found.push(next);
  return found;
}

/** Whether a code is another one, or a kind of it. */
export const isKindOf = (hierarchy: Hierarchy, code: string, other: string): boolean =>
  code === other || ancestorsOf(hierarchy, code).includes(other);
