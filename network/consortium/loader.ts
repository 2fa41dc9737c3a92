/**
 * Reads network/consortium.yaml, the one place that names organisations, kinds, orderers, ports and policies, and
 * refuses a wrong one with every mistake and its place in the file.
 */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { inconsistencies, type Mistake } from './consistency.ts';
import { type ConsortiumDefinition, definitionSchema } from './definition.ts';

/** A mistake and where it is; line and column begin at 1. */
export interface Problem {
  line: number;
  column: number;
  /** For instance `organisations[2].mspId`; empty for the file as a whole. */
  path: string;
  message: string;
}

export class ConsortiumError extends Error {
  override name = 'ConsortiumError';
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const lines = problems.map(
      ({ line, column, path, message }) => `  ${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`,
    );
    const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
    super(`the consortium's definition has ${count}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

export const DEFAULT_CONSORTIUM_FILE = new URL('../consortium.yaml', import.meta.url).pathname;

/** @throws ConsortiumError with every mistake; Error when the file cannot be read. */
export function loadConsortium(path: string = DEFAULT_CONSORTIUM_FILE): ConsortiumDefinition {
  return parseConsortium(readFileSync(path, 'utf8'), path);
}

/** @throws ConsortiumError. `file` is only named in it. */
export function parseConsortium(text: string, file: string): ConsortiumDefinition {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    throw new ConsortiumError(
      file,
      document.errors.map((error) => ({
        ...placeAt(lines, error.pos[0]),
        path: '',
        message: firstLine(error.message),
      })),
    );
  }
  const value: unknown = document.toJS();
  const outcome = definitionSchema.safeParse(value);
  const mistakes = [...structuralMistakes(outcome.error), ...inconsistencies(value)];
  if (mistakes.length === 0 && outcome.success) return outcome.data;
  const problems = mistakes.map(({ path, message }) => ({
    ...placeAt(lines, offsetOf(document, path)),
    path: pathText(path),
    message,
  }));
  throw new ConsortiumError(
    file,
    problems.sort((a, b) => a.line - b.line || a.column - b.column),
  );
}

function structuralMistakes(error: z.ZodError | undefined): Mistake[] {
  return (error?.issues ?? []).flatMap((issue): Mistake[] => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    const message = issue.message.replace(/^Invalid input: expected .*, received undefined$/, 'is missing');
    if (issue.code !== 'unrecognized_keys') return [{ path, message }];
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a known key' }));
  });
}

const pathText = (path: Mistake['path']): string =>
  path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('');

function placeAt(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Where the value at a path begins; for what is missing, where the nearest thing around it begins. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: Mistake['path']): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, ...number[]] } | null | undefined;
    if (node?.range !== undefined) return node.range[0];
  }
  return 0;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;
