import { expect } from 'chai';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { evidenceFrom } from './example-sheets.fixture.ts';
import { codeOf, expectNoContent, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

describe('AdjudicateClaim', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
  });

  it('writes response and step with a copy for the provider, and nothing public but the id', async () => {
    const submittedAt = story.ledger.time;
    await story.submitClaim();
    const { reply, writes } = await story.adjudicate();
    expect(reply).to.deep.equal({ time: '2026-02-12T08:00:00.000Z' });
    const state = {
      ...{ schema: 1, step: 2, id: exampleIds.claim, provider: 'hospital', payer: 'payer', status: 'approved' },
      ...{ submittedAt, updatedAt: '2026-02-12T08:00:00.000Z' },
      owed: { units: 11_745, currency: 'USD', response: exampleIds.response },
      salt: sha256Hex(`claim-state/${exampleSalt('d')}`),
    };
    expect(story.status()).to.deep.equal(state);
    const keys = [`claim-state/${exampleIds.claim}/2`, `response/${exampleIds.claim}`];
    expect(Object.keys(writes.private)).to.deep.equal(keys.flatMap((key) => [`${PAYER} ${key}`, `${PROVIDER} ${key}`]));
    for (const key of keys) expect(writes.private[`${PAYER} ${key}`]).to.equal(writes.private[`${PROVIDER} ${key}`]);
    expect(writes).to.deep.include({
      ...{ public: {}, purged: [], policies: {} },
      event: { name: 'ClaimAdjudicated', payload: `{"id":"${exampleIds.claim}"}` },
    });
    const usd = (value: number): object => ({ value, currency: 'USD' });
    const amounts = (...values: number[]): object[] =>
      ['submitted', 'eligible', 'copay', 'benefit'].map((code, index) => ({
        category: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/adjudication', code }] },
        amount: usd(values[index]!),
      }));
    const X12 = 'https://x12.org/codes/claim-adjustment';
    const hers = (code: string, value: number): object => ({
      category: {
        coding: [{ system: 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', code: 'memberliability' }],
      },
      reason: {
        coding: [
          { system: `${X12}-group-codes`, code: 'PR' },
          { system: `${X12}-reason-codes`, code },
        ],
      },
      amount: usd(value),
    });
    const payer = { system: 'https://telemed-ledger.example/organisations', value: 'payer' };
    const { claim } = story.example;
    const { resource, ...basis } = story.ledger.read(PAYER, `response/${exampleIds.claim}`) as Record<string, unknown>;
    expect(basis).to.deep.include({
      ...{ claimId: exampleIds.claim, salt: exampleSalt('d') },
      coverage: { id: exampleIds.coverage, version: 1 },
    });
    expect(resource).to.deep.equal({
      ...{ resourceType: 'ClaimResponse', id: exampleIds.response, status: 'active', use: 'claim' },
      extension: [
        {
          url: 'https://telemed-ledger.example/fhir/StructureDefinition/claim-appeal-until',
          valueDate: '2026-08-11',
        },
      ],
      ...{ type: claim['type'], patient: claim['patient'], created: '2026-02-12T08:00:00.000Z' },
      insurer: { type: 'Organization', identifier: payer, display: 'payer' },
      ...{ requestor: claim['provider'], request: { reference: `Claim/${exampleIds.claim}` } },
      ...{ outcome: 'complete', disposition: 'approved' },
      item: [
        {
          itemSequence: 1,
          adjudication: [...amounts(120, 120, 30, 90), hers('3', 20), hers('2', 10)],
        },
        { itemSequence: 2, adjudication: [...amounts(30.5, 30.5, 3.05, 27.45), hers('2', 3.05)] },
      ],
      total: amounts(150.5, 150.5, 33.05, 117.45),
      payment: {
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/ex-paymenttype', code: 'complete' }] },
        amount: usd(117.45),
      },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${exampleIds.coverage}` } }],
    });
  });

  it('goes by the fee schedule, and names its version', async () => {
    await story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '166888009': 1300 }));
    await story.submitClaim();
    await story.adjudicate();
    expect(story.status().status).to.equal('partial');
    expect(story.ledger.read(PAYER, `response/${exampleIds.claim}`)).to.deep.include({ feeSchedule: '2026-1' });
  });

  it('recomputes the edits by the coverage as it is now, and denies with the edit', async () => {
    await story.submitClaim();
    story.example.coverage['period'].end = '2026-01-31';
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    await story.adjudicate();
    expect(story.status()).to.include({ step: 2, status: 'denied', reason: 'coverage-not-in-force' });
    const { resource, coverage } = story.ledger.read(PAYER, `response/${exampleIds.claim}`) as Record<
      string,
      Changeable
    >;
    expect(coverage).to.deep.equal({ id: exampleIds.coverage, version: 2 });
    expect(resource).to.not.have.property('payment');
    expect(resource!['error'][0].code.coding[0].code).to.equal('coverage-not-in-force');
  });

  it('frees the services of a claim that it denies, for one that puts it right, and for one only', async () => {
    await story.submitClaim();
    const period = story.example.coverage['period'];
    story.example.coverage['period'] = { end: '2026-01-31' };
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    await story.adjudicate();
    expect(story.status()).to.include({ status: 'denied', reason: 'coverage-not-in-force' });
    story.example.coverage['period'] = period;
    await story.ledger.submit('RegisterCoverage', story.coverage(3));
    for (const [id, status] of [
      [exampleIds.otherClaim, 'submitted'],
      [exampleIds.other, 'denied'],
    ] as const) {
      story.example.claim['id'] = id;
      await story.submitClaim();
      expect(story.status(id).status).to.equal(status);
    }
    await story.ledger.submit('AdjudicateClaim', story.adjudication(exampleIds.otherClaim));
    expect(story.status(exampleIds.otherClaim).status).to.equal('approved');
  });

  it('frees what a claim held by a value for each item, as claims did before', async () => {
    await story.withoutLists().submitClaim();
    const salt = sha256Hex(`fingerprint/${exampleSalt('c')}`);
    for (const [name] of story.ledger.private) {
      if (!name.includes(' fingerprint/')) continue;
      story.ledger.private.set(name, canonicalJson({ schema: 1, claimId: exampleIds.claim, item: 1, salt }));
    }
    const { period } = story.example.coverage;
    story.example.coverage['period'] = { end: '2026-01-31' };
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    const { writes } = await story.adjudicate();
    story.example.coverage['period'] = period;
    await story.ledger.submit('RegisterCoverage', story.coverage(3));
    expect(Object.keys(writes.private).some((name) => name.includes(' fingerprint-freed/'))).to.equal(true);
    story.example.claim['id'] = exampleIds.otherClaim;
    await story.submitClaim();
    expect(story.status(exampleIds.otherClaim).status).to.equal('submitted');
  });

  it('frees the service of a line that has no price, next to one that is paid', async () => {
    await story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ 185317003: 12_000 }));
    const { claim } = story.example;
    claim['item'][1].informationSequence = [1];
    claim['supportingInfo'] = [
      { sequence: 1, category: {}, valueReference: { reference: `Observation/${exampleIds.observation}` } },
    ];
    delete claim['item'][1].encounter;
    await story.submitClaim();
    await story.adjudicate();
    expect(story.status().status).to.equal('partial');
    claim['id'] = exampleIds.otherClaim;
    await story.submitClaim();
    expect(story.status(exampleIds.otherClaim)).to.include({ status: 'submitted' });
    const { edits } = story.ledger.read(PAYER, `claim/${exampleIds.otherClaim}`) as { edits: Changeable[] };
    const denials = edits.filter(({ outcome }) => outcome === 'deny');
    expect(denials.map(({ edit, facts }) => [edit, facts.item])).to.deep.equal([['duplicate', 1]]);
  });

  describe('of a claim whose records were changed since', () => {
    /** The records of the story as they are now, all of that version. */
    async function changed(change: (example: Story['example']) => void): Promise<void> {
      await story.submitClaim();
      change(story.example);
      await story.record([story.example.patient, story.example.encounter], 2);
    }
    const held = (): string[] => [...story.ledger.private.keys()].filter((name) => name.includes('-freed/'));

    for (const name of ['patient', 'encounter'] as const)
      it(`waits for the ${name} as it is now, and asks for it`, async () => {
        await story.submitClaim();
        await story.record([{ ...story.example[name], language: 'en' }], 2);
        await story.adjudicate();
        expect(story.status()).to.include({ status: 'pended', reason: 'evidence-outdated' });
        const { resource } = story.ledger.read(PAYER, `claim-task/${exampleIds.claim}/2`) as { resource: Changeable };
        expect(resource['reasonCode']).to.deep.equal({ text: 'evidence-outdated' });
        expect(held()).to.deep.equal([]);
      });

    const OUTCOMES: [string, (example: Story['example']) => void, object][] = [
      ['is paid where nothing of it was', ({ patient }) => (patient['language'] = 'en'), { status: 'approved' }],
      [
        'is denied where the visit was voided',
        ({ encounter }) => (encounter['status'] = 'entered-in-error'),
        { status: 'denied', reason: 'service-not-shown' },
      ],
      [
        'is denied where the visit was moved',
        ({ encounter }) => (encounter['period'] = { start: '2026-01-02T08:00:00Z', end: '2026-01-02T08:40:00Z' }),
        { status: 'denied', reason: 'service-not-shown' },
      ],
      [
        'is denied where the patient had died',
        ({ patient }) => (patient['deceasedDateTime'] = '2026-01-01'),
        { status: 'denied', reason: 'outside-lifetime' },
      ],
      [
        'is denied where the visit is somebody else’s',
        ({ encounter }) => (encounter['subject'] = { reference: `Patient/${exampleIds.other}` }),
        { status: 'denied', reason: 'service-not-shown' },
      ],
    ];
    for (const [title, change, expected] of OUTCOMES)
      it(`${title}, by the records that its provider shows then`, async () => {
        await changed(change);
        await story.adjudicate();
        expect(story.status().status).to.equal('pended');
        const request = story.reopening('supplement');
        const evidence = story.records().map((record) => {
          const { patient, encounter } = story.example;
          const version = record === patient || record === encounter ? 2 : 1;
          return evidenceFrom(story.ledger, 'hospital', record.id, version);
        });
        await story.ledger.submit('ReopenClaim', { ...request, private: { ...request.private, evidence } } as never);
        expect(story.status().status).to.equal('submitted');
        await story.adjudicate();
        expect(story.status()).to.include(expected);
      });

    it('cannot be answered with the records as they were', async () => {
      await story.submitClaim();
      const before = story.evidence();
      await story.record([{ ...story.example.encounter, status: 'entered-in-error' }], 2);
      await story.adjudicate();
      const request = story.reopening('supplement');
      const forged = { ...request, private: { ...request.private, evidence: before } };
      expect(await codeOf(story.ledger.submit('ReopenClaim', forged as never))).to.match(/^CONFLICT evidence/);
    });

    it('is denied by a person where its provider shows nothing, and its services are free then', async () => {
      await changed(({ encounter }) => (encounter['language'] = 'en'));
      await story.adjudicate();
      const decision = { outcome: 'approve', reason: 'looks well' } as const;
      await story.ledger.submit('AdjudicateClaim', story.decision('Practitioner/first', decision));
      expect(story.status()).to.include({ status: 'pended', reason: 'evidence-outdated' });
      await story.ledger.submit(
        'AdjudicateClaim',
        story.decision('Practitioner/first', { ...decision, outcome: 'deny' }),
      );
      expect(story.status()).to.include({ status: 'denied', reason: 'evidence-outdated' });
      expect(held()).to.not.deep.equal([]);
    });
  });

  it('decides a claim whose practitioner moved house', async () => {
    await story.submitClaim();
    await story.record([{ ...story.example.practitioner, language: 'en' }], 2);
    await story.adjudicate();
    expect(story.status().status).to.equal('approved');
  });

  it('pays the lines that stand, and says why another does not', async () => {
    const { claim } = story.example;
    await story.submitClaim();
    story.billProcedure();
    await story.submitClaim();
    const both = structuredClone(claim);
    claim['id'] = exampleIds.other;
    claim['item'] = [
      { ...both['item'][0], sequence: 1 },
      { ...both['item'][0], sequence: 2, productOrService: { coding: [{ code: '166888009' }] } },
    ];
    claim['supportingInfo'] = [
      { sequence: 1, category: {}, valueReference: { reference: `Observation/${exampleIds.observation}` } },
    ];
    claim['item'][1] = { ...claim['item'][1], informationSequence: [1] };
    delete claim['item'][1].procedureSequence;
    const { writes } = await story.submitClaim();
    expect(story.status(exampleIds.other)).to.include({ status: 'submitted' });
    expect(Object.keys(writes.private).some((name) => name.includes(' service-list/'))).to.equal(true);
    await story.ledger.submit('AdjudicateClaim', story.adjudication(exampleIds.other));
    expect(story.status(exampleIds.other)).to.include({ status: 'partial' });
    const { resource } = story.ledger.read(PAYER, `response/${exampleIds.other}`) as { resource: Changeable };
    expect(resource['error'].map((one: Changeable) => [one['itemSequence'], one['code'].coding[0].code])).to.deep.equal(
      [[1, 'duplicate']],
    );
    const [first, second] = resource['item'];
    expect(first.adjudication.at(-1).reason.coding.map(({ code }: { code: string }) => code)).to.deep.equal([
      'CO',
      '18',
      'duplicate',
    ]);
    expect(
      second.adjudication.find((one: Changeable) => one['category'].coding[0].code === 'benefit').amount.value,
    ).to.be.greaterThan(0);
  });

  it('decides and shows details, and denies one alone whose sum does not hold', async () => {
    const part = (sequence: number, value: number): Changeable =>
      ({ sequence, productOrService: { coding: [{ code: 'a' }] }, net: { value, currency: 'USD' } }) as never;
    const [item] = story.example.claim['item'];
    item.detail = [
      { ...part(1, 100), subDetail: [part(1, 60), part(2, 40)] },
      { ...part(2, 20), subDetail: [part(1, 19)] },
    ];
    await story.submitClaim();
    await story.adjudicate();
    expect(story.status()).to.include({ status: 'partial' });
    const { resource } = story.ledger.read(PAYER, `response/${exampleIds.claim}`) as { resource: Changeable };
    const benefit = ({ adjudication }: Changeable): number =>
      adjudication.find((one: Changeable) => one['category'].coding[0].code === 'benefit').amount.value;
    const [first, second] = resource['item'][0].detail;
    expect([first, second].map((one) => one.detailSequence)).to.deep.equal([1, 2]);
    expect(first.subDetail.map((one: Changeable) => one['subDetailSequence'])).to.deep.equal([1, 2]);
    expect(first.subDetail.map(benefit)).to.deep.equal([36, 36]);
    expect([benefit(resource['item'][0]), benefit(first), benefit(second)]).to.deep.equal([72, 72, 0]);
    expect(resource['error']).to.have.length(1);
    expect(resource['error'][0]).to.include({ itemSequence: 1, detailSequence: 2 });
  });

  it('leaves to the patient what leaves nothing to pay', async () => {
    story.example.coverage['costToBeneficiary'][1].valueQuantity.value = 100;
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    await story.submitClaim();
    await story.adjudicate();
    expect(story.status()).to.include({ status: 'patient-responsibility' });
  });

  it('can be endorsed by the custodian instead of the provider, who so cannot block a denial', async () => {
    await story.submitClaim();
    const request = { ...story.adjudication(), endorsers: ['payer', 'patients'] };
    await story.ledger.submit('AdjudicateClaim', request);
    expect(story.status().status).to.equal('approved');
  });

  it('writes the same bytes when it runs twice on the same state', async () => {
    const twin = await new Story(wideConsortium).prepare();
    await twin.submitClaim();
    await story.submitClaim();
    expect(canonicalJson(await twin.adjudicate())).to.equal(canonicalJson(await story.adjudicate()));
  });

  it('goes on though somebody put something else in the place of the copies', async () => {
    await story.submitClaim();
    for (const key of [`claim-state/${exampleIds.claim}/2`, `response/${exampleIds.claim}`])
      story.ledger.private.set(`${PROVIDER} ${key}`, '{"junk":true}');
    const { writes } = await story.adjudicate();
    expect(Object.keys(writes.private).every((name) => name.startsWith(PAYER))).to.equal(true);
    expect(story.status().status).to.equal('approved');
  });

  it('keeps amounts and codes out of all that is public', async () => {
    await story.submitClaim();
    const { reply, writes } = await story.adjudicate();
    expectNoContent(canonicalJson([reply, writes.public, writes.event, Object.keys(writes.private)]));
  });

  const REFUSED: [string, (request: Request<'AdjudicateClaim'>) => void, string][] = [
    ['the provider', (request) => Object.assign(request, { from: 'hospital', role: 'system' }), 'FORBIDDEN undefined'],
    ['another payer', (request) => (request.from = 'payer-two'), 'NOT_FOUND state'],
    ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
    ['an unknown claim', (request) => (request.input.id = exampleIds.other), 'INVALID state'],
    [
      'a state with one byte changed',
      (request) => (request.private!.state = request.private!.state.replace('submitted', 'submittes')),
      'INVALID state.status',
    ],
    [
      'a claim with another amount',
      (request) => (request.private!.claim = request.private!.claim.replace('150.5', '950.5')),
      'INVALID claim',
    ],
    ['another provider', (request) => (request.input.provider = 'clinic'), 'INVALID provider'],
  ];
  for (const [title, change, code] of REFUSED) {
    it(`refuses ${title} and writes nothing`, async () => {
      await story.submitClaim();
      const request = story.adjudication();
      change(request);
      const before = story.snapshot();
      expect(await codeOf(story.ledger.submit('AdjudicateClaim', request))).to.equal(code);
      expect(story.snapshot()).to.equal(before);
    });
  }

  it('adjudicates once, and not what was denied at submission', async () => {
    await story.submitClaim();
    await story.adjudicate();
    expect(await codeOf(story.adjudicate())).to.equal('CONFLICT id');
    const other = await new Story().prepare();
    other.example.claim['total'].value = 200;
    await other.submitClaim();
    expect(await codeOf(other.adjudicate())).to.equal('CONFLICT id');
  });
});
