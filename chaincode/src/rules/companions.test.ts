/** What goes with a record, and what does not, whatever is shown as if it did. */
import { expect } from 'chai';
import fc from 'fast-check';
import { isCompanion, targetsIn } from '../model/companions.ts';
import type { Resource } from '../model/fhir.ts';
import { comingAlong, isApart } from './companions.ts';
import type { Data } from './consent-content.ts';
import { type LedgerConsent, recordFacts } from './consents.ts';

const HOSPITAL = 'https://telemed-ledger.example/organisations/hospital';
const NPI = { system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' };
const doctor: Resource = { resourceType: 'Practitioner', id: 'd', identifier: [NPI] };
const observation = (performer: object): Resource => ({ resourceType: 'Observation', id: 'o', performer: [performer] });
const along = (referring: Resource[], ...shown: Resource[]): string[] =>
  comingAlong(referring, shown, 'hospital', () => true).map((place) => shown[place]!.id);

describe('Companions', () => {
  const MEANT: [what: string, reference: object, isMeant: boolean][] = [
    ['its type and id', { reference: 'Practitioner/d' }, true],
    ['one of its versions', { reference: 'Practitioner/d/_history/3' }, true],
    ['the base of its provider', { reference: `${HOSPITAL}/Practitioner/d` }, true],
    ['that base and a version', { reference: `${HOSPITAL}/Practitioner/d/_history/1` }, true],
    [
      'the base of another provider',
      { reference: 'https://telemed-ledger.example/organisations/clinic/Practitioner/d' },
      false,
    ],
    ['another server', { reference: 'https://elsewhere.example/fhir/Practitioner/d' }, false],
    ['what is contained', { reference: '#d' }, false],
    ['another type', { reference: 'PractitionerRole/d' }, false],
    ['another id', { reference: 'Practitioner/dd' }, false],
    ['an identifier', { identifier: NPI }, true],
    ['an identifier and its type', { type: 'Practitioner', identifier: NPI }, true],
    ['an identifier and another type', { type: 'Organization', identifier: NPI }, false],
    ['an identifier of another system', { identifier: { ...NPI, system: 'urn:other' } }, false],
    ['a value alone', { identifier: { value: NPI.value } }, false],
    ['a display alone', { display: 'Practitioner/d' }, false],
  ];
  for (const [what, reference, isMeant] of MEANT)
    it(`${isMeant ? 'go' : 'do not go'} where they are referred to by ${what}`, () => {
      expect(along([observation(reference)], doctor)).to.deep.equal(isMeant ? ['d'] : []);
    });

  it('are referred to from wherever in a record, what it contains too, and not by its own identifier', () => {
    const contained = [{ resourceType: 'MedicationRequest', id: 'm', requester: { reference: 'Practitioner/d' } }];
    expect(along([{ resourceType: 'Observation', id: 'o', contained }], doctor)).to.deep.equal(['d']);
    expect(targetsIn({ resourceType: 'QuestionnaireResponse', id: 'q', identifier: NPI }, 'hospital')).to.deep.equal(
      [],
    );
  });

  it('go with each other, also in a circle', () => {
    const role = { resourceType: 'PractitionerRole', id: 'r', practitioner: { reference: 'Practitioner/d' } };
    const ward = { resourceType: 'Location', id: 'l', managingOrganization: { reference: 'Organization/o' } };
    const house = { resourceType: 'Organization', id: 'o', partOf: { reference: 'Organization/o2' } };
    const group = { resourceType: 'Organization', id: 'o2', partOf: { reference: 'Organization/o' } };
    const located = { ...role, location: [{ reference: 'Location/l' }] };
    const all = [group, house, ward, doctor, located];
    expect(along([observation({ reference: 'PractitionerRole/r' })], ...all)).to.deep.equal(['o2', 'o', 'l', 'd', 'r']);
    expect(along([observation({ reference: 'Location/l' })], ...all)).to.deep.equal(['o2', 'o', 'l']);
    expect(along([], ...all)).to.deep.equal([]);
  });

  it('do not go by one that may not go itself', () => {
    const role = { resourceType: 'PractitionerRole', id: 'r', practitioner: { reference: 'Practitioner/d' } };
    const shown = [role, doctor];
    const referring = [observation({ reference: 'PractitionerRole/r' })];
    expect(comingAlong(referring, shown, 'hospital', (place) => place !== 0)).to.deep.equal([]);
  });

  const OTHERS: [what: string, resource: Resource][] = [
    ['another type', { resourceType: 'Observation', id: 'x' }],
    ['a device of a patient', { resourceType: 'Device', id: 'x', patient: { reference: 'Patient/p' } }],
    [
      'a device of one elsewhere',
      { resourceType: 'Device', id: 'x', patient: { reference: 'https://x.example/Patient/p' } },
    ],
    [
      'one that says who by identifier',
      { resourceType: 'Device', id: 'x', patient: { type: 'Patient', identifier: NPI } },
    ],
    [
      'one that contains a patient',
      { resourceType: 'Device', id: 'x', contained: [{ resourceType: 'Patient', id: 'p' }] },
    ],
    [
      'one with a patient in an extension',
      {
        ...{ resourceType: 'Location', id: 'x' },
        extension: [{ url: 'urn:x', valueReference: { reference: 'Patient/p/_history/2' } }],
      },
    ],
    ['one of a relative', { resourceType: 'Device', id: 'x', patient: { reference: 'RelatedPerson/p' } }],
  ];
  for (const [what, resource] of OTHERS)
    it(`are not ${what}`, () => {
      expect(isCompanion(resource)).to.equal(false);
      expect(along([observation({ reference: `${resource.resourceType}/x` })], resource)).to.deep.equal([]);
    });

  it('need a permission of their own where they are labelled, or a consent names them', () => {
    const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
    const labelled = (system: string, code: string) => ({ ...doctor, meta: { security: [{ system, code }] } });
    const consent = (data: Data): LedgerConsent => ({
      ...{ id: 'c', version: 1, status: 'active' },
      resource: {
        resourceType: 'Consent',
        status: 'active',
        patient: {},
        provision: { provision: [{ data: [data] }] },
      },
    });
    const isOne = (resource: Resource, ...consents: LedgerConsent[]) => isApart(recordFacts([resource])[0]!, consents);
    expect(isOne(doctor)).to.equal(false);
    for (const code of ['U', 'L', 'M', 'N']) expect(isOne(labelled(confidentiality, code)), code).to.equal(false);
    for (const code of ['R', 'V', 'X']) expect(isOne(labelled(confidentiality, code)), code).to.equal(true);
    expect(isOne(labelled('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'HIV'))).to.equal(true);
    expect(isOne(labelled('urn:of-our-own', 'N')), 'unknown').to.equal(true);
    expect(isOne(doctor, consent({ meaning: 'instance', reference: { reference: 'Practitioner/d' } }))).to.equal(true);
    expect(isOne(doctor, consent({ meaning: 'instance', reference: { reference: 'Practitioner/e' } }))).to.equal(false);
  });

  it('are the same whatever order they are shown in, and never more for fewer records', () => {
    const graph = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 8, maxLength: 8 });
    const sets = fc.uniqueArray(fc.nat(7), { maxLength: 4 });
    fc.assert(
      fc.property(graph, sets, fc.nat(7), (links, referred, extra) => {
        const shown = links.map(
          (to, id): Resource => ({
            ...{ resourceType: 'Organization', id: String(id) },
            link: to.map((one) => ({ reference: `Organization/${one}` })),
          }),
        );
        const records = referred.map((one) => observation({ reference: `Organization/${one}` }));
        const whole = along(records, ...shown).sort();
        expect(along(records, ...[...shown].reverse()).sort()).to.deep.equal(whole);
        const more = along([...records, observation({ reference: `Organization/${extra}` })], ...shown);
        expect(more).to.include.members(whole);
      }),
    );
  });
});
