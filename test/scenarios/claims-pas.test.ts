/**
 * What clients of others send: Bundles with what they refer to (Da Vinci PAS), coverages as they write them, requests for
 * authorization at either gateway. On either network.
 */
import { randomUUID } from 'node:crypto';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { validateResource } from '@telemed-ledger/gateway-api/fhir/validation/validation.ts';
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
      const [patient, encounter, coverage] = Array.from({ length: 3 }, () => `urn:uuid:${randomUUID()}`);
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
    for (const wrapped of [
      (claim: object) => claim,
      (claim: object) => bundleOf(entry(`urn:uuid:${randomUUID()}`, claim)),
    ]) {
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

  describe('to have authorized', () => {
    const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
    let payer: Party;
    before(() => {
      payer = story.parties.of('payer', 'adjudicator');
    });

    /** A PAS request as a client writes it: relative references, nothing of the ledger's. */
    function asked({ subscriber = 'none', member = {}, more = {} }: Record<string, unknown> = {}) {
      const claim = {
        ...{
          resourceType: 'Claim',
          id: 'R1',
          status: 'active',
          use: 'preauthorization',
          created: `${day}T11:01:00+05:00`,
        },
        identifier: [{ system: 'urn:trnorg:9012345678', value: randomUUID() }],
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
        ...{ patient: { reference: 'Patient/S1' }, insurer: { reference: 'Organization/I1' } },
        provider: { reference: 'Organization/U1' },
        priority: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/processpriority', code: 'normal' }] },
        insurance: [{ sequence: 1, focal: true, coverage: { reference: 'Coverage/C1' } }],
        item: [1, 2].map((sequence) => ({
          extension: [
            { url: `${PAS}/extension-itemTraceNumber`, valueIdentifier: { system: 'urn:trace', value: `${sequence}` } },
            // Of an earlier authorization, as in the guide's own examples.
            { url: `${PAS}/extension-authorizationNumber`, valueString: '1122445' },
            {
              url: `${PAS}/extension-certificationType`,
              valueCodeableConcept: { coding: [{ system: 'https://codesystem.x12.org/005010/1322', code: 'I' }] },
            },
            { url: `${PAS}/extension-requestedService`, valueReference: { reference: 'ServiceRequest/Q1' } },
          ],
          sequence,
          productOrService: { coding: [{ system: 'https://codesystem.x12.org/005010/1365', code: '3' }] },
        })),
        ...(more as object),
      };
      const npi = (value: string) => [{ system: 'http://hl7.org/fhir/sid/us-npi', value }];
      const resources = [
        claim,
        { resourceType: 'Organization', id: 'U1', name: 'DR. JOE SMITH CORPORATION', identifier: npi('8189991234') },
        { resourceType: 'Organization', id: 'I1', name: 'AN INSURANCE COMPANY', identifier: npi('1234567893') },
        {
          ...{ resourceType: 'Coverage', id: 'C1', status: 'active', subscriberId: subscriber },
          ...{ beneficiary: { reference: 'Patient/S1' }, payor: [{ reference: 'Organization/I1' }] },
        },
        {
          ...{ resourceType: 'Patient', id: 'S1', identifier: [member], name: [{ family: 'SMITH' }] },
          address: [{ line: ['1 Secret Street'] }],
        },
        {
          ...{ resourceType: 'ServiceRequest', id: 'Q1', status: 'active', intent: 'order' },
          subject: { reference: 'Patient/S1' },
        },
      ];
      const entries = resources.map((one) => entry(`http://example.org/fhir/${one.resourceType}/${one.id}`, one));
      return {
        ...bundleOf(...entries),
        identifier: { system: 'urn:submitter', value: 'A12345' },
        timestamp: `${day}T11:01:00Z`,
      };
    }

    const post = async (party: Party, path: string, body: object): Promise<Answered> =>
      (await party.write<Answered>({ method: 'POST', path: `/fhir/R4/${path}`, body })).body;
    const actionsOf = (response: Answered): string[] =>
      response['item'].map(
        (item: Answered) => item['adjudication'][0].extension[0].extension[0].valueCodeableConcept.coding[0].code,
      );
    const clockOf = (response: Answered): Record<string, string> =>
      Object.fromEntries(
        response['extension'][0].extension.map(({ url, ...value }: Answered) => [url, Object.values(value)[0]]),
      );

    it('is pended by the provider’s gateway with its clock, decided by the payer, inquired, amended and taken back', async () => {
      const request = asked({ member: story.visit.member });
      const answer = await post(hospital, 'Claim/$submit', request);
      expect(answer).to.include({ resourceType: 'Bundle', type: 'collection' });
      expect(answer['identifier']).to.deep.equal(request.identifier);
      const [pended, claim] = answer['entry'].map(({ resource }: Answered) => resource);
      expect(pended).to.include({ resourceType: 'ClaimResponse', outcome: 'queued', use: 'preauthorization' });
      expect(actionsOf(pended)).to.deep.equal(['A4', 'A4']);
      const clock = clockOf(pended);
      expect(Date.parse(clock['due']!) - Date.parse(clock['received']!)).to.equal(168 * 3_600_000);
      expect(claim.patient.reference).to.equal(`Patient/${story.patientId}`);
      expect(claim.contained.map(({ resourceType }: Answered) => resourceType)).to.have.members([
        ...['Organization', 'Organization', 'ServiceRequest'],
      ]);
      expect(JSON.stringify(answer)).to.not.include('Secret Street');

      const reference = `Claim/${claim.id}`;
      await payer.find({ path: `/fhir/R4/${reference}` }, 'the request at the payer');
      const decision = {
        resourceType: 'Parameters',
        parameter: [
          { name: 'outcome', valueCode: 'approve' },
          {
            name: 'item',
            part: [
              ...[
                { name: 'sequence', valueInteger: 2 },
                { name: 'outcome', valueCode: 'deny' },
              ],
              {
                name: 'reason',
                valueCodeableConcept: {
                  coding: [{ system: 'urn:reasons', code: '0V' }],
                  text: 'not before physiotherapy',
                },
              },
            ],
          },
          { name: 'period', valuePeriod: { start: '2026-01-01', end: '2026-12-31' } },
        ],
      };
      const unreasoned = { ...decision, parameter: [{ name: 'outcome', valueCode: 'deny' }] };
      const path = `/fhir/R4/${reference}/$authorize`;
      expect((await payer.send({ method: 'POST', path, body: unreasoned })).status).to.equal(422);
      const odd = { ...decision, parameter: [...decision.parameter, { name: 'x', valueCode: 'y' }] };
      expect((await payer.send({ method: 'POST', path, body: odd })).status).to.equal(422);
      const decided = await post(payer, `${reference}/$authorize`, decision);
      expect(decided).to.include({ outcome: 'partial', id: pended.id });
      expect(actionsOf(decided)).to.deep.equal(['A1', 'A3']);
      expect([answer, decided].flatMap((one) => validateResource(one).issues)).to.deep.equal([]);
      expect(JSON.stringify(decided['item'][1])).to.include('not before physiotherapy');
      await hospital.find<Answered>(
        { path: `/fhir/R4/ClaimResponse/${pended.id}` },
        'the decision',
        ({ outcome }: Answered) => outcome === 'partial',
      );
      const history = await hospital.ask<Answered>({ path: `/fhir/R4/ClaimResponse/${pended.id}/_history` });
      expect(history['entry'].map(({ resource }: Answered) => resource.outcome)).to.deep.equal(['partial', 'queued']);
      const byRequest = await hospital.ask<Answered>({ path: `/fhir/R4/ClaimResponse?request=${reference}` });
      expect(byRequest['entry']).to.have.length(1);

      const found = await hospital.ask<Answered>({ method: 'POST', path: '/fhir/R4/Claim/$inquire', body: request });
      const [latest] = found['parameter'].map(({ resource }: Answered) => resource.entry[0].resource);
      expect(latest).to.include({ id: pended.id, preAuthRef: decided['preAuthRef'] });

      const another = JSON.parse(JSON.stringify(request).replaceAll('1122445', '1122446')) as object;
      const none = await hospital.ask<Answered>({ method: 'POST', path: '/fhir/R4/Claim/$inquire', body: another });
      expect(none).to.not.have.property('parameter');

      const amending = (more: object) =>
        asked({ member: story.visit.member, more: { related: [{ claim: { reference } }], ...more } });
      const revised = await post(hospital, 'Claim/$submit', amending({}));
      expect(revised['entry'][0].resource).to.include({ id: pended.id, outcome: 'queued' });
      const flagged = (asked().entry[0] as { resource: Answered }).resource;
      const item = flagged['item'].map((one: object) => ({
        ...one,
        modifierExtension: [{ url: `${PAS}/modifierextension-infoCancelled`, valueBoolean: true }],
      }));
      const cancelled = await post(hospital, 'Claim/$submit', amending({ item }));
      expect(cancelled['entry'][0].resource).to.include({ status: 'cancelled', id: pended.id });
    });

    it('is received by the payer from whoever sends it, matched by the subscriber number, and counted', async () => {
      const year = new Date().getUTCFullYear();
      const subscriber = randomUUID();
      const member = { system: 'http://example.org/MIN', value: randomUUID() };
      const body = {
        ...{ resourceType: 'Coverage', status: 'active', subscriberId: subscriber },
        extension: [
          { url: 'https://telemed-ledger.example/fhir/StructureDefinition/coverage-provider', valueString: 'clinic' },
        ],
        ...{ beneficiary: { identifier: member }, payor: [{ display: 'payer' }] },
      };
      await post(payer, 'Coverage', body);
      const metrics = () => payer.ask<Answered>({ path: `/prior-authorization-metrics?year=${year}` });
      const before = await metrics();
      const urgent = { priority: { coding: [{ code: 'stat' }] } };
      const answer = await post(payer, 'Claim/$submit', asked({ subscriber, member, more: urgent }));
      const [pended, claim] = answer['entry'].map(({ resource }: Answered) => resource);
      expect(pended.outcome).to.equal('queued');
      expect(clockOf(pended)).to.include({ urgency: 'expedited', receivedBy: 'payer' });
      expect(claim.patient).to.deep.equal({ identifier: member });
      expect(JSON.stringify(answer)).to.not.include('Secret Street');
      const denying = {
        resourceType: 'Parameters',
        parameter: [
          { name: 'outcome', valueCode: 'deny' },
          { name: 'reason', valueString: 'an alternative is as good' },
        ],
      };
      const denied = await post(payer, `Claim/${claim.id}/$authorize`, denying);
      expect(denied).to.include({ outcome: 'complete', disposition: 'an alternative is as good' });
      expect(actionsOf(denied)).to.deep.equal(['A3', 'A3']);
      const after = await metrics();
      expect(after['expedited'].denied).to.equal(before['expedited'].denied + 1);
      expect(after['expedited'].requests).to.equal(before['expedited'].requests + 1);
      const other = asked({ subscriber: randomUUID(), member: { ...member, value: 'x' } });
      const refusal = await payer.send({ method: 'POST', path: '/fhir/R4/Claim/$submit', body: other });
      expect(refusal.status).to.equal(422);
      expect((refusal.body as Answered)['issue'][0].expression[0]).to.equal('Bundle.entry[3].resource');
    });
  });

  it('asks whether the patient is covered on a day, at the provider’s and the payer’s gateway', async () => {
    const { member } = story.visit;
    const asking = (more: object) => ({
      ...{ resourceType: 'CoverageEligibilityRequest', status: 'active', purpose: ['validation', 'benefits'] },
      ...{ patient: { identifier: member }, created: day, insurer: { display: 'payer' }, servicedDate: day, ...more },
    });
    const insurance = [{ coverage: { reference: `Coverage/${story.coverageId}` } }];
    const path = '/fhir/R4/CoverageEligibilityRequest/$submit';
    for (const party of [hospital, story.parties.of('payer', 'adjudicator')]) {
      const answer = await party.ask<Answered>({ method: 'POST', path, body: asking({ insurance }) });
      expect(answer).to.include({ resourceType: 'CoverageEligibilityResponse', outcome: 'complete' });
      expect(validateResource(answer).issues).to.deep.equal([]);
      expect(answer['insurance'][0]).to.include({ inforce: true });
      expect(
        answer['insurance'][0].item[0].benefit.map(({ type }: Answered) => (type as never)['coding'][0]['code']),
      ).to.deep.equal([...['copay', 'copay-percent']]);
      const discovered = await party.ask<Answered>({ method: 'POST', path, body: asking({ purpose: ['discovery'] }) });
      expect(discovered['insurance'].map(({ coverage }: Answered) => (coverage as never)['reference'])).to.include(
        `Coverage/${story.coverageId}`,
      );
      const over = await party.ask<Answered>({
        method: 'POST',
        path,
        body: asking({ insurance, servicedDate: '2001-01-01' }),
      });
      expect(over['insurance'][0].inforce).to.equal(false);
      const unknown = asking({ insurance: [{ coverage: { reference: `Coverage/${randomUUID()}` } }] });
      const refusal = await party.send({ method: 'POST', path, body: unknown });
      expect(refusal.status).to.equal(422);
      const nobody = asking({ patient: { identifier: { ...member, value: 'nobody' } }, purpose: ['discovery'] });
      expect(await party.ask<Answered>({ method: 'POST', path, body: nobody })).to.not.have.property('insurance');
    }
  });

  it('is explained to the patient by what the payer’s side holds, and not by what a provider posts', async () => {
    const payer = story.parties.of('payer', 'adjudicator');
    const patient = story.parties.of('patients', 'patient', `Patient/${story.patientId}`);
    const posted = {
      ...{ resourceType: 'ExplanationOfBenefit', status: 'active', use: 'claim', created: day, outcome: 'complete' },
      type: { coding: [{ code: 'professional' }] },
      ...{ patient: { reference: `Patient/${story.patientId}` }, insurer: { display: 'payer' } },
      ...{ provider: { display: 'hospital' }, insurance: [{ focal: true, coverage: { display: 'mine' } }] },
    };
    const { body: document } = await hospital.write({
      method: 'POST',
      path: '/fhir/R4/ExplanationOfBenefit',
      body: posted,
    });
    const taken = await submitted(claimFor(`Encounter/${(await visited()).id}`));
    expectTaken(taken);
    const { reference } = taken['request'];
    await payer.find({ path: `/fhir/R4/${reference}` }, 'the claim at the payer');
    const { body: decision } = await payer.write<Answered>({
      method: 'POST',
      path: `/fhir/R4/${reference}/$adjudicate`,
    });
    for (const party of [patient, payer]) {
      const path = `/fhir/R4/ExplanationOfBenefit?patient=${story.patientId}&claim=${reference}`;
      const page = await party.find<Answered>(
        { path },
        'the explanation',
        ({ entry: found }: Answered) => found?.length === 1,
      );
      const eob = page['entry'][0].resource;
      expect(eob).to.include({ resourceType: 'ExplanationOfBenefit', use: 'claim', status: 'active', id: decision.id });
      // It states no profile of CARIN's: the claim says neither diagnosis nor place.
      expect(eob.meta).to.not.have.property('profile');
      expect(eob.identifier[0].type.coding[0].code).to.equal('uc');
      expect(eob.claimResponse.reference).to.equal(`ClaimResponse/${decision.id}`);
      expect(eob.insurer.identifier.value).to.equal('payer');
      const slices = eob.item[0].adjudication.map(({ category }: Answered) => (category as never)['coding'][0]['code']);
      expect(slices).to.include.members(['submitted', 'benefit', 'benefitpaymentstatus']);
      expect(eob.total.map(({ amount }: Answered) => (amount as never)['currency'])).to.include('USD');
      expect(eob.payment.amount).to.deep.equal(decision['payment'].amount);
      expect(await party.ask<Answered>({ path: `/fhir/R4/ExplanationOfBenefit/${eob.id}` })).to.deep.include({
        id: eob.id,
      });
      expect((await party.send({ path: `/fhir/R4/ExplanationOfBenefit/${document.id}` })).status).to.equal(404);
      expect(validateResource(eob).issues).to.deep.equal([]);
    }
    const own = await hospital.ask<Answered>({ path: `/fhir/R4/ExplanationOfBenefit/${document.id}` });
    expect(own['meta'].tag[0].code).to.equal('CLINRPT');
  });

  it('is found by the desks of both by how it stands, and by what it bills', async () => {
    const taken = await submitted(
      claimFor(`Encounter/${(await visited()).id}`, { total: { value: 80, currency: 'USD' } }),
    );
    const id = taken['request'].reference.split('/')[1];
    const payer = story.parties.of('payer', 'adjudicator');
    await payer.find({ path: `/fhir/R4/Claim/${id}` }, 'the claim at the payer');
    const idsAt = async (party: Party, query: string): Promise<string[]> => {
      const found: string[] = [];
      for (let path: string | undefined = `/claims?${query}`; path !== undefined; ) {
        const page: Answered = await party.ask<Answered>({ path });
        found.push(...page['claims'].map((one: Answered) => one.id));
        path = page['next'];
      }
      return found;
    };
    const today = new Date().toISOString().slice(0, 10);
    for (const party of [hospital, payer]) {
      for (const query of [
        'status=submitted&count=2',
        `status=submitted&provider=hospital&priority=normal&type=professional&least=80&most=80&since=${today}`,
        `patient=${story.patientId}&count=500`,
      ])
        expect(await idsAt(party, query), query).to.include(id);
      for (const query of [
        'status=remitted',
        'provider=clinic',
        'edit=duplicate',
        'least=81',
        'until=2001-01-01',
        'patient=x',
      ])
        expect(await idsAt(party, query), query).to.not.include(id);
      expect((await party.send({ path: '/claims?colour=red' })).status).to.equal(422);
    }
  });
});
