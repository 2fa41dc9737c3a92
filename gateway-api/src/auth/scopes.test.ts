/** What scopes leave: of every form that SMART App Launch has, and of two that meet. */
import { expect } from 'chai';
import type { Caller } from './caller.ts';
import { type Act, grantOf, scopesIn } from './grants.ts';
import { demandAnyAct, demandScope, leftOf } from './scopes.ts';

const caller = (scope: string, more: Partial<Caller> = {}, patient?: string): Caller => ({
  ...{ subject: 'x', role: 'practitioner' },
  ...more,
  scopes: scopesIn(scope, patient),
});
const left = (scope: string, type: string, acts: string, patient?: string, more: Partial<Caller> = {}) => {
  try {
    return leftOf(caller(scope, more, patient), { type, acts: [...acts] as Act[] });
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('Scopes', () => {
  it('are read in both versions; what is none grants nothing', () => {
    expect(grantOf('patient/Observation.rs')).to.deep.equal({
      level: 'patient',
      type: 'Observation',
      acts: ['r', 's'],
    });
    expect(grantOf('user/*.cruds')?.acts).to.deep.equal(['c', 'r', 'u', 'd', 's']);
    expect(grantOf('system/Patient.read')?.acts).to.deep.equal(['r', 's']);
    expect(grantOf('system/Patient.write')?.acts).to.deep.equal(['c', 'u', 'd']);
    expect(grantOf('user/Patient.*')?.acts).to.have.length(5);
    expect(grantOf('user/Observation.rs?category=laboratory')?.query).to.equal('category=laboratory');
    for (const none of [
      ...['openid', 'launch/patient', 'user/Patient.', 'user/Patient.sr', 'user/patient.r', 'all/*.r', 'user/*.rsx'],
      ...['user/Patient.rs?', 'User/*.rs', 'user/**.rs', 'user/Patient.reads', ''],
    ])
      expect(grantOf(none), none).to.equal(undefined);
  });

  const CASES: [scope: string, type: string, acts: string, patient: string | undefined, left: unknown][] = [
    ['user/*.rs', 'Observation', 'r', undefined, {}],
    ['user/*.r', 'Observation', 's', undefined, 'FORBIDDEN'],
    ['user/*.s', 'Observation', 'r', undefined, 'FORBIDDEN'],
    ['user/Patient.cruds', 'Observation', 'r', undefined, 'FORBIDDEN'],
    ['openid fhirUser', 'Observation', 'r', undefined, 'FORBIDDEN'],
    ['', 'Observation', 'r', undefined, 'FORBIDDEN'],
    ['user/Observation.r', '*', 'r', undefined, 'FORBIDDEN'],
    ['patient/*.rs', 'Observation', 'rs', 'p', { patient: 'p' }],
    ['patient/*.rs', 'Observation', 'rs', undefined, 'FORBIDDEN'],
    ['patient/*.rs user/Observation.rs', 'Observation', 'rs', 'p', {}],
    ['patient/*.rs user/Observation.rs', 'Condition', 'rs', 'p', { patient: 'p' }],
    ['patient/*.r user/*.s', 'Observation', 'rs', 'p', { patient: 'p' }],
    ['user/Observation.rs?code=x', 'Observation', 'r', undefined, { queries: [{ query: 'code=x' }] }],
    ['user/Observation.rs?code=x user/*.rs', 'Observation', 'r', undefined, {}],
    ['patient/Observation.rs?code=x patient/*.rs', 'Observation', 'r', 'p', { patient: 'p' }],
    [
      'patient/Observation.rs?code=x user/Observation.rs?code=y',
      ...(['Observation', 'r', 'p', { queries: [{ query: 'code=y' }, { query: 'code=x', patient: 'p' }] }] as const),
    ],
    ['user/Observation.r?code=x user/Observation.s?code=y', 'Observation', 'rs', undefined, 'FORBIDDEN'],
  ];
  for (const [scope, type, acts, patient, expected] of CASES)
    it(`'${scope}' leave ${JSON.stringify(expected)} of ${type}.${acts}`, () =>
      expect(left(scope, type, acts, patient)).to.deep.equal(expected));

  it('of the level patient are about her who calls, or for whom somebody acts', () => {
    const her = { role: 'patient', fhirUser: 'Patient/h' } as const;
    expect(left('patient/*.rs', 'Condition', 'r', undefined, her)).to.deep.equal({ patient: 'h' });
    const his = { role: 'caretaker', actsFor: { patient: 'h', acts: [] } } as const;
    expect(left('patient/*.rs', 'Condition', 'r', undefined, his)).to.deep.equal({ patient: 'h' });
  });

  it('must be whole for what reaches further than records of a type', () => {
    const demand = { type: '*', acts: ['r', 's'] as const };
    expect(() => demandScope({ subject: 'x', role: 'system' }, demand)).to.not.throw();
    expect(() => demandScope(caller('system/*.rs'), demand)).to.not.throw();
    for (const scope of ['system/*.r', 'system/Patient.rs', 'system/*.rs?code=x', 'patient/*.rs'])
      expect(() => demandScope(caller(scope, {}, 'p'), demand), scope).to.throw('scopes');
    expect(() =>
      demandScope(caller('patient/*.rs', { role: 'patient', fhirUser: 'Patient/p' }), demand),
    ).to.not.throw();
    expect(() =>
      demandScope(caller('patient/*.rs', { role: 'patient', fhirUser: 'Patient/p' }, 'other'), demand),
    ).to.throw('scopes');
  });

  it('that write nothing of a type are seen before a body is', () => {
    expect(() => demandAnyAct(caller('user/*.rs'), 'Patient', ['c', 'u'])).to.throw('scopes');
    expect(() => demandAnyAct(caller('user/Patient.u'), 'Patient', ['c', 'u'])).to.not.throw();
    expect(() => demandAnyAct({ subject: 'x', role: 'system' }, 'Patient', ['c', 'u'])).to.not.throw();
  });
});
