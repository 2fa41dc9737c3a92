import type { Kind, Organisation } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import type { Caller } from '../../auth/caller.ts';
import { parametersOf } from '../../fhir/search-parameters.ts';
import { parseSearch } from '../../fhir/search-query.ts';
import { supportedType } from '../../fhir/types.ts';
import type { Failure } from '../../http/failures.ts';
import { demandSearchable, innerTypesOf } from './searchable.ts';

const searchOf = (query: string) => {
  const [type = '', text = ''] = query.split(/\?(.*)/s);
  return parseSearch(supportedType(type)!, [...new URLSearchParams(text)], 'https://x', false).search;
};

/** The parameter or type that is refused; undefined where none is. */
function refusalOf(query: string, kind: Kind, role: Caller['role']): string | undefined {
  try {
    demandSearchable(searchOf(query), { role } as Caller, { kind } as Organisation);
    return undefined;
  } catch (error) {
    expect((error as Failure).status).to.equal(400);
    return (error as Failure).expression;
  }
}

describe('What a search may ask', () => {
  const SAMPLES: Record<string, string> = { date: '2024', number: '5', quantity: '5' };
  const SHOWN = ['_id', '_lastUpdated', 'active', 'family', 'given', 'identifier', 'name', 'phonetic'];

  it('of the directory a patient sees is what it shows: by no parameter else, in no other way', () => {
    for (const { name, type } of parametersOf('Practitioner')) {
      const refused = refusalOf(`Practitioner?${name}=${SAMPLES[type] ?? 'x'}`, 'custodian', 'patient');
      expect(refused, name).to.equal(SHOWN.includes(name) ? undefined : name);
      expect(refusalOf(`Practitioner?_sort=${name}`, 'custodian', 'patient'), name).to.equal(name);
    }
    expect(refusalOf('Practitioner?name:missing=true', 'custodian', 'patient')).to.equal('name');
    expect(refusalOf('Practitioner?identifier:not=x', 'custodian', 'patient')).to.equal('identifier');
    expect(refusalOf('Practitioner?_has:Observation:performer:code=x', 'custodian', 'patient')).to.equal('performer');
    expect(refusalOf('Practitioner?phone=1', 'custodian', 'system')).to.equal(undefined);
    expect(refusalOf('Practitioner?phone=1', 'provider', 'practitioner')).to.equal(undefined);
  });

  it('of others leads into nothing that is shown in part, or made when it is read', () => {
    const chain = 'Observation?performer:Practitioner.phone=1';
    expect(refusalOf(chain, 'custodian', 'patient')).to.equal('Practitioner');
    expect(refusalOf(chain, 'provider', 'practitioner')).to.equal(undefined);
    const explained = 'Patient?_has:ExplanationOfBenefit:patient:status=active';
    for (const kind of ['custodian', 'payer'] as const)
      expect(refusalOf(explained, kind, 'system'), kind).to.equal('ExplanationOfBenefit');
    expect(refusalOf(explained, 'provider', 'system')).to.equal(undefined);
    expect(refusalOf('Patient?_has:AuditEvent:patient:type=rest', 'provider', 'system')).to.equal('AuditEvent');
  });

  it('of explanations is their claim, and of events what they are found by', () => {
    expect(refusalOf('ExplanationOfBenefit?claim=x&patient=y&identifier=z', 'payer', 'adjudicator')).to.equal(
      undefined,
    );
    expect(refusalOf('ExplanationOfBenefit?provider=x', 'payer', 'adjudicator')).to.equal('provider');
    expect(refusalOf('ExplanationOfBenefit?created=2024', 'payer', 'adjudicator')).to.equal('created');
    expect(refusalOf('AuditEvent?type=rest&date=2024&agent-name=x', 'custodian', 'patient')).to.equal(undefined);
  });

  it('names every type that a chain or what refers to it goes through', () => {
    const search = searchOf('Patient?_has:Observation:patient:encounter.location.name=x&organization.name=y');
    expect(innerTypesOf(search)).to.have.members(['Organization', 'Observation', 'Encounter', 'Location']);
  });
});
