/**
 * What is wrong with a resource by itself, as it would be refused at this gateway: for what other members wrote, who may run
 * changed code. It is a part of how rows are made, so that a validator which judges otherwise fills the read model anew.
 */
import { readFileSync } from 'node:fs';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Issue } from '../outcomes.ts';
import { modifierIssues } from './modifiers.ts';
import { containedIssues, literalIssue } from './reference-rules.ts';
import { schemaOf } from './schema.ts';
import { validateResource } from './validation.ts';

/** Raised with every change by which a resource could be judged otherwise; faults.test.ts says when. */
const EDITION = 5;

const DEFINITIONS = ['structures', 'codes'].map((name) => new URL(`definitions/${name}.json`, import.meta.url));
let known: string | undefined;

/** Identifies how resources are judged: by which edition of the rules and by which of R4's definitions. */
export function judgement(): string {
  known ??= [EDITION, ...DEFINITIONS.map((file) => sha256Hex(readFileSync(file, 'utf8')))].join(' ');
  return known;
}

/** All that can be said against a resource without looking anything up; at most some dozens of issues. */
export function issuesOf(resource: Readonly<Record<string, unknown>>): Issue[] {
  const { issues, ...found } = validateResource(resource);
  if (issues.length > 0) return issues;
  const path = String(resource['resourceType']);
  const literal = found.references.filter(({ holder }) => !holder.reference.startsWith('#'));
  return [
    ...containedIssues(resource, path, found),
    ...literal.flatMap((one) => literalIssue(one) ?? []),
    ...modifierIssues(resource, path),
  ];
}

/**
 * The first fault of a resource, by its code and the element of the resource that it is in, for instance
 * `invariant Observation.text`; undefined for a sound one. It names what R4 names and nothing that the resource says.
 */
export function faultOf(resource: Readonly<Record<string, unknown>>): string | undefined {
  const [first] = issuesOf(resource);
  if (first === undefined) return undefined;
  const [type = '', element = ''] = /^(\w+)(?:\.(\w+))?/.exec(first.expression?.[0] ?? '')?.slice(1) ?? [];
  const schema = schemaOf(type);
  if (schema?.resource !== true) return `${first.code} Resource`;
  return schema.elements.has(element) ? `${first.code} ${type}.${element}` : `${first.code} ${type}`;
}
