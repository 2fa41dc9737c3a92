import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { mutated } from '../fixtures/mutations.ts';
import { claim, type Json, observation, patient, samples } from '../fixtures/resources.ts';
import { faultOf, issuesOf, judgement } from './faults.ts';

const narrative = (div: string): Json => ({
  text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${div}</div>` },
});

describe('What is wrong with a resource by itself', () => {
  const sound = samples();
  for (const resource of sound)
    it(`is nothing in a sound ${resource['resourceType']}`, () => {
      expect(issuesOf(resource)).to.deep.equal([]);
      expect(faultOf(resource)).to.equal(undefined);
    });

  const cases: [string, Json, string][] = [
    ['script in its narrative', { ...patient(), ...narrative('<script>x</script>') }, 'invariant Patient.text'],
    ['an event handler', { ...patient(), ...narrative('<p onclick="x">y</p>') }, 'invariant Patient.text'],
    ['an element that R4 does not have', { ...observation(), secretOfTheAuthor: 1 }, 'structure Observation'],
    ['a required element left out', { ...observation(), status: undefined }, 'required Observation.status'],
    ['a code of no value set', { ...observation(), status: 'bogus' }, 'code-invalid Observation.status'],
    [
      'a reference to another type',
      { ...observation(), subject: { reference: 'Claim/1' } },
      'structure Observation.subject',
    ],
    [
      'a reference that states another type',
      { ...observation(), subject: { reference: 'Patient/1', type: 'Group' } },
      'structure Observation.subject',
    ],
    ['a reference of no form', { ...observation(), subject: { reference: '/Patient/1' } }, 'value Observation.subject'],
    [
      'a reference to nothing contained',
      { ...observation(), subject: { reference: '#x' } },
      'not-found Observation.subject',
    ],
    [
      'a reference to something contained of another type',
      {
        ...observation(),
        subject: { reference: '#x' },
        contained: [{ resourceType: 'Practitioner', id: 'x' }],
      },
      'structure Observation.subject',
    ],
    ['a reference to itself', { ...observation(), subject: { reference: '#' } }, 'not-found Observation.subject'],
    [
      'two contained under one id',
      {
        ...observation(),
        subject: { reference: '#x' },
        contained: [
          { resourceType: 'Patient', id: 'x' },
          { resourceType: 'Patient', id: 'x' },
        ],
      },
      'duplicate Observation.contained',
    ],
    [
      'contained what nothing refers to',
      { ...observation(), contained: [{ resourceType: 'Patient', id: 'x' }] },
      'invariant Observation.contained',
    ],
    ['no type of R4', { resourceType: 'Evil', id: 'x' }, 'structure Resource'],
    ['no type at all', { id: 'x' }, 'structure Resource'],
    [
      'a modifier extension of what is acted on',
      { ...claim(), modifierExtension: [{ url: 'urn:x', valueBoolean: true }] },
      'extension Claim.modifierExtension',
    ],
    [
      'a modifier extension deep in it',
      { ...claim(), item: [{ ...claim()['item'][0], modifierExtension: [{ url: 'urn:x', valueBoolean: true }] }] },
      'extension Claim.item',
    ],
  ];
  for (const [what, resource, fault] of cases)
    it(`is ${what}: ${fault}`, () => {
      expect(faultOf(JSON.parse(JSON.stringify(resource)))).to.equal(fault);
    });

  it('is no modifier extension of what is only kept and shown', () => {
    expect(faultOf({ ...observation(), modifierExtension: [{ url: 'urn:x', valueBoolean: true }] })).to.equal(
      undefined,
    );
  });

  it('names what R4 names, and nothing that a resource says', () => {
    fc.assert(
      fc.property(mutated(sound), (resource) => {
        expect(faultOf(resource) ?? 'value Patient').to.match(/^[a-z-]+ [A-Z][A-Za-z]+(\.[a-z][A-Za-z]+)?$/);
      }),
      { numRuns: 500 },
    );
  });

  /** Where this fails, resources are judged otherwise than before: raise EDITION in faults.ts, and put the new digest here. */
  it('is judged as this edition says', () => {
    const samples = fc.sample(mutated(sound), { numRuns: 2_000, seed: 20_261_128 });
    const verdicts = samples.map((resource) => faultOf(resource) ?? 'sound').join('\n');
    expect([judgement().split(' ')[0], sha256Hex(verdicts).slice(0, 16)]).to.deep.equal(['5', '80ddb18dcb75b001']);
  });
});
