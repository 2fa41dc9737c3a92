import { carinExamples } from '@telemed-ledger/gateway-api/fhir/fixtures/carin/carin.ts';
import { expect } from 'chai';
import type { Entry } from '../load/bundle.ts';
import { registeredAs } from './claims.ts';
import { preparedCoverages } from './coverages.ts';

const registering = { payer: 'payer', providers: ['hospital', 'clinic'] };
const EXAMPLES: Entry[] = carinExamples.map((resource) => ({ resource: resource as NonNullable<Entry['resource']> }));
const patient: Entry = {
  fullUrl: 'urn:uuid:p',
  resource: { resourceType: 'Patient', identifier: [{ system: 'urn:a', value: 'A' }] },
};
const coverage = (more: object): Entry => ({
  resource: { resourceType: 'Coverage', status: 'active', payor: [{ reference: 'urn:uuid:o' }], ...more },
});

describe('The Coverages of a payer’s file', () => {
  it('are CARIN Blue Button’s examples as they are: each with its member’s number, its payer and its providers', () => {
    const all = preparedCoverages(EXAMPLES, registering);
    expect(all).to.have.length(4);
    for (const { body, missing } of all) {
      expect(missing).to.equal(undefined);
      const text = JSON.stringify(body);
      expect(text).to.not.include('"reference"');
      expect(body).to.have.nested.property('beneficiary.identifier.value').that.is.a('string');
      expect(body).to.deep.include({ payor: [{ display: 'payer' }] });
      expect(text).to.include('"hospital"').and.include('"clinic"');
    }
    // Of several numbers the member's own.
    const patients = EXAMPLES.filter(({ resource }) => resource?.resourceType === 'Patient');
    expect(patients.length).to.be.greaterThan(0);
    expect(all[0]!.did).to.include('its beneficiary was named by the number that the Patient of the file has');
  });

  it('are named by what they say themselves, and missing where nothing has a number', () => {
    const [own, ofPatient, subscriber, none] = preparedCoverages(
      [
        patient,
        coverage({ beneficiary: { identifier: { value: 'OWN' } }, extension: [] }),
        coverage({ beneficiary: { reference: 'urn:uuid:p' } }),
        coverage({ beneficiary: { reference: 'Patient/x' }, subscriberId: 'S-1' }),
        coverage({ beneficiary: { reference: 'Patient/x' } }),
      ],
      registering,
    );
    expect(own!.body).to.have.nested.property('beneficiary.identifier.value', 'OWN');
    expect(ofPatient!.body).to.have.nested.property('beneficiary.identifier.value', 'A');
    expect(subscriber!.body).to.have.nested.property('beneficiary.identifier.value', 'S-1');
    expect(none).to.include({ body: undefined, name: 'entry[4]' });
    expect(none!.missing).to.match(/^the number of its beneficiary/);
  });

  it('are sent each under a key of its own, the same again, and said one by one', async () => {
    const sent: { path: string; key: string }[] = [];
    const http = {
      send: async ({ path, headers }: { path: string; headers?: Record<string, string | undefined> }) => {
        sent.push({ path, key: String(headers?.['idempotency-key']) });
        const status = sent.length % 2 === 1 ? 201 : 422;
        const issue = [{ diagnostics: 'is wrong', expression: ['Coverage.period'] }];
        return { status, body: status === 201 ? { resourceType: 'Coverage' } : { issue }, headers: {} };
      },
    };
    const prepared = preparedCoverages(
      [
        coverage({ beneficiary: { identifier: { value: '1' } } }),
        coverage({ beneficiary: { identifier: { value: '2' } } }),
        coverage({ beneficiary: {} }),
      ],
      registering,
    );
    const options = { http: http as never, token: async () => 'x', key: 'file', atOnce: 1 };
    const all = await registeredAs(prepared, options);
    expect(all.map(({ outcome, reason }) => [outcome, reason?.slice(0, 30)])).to.deep.equal([
      ['taken', undefined],
      ['refused', 'is wrong at Coverage.period'],
      ['missing', 'the number of its beneficiary:'],
    ]);
    await registeredAs(prepared, options);
    expect(sent.map(({ path }) => path)).to.deep.equal(Array(4).fill('/fhir/R4/Coverage'));
    expect(sent.slice(2).map(({ key }) => key)).to.deep.equal(sent.slice(0, 2).map(({ key }) => key));
    expect(sent[0]!.key).to.not.equal(sent[1]!.key);
  });
});
