/**
 * What clients of others send: Bundles with what they refer to (Da Vinci PAS), coverages as they write them, requests for
 * authorization at either gateway. On either network.
 */
import { randomUUID } from 'node:crypto';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
const CPT = 'http://www.ama-assn.org/go/cpt';
const BASE = 'http://h.example/fhir';

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
type Answered = Resource & Record<string, any>;

describe('What a client submits', function () {
  this.timeout(90_000);
  let story: Story;
  let hospital: Party;
  let practitioner: object;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    const { parties } = await consortium();
    story = { parties, visit: newVisit(), startedAt: '', locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
    hospital = parties.of('hospital', 'system');
    const location = [...story.locations.values()].find((one) => one.startsWith('Encounter/'));
    ({ participant: practitioner } = await hospital.ask<Answered>({ path: `/fhir/R4/${location}` }));
  });

  const { day } = newVisit();
  let hour = 0;
  /** A finished visit of the story's patient, each at an hour of its own. */
  async function visited(identifier?: object): Promise<Answered> {
    hour += 1;
    const at = (minute: string): string => `${day}T${String(hour).padStart(2, '0')}:${minute}:00-05:00`;
    const body = {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' } },
      ...{ subject: { reference: `Patient/${story.patientId}` }, participant: practitioner },
      ...{ period: { start: at('00'), end: at('15') }, ...(identifier && { identifier: [identifier] }) },
    };
    return (await hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body })).body;
  }

  const claimFor = (encounter: string, more: object = {}) => ({
    ...{ resourceType: 'Claim', status: 'active', use: 'claim', created: day },
    ...{ priority: { coding: [{ code: 'normal' }] }, patient: { reference: `Patient/${story.patientId}` } },
    type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
    provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
    insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${story.coverageId}` } }],
    item: [
      {
        ...{ sequence: 1, productOrService: { coding: [{ system: CPT, code: '99213' }] }, servicedDate: day },
        ...{ encounter: [{ reference: encounter }], net: { value: 80, currency: 'USD' } },
      },
    ],
    ...more,
  });
  const entry = (fullUrl: string, resource: object) => ({ fullUrl, resource });
  const bundleOf = (...entries: object[]) => ({ resourceType: 'Bundle', type: 'collection', entry: entries });

  const submitted = async (body: object): Promise<Answered> =>
    (await hospital.write<Answered>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body })).body;
  async function refused(body: object): Promise<{ expression: string; diagnostics: string }> {
    const answer = await hospital.send({ method: 'POST', path: '/fhir/R4/Claim/$submit', body });
    const outcome = answer.body as Answered;
    expect(answer.status, JSON.stringify(outcome)).to.equal(422);
    const [issue] = outcome['issue'];
    return { expression: issue.expression?.[0], diagnostics: issue.diagnostics };
  }
  const expectTaken = (answer: Answered): void => {
    expect(answer['outcome'], JSON.stringify(answer)).to.equal('queued');
  };

  const patientEntry = () => {
    const { member } = story.visit;
    return entry(`${BASE}/Patient/1`, {
      resourceType: 'Patient',
      id: '1',
      identifier: [member],
      name: [{ family: 'X' }],
    });
  };

  describe('in a Bundle', () => {
    it('refers to entries, which are matched by identifier, and to what is here', async () => {
      const name = { system: 'urn:example:visits', value: randomUUID() };
      const visit = await visited(name);
      const claim = claimFor('Encounter/7', { patient: { reference: `${BASE}/Patient/1` } });
      const answer = await submitted(
        bundleOf(entry(`${BASE}/Claim/1`, claim), patientEntry(), entry(`${BASE}/Encounter/7`, { ...visit, id: '7' })),
      );
      expectTaken(answer);
      const stored = await hospital.ask<Answered>({ path: `/fhir/R4/${answer['request'].reference}` });
      expect(stored['patient'].reference).to.equal(`Patient/${story.patientId}`);
      expect(stored['item'][0].encounter[0].reference).to.equal(`Encounter/${visit.id}`);
      expect(answer).to.not.have.property('processNote');
    });

    it('matches a visit by patient and time, and a coverage by its subscriber or beneficiary', async () => {
      const { id: _, identifier: __, meta: ___, ...visit } = await visited();
      const [patient, encounter, coverage] = ['urn:uuid:a', 'urn:uuid:b', 'urn:uuid:c'].map(
        (one) => `${one}${randomUUID()}`,
      );
      const claim = claimFor(encounter!, {
        patient: { reference: patient },
        insurance: [{ sequence: 1, focal: true, coverage: { reference: coverage } }],
      });
      const answer = await submitted(
        bundleOf(
          entry(`urn:uuid:${randomUUID()}`, claim),
          entry(patient!, patientEntry().resource),
          entry(encounter!, { ...visit, subject: { reference: patient } }),
          entry(coverage!, {
            ...{ resourceType: 'Coverage', status: 'active', beneficiary: { reference: patient } },
            payor: [{ display: 'payer' }],
          }),
        ),
      );
      expectTaken(answer);
    });

    it('takes along what is not here, and says what nothing refers to', async () => {
      const visit = await visited();
      const claim = claimFor(`Encounter/${visit.id}`, {
        facility: { reference: `${BASE}/Location/1` },
        insurer: { reference: `${BASE}/Organization/1` },
      });
      const answer = await submitted(
        bundleOf(
          entry(`${BASE}/Claim/1`, claim),
          entry(`${BASE}/Location/1`, { resourceType: 'Location', id: '1', name: 'Room 1' }),
          entry(`${BASE}/Organization/1`, { resourceType: 'Organization', id: '1', name: 'An insurer' }),
          entry(`${BASE}/Basic/1`, { resourceType: 'Basic', id: '1', code: { text: 'x' } }),
        ),
      );
      expectTaken(answer);
      expect(answer['processNote'].map(({ text }: { text: string }) => text)).to.deep.equal([
        'Bundle.entry[3].resource: Nothing in the Claim refers to this: it was not used.',
      ]);
      const stored = await hospital.ask<Answered>({ path: `/fhir/R4/${answer['request'].reference}` });
      expect(stored['contained'].map(({ name }: Answered) => name)).to.have.members(['Room 1', 'An insurer']);
      expect(stored['facility'].reference).to.match(/^#entry-/);
    });

    it('is refused with the place where it holds no Claim or two, or names what is not here', async () => {
      const claim = claimFor('Encounter/7', { patient: { reference: `${BASE}/Patient/1` } });
      expect((await refused(bundleOf(patientEntry()))).expression).to.equal('Bundle.entry');
      expect((await refused({ ...bundleOf(entry(`${BASE}/Claim/1`, claim)), type: 'searchset' })).expression).to.equal(
        'Bundle.type',
      );
      const twice = bundleOf(entry(`${BASE}/Claim/1`, claim), entry(`${BASE}/Claim/2`, claim));
      expect((await refused(twice)).expression).to.equal('Bundle.entry[1].resource');
      const nowhere = bundleOf(entry(`${BASE}/Claim/1`, claim));
      expect((await refused(nowhere)).expression).to.equal('Bundle.entry[0].resource.patient.reference');
      const stranger = entry(`${BASE}/Patient/1`, {
        ...{ resourceType: 'Patient', id: '1', identifier: [{ system: 'urn:example', value: randomUUID() }] },
      });
      expect((await refused(bundleOf(entry(`${BASE}/Claim/1`, claim), stranger))).expression).to.equal(
        'Bundle.entry[1].resource',
      );
      const [visit, other] = [await visited(), await visited({ system: 'urn:example:visits', value: 'v' })];
      expect(visit.id).to.not.equal(other.id);
      const unknown = entry(`${BASE}/Coverage/1`, {
        ...{ resourceType: 'Coverage', id: '1', status: 'active', subscriberId: randomUUID() },
        ...{ beneficiary: { display: 'somebody' }, payor: [{ display: 'nobody' }] },
      });
      const insured = claimFor(`Encounter/${visit.id}`, {
        patient: { reference: `Patient/${randomUUID()}` },
        insurance: [{ sequence: 1, focal: true, coverage: { reference: 'Coverage/1' } }],
      });
      expect((await refused(bundleOf(entry(`${BASE}/Claim/1`, insured), unknown))).expression).to.equal(
        'Bundle.entry[1].resource',
      );
    });
  });

  it('states its amounts and keeps their digits, alone and in a Bundle', async () => {
    const exactly = (claim: object): object => {
      const text = JSON.stringify(claim).replace('"value":80,', '"value":80.00,');
      return parseExact(text) as object;
    };
    for (const wrapped of [(claim: object) => claim, (claim: object) => bundleOf(entry('urn:uuid:1', claim))]) {
      const answer = await submitted(exactly(wrapped(claimFor(`Encounter/${(await visited()).id}`))));
      expectTaken(answer);
      const path = `/fhir/R4/${answer['request'].reference}`;
      expect(String((await hospital.send({ path, asBytes: true })).body)).to.include('"value":80.00');
    }
  });

  it('names patient and coverage by identifiers, by this server’s address, or contains its coverage', async () => {
    const { member } = story.visit;
    const origin = story.parties.reach.urls['hospital'];
    const byName = claimFor(`${origin}/fhir/R4/Encounter/${(await visited()).id}`, { patient: { identifier: member } });
    expectTaken(await submitted(byName));
    const contained = claimFor(`Encounter/${(await visited()).id}`, {
      contained: [
        {
          ...{ resourceType: 'Coverage', id: 'cover', status: 'active' },
          ...{ beneficiary: { identifier: member }, payor: [{ display: 'payer' }] },
        },
      ],
      insurance: [{ sequence: 1, focal: true, coverage: { reference: '#cover' } }],
    });
    expectTaken(await submitted(contained));
    const untold = claimFor(`Encounter/${(await visited()).id}`, {
      insurance: [{ sequence: 1, focal: true, coverage: { display: 'my insurance' } }],
    });
    const answer = await submitted(untold);
    expectTaken(answer);
    expect(answer['processNote'][0].text).to.include('Claim.insurance[0].coverage');
  });
});
