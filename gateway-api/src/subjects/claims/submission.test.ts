/** In which forms a claim is submitted. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { expect } from 'chai';
import { readSubmission } from './submission.ts';

describe('A submission', () => {
  const claim = { resourceType: 'Claim', id: 'c', use: 'claim' } as Resource;
  const bundle = { resourceType: 'Bundle', id: 'b', type: 'collection', entry: [{ resource: claim }] } as Resource;
  const inParameters = (...parameter: object[]) => ({ resourceType: 'Parameters', id: 'p', parameter }) as Resource;

  it('is a Claim, a Bundle with one, or Parameters with either', () => {
    for (const one of [claim, bundle])
      for (const posted of [one, inParameters({ name: 'resource', resource: one })]) {
        const { claim: found, at } = readSubmission(posted);
        expect([found, at]).to.deep.equal([claim, one === claim ? 'Claim' : 'Bundle.entry[0].resource']);
      }
  });

  it('is nothing else', () => {
    const resource = { name: 'resource', resource: claim };
    for (const posted of [
      undefined,
      inParameters(),
      inParameters(resource, resource),
      inParameters({ name: 'claim', resource: claim }),
      inParameters({ name: 'resource', valueString: 'x' }),
      inParameters({ name: 'resource', resource: inParameters(resource) }),
    ])
      expect(() => readSubmission(posted)).to.throw(/submission/);
  });
});
