import { withOneOf } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { failureOf, type Request } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import { canonicalJson } from '../model/canonical.ts';
import { findLedgerError } from '../model/errors.ts';
import {
  anchoredExample,
  type Changeable,
  exampleIds,
  exampleNumber,
  exampleSalt,
} from '../model/example-claim.fixture.ts';
import { CARE, CLAIM, draftOf, Story, wideConsortium } from './example-story.fixture.ts';

const CODES_AND_NAMES = ['185317003', '166888009', 'MRN-4711', 'M-88-2001', '150.5', '120', exampleIds.patient];

/** Nothing that says whose or what a claim is may stand where every member reads. */
function expectNoContent(text: string): void {
  for (const word of CODES_AND_NAMES) expect(text).to.not.include(word);
}

/** The claim's key from now on: the payer and one of these. */
const policyOf = (others: string[]): Record<string, string> => ({
  [`claim/${exampleIds.claim}`]: Buffer.from(policyBytes(withOneOf('PayerMSP', others))).toString('hex'),
});

const codeOf = async (action: Promise<unknown>): Promise<string> => {
  const message = await failureOf(action);
  expectNoContent(message);
  const found = findLedgerError(message);
  return found === undefined ? message : `${found.code} ${found.expression}`;
};

describe('the claims contract', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
  });

  describe('RegisterCoverage', () => {
    it('writes one version into the collection of each provider named, and nothing public', async () => {
      story.example.coverage['id'] = exampleIds.other;
      const { reply, writes } = await story.ledger.submit(
        'RegisterCoverage',
        story.coverage(1, ['hospital', 'clinic']),
      );
      const text = canonicalJson({
        ...{ author: 'PayerMSP', id: exampleIds.other, version: 1, recordedAt: story.ledger.time },
        ...{ salt: exampleSalt('a'), resource: story.example.coverage },
      });
      expect(reply).to.deep.equal({ time: story.ledger.time });
      expect(writes).to.deep.equal({
        public: {},
        private: {
          [`claim_hospital_payer coverage/${exampleIds.other}/1`]: text,
          [`claim_clinic_payer coverage/${exampleIds.other}/1`]: text,
        },
        ...{ purged: [], policies: {}, event: undefined },
      });
    });

    it('goes on to the next version only, for each provider by itself', async () => {
      const register = (version: number, providers?: string[]): Promise<unknown> =>
        story.ledger.submit('RegisterCoverage', story.coverage(version, providers));
      expect(await codeOf(register(1))).to.equal('CONFLICT coverage.version');
      expect(await codeOf(register(3))).to.equal('CONFLICT coverage.version');
      expect(await codeOf(register(2, ['hospital', 'clinic']))).to.equal('CONFLICT coverage.version');
      await register(2);
      await register(1, ['clinic']);
    });

    const REFUSED: [string, (request: Request<'RegisterCoverage'>, coverage: Changeable) => void, string][] = [
      ['a provider', (request) => Object.assign(request, { from: 'hospital', role: 'system' }), 'FORBIDDEN undefined'],
      ['an operator', (request) => Object.assign(request, { role: 'operator' }), 'FORBIDDEN undefined'],
      ['an unknown provider', (request) => (request.input.providers = ['nowhere']), 'NOT_FOUND providers[0]'],
      ['a bank as the provider', (request) => (request.input.providers = ['clinic', 'bank']), 'NOT_FOUND providers[1]'],
      ['a provider twice', (request) => (request.input.providers = ['clinic', 'clinic']), 'INVALID providers[1]'],
      ['another type', (_, coverage) => (coverage['resourceType'] = 'Claim'), 'INVALID coverage.resource'],
      ['another id', (_, coverage) => (coverage['id'] = exampleIds.other), 'INVALID coverage.resource.id'],
      ['terms nobody applies', (_, coverage) => (coverage['status'] = 'x'), 'INVALID Coverage.status'],
    ];
    for (const [title, change, code] of REFUSED) {
      it(`refuses ${title} and writes nothing`, async () => {
        const request = story.coverage(2);
        change(request, story.example.coverage);
        const before = story.snapshot();
        expect(await codeOf(story.ledger.submit('RegisterCoverage', request))).to.equal(code);
        expect(story.snapshot()).to.equal(before);
      });
    }
  });

  describe('LoadFeeSchedule', () => {
    it('writes the prices into the collection of the provider', async () => {
      const { writes } = await story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '166888009': 1000 }));
      const text =
        `{"currency":"USD","loadedAt":"${story.ledger.time}","prices":{"166888009":1000},` +
        `"salt":"${exampleSalt('b')}","version":"2026-1"}`;
      expect(writes).to.deep.equal({
        ...{ public: {}, private: { 'claim_hospital_payer fee-schedule': text } },
        ...{ purged: [], policies: {}, event: undefined },
      });
    });

    it('refuses an unknown currency', async () => {
      expect(await codeOf(story.ledger.submit('LoadFeeSchedule', story.feeSchedule({}, 'XYZ')))).to.equal(
        'INVALID currency',
      );
    });
  });

  describe('SubmitClaim', () => {
    it('records a claim that stands: content and fingerprints privately, its state publicly', async () => {
      const { reply, writes } = await story.submitClaim();
      const state =
        `{"id":"${exampleIds.claim}","payer":"payer","provider":"hospital","status":"submitted",` +
        `"submittedAt":"${story.ledger.time}","updatedAt":"${story.ledger.time}"}`;
      expect(canonicalJson(reply)).to.equal(state);
      expect(writes.public).to.deep.equal({ [`claim/${exampleIds.claim}`]: state });
      expect(writes.event).to.deep.equal({ name: 'ClaimSubmitted', payload: state });
      expect(writes.policies).to.deep.equal(policyOf(['HospitalMSP', 'PatientsMSP']));
      expect(writes.purged).to.deep.equal([]);
      const kinds = Object.keys(writes.private).map((name) => name.replace(/\/.*$/, ''));
      expect(kinds).to.deep.equal([
        ...[`${CLAIM} claim`, `${CLAIM} fingerprint-key`],
        ...Array<string>(8).fill(`${CLAIM} fingerprint`),
      ]);
      expect(writes.private[`${CLAIM} claim/${exampleIds.claim}`]).to.equal(
        canonicalJson({
          ...{ id: exampleIds.claim, salt: exampleSalt('c'), submittedAt: story.ledger.time },
          ...{ provider: 'hospital', payer: 'payer', coverage: { id: exampleIds.coverage, version: 1 } },
          ...{ resource: story.example.claim, evidence: story.evidence() },
          edits: [
            ...['patient-mismatch', 'currency', 'arithmetic', 'coverage-not-of-patient', 'coverage-not-in-force'],
            ...['outside-lifetime', 'service-not-shown', 'practitioner-not-licensed', 'impossible-day', 'duplicate'],
          ].map((edit) => ({ edit, version: '1', outcome: 'pass' })),
        }),
      );
    });

    it('keeps content out of all that is public: keys, states, events', async () => {
      const { reply, writes } = await story.submitClaim();
      expectNoContent(canonicalJson([reply, writes.public, writes.event, Object.keys(writes.private)]));
    });

    it('writes the same bytes when it runs twice on the same state', async () => {
      const twin = await new Story(wideConsortium).prepare();
      expect(canonicalJson(await twin.submitClaim())).to.equal(canonicalJson(await story.submitClaim()));
    });

    it('records a claim that fails an edit as denied, with the detail privately, and holds no services', async () => {
      story.example.claim['total'].value = 200;
      const { reply, writes } = await story.submitClaim();
      expect(reply).to.include({ status: 'denied', reason: 'arithmetic' });
      expect(Object.keys(writes.private)).to.deep.equal([`${CLAIM} claim/${exampleIds.claim}`]);
      const { edits } = story.ledger.read(CLAIM, `claim/${exampleIds.claim}`) as { edits: { edit: string }[] };
      expect(edits.find(({ edit }) => edit === 'arithmetic')).to.deep.equal({
        ...{ edit: 'arithmetic', version: '1', outcome: 'deny', facts: { total: 20000, sum: 15050 } },
      });
      story.example.claim['total'].value = 150.5;
      story.example.claim['id'] = exampleIds.otherClaim;
      expect((await story.submitClaim()).reply.status).to.equal('submitted');
    });

    it('denies the second claim for a service, and names the first privately', async () => {
      await story.submitClaim();
      story.example.claim['id'] = exampleIds.otherClaim;
      story.example.claim['item'].shift();
      story.example.claim['total'].value = 30.5;
      const { reply, writes } = await story.submitClaim();
      expect(reply).to.include({ status: 'denied', reason: 'duplicate' });
      expect(canonicalJson([reply, writes.public, writes.event])).to.not.include(exampleIds.claim);
      const { edits } = story.ledger.read(CLAIM, `claim/${exampleIds.otherClaim}`) as { edits: object[] };
      expect(edits.at(-1)).to.deep.equal({
        ...{ edit: 'duplicate', version: '1', outcome: 'deny' },
        facts: { item: 2, claim: exampleIds.claim },
      });
    });

    it('keeps the key of the fingerprints that the first claim made', async () => {
      await story.submitClaim();
      story.example.claim['id'] = exampleIds.otherClaim;
      for (const [index, item] of story.example.claim['item'].entries())
        item.productOrService.coding[0].code = `${index}`;
      const { reply, writes } = await story.submitClaim();
      expect(reply.status).to.equal('submitted');
      expect(Object.keys(writes.private)).to.have.length(9).and.not.include(`${CLAIM} fingerprint-key`);
    });

    it('goes by the newest version of the coverage, whichever one the claim names', async () => {
      story.example.coverage['status'] = 'cancelled';
      await story.ledger.submit('RegisterCoverage', story.coverage(2));
      expect((await story.submitClaim()).reply).to.include({ status: 'denied', reason: 'coverage-not-in-force' });
      const { coverage } = story.ledger.read(CLAIM, `claim/${exampleIds.claim}`) as { coverage: object };
      expect(coverage).to.deep.equal({ id: exampleIds.coverage, version: 2 });
    });

    it('goes by the licence that the regulator publishes', async () => {
      const licence = { number: exampleNumber, status: 'excluded', start: '2020-01-01', end: '2027-12-31' } as const;
      await story.ledger.submit('SetLicence', { from: 'regulator', role: 'system', input: licence });
      expect((await story.submitClaim()).reply).to.include({ status: 'denied', reason: 'practitioner-not-licensed' });
    });

    type Submission = ReturnType<Story['submission']>;
    const hidden = (request: Submission): NonNullable<Request<'SubmitClaim'>['private']> => request.private as never;
    const REFUSED: [string, (request: Submission, claim: Changeable) => void, string][] = [
      ['a payer', (request) => (request.from = 'payer'), 'FORBIDDEN undefined'],
      ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
      ['an unknown payer', (request) => (request.input.payer = 'nobody'), 'NOT_FOUND payer'],
      ['a bank as the payer', (request) => (request.input.payer = 'bank'), 'NOT_FOUND payer'],
      ['a payer that has no such coverage', (request) => (request.input.payer = 'payer-two'), 'NOT_FOUND coverage'],
      ['another resource', (_, claim) => (claim['resourceType'] = 'Coverage'), 'INVALID claim.resource'],
      ['another id in the resource', (_, claim) => (claim['id'] = exampleIds.other), 'INVALID claim.resource.id'],
      ['another id in the argument', (request) => (request.input.id = exampleIds.other), 'INVALID claim.id'],
      ['a malformed claim', (_, claim) => (claim['item'][0].net.value = -1), 'INVALID Claim.item[0].net.value'],
      [
        'a claim on another coverage',
        (_, claim) => (claim['insurance'][0].coverage.reference = `Coverage/${exampleIds.other}`),
        'INVALID Claim.insurance.coverage',
      ],
      ['an unknown coverage version', (request) => (hidden(request).coverage.version = 2), 'NOT_FOUND coverage'],
      [
        'evidence with one byte changed',
        (request) => (hidden(request).evidence[1]!.value = hidden(request).evidence[1]!.value.replace('VR', 'VS')),
        'INVALID evidence[1]',
      ],
      [
        'evidence that is not anchored',
        (request) => (hidden(request).evidence[0]!.key = `record/${exampleIds.other}/1`),
        'NOT_FOUND evidence[0]',
      ],
      [
        "one record's text under another's key",
        (request) => (hidden(request).evidence[0]!.key = hidden(request).evidence[1]!.key),
        'INVALID evidence[0]',
      ],
      [
        'a key that is no record',
        (request) => (hidden(request).evidence[0]!.key = `consent/${exampleIds.patient}/1`),
        'INVALID evidence[0].key',
      ],
      [
        'a record shown twice',
        (request) => hidden(request).evidence.push(hidden(request).evidence[0]!),
        'INVALID evidence',
      ],
    ];
    for (const [title, change, code] of REFUSED) {
      it(`refuses ${title} and writes nothing`, async () => {
        const request = story.submission();
        change(request, story.example.claim);
        const before = story.snapshot();
        expect(await codeOf(story.ledger.submit('SubmitClaim', request))).to.equal(code);
        expect(story.snapshot()).to.equal(before);
      });
    }

    it('refuses a claim id that exists already', async () => {
      await story.submitClaim();
      expect(await codeOf(story.submitClaim())).to.equal('CONFLICT id');
    });

    it('refuses evidence that has a newer version', async () => {
      const voided = { ...story.example.encounter, status: 'entered-in-error' };
      await story.record([draftOf(voided, 2)]);
      expect(await codeOf(story.submitClaim())).to.equal('CONFLICT evidence[1]');
    });

    it("does not take another provider's record for its own", async () => {
      const records = [draftOf({ ...story.example.encounter, id: exampleIds.other })];
      await story.ledger.submit('RecordVersions', { from: 'clinic', role: 'system', input: {}, private: { records } });
      const value = canonicalJson(anchoredExample({ ...story.example.encounter, id: exampleIds.other }, 'ClinicMSP'));
      const request = story.submission();
      hidden(request).evidence.push({ key: `record/${exampleIds.other}/1`, value });
      expect(story.ledger.private.has(`care_clinic record/${exampleIds.other}/1`)).to.equal(true);
      expect(story.ledger.private.has(`${CARE} record/${exampleIds.other}/1`)).to.equal(false);
      expect(await codeOf(story.ledger.submit('SubmitClaim', request))).to.equal('NOT_FOUND evidence[5]');
    });
  });

  describe('AdjudicateClaim', () => {
    it('adjudicates once, though the public state be set back', async () => {
      const { reply } = await story.submitClaim();
      await story.adjudicate();
      story.ledger.public.set(`claim/${exampleIds.claim}`, canonicalJson(reply));
      expect(await codeOf(story.adjudicate())).to.equal('CONFLICT id');
    });

    it('writes the response privately and the status publicly', async () => {
      const submittedAt = story.ledger.time;
      await story.submitClaim();
      const { reply, writes } = await story.adjudicate();
      const state = {
        ...{ id: exampleIds.claim, provider: 'hospital', payer: 'payer', status: 'approved' },
        ...{ submittedAt, updatedAt: '2026-02-12T08:00:00.000Z' },
      };
      expect(reply).to.deep.equal(state);
      expect(Object.keys(writes.private)).to.deep.equal([`${CLAIM} response/${exampleIds.claim}`]);
      expect(writes).to.deep.include({
        public: { [`claim/${exampleIds.claim}`]: canonicalJson(state) },
        event: { name: 'ClaimAdjudicated', payload: canonicalJson(state) },
        ...{ purged: [], policies: policyOf(['BankMSP', 'BankTwoMSP']) },
      });
      const usd = (value: number): object => ({ value, currency: 'USD' });
      const amounts = (...values: number[]): object[] =>
        ['submitted', 'eligible', 'copay', 'benefit'].map((code, index) => ({
          category: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/adjudication', code }] },
          amount: usd(values[index]!),
        }));
      const payer = { system: 'https://telemed-ledger.example/organisations', value: 'payer' };
      const { claim } = story.example;
      const { resource, ...basis } = story.ledger.read(CLAIM, `response/${exampleIds.claim}`) as Record<
        string,
        unknown
      >;
      expect(basis).to.deep.include({
        ...{ claimId: exampleIds.claim, salt: exampleSalt('d') },
        coverage: { id: exampleIds.coverage, version: 1 },
      });
      expect(resource).to.deep.equal({
        ...{ resourceType: 'ClaimResponse', id: exampleIds.response, status: 'active', use: 'claim' },
        ...{ type: claim['type'], patient: claim['patient'], created: '2026-02-12T08:00:00.000Z' },
        insurer: { type: 'Organization', identifier: payer, display: 'payer' },
        ...{ requestor: claim['provider'], request: { reference: `Claim/${exampleIds.claim}` } },
        ...{ outcome: 'complete', disposition: 'approved' },
        item: [
          { itemSequence: 1, adjudication: amounts(120, 120, 30, 90) },
          { itemSequence: 2, adjudication: amounts(30.5, 30.5, 3.05, 27.45) },
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
      await story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '166888009': 1000 }));
      await story.submitClaim();
      expect((await story.adjudicate()).reply.status).to.equal('partial');
      expect(story.ledger.read(CLAIM, `response/${exampleIds.claim}`)).to.deep.include({ feeSchedule: '2026-1' });
    });

    it('recomputes the edits by the coverage as it is now, and denies with the edit', async () => {
      await story.submitClaim();
      story.example.coverage['period'].end = '2026-01-31';
      await story.ledger.submit('RegisterCoverage', story.coverage(2));
      expect((await story.adjudicate()).reply).to.include({ status: 'denied', reason: 'coverage-not-in-force' });
      const { resource, coverage } = story.ledger.read(CLAIM, `response/${exampleIds.claim}`) as Record<
        string,
        Changeable
      >;
      expect(coverage).to.deep.equal({ id: exampleIds.coverage, version: 2 });
      expect(resource).to.not.have.property('payment');
      expect(resource!['error'][0].code.coding[0].code).to.equal('coverage-not-in-force');
    });

    it('denies what leaves nothing to pay', async () => {
      story.example.coverage['costToBeneficiary'][1].valueQuantity.value = 100;
      await story.ledger.submit('RegisterCoverage', story.coverage(2));
      await story.submitClaim();
      expect((await story.adjudicate()).reply).to.include({ status: 'denied', reason: 'no-benefit' });
    });

    it('can be endorsed by the custodian instead of the provider, who so cannot block a denial', async () => {
      await story.submitClaim();
      const request = { ...story.adjudication(), endorsers: ['payer', 'patients'] };
      expect((await story.ledger.submit('AdjudicateClaim', request)).reply.status).to.equal('approved');
    });

    it('writes the same bytes when it runs twice on the same state', async () => {
      const twin = await new Story(wideConsortium).prepare();
      await twin.submitClaim();
      await story.submitClaim();
      expect(canonicalJson(await twin.adjudicate())).to.equal(canonicalJson(await story.adjudicate()));
    });

    it('keeps amounts and codes out of all that is public', async () => {
      await story.submitClaim();
      const { reply, writes } = await story.adjudicate();
      expectNoContent(canonicalJson([reply, writes.public, writes.event, Object.keys(writes.private)]));
    });

    const REFUSED: [string, (request: Request<'AdjudicateClaim'>) => void, string][] = [
      [
        'the provider',
        (request) => Object.assign(request, { from: 'hospital', role: 'system' }),
        'FORBIDDEN undefined',
      ],
      ['another payer', (request) => (request.from = 'payer-two'), 'FORBIDDEN id'],
      ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
      ['an unknown claim', (request) => (request.input.id = exampleIds.other), 'NOT_FOUND id'],
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

  it('answers the public state of a claim to anyone, and NOT_FOUND where there is none', async () => {
    const ask = (id: string) =>
      story.ledger.evaluate('GetClaim', { from: 'regulator', role: 'auditor', input: { id } });
    expect(await codeOf(ask(exampleIds.claim))).to.equal('NOT_FOUND id');
    const { reply } = await story.submitClaim();
    expect(await ask(exampleIds.claim)).to.deep.equal(reply);
  });
});
