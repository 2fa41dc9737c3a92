/** By R4's definitions alone: what a write refuses besides is a warning, and what it passes an error. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Json, observation, patient, samples } from '../fixtures/resources.ts';
import { definedIssuesOf, issuesOf } from './faults.ts';

const told = (resource: Json): string[] =>
  definedIssuesOf(resource).map(({ severity, code, expression }) => `${severity} ${code} ${expression?.[0]}`);

const XHTML = 'xmlns="http://www.w3.org/1999/xhtml"';
const image = { status: 'generated', div: `<div ${XHTML}><img src="a.png"/>x</div>` };
const coded = (system: string, code?: string): Json => ({
  ...observation(),
  code: { coding: [{ system, ...(code === undefined ? {} : { code }) }] },
});
const CLASSES = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const UCUM = 'http://unitsofmeasure.org';
const measured = (code: string): Json => ({ ...observation(), valueQuantity: { value: 1, system: UCUM, code } });
const during = (start: string, end: string): Json => ({ ...observation(), effectivePeriod: { start, end } });
const { effectiveDateTime: _, ...undated } = observation();
const period = (start: string, end: string): Json => ({
  ...undated,
  effectivePeriod: during(start, end)['effectivePeriod'],
});
const data = Buffer.from('text').toString('base64');
const ABSENT = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';
const absent = (type: string, value = 'unknown'): Json => ({ url: ABSENT, [`value${type}`]: value });
const photo = (hash: string): Json => ({ ...patient(), photo: [{ contentType: 'text/plain', data, hash }] });

describe('By R4 definitions', () => {
  for (const resource of samples())
    it(`a sound ${resource['resourceType']} is sound`, () => {
      expect(told(resource).filter((one) => one.startsWith('error'))).to.deep.equal([]);
    });

  const refusedHere: [string, Json, string][] = [
    ['white space alone', { ...patient(), language: 'en', name: [{ text: ' ' }] }, 'value Patient.name[0].text'],
    ['a control character', { ...patient(), name: [{ text: 'a\u0001' }] }, 'value Patient.name[0].text'],
    ['an image from elsewhere', { ...patient(), text: image }, 'invariant Patient.text.div'],
    [
      'a reference of no form',
      { ...observation(), subject: { reference: 'abc' } },
      'value Observation.subject.reference',
    ],
    [
      'a reference to another type',
      { ...observation(), subject: { reference: 'Claim/1' } },
      'structure Observation.subject.reference',
    ],
  ];
  for (const [name, resource, issue] of refusedHere)
    it(`${name} is a warning, and refused by a write`, () => {
      expect(told(resource)).to.deep.equal([`warning ${issue}`]);
      expect(issuesOf(resource).map(({ code, expression }) => `${code} ${expression?.[0]}`)).to.deep.equal([issue]);
    });

  const passedHere: [string, Json, string][] = [
    ['a code that its system lacks', coded(CLASSES, 'bogus'), 'code-invalid Observation.code.coding[0].code'],
    ['a system without a code', coded(CLASSES), 'code-invalid Observation.code.coding[0]'],
    ['a unit that UCUM lacks', measured('month'), 'code-invalid Observation.valueQuantity.code'],
    [
      'a relative canonical URL',
      { ...patient(), meta: { profile: ['StructureDefinition/x'] } },
      'value Patient.meta.profile[0]',
    ],
    [
      'an identifier that is no URI',
      { ...patient(), identifier: [{ system: 'urn:ietf:rfc:3986', value: 'abc' }] },
      'value Patient.identifier[0].value',
    ],
    [
      'a period of two precisions',
      period('2020-01-01T10:00:00Z', '2020-01-01'),
      'invariant Observation.effectivePeriod',
    ],
    ['the hash of other data', photo('AAAA'), 'value Patient.photo[0].hash'],
    [
      'a canonical URL that is no UUID',
      { ...patient(), meta: { profile: ['urn:uuid:XYZ'] } },
      'value Patient.meta.profile[0]',
    ],
    [
      'a system of a Coding alone that is relative',
      { ...patient(), meta: { tag: [{ system: 'own', code: 'x' }] } },
      'value Patient.meta.tag[0].system',
    ],
    ['an extension of another type', { ...patient(), extension: [absent('String')] }, 'structure Patient.extension[0]'],
    [
      'an extension with a code of none',
      { ...patient(), extension: [absent('Code', 'bogus')] },
      'code-invalid Patient.extension[0].valueCode',
    ],
  ];
  for (const [name, resource, issue] of passedHere)
    it(`${name} is an error, and passed by a write`, () => {
      expect(told(resource)).to.deep.equal([`error ${issue}`]);
      expect(issuesOf(resource)).to.deep.equal([]);
    });

  const sound: [string, Json][] = [
    ['a code of its system', coded(CLASSES, 'AMB')],
    ['a system that is not known', coded('urn:x', 'y')],
    ['a unit', measured('mg/dL')],
    ['a period that both ends decide', period('2019-12-31T10:00:00Z', '2020')],
    ['a period of instants with a fraction', period('2020-01-01T10:00:00Z', '2020-01-01T10:00:00.5Z')],
    ['an extension as it is defined', { ...patient(), extension: [absent('Code'), absent('Code', 'masked')] }],
    [
      'an extension without a value, but for why',
      { ...patient(), extension: [{ url: ABSENT, _valueCode: { extension: [{ url: 'urn:x', valueString: 'x' }] } }] },
    ],
    ['a canonical URL with a version', { ...patient(), meta: { profile: [`urn:uuid:${randomUUID()}|1`] } }],
    ['the hash of the data', photo('Ny6gjKsz5xwCxlHbyDpHTTLGduo=')],
  ];
  for (const [name, resource] of sound)
    it(`${name} is sound`, () => {
      expect(told(resource)).to.deep.equal([]);
    });

  it('a reference that is no URI stays an error', () => {
    expect(told({ ...observation(), subject: { reference: 'Patient/a b' } })).to.deep.equal([
      'error value Observation.subject.reference',
    ]);
  });
  it('all is said: what both refuse, what is refused here, what is passed here', () => {
    const resource = { ...coded(CLASSES, 'bogus'), status: 'bogus', note: [{ text: ' ' }] };
    expect(told(resource).sort()).to.deep.equal([
      'error code-invalid Observation.code.coding[0].code',
      'error code-invalid Observation.status',
      'warning value Observation.note[0].text',
    ]);
  });
});
