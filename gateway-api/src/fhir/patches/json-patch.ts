/**
 * JSON Patch (RFC 6902) of a resource (hl7.org/fhir/R4/http.html#patch). Numbers keep their digits: while the library works on it they
 * stand as marked texts, so that it copies them like any other text.
 */
import { randomUUID } from 'node:crypto';
import { isNumber, parseExact, textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { applyPatch, type Operation, Pointer } from 'rfc6902';
import { decimalOf } from '../../http/plain-numbers.ts';
import { errorIssue, Refusal, refuse, UNPROCESSABLE } from '../outcomes.ts';

const MOST_OPERATIONS = 1_000;
/** What each operation has beside `op` and `path`. */
const MEMBERS: Readonly<Record<string, 'value' | 'from' | undefined>> = {
  add: 'value',
  remove: undefined,
  replace: 'value',
  move: 'from',
  copy: 'from',
  test: 'value',
};
const OF_OBJECTS = new Set(['__proto__', 'constructor', 'prototype']);

/** The operations of a body. @throws {Refusal} 400 for what is no JSON Patch; `place` is where it stands */
export function jsonPatchOf(body: unknown, place: string): Operation[] {
  if (!Array.isArray(body)) return refuse(400, 'structure', 'A JSON Patch is an array of operations.', place);
  if (body.length > MOST_OPERATIONS)
    return refuse(413, 'too-costly', `A patch may have ${MOST_OPERATIONS} operations: send several.`, place);
  return body.map((one: unknown, index) => operationIn(one, `${place}[${index}]`));
}

function operationIn(value: unknown, place: string): Operation {
  const { op, path, from, ...more } = (value ?? {}) as Record<string, unknown>;
  if (typeof op !== 'string' || !Object.hasOwn(MEMBERS, op))
    return refuse(400, 'code-invalid', 'Operations are add, remove, replace, move, copy and test.', `${place}.op`);
  demandPointer(path, `${place}.path`);
  const needs = MEMBERS[op];
  if (needs === 'from') demandPointer(from, `${place}.from`);
  if (needs === 'value' && !Object.hasOwn(more, 'value'))
    return refuse(400, 'required', 'This operation needs a value.', `${place}.value`);
  return value as Operation;
}

/** RFC 6901, and nothing that would reach what all objects share. */
function demandPointer(value: unknown, place: string): void {
  const isPointer = typeof value === 'string' && /^(?:\/(?:[^~]|~[01])*)?$/.test(value);
  const isOwn = isPointer && !Pointer.fromJSON(value).tokens.some((token) => OF_OBJECTS.has(token));
  if (!isOwn) refuse(400, 'value', 'A JSON Pointer is expected: /name/0/family.', place);
}

/** The patched copy. @throws {Refusal} 422 where an operation fails; nothing is patched then */
export function jsonPatched(resource: object, operations: readonly Operation[], place: string): unknown {
  const mark = `${randomUUID()} `;
  const root = { resource: encoded(resource, mark) };
  for (const [index, operation] of operations.entries()) {
    const at = `${place}[${index}]`;
    const meant = within(encoded(operation, mark) as Operation);
    if (!isDone(root, meant, mark))
      throw new Refusal(UNPROCESSABLE, errorIssue('processing', `The operation ${operation.op} fails here.`, at));
  }
  return decoded(root.resource, mark);
}

/** The same operation on what stands as a member of another object: so all of the resource can be replaced as well. */
function within(operation: Operation): Operation {
  const path = `/resource${operation.path}`;
  return 'from' in operation ? { ...operation, path, from: `/resource${operation.from}` } : { ...operation, path };
}

function isDone(root: object, operation: Operation, mark: string): boolean {
  // A resource is not taken away from under its own id.
  const isRoot = operation.op === 'remove' && operation.path === '/resource';
  if (isRoot || !isStrict(root, operation)) return false;
  if (operation.op === 'test') return isSame(Pointer.fromJSON(operation.path).get(root), operation.value, mark);
  // A value is not moved into itself (RFC 6902 section 4.4).
  if (operation.op === 'move' && operation.path.startsWith(`${operation.from}/`)) return false;
  return applyPatch(root, [operation]).every((error) => error === null);
}

/** Elements of arrays are named by their index as RFC 6901 writes it; `-` is where one is added. */
function isStrict(root: object, operation: Operation): boolean {
  const adds = operation.op === 'add' || operation.op === 'move' || operation.op === 'copy';
  const paths = [
    { path: operation.path, adds },
    ...('from' in operation ? [{ path: operation.from, adds: false }] : []),
  ];
  return paths.every(({ path, adds: isNew }) => {
    const pointer = Pointer.fromJSON(path);
    return pointer.tokens.slice(1).every((token, index, { length }) => {
      const holder: unknown = new Pointer(pointer.tokens.slice(0, index + 1)).get(root);
      if (typeof holder !== 'object' || holder === null) return false;
      const isLast = index === length - 1;
      if (!Array.isArray(holder)) return Object.hasOwn(holder, token) || (isLast && isNew);
      if (token === '-') return isLast && isNew;
      if (!/^(?:0|[1-9][0-9]{0,8})$/.test(token)) return false;
      return Number(token) < holder.length + (isLast && isNew ? 1 : 0);
    });
  });
}

/** RFC 6902 section 4.6: numbers by their value. */
function isSame(one: unknown, other: unknown, mark: string): boolean {
  if (typeof one === 'string' && typeof other === 'string' && one.startsWith(mark) && other.startsWith(mark))
    return JSON.stringify(decimalOf(one.slice(mark.length))) === JSON.stringify(decimalOf(other.slice(mark.length)));
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [mine, others] = [one as Record<string, unknown>, other as Record<string, unknown>];
  const keys = Object.keys(mine);
  return (
    keys.length === Object.keys(others).length &&
    keys.every((key) => Object.hasOwn(others, key) && isSame(mine[key], others[key], mark))
  );
}

function encoded(value: unknown, mark: string): unknown {
  if (isNumber(value)) return mark + textOfNumber(value);
  return mapped(value, (one) => encoded(one, mark));
}

function decoded(value: unknown, mark: string): unknown {
  if (typeof value === 'string') return value.startsWith(mark) ? parseExact(value.slice(mark.length)) : value;
  return mapped(value, (one) => decoded(one, mark));
}

function mapped(value: unknown, to: (member: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(to);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, to(member)]));
}
