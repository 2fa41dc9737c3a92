/**
 * Invariants as plain functions, by key: those that stand on data types met many times in a resource, where FHIRPath
 * costs most of a validation, those of Observation, which most of what is written is, and per-1, whose dates FHIRPath
 * compares as text. A test holds each against its FHIRPath.
 */

import { instantOf } from '@telemed-ledger/chaincode/model/periods.ts';

/** undefined: this value is none of the plain ones, FHIRPath decides. */
type Holds = (value: unknown) => boolean | undefined;
const members = (value: unknown): Record<string, unknown> => value as Record<string, unknown>;
/** An element exists when it has a value or an extension (`_element`). */
const has = (value: unknown, element: string): boolean =>
  members(value)[element] !== undefined || members(value)[`_${element}`] !== undefined;

const hasChoice = (value: unknown, element: string): boolean =>
  Object.keys(members(value)).some((key) => key.startsWith(element) || key.startsWith(`_${element}`));

const PRECISIONS = [4, 7, 10];

/** Whether a dateTime is not after another, at the precision both have; unknown counts as yes. */
export function isNotAfter(start: string, end: string): boolean {
  if (start.length > 10 && end.length > 10) return instantOf(start) <= instantOf(end);
  const precision = Math.min(start.length, end.length);
  const common = PRECISIONS.findLast((length) => length <= precision) ?? 0;
  return start.slice(0, common) <= end.slice(0, common);
}

function linksOf(value: unknown): unknown[] {
  const items = members(value)['item'];
  if (!Array.isArray(items)) return [];
  return items.flatMap((item) => [members(item)['linkId'] ?? [], linksOf(item)].flat());
}

export const natively: Record<string, Holds | undefined> = {
  'per-1': (value) => {
    const { start, end } = members(value);
    return typeof start !== 'string' || typeof end !== 'string' || isNotAfter(start, end);
  },
  'qty-3': (value) => !has(value, 'code') || has(value, 'system'),
  'sqty-1': (value) => !has(value, 'comparator'),
  'cpt-2': (value) => !has(value, 'value') || has(value, 'system'),
  'att-1': (value) => !has(value, 'data') || has(value, 'contentType'),
  'obs-6': (value) =>
    members(value)['dataAbsentReason'] === undefined || !hasChoice(value, 'value') ? true : undefined,
  'obs-7': (value) => (members(value)['component'] === undefined || !hasChoice(value, 'value') ? true : undefined),
  // `descendants()` of @medplum/core does not reach the items of items.
  'que-2': (value) => {
    const links = linksOf(value);
    return new Set(links).size === links.length;
  },
  'obs-3': (value) => has(value, 'low') || has(value, 'high') || has(value, 'text'),
};
