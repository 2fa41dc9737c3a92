/** The generated tables are those of the definitions that are installed, and leave out only what is known. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { supportedTypes } from '../types.ts';
import { files, notes } from './definitions/generate.ts';
import type { ParameterRows } from './definitions/rows.ts';

describe('R4’s search parameters', () => {
  for (const [name, text] of Object.entries(files)) {
    it(`${name} is what its generator writes`, () => {
      expect(readFileSync(new URL(`definitions/${name}`, import.meta.url), 'utf8') === text).to.equal(true);
    });
  }

  it('lack none of a type that is served', () => {
    const types = supportedTypes.map(({ name }) => name);
    expect(notes.filter((note) => types.includes(note.split('.')[0]!))).to.deep.equal([]);
  });

  it('lead where R4’s expressions lead', () => {
    const rows = JSON.parse(files['parameters.json']!) as ParameterRows;
    const pathsOf = (type: string, name: string) => rows[type]!.find(({ n }) => n === name)?.p;
    expect(pathsOf('Patient', 'email')).to.deep.equal(['telecom[system=email]:ContactPoint']);
    expect(pathsOf('Patient', 'deceased')).to.deep.equal(['deceasedBoolean:present', 'deceasedDateTime:present']);
    expect(pathsOf('Encounter', 'practitioner')).to.deep.equal(['participant.individual[is Practitioner]:Reference']);
    expect(pathsOf('Observation', 'date')).to.deep.equal([
      ...['effectiveDateTime:dateTime', 'effectivePeriod:Period', 'effectiveTiming:Timing', 'effectiveInstant:instant'],
    ]);
    expect(pathsOf('Patient', 'gender')).to.deep.equal(['gender:code@http://hl7.org/fhir/administrative-gender']);
  });
});
