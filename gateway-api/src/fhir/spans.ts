/** `start` and `end` of operations on a patient's records: the time of care, which is not when something was recorded. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { overlaps, type Span, spanOf, spanOfPeriod } from '@telemed-ledger/chaincode/model/periods.ts';
import { recordFacts } from '@telemed-ledger/chaincode/model/record-facts.ts';
import { single } from './asked.ts';
import { refuse } from './outcomes.ts';
import type { StoredResource } from './repository.ts';
import type { Parameters } from './search-query.ts';

/** Undefined where neither is given. @throws {Refusal} 400 for what is no date */
export function spanAsked(parameters: Parameters): Span | undefined {
  const [start, end] = ['start', 'end'].map((name) => {
    const text = single(parameters, name);
    if (text !== undefined && spanOf(text) === undefined) refuse(400, 'value', 'Expected a date: 2026-11-29.', name);
    return text;
  });
  if (start === undefined && end === undefined) return undefined;
  const span = spanOfPeriod({ start, end });
  return span !== undefined && span.start < span.end
    ? span
    : refuse(400, 'value', 'The end is before the start.', 'end');
}

/** Whether what a record says happened then; what says no time is not left out. */
export function isWithinCare({ resource }: Pick<StoredResource, 'resource'>, asked: Span): boolean {
  const context = resource['context'] as { period?: unknown } | undefined;
  const isDocument = resource.resourceType === 'DocumentReference' && context?.period !== undefined;
  const [facts] = recordFacts([isDocument ? ({ ...resource, effectivePeriod: context.period } as Resource) : resource]);
  return facts?.span === undefined || overlaps(facts.span, asked);
}
