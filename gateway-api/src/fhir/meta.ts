/** `$meta` of an instance (hl7.org/fhir/R4/resource-operation-meta.html), and the operations that change it. */
import type { Answer } from './answers.ts';
import type { Asked } from './asked.ts';
import { demandKnown } from './everything.ts';
import { refuse } from './outcomes.ts';
import { read } from './reads.ts';
import type { Scope } from './repository.ts';
import { supportedType } from './types.ts';

const KNOWN = new Set(['_format', '_pretty']);

/** @throws {Refusal} 404 for what the caller does not see */
export async function meta(scope: Scope, { type, id = '', parameters, lenient }: Asked): Promise<Answer> {
  demandKnown(parameters, KNOWN, lenient);
  if (supportedType(type) === undefined)
    refuse(404, 'not-supported', 'This server does not hold resources of that type.');
  return withMeta(await read(scope, type, id));
}

/** An answer with the meta of a resource in its place; what is no resource but says why there is none stays. */
export function withMeta(answer: Answer): Answer {
  const { resourceType, meta: found = {} } = (answer.resource ?? {}) as { resourceType?: string; meta?: object };
  if (resourceType === 'OperationOutcome') return answer;
  const resource = { resourceType: 'Parameters', parameter: [{ name: 'return', valueMeta: found }] };
  return { ...answer, resource };
}
