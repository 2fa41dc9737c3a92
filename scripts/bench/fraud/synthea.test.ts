/** Visits are read from Synthea's Bundles as they are, and moved to days of today by their days alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Chance } from './random.ts';
import { moved, visitsOf } from './synthea.ts';

const code = { system: 'http://snomed.info/sct', code: '162673000' };
const encounter = (id: string, end: string, npi = '9999981894') => ({
  fullUrl: `urn:uuid:${id}`,
  resource: {
    ...{ resourceType: 'Encounter', class: { code: 'AMB' }, type: [{ coding: [{ ...code, display: 'Examination' }] }] },
    participant: [{ individual: { reference: `Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|${npi}` } }],
    period: { start: '2019-06-03T08:18:23+00:00', end },
  },
});
const claim = (id: string, value: number) => ({
  fullUrl: `urn:uuid:claim-${id}`,
  resource: {
    ...{ resourceType: 'Claim', total: { value, currency: 'USD' } },
    item: [{ encounter: [{ reference: `urn:uuid:${id}` }] }, {}],
  },
});

describe('visits of Synthea’s', () => {
  const directory = mkdtempSync(join(tmpdir(), 'telemed-fraud-'));
  const file = join(directory, 'bundle.json');
  after(() => rmSync(directory, { recursive: true }));

  it('have what was billed of them, and leave out stays and what nobody billed', async () => {
    const patient = { resource: { resourceType: 'Patient', gender: 'male', birthDate: '1980-02-03' } };
    const request = { method: 'POST', url: 'Encounter' };
    const entry = [
      patient,
      encounter('visit', '2019-06-03T08:55:48+00:00'),
      encounter('stay', '2019-06-05T08:00:00+00:00'),
      encounter('free', '2019-06-03T08:55:48+00:00'),
      claim('visit', 853.36),
      claim('stay', 9000),
    ].map((one) => ({ ...one, request }));
    writeFileSync(file, JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
    const visits = await visitsOf([file]);
    expect(visits).to.deep.equal([
      {
        ...{
          person: { gender: 'male', birthDate: '1980-02-03' },
          npi: '9999981894',
          class: 'AMB',
          code,
          units: 85_336,
        },
        ...{ start: '2019-06-03T08:18:23+00:00', end: '2019-06-03T08:55:48+00:00' },
      },
    ]);
    const { start, end } = moved(visits[0]!, 3, '2026-03-02');
    expect([start, end]).to.deep.equal(['2026-02-27T08:18:23+00:00', '2026-02-27T08:55:48+00:00']);
  });
});

describe('chance', () => {
  it('is the same for the same seed', () => {
    const drawn = (seed: number): unknown => {
      const chance = new Chance(seed);
      return [chance.between(1, 1_000), chance.shuffled([1, 2, 3, 4, 5]), chance.of(['a', 'b', 'c'])];
    };
    expect(drawn(7)).to.deep.equal(drawn(7));
    expect(drawn(7)).to.not.deep.equal(drawn(8));
  });
});
