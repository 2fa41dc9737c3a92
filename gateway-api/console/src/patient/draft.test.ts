/** What a new consent is written as: flat, so that it has one meaning. */
import { expect } from 'chai';
import { messages as en } from '../messages/en.ts';
import { wordsOf } from '../words.ts';
import { consentOf, KINDS, type Kind, kindsOf, typesOf } from './draft.ts';
import { consentSaid } from './saying.ts';

const words = wordsOf({ language: 'en', messages: en });
const plain = (text: string | undefined): string => (text ?? '').replace(/[\u2068\u2069]/g, '');
const draft = (more: object = {}) =>
  consentOf({
    ...{ receiver: { organisation: 'clinic' }, patient: 'Patient/p', types: typesOf(['results']), purpose: 'TREAT' },
    ...{ today: '2026-03-01', until: '2026-05-30', ...more },
  });

describe('A consent that is written in the pages', () => {
  it('nests nothing, and names one receiver, its purpose and its end', () => {
    const { provision, status } = draft();
    expect(status).to.equal('active');
    expect(provision?.provision).to.equal(undefined);
    expect(provision?.actor).to.have.length(1);
    expect(provision?.period).to.deep.equal({ start: '2026-03-01', end: '2026-05-30' });
    expect(provision?.class?.map(({ code }) => code)).to.deep.equal(['Observation', 'DiagnosticReport']);
  });

  it('names a person by the identifier that the directory has', () => {
    const person = { system: 'https://telemed-ledger.example/organisations/clinic/people', value: 'Practitioner/1' };
    const { provision } = draft({ receiver: { organisation: 'clinic', person: { ...person, name: 'Dr. X' } } });
    expect(provision?.actor?.[0]?.reference).to.deep.equal({ type: 'Practitioner', identifier: person });
  });

  it('says no class for everything, and no period until it is withdrawn', () => {
    const receiver = { organisation: 'clinic' };
    const open = { receiver, patient: 'Patient/p', types: [], purpose: 'TREAT', today: '2026-03-01' };
    const { provision } = consentOf(open);
    expect(provision).to.not.have.any.keys('class', 'period');
  });

  it('gives back the choices that its types were made of, each of them', () => {
    for (const kind of Object.keys(KINDS) as Kind[])
      expect(kindsOf(typesOf([kind]))).to.deep.equal({ kinds: [kind], others: [] });
    expect(kindsOf(['Observation', 'CarePlan'])).to.deep.equal({ kinds: ['results'], others: ['CarePlan'] });
  });
});

describe('A consent in plain words', () => {
  it('says who, what, what for and until when', () => {
    const said = consentSaid(draft(), words);
    expect(plain(said?.sentence)).to.match(/^clinic may see results for treatment, until .*30.* 2026|May/);
    expect(said).to.include({ isPermit: true, hasMore: false });
  });

  it('says a prohibition and its exceptions, and that it says not everything', () => {
    const said = consentSaid(
      {
        ...draft(),
        provision: {
          type: 'deny',
          securityLabel: [{ code: 'R' }],
          provision: [{ type: 'permit', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Condition' }] }],
        },
      },
      words,
    );
    expect(said).to.include({ isPermit: false, hasMore: true });
    expect(plain(said?.sentence)).to.equal('anybody may not see everything for any purpose, until it is withdrawn.');
    expect(plain(said?.exceptions[0]?.sentence)).to.include('may see conditions');
  });

  it('opts out of everything where nothing but that is said', () => {
    const optOut = { coding: [{ code: 'OPTOUT' }] };
    const { provision: _, ...rest } = draft();
    expect(consentSaid({ ...rest, policyRule: optOut }, words)?.isPermit).to.equal(false);
  });

  it('takes a delegation for none', () => {
    expect(consentSaid({ ...draft(), scope: { coding: [{ code: 'delegation' }] } }, words)).to.equal(undefined);
  });
});
