/** The generated tables are those of the definitions that are installed, and say what R4 says. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { supportedTypes } from '../types.ts';
import { bindingOf } from './bindings.ts';
import { files, notes } from './definitions/generate.ts';
import { schemaOf } from './schema.ts';

describe('the R4 definitions', () => {
  for (const [name, text] of Object.entries(files)) {
    it(`${name} is what its generator writes`, () => {
      expect(readFileSync(new URL(`definitions/${name}`, import.meta.url), 'utf8') === text).to.equal(true);
    });
  }

  it('lack one required value set of the types that are supported', () => {
    const types = supportedTypes.map(({ name }) => name);
    // An answer list of LOINC's, which R4's definitions only name.
    expect(notes.filter((note) => types.includes(note.split('.')[0]!))).to.deep.equal([
      'MolecularSequence.structureVariant.variantType: http://loinc.org/vs/LL379-9 is not in the definitions, so its binding is not checked',
    ]);
  });

  it('have every supported type, with its choices spelled out', () => {
    expect(supportedTypes.filter(({ name }) => schemaOf(name)?.resource !== true)).to.deep.equal([]);
    expect(schemaOf('Observation')?.elements.get('valueQuantity')).to.include({ element: 'value', type: 'Quantity' });
    expect(schemaOf('Claim.item.detail')?.required.map(({ element }) => element)).to.deep.equal([
      'sequence',
      'productOrService',
    ]);
    expect(schemaOf('toString')).to.equal(undefined);
  });

  it('have codes of nested, filtered and composed value sets, and of systems that are told by form', () => {
    const has = (name: string, code: string): boolean =>
      bindingOf(`http://hl7.org/fhir/ValueSet/${name}`).hasCode(code);
    expect([has('issue-type', 'code-invalid'), has('issue-type', 'bogus')]).to.deep.equal([true, false]);
    expect([has('all-types', 'Patient'), has('all-types', 'Money'), has('all-types', 'Spaceship')]).to.deep.equal([
      true,
      true,
      false,
    ]);
    expect([has('mimetypes', 'text/plain; charset=utf-8'), has('mimetypes', 'text')]).to.deep.equal([true, false]);
    expect([has('all-languages', 'de-CH'), has('all-languages', 'd')]).to.deep.equal([true, false]);
    expect([has('currencies', 'CHF'), has('currencies', 'chf')]).to.deep.equal([true, false]);
    expect(has('claim-use', 'toString')).to.equal(false);
  });
});
