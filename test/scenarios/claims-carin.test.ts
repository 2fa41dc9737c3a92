/**
 * The examples that CARIN Blue Button publishes (hl7.fhir.us.carin-bb 2.0.0) are recorded and read, and our own explanation of a claim keeps the
 * profile that they keep. On either network.
 */
import { carinExamples, carinProfiles } from '@telemed-ledger/gateway-api/fhir/fixtures/carin/carin.ts';
import { preparedCoverages } from '@telemed-ledger/scripts/billing/coverages.ts';
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { START_TIMEOUT_MS } from './consortium.fixture.ts';
import { type Answer, Insured, line } from './insured.fixture.ts';

type Example = Resource & Record<string, unknown>;
interface Bundle extends Resource {
  entry: { response: { status: string; location: string } }[];
}

const examples = carinExamples as unknown as readonly Example[];

const PROFESSIONAL =
  'http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Professional-NonClinician|2.0.0';

describe('CARIN Blue Button', function () {
  this.timeout(90_000);
  let insured: Insured;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    insured = await Insured.of('CARIN');
  });

  /** Without what a server gives, and where references lead. */
  const said = (resource: object): unknown =>
    JSON.parse(
      JSON.stringify(resource, (name, value) =>
        ['id', 'lastUpdated', 'versionId', 'tag', 'reference'].includes(name) ? undefined : value,
      ),
    );

  it('’s examples are recorded in one transaction, and read as they are', async () => {
    const coverages = new Map<string, string>();
    const entries = examples.map((resource) => ({ fullUrl: `${resource.resourceType}/${resource.id}`, resource }));
    // As `npm run cover` registers them.
    for (const { name, body } of preparedCoverages(entries, { payer: 'payer', providers: ['hospital'] })) {
      const { id } = (await insured.payer.write({ method: 'POST', path: '/fhir/R4/Coverage', body: body! })).body;
      await insured.hospital.find({ path: `/fhir/R4/Coverage/${id}` }, 'the coverage at the hospital');
      coverages.set(name, `Coverage/${id}`);
    }
    const entry = examples
      .filter(({ resourceType }) => resourceType !== 'Coverage')
      .map((resource) => ({
        fullUrl: `https://example.org/fhir/${resource.resourceType}/${resource.id}`,
        resource: JSON.parse(
          JSON.stringify(resource, (name, value) => (name === 'reference' ? (coverages.get(value) ?? value) : value)),
        ) as Example,
        request: { method: 'POST', url: resource.resourceType },
      }));
    const body = { resourceType: 'Bundle', type: 'transaction', entry };
    const { body: answer } = await insured.hospital.write<Bundle>({ method: 'POST', path: '/fhir/R4', body });
    expect(answer.entry).to.have.length(entry.length);
    for (const [at, { response }] of answer.entry.entries()) {
      expect(response.status).to.match(/^201/);
      const path = `/fhir/R4/${response.location.replace(/^.*fhir\/R4\//, '').replace(/\/_history.*$/, '')}`;
      const read = await insured.hospital.ask<Example>({ path });
      expect(said(read), path).to.deep.equal(said(entry[at]!.resource));
      expect(carinProfiles.issuesOfStated(read, read.resourceType)).to.deep.equal([]);
    }
  });

  it('’s profile is kept by what the payer explains to the patient of a claim that says what it asks for', async () => {
    const { hospital, payer, story } = insured;
    const coverage = await insured.covered();
    const place = 'https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set';
    const placed = { locationCodeableConcept: { coding: [{ system: place, code: '10' }] } };
    const icd = { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'R51.9' }] };
    const encounter = [{ reference: `Encounter/${await insured.visited()}` }];
    const body = {
      ...{ ...insured.claim(coverage), use: 'claim', diagnosis: [{ sequence: 1, diagnosisCodeableConcept: icd }] },
      item: [{ sequence: 1, servicedDate: insured.day, encounter, ...line('99213', 80, placed) }],
    };
    const { body: answer } = await hospital.write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body });
    await payer.find({ path: `/fhir/R4/${answer.request.reference}` }, 'the claim at the payer');
    const decided = await insured.adjudicate(answer);
    expect(decided.disposition).to.equal('approved');
    const patient = story.parties.of('patients', 'patient', `Patient/${story.patientId}`);
    for (const party of [patient, payer]) {
      const path = `/fhir/R4/ExplanationOfBenefit/${decided.id}`;
      const explanation = await party.find<Example & { meta: { profile?: string[] } }>({ path }, 'the explanation');
      expect(explanation.meta.profile).to.deep.equal([PROFESSIONAL]);
      expect(carinProfiles.issuesOfStated(explanation, 'ExplanationOfBenefit')).to.deep.equal([]);
    }
  });
});
