import { expect } from 'chai';
import fc from 'fast-check';
import type { Resource } from '../model/fhir.ts';
import type { LicenceState } from '../model/values.ts';
import type { LedgerConsent } from './consents.ts';
import { decideEmergency } from './emergencies.ts';
import { licenceRefusal } from './licences.ts';

const NOW = '2026-03-01T23:59:59.000Z';
const LATEST = '2026-03-02T23:59:59.000Z';
const doctor = { organisation: 'clinic', practitioner: 'Practitioner/d1' };
const licence: LicenceState = {
  ...{ number: '1', status: 'active', start: '2026-01-01', end: '2026-03-01', updatedAt: NOW },
  practitioners: [{ organisation: 'hospital', practitioner: 'Practitioner/d9' }, doctor],
};

describe('A licence for emergencies', () => {
  const { practitioners: _, ...unnamed } = licence;
  const cases: [string, LicenceState | undefined, string | undefined][] = [
    ['in force, of whoever asks', licence, undefined],
    ['that is not there', undefined, 'licence-absent'],
    ['that names nobody', unnamed, 'licence-of-another'],
    [
      'of another',
      { ...licence, practitioners: [{ ...doctor, practitioner: 'Practitioner/d2' }] },
      'licence-of-another',
    ],
    [
      'of another organisation’s of that reference',
      { ...licence, practitioners: [{ ...doctor, organisation: 'hospital' }] },
      'licence-of-another',
    ],
    ['suspended', { ...licence, status: 'suspended' }, 'licence-suspended'],
    ['excluded', { ...licence, status: 'excluded' }, 'licence-excluded'],
    ['over since yesterday', { ...licence, end: '2026-02-28' }, 'licence-expired'],
    ['that begins tomorrow', { ...licence, start: '2026-03-02', end: '2027-01-01' }, 'licence-not-begun'],
  ];
  for (const [what, held, refusal] of cases)
    it(`${what} ${refusal === undefined ? 'does' : `does not: ${refusal}`}`, () => {
      expect(licenceRefusal(held, doctor, NOW)).to.equal(refusal);
    });
});

describe('An emergency', () => {
  const patient: Resource = { resourceType: 'Patient', id: 'p' };
  const record = (id: string): Resource => ({ resourceType: 'Observation', id, subject: { reference: 'Patient/p' } });
  const records = [record('a'), record('b')];
  const asking = (purpose: string) => ({
    ...{ organisation: 'clinic', holder: 'hospital', practitioner: 'Practitioner/d1', role: 'practitioner', purpose },
  });
  const consent = (provision: object, id = 'c', status: 'active' | 'revoked' = 'active'): LedgerConsent => {
    const scope = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    };
    return {
      ...{ id, version: 1, status },
      resource: {
        resourceType: 'Consent',
        status: 'active',
        scope,
        patient: {},
        provision,
      } as LedgerConsent['resource'],
    };
  };
  const purpose = (...codes: string[]) => codes.map((code) => ({ code }));
  const decide = (consents: LedgerConsent[], code: string) =>
    decideEmergency(consents, asking(code), { patient, records }, { now: NOW, latest: LATEST });
  const all = { outcome: 'permit', permitted: [0, 1], companions: [] };
  const denied = { outcome: 'deny', reason: 'consent-denied', consent: { id: 'c', version: 1 } };
  const one = [{ meaning: 'instance', reference: { reference: 'Observation/a' } }];

  const cases: [string, LedgerConsent[], btg: object, etreat: object][] = [
    ['without any consent', [], all, all],
    ['with a consent for something else', [consent({ type: 'permit', purpose: purpose('TREAT') })], all, all],
    ['with a denial of breaking the glass', [consent({ type: 'deny', purpose: purpose('BTG') })], denied, denied],
    ['with a denial of emergency treatment', [consent({ type: 'deny', purpose: purpose('ETREAT') })], all, denied],
    ['with a denial of treatment', [consent({ type: 'deny', purpose: purpose('TREAT') })], all, denied],
    ['with a denial of everything', [consent({ type: 'deny' })], all, denied],
    ['with a denial of a kind of emergency', [consent({ type: 'deny', purpose: purpose('ERTREAT') })], all, all],
    [
      'with an exception to a denial of breaking the glass',
      [
        consent({
          ...{ type: 'deny', purpose: purpose('BTG') },
          provision: [{ type: 'permit', data: one }],
        }),
      ],
      { outcome: 'deny', reason: 'consent-denied', consent: { id: 'c', version: 1 } },
      { outcome: 'deny', reason: 'consent-denied', consent: { id: 'c', version: 1 } },
    ],
    ['with a denial of payment', [consent({ type: 'deny', purpose: purpose('HPAYMT') })], all, all],
    ['with a denial that is revoked', [consent({ type: 'deny', purpose: purpose('BTG') }, 'c', 'revoked')], all, all],
    [
      'with a denial that is over',
      [consent({ type: 'deny', purpose: purpose('BTG'), period: { end: '2026-02-01' } })],
      all,
      all,
    ],
    [
      'with a denial for one record',
      [consent({ type: 'deny', purpose: purpose('BTG'), data: one })],
      { outcome: 'permit', permitted: [1], companions: [] },
      { outcome: 'permit', permitted: [1], companions: [] },
    ],
    [
      'with a permission beside the denial',
      [consent({ type: 'permit', purpose: purpose('BTG') }, 'a'), consent({ type: 'deny', purpose: purpose('BTG') })],
      denied,
      denied,
    ],
  ];
  for (const [what, consents, btg, etreat] of cases)
    it(`${what} comes to this`, () => {
      expect(decide(consents, 'BTG'), 'BTG').to.deep.equal(btg);
      expect(decide(consents, 'ETREAT'), 'ETREAT').to.deep.equal(etreat);
    });

  it('is never shown more because of one more consent', () => {
    const provisions = fc.record({
      type: fc.constantFrom('permit', 'deny'),
      purpose: fc.subarray(['BTG', 'ETREAT', 'TREAT'], { minLength: 1 }).map((codes) => purpose(...codes)),
      ...{ data: fc.constantFrom(one, [{ meaning: 'instance', reference: { reference: 'Observation/b' } }]) },
    });
    const shown = (consents: LedgerConsent[], code: string): number[] => {
      const decision = decide(consents, code);
      return decision.outcome === 'permit' ? decision.permitted : [];
    };
    fc.assert(
      fc.property(
        fc.array(provisions, { maxLength: 4 }),
        provisions,
        fc.constantFrom('BTG', 'ETREAT'),
        (some, more, code) => {
          const consents = some.map((provision, index) => consent(provision, `c${index}`));
          expect(shown(consents, code)).to.include.members(shown([...consents, consent(more, 'more')], code));
        },
      ),
    );
  });
});
