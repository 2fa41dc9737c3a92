/**
 * The request Bundles that Da Vinci PAS publishes as its examples, unmodified, at either gateway: submitted, updated, inquired. They stand in
 * `pas-examples.fixture.json`, as the guide's sources (github.com/HL7/davinci-pas, input/fsh/Examples.fsh, August 2026) state them. On either network.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

interface Entry {
  fullUrl: string;
  resource: Resource & { identifier?: { value: string }[]; outcome?: string; item?: object[]; subscriberId?: string };
}
interface Bundle {
  resourceType: 'Bundle';
  entry: Entry[];
}
const EXAMPLES = JSON.parse(readFileSync(join(import.meta.dirname, 'pas-examples.fixture.json'), 'utf8')) as Record<
  string,
  Bundle
>;
const INQUIRY = 'PASClaimInquiryBundleExample';
const UPDATE = 'HomecareAuthorizationUpdateBundleExample';
/** What is asked for, the update behind what it updates. */
const REQUESTS = Object.keys(EXAMPLES).filter((name) => name !== INQUIRY);

describe('The published examples of Da Vinci PAS', function () {
  this.timeout(90_000);
  const gateways: Record<string, Party> = {};
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    const { parties } = await consortium('pas-examples');
    Object.assign(gateways, { payer: parties.of('payer', 'adjudicator'), hospital: parties.of('hospital', 'system') });
    const { resource: insurance } = entryOf('Coverage');
    const { resource: subscriber } = entryOf('Patient');
    const body = {
      ...{ resourceType: 'Coverage', status: 'active', subscriberId: insurance.subscriberId },
      ...{ beneficiary: { identifier: subscriber.identifier![0] }, payor: [{ display: 'payer' }] },
      extension: [
        { url: 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider', valueString: 'hospital' },
      ],
    };
    const { id } = (await gateways['payer']!.write({ method: 'POST', path: '/fhir/R4/Coverage', body })).body;
    await gateways['hospital']!.find({ path: `/fhir/R4/Coverage/${id}` }, 'the coverage at the hospital');
    const patient = { resourceType: 'Patient', identifier: subscriber.identifier, gender: 'male' };
    await gateways['hospital']!.write({ method: 'POST', path: '/fhir/R4/Patient', body: patient });
  });

  const entryOf = (type: string): Entry =>
    EXAMPLES[REQUESTS[0]!]!.entry.find(({ resource }) => resource.resourceType === type)!;
  const submitted = async (at: string, name: string): Promise<Entry[]> => {
    const sent = { method: 'POST', path: '/fhir/R4/Claim/$submit', body: EXAMPLES[name] } as const;
    return (await gateways[at]!.write<Resource & Bundle>(sent)).body.entry;
  };

  for (const at of ['payer', 'hospital'])
    it(`are taken by the ${at}’s gateway as they are, pended with what was asked, and found by the guide’s inquiry`, async () => {
      const answered = new Map<string, Entry['resource']>();
      for (const name of REQUESTS) {
        const [response, claim] = (await submitted(at, name)).map(({ resource }) => resource);
        expect(response, name).to.include({ resourceType: 'ClaimResponse', outcome: 'queued' });
        const asked = EXAMPLES[name]!.entry[0]!.resource;
        expect(claim!.identifier, name).to.deep.include(asked.identifier![0]);
        expect(claim!.item, name).to.have.length(asked.item!.length);
        answered.set(name, response!);
      }
      // What amends a request is answered under the same number.
      expect(answered.get(UPDATE)!.id).to.equal(answered.get('HomecareAuthorizationBundleExample')!.id);
      const sent = { method: 'POST', path: '/fhir/R4/Claim/$inquire', body: EXAMPLES[INQUIRY] } as const;
      const { parameter = [] } = await gateways[at]!.ask<Resource & { parameter?: { resource: Bundle }[] }>(sent);
      const found = parameter.map(({ resource }) => resource.entry[0]!.resource.id);
      expect(found).to.include(answered.get(UPDATE)!.id);
    });
});
