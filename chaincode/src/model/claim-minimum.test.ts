import { expect } from 'chai';
import { keptEvidence, minimumOf } from './claim-minimum.ts';
import { anchoredExample, exampleClaim } from './example-claim.fixture.ts';

describe('What is kept of the records of a claim', () => {
  const { patient, encounter, observation, practitioner } = exampleClaim();

  it('is of a person what tells him and when he lived, and neither name nor address', () => {
    const known = { name: [{ family: 'Smith' }], address: [{ city: 'X' }], telecom: [{ value: '1' }], photo: [{}] };
    const odd = {
      text: { status: 'generated', div: '<div>Smith</div>' },
      extension: [{ url: 'urn:x' }],
      contact: [{}],
    };
    const [identifier] = patient['identifier'];
    const assigned = { ...identifier, assigner: { display: 'Dr. Smith’s practice' } };
    const kept = minimumOf({ ...patient, ...known, ...odd, identifier: [assigned] });
    expect(kept).to.deep.equal({ ...patient, identifier: [identifier] });
    expect(minimumOf({ ...practitioner, ...known, ...odd })).to.deep.equal(practitioner);
  });

  it('is of what took place when, by whom, for whom and what, and not what was found', () => {
    const found = { valueQuantity: { value: 1 }, component: [{}], interpretation: [{}], note: [{ text: 'x' }] };
    expect(minimumOf({ ...observation, ...found })).to.deep.equal(observation);
    expect(minimumOf({ ...encounter, reasonCode: [{ text: 'x' }], diagnosis: [{}] })).to.deep.equal(encounter);
  });

  it('stands where the record stood, without its salt and path', () => {
    const shown = anchoredExample({ ...patient, name: [{ family: 'Smith' }] });
    const place = { sheet: '00000000-0000-4000-9000-000000000001', index: 0, path: ['a'.repeat(64)], tree: '{}' };
    const kept = keptEvidence(
      { id: patient.id, version: 1, text: JSON.stringify(shown), place: '{}', ...place },
      shown,
    );
    expect(kept).to.deep.include({ id: patient.id, version: 1, sheet: place.sheet, path: [] });
    expect(kept.text).to.not.include('Smith').and.to.not.include(shown.salt);
  });
});
