import { expect } from 'chai';
import type { Entry } from '../load/bundle.ts';
import { preparedClaims } from './prepared.ts';

const usd = (value: number) => ({ value, currency: 'USD' });
const claim = (more: object = {}): Entry => ({
  fullUrl: 'urn:uuid:c',
  resource: {
    ...{ resourceType: 'Claim', id: 'c', use: 'claim', patient: { reference: 'urn:uuid:p' }, total: usd(100) },
    insurance: [{ sequence: 1, focal: true, coverage: { display: 'An insurer' } }],
    procedure: [{ sequence: 1, procedureReference: { reference: 'urn:uuid:q' } }],
    item: [
      { sequence: 1, encounter: [{ reference: 'urn:uuid:e' }] },
      { sequence: 2, procedureSequence: [1], net: usd(60.1) },
    ],
    ...more,
  },
});
const others: Entry[] = [
  { fullUrl: 'urn:uuid:p', resource: { resourceType: 'Patient' } },
  { fullUrl: 'urn:uuid:e', resource: { resourceType: 'Encounter', subject: { reference: 'urn:uuid:p' } } },
  { fullUrl: 'urn:uuid:q', resource: { resourceType: 'Procedure', encounter: { reference: 'urn:uuid:e' } } },
  { fullUrl: 'urn:uuid:x', resource: { resourceType: 'Observation' } },
];
type Sent = {
  entry: { fullUrl: string; resource: { resourceType: string; id?: string; item?: object[]; total?: object } }[];
};
const first = (entry: Entry) => {
  const [prepared] = preparedClaims([entry, ...others]);
  return { ...prepared!, bundle: prepared!.bundle as Sent | undefined };
};

describe('A Claim of a file', () => {
  it('goes with what it refers to and no more, without the id of its file, and leaves the file as it is', () => {
    const entry = claim();
    const { bundle, missing } = first(entry);
    expect(missing).to.equal(undefined);
    expect(bundle!.entry.map(({ resource }) => resource.resourceType)).to.deep.equal([
      ...['Claim', 'Patient', 'Procedure', 'Encounter'],
    ]);
    expect(bundle!.entry[0]!.resource).to.not.have.property('id');
    expect(entry).to.deep.equal(claim());
  });

  it('has what its total has beyond its lines as the amount of the visit, and says so', () => {
    const { bundle, did } = first(claim());
    expect(bundle!.entry[0]!.resource.item?.[0]).to.deep.include({ net: usd(39.9) });
    expect(did).to.have.length(1);
    const whole = first(claim({ total: usd(60.1) }));
    expect(whole.did).to.deep.equal([]);
    expect(whole.bundle!.entry[0]!.resource.total).to.deep.equal(usd(60.1));
  });

  it('goes without a total that is not the sum of its lines, and says so', () => {
    const { bundle, did } = first(claim({ total: usd(10) }));
    expect(bundle!.entry[0]!.resource).to.not.have.property('total');
    expect(did[0]).to.include('total was left out');
  });

  it('is given the record of its visit that has its code, each once, where a line names none', () => {
    const code = { coding: [{ system: 'http://loinc.org', code: '58410-2' }] };
    const report = (url: string, more: object = {}): Entry => ({
      fullUrl: url,
      resource: {
        ...{ resourceType: 'DiagnosticReport', code, subject: { reference: 'urn:uuid:p' } },
        ...{ encounter: { reference: 'urn:uuid:e' }, ...more },
      },
    });
    const entry = claim({
      ...{ patient: { reference: 'urn:uuid:p' }, total: undefined },
      supportingInfo: [{ sequence: 1 }, { sequence: 2 }, { sequence: 3 }],
      item: [
        { sequence: 1, encounter: [{ reference: 'urn:uuid:e' }], net: usd(1) },
        ...[1, 2, 3].map((one) => ({
          sequence: one + 1,
          productOrService: code,
          informationSequence: [one],
          net: usd(2),
        })),
      ],
    });
    const [prepared] = preparedClaims([
      ...[entry, ...others, report('urn:uuid:elsewhere', { encounter: { reference: 'urn:uuid:x' } })],
      ...[
        report('urn:uuid:r1'),
        report('urn:uuid:hers', { subject: { reference: 'urn:uuid:q' } }),
        report('urn:uuid:r2'),
      ],
    ]);
    const sent = (prepared!.bundle as Sent).entry[0]!.resource;
    expect(sent).to.have.deep.property('supportingInfo', [
      { sequence: 1, valueReference: { reference: 'urn:uuid:r1' } },
      { sequence: 2, valueReference: { reference: 'urn:uuid:r2' } },
      { sequence: 3 },
    ]);
    // For the third there is none: it is not billed.
    expect(sent.item).to.have.length(3);
    expect(prepared!.did.map((did) => did.slice(0, 20))).to.deep.equal([
      ...['a line was given the', 'a line was given the', 'a line that names no'],
    ]);
  });

  it('is not sent where nobody insures the patient, or it is for nothing that was done', () => {
    expect(first(claim({ insurance: [{ coverage: { display: 'NO_INSURANCE' } }] }))).to.include({
      ...{ bundle: undefined, missing: 'the patient has no insurance' },
    });
    expect(first(claim({ use: 'preauthorization' })).missing).to.equal('its use is preauthorization');
  });
});
