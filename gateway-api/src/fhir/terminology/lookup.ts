/** `CodeSystem/$lookup` (hl7.org/fhir/R4/codesystem-operation-lookup.html), of what is known here. */
import type { Answer } from '../answers.ts';
import type { Asked } from '../asked.ts';
import { demandKnown } from '../everything.ts';
import { refuse } from '../outcomes.ts';
import type { Scope } from '../repository.ts';
import { codedIn, said } from './coded.ts';
import { codeSystemOf, conceptOf } from './local.ts';

const KNOWN = new Set(['code', 'system', 'coding', 'version', '_format', '_pretty']);

/** @throws {Refusal} 404 for a code or a code system that is not known here */
export async function lookup(scope: Scope, asked: Asked): Promise<Answer> {
  const { parameters, lenient } = asked;
  demandKnown(parameters, KNOWN, lenient);
  const { system, code } = codedIn(asked);
  if (system === undefined) return refuse(400, 'required', 'The system of the code is required.', 'system');
  const version = parameters.find(([name]) => name === 'version')?.[1];
  const known = await codeSystemOf(scope, version === undefined ? system : `${system}|${version}`);
  if (known === undefined) return refuse(404, 'not-found', 'This code system is not known here.', 'system');
  const concept = conceptOf(known, code);
  if (concept === undefined) return refuse(404, 'not-found', 'This code system has no such code.', 'code');
  const designations = (concept.designation ?? []) as { language?: string; use?: object; value?: string }[];
  const parameter = [
    ...said('name', 'String', known.name ?? system),
    ...said('version', 'String', known.version),
    ...said('display', 'String', concept.display ?? code),
    ...said('definition', 'String', concept.definition),
    ...designations.map(({ language, use, value }) => ({
      name: 'designation',
      part: [...said('language', 'Code', language), ...said('use', 'Coding', use), ...said('value', 'String', value)],
    })),
    ...(concept.property ?? []).map(({ code: name, ...rest }) => ({
      name: 'property',
      part: [
        ...said('code', 'Code', name),
        ...Object.entries(rest).map(([type, value]) => ({ name: 'value', [type]: value })),
      ],
    })),
  ];
  return { status: 200, resource: { resourceType: 'Parameters', parameter } };
}
