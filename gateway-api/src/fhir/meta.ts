/** `$meta` of an instance (hl7.org/fhir/R4/resource-operation-meta.html). */
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
  const { resource } = await read(scope, type, id);
  const { meta: found = {} } = (resource ?? {}) as { meta?: object };
  return { status: 200, resource: { resourceType: 'Parameters', parameter: [{ name: 'return', valueMeta: found }] } };
}
