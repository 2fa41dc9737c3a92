/**
 * What belongs to an encounter, a practitioner, a related person or a device, by R4's CompartmentDefinitions
 * (hl7.org/fhir/R4/compartmentdefinition.html). A patient's compartment is a column of the read model, and not here.
 */
import { readFileSync } from 'node:fs';
import type { Search } from '../repository.ts';
import { parameterOf } from '../search-parameters.ts';
import { type SupportedType, supportedType } from '../types.ts';

const definitions = JSON.parse(
  readFileSync(new URL('definitions/compartments.json', import.meta.url), 'utf8'),
) as Record<string, Record<string, string[]>>;

/** The member is the compartment itself. */
const ITSELF = '{def}';

/** The types that have a compartment here, with the patient's. */
export const COMPARTMENTS: readonly string[] = ['Patient', ...Object.keys(definitions)];

/** By which parameters a type belongs to a compartment; empty where it does not. The log of reads belongs to patients alone. */
function parametersIn(compartment: string, type: string): readonly string[] {
  const members = Object.hasOwn(definitions, compartment) ? definitions[compartment]! : {};
  const named = type !== 'AuditEvent' && Object.hasOwn(members, type) ? members[type]! : [];
  return named.filter((name) => name === ITSELF || parameterOf(type, name)?.type === 'reference');
}

/** What a search in a compartment is asked by, in its pages as well. */
export const COMPARTMENT = '_compartment';

/**
 * A search of `Type/id/member` (hl7.org/fhir/R4/http.html#vsearch) as one of the member, by the parameter that keeps it in there;
 * undefined where there is no such compartment, or where the member does not belong to it.
 */
export function memberOf(
  compartment: string,
  id: string,
  member: string,
): { type: SupportedType; within: readonly [name: string, value: string] } | undefined {
  const type = supportedType(member);
  if (type === undefined) return undefined;
  const isPatients = compartment === 'Patient' && parameterOf(member, 'patient')?.column === 'patient';
  if (!isPatients && parametersIn(compartment, member).length === 0) return undefined;
  return { type, within: [isPatients ? 'patient' : COMPARTMENT, `${compartment}/${id}`] };
}

/** What `_compartment=Type/id` asks of a type; undefined where the type does not belong to such a compartment. */
export function withinCompartment(type: string, text: string): Partial<Search> | undefined {
  const [, compartment = '', id = ''] = /^([A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(text) ?? [];
  const [parameter, ...orUnder] = parametersIn(compartment, type);
  if (parameter === undefined) return undefined;
  if (parameter === ITSELF) return { ids: [id] };
  return { values: [{ parameter, orUnder, anyOf: [{ value: `${compartment}/${id}` }] }] };
}
