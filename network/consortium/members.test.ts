import { expect } from 'chai';
import { membersOf } from './definition.ts';
import { loadConsortium } from './loader.ts';
import { consortiumSchema, custodianOf, KINDS, organisationByMsp, ROLES, ROLES_OF_KIND } from './members.ts';

describe('The members of the consortium', () => {
  const members = membersOf(loadConsortium());

  it('are handed on without ports and policies, in a form that the chaincode accepts', () => {
    expect(consortiumSchema.parse(JSON.parse(JSON.stringify(members)))).to.deep.equal(members);
    expect(() => consortiumSchema.parse(loadConsortium())).to.throw('Unrecognized key');
  });

  it('are found by MSP id, and the custodian by its kind', () => {
    expect(organisationByMsp(members, 'ClinicMSP')?.name).to.equal('clinic');
    expect(organisationByMsp(members, 'NobodyMSP')).to.equal(undefined);
    expect(custodianOf(members).mspId).to.equal('PatientsMSP');
    expect(() => custodianOf({ organisations: [] })).to.throw('no custodian');
  });

  it('have an operator, a system and whoever their kind is for', () => {
    for (const kind of KINDS) expect(ROLES_OF_KIND[kind], kind).to.include.members(['system', 'operator']);
    expect(new Set(Object.values(ROLES_OF_KIND).flat())).to.deep.equal(new Set(ROLES));
  });
});
