/**
 * What is wrong with a resource by itself, as it would be refused at this gateway: for what other members wrote, who may run
 * changed code. It is a part of how rows are made, so that a validator which judges otherwise fills the read model anew.
 */
import { readFileSync } from 'node:fs';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { type Issue, warningIssue } from '../outcomes.ts';
import { modifierIssues } from './modifiers.ts';
import { containedIssues, literalIssue } from './reference-rules.ts';
import { schemaOf } from './schema.ts';
import { type FoundReference, validateResource } from './validation.ts';

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

/** What no URI is, is no reference anywhere; where one leads, this gateway alone judges. */
function outsideIssue(found: FoundReference): Issue | undefined {
  const issue = literalIssue(found);
  if (issue === undefined || /\s/.test(found.holder.reference)) return issue;
  return warningIssue(issue.code, issue.diagnostics, issue.expression?.[0]);
}

/**
 * What R4's definitions say of a resource, whoever records it: errors, and as warnings what is refused here besides. Where a
 * reference leads is not for the definitions to judge, as long as it leads out of the resource.
 */
export function definedIssuesOf(resource: Readonly<Record<string, unknown>>): Issue[] {
  const { issues, warnings, passed, ...found } = validateResource(resource, undefined, 'definitions');
  const path = String(resource['resourceType']);
  const outside = found.references.filter(({ holder }) => !holder.reference.startsWith('#'));
  const isJudged = issues.length === 0;
  return [
    ...issues,
    ...passed,
    ...(isJudged ? containedIssues(resource, path, found) : []),
    ...warnings,
    ...(isJudged ? outside.flatMap((one) => outsideIssue(one) ?? []) : []),
    ...(isJudged ? modifierIssues(resource, path) : []),
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
