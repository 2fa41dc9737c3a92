import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { keptEvidence } from '../model/claim-minimum.ts';
import { type Changeable, exampleIds, exampleNumber, exampleSalt } from '../model/example-claim.fixture.ts';
import { CLAIM_EDITS } from '../rules/claims.ts';
import { licensing } from './example-register.fixture.ts';
import { evidenceFrom, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { codeOf, expectNoContent, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

describe('the claims contract', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
  });

  describe('RegisterCoverage', () => {
    it('writes one version with the payer and a copy for each provider named, and nothing public', async () => {
      story.example.coverage['id'] = exampleIds.other;
      const { reply, writes } = await story.ledger.submit(
        'RegisterCoverage',
        story.coverage(1, ['hospital', 'clinic']),
      );
      const text = canonicalJson({
        schema: 1,
        ...{ author: 'PayerMSP', id: exampleIds.other, version: 1, recordedAt: story.ledger.time },
        ...{ salt: exampleSalt('a'), resource: story.example.coverage },
      });
      expect(reply).to.deep.equal({ time: story.ledger.time });
      expect(writes).to.deep.equal({
        public: {},
        private: {
          [`billing_payer coverage/${exampleIds.other}/1`]: text,
          [`billing_hospital coverage/${exampleIds.other}/1`]: text,
          [`billing_clinic coverage/${exampleIds.other}/1`]: text,
        },
        ...{ purged: [], policies: {}, event: undefined },
      });
    });

    it('goes on to the next version only, whichever providers are shown it', async () => {
      const register = (version: number, providers?: string[]): Promise<unknown> =>
        story.ledger.submit('RegisterCoverage', story.coverage(version, providers));
      expect(await codeOf(register(1))).to.equal('CONFLICT coverage.version');
      expect(await codeOf(register(3))).to.equal('CONFLICT coverage.version');
      expect(await codeOf(register(1, ['clinic']))).to.equal('CONFLICT coverage.version');
      await register(2, ['hospital', 'clinic']);
    });

    it('can be endorsed by any second organisation', async () => {
      for (const [index, other] of ['patients', 'hospital', 'clinic', 'bank', 'regulator'].entries())
        await story.ledger.submit('RegisterCoverage', { ...story.coverage(index + 2), endorsers: ['payer', other] });
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
        `{"currency":"USD","loadedAt":"${story.ledger.time}","names":1,"prices":{"166888009":1000},` +
        `"salt":"${exampleSalt('b')}","schema":1,"unlisted":"not-covered","version":"2026-1"}`;
      const book = `{"entries":[{"generation":1}],"salt":"${exampleSalt('b')}","schema":1}`;
      const values = { 'fee-schedule/payer/hospital/1': text, 'price-book/payer/hospital/1': book };
      const written = [PAYER, PROVIDER].flatMap((owner) =>
        Object.entries(values).map(([key, value]) => [`${owner} ${key}`, value]),
      );
      expect(writes).to.deep.equal({
        ...{ public: {}, private: Object.fromEntries(written) },
        ...{ purged: [], policies: {}, event: undefined },
      });
    });

    it('goes on to the next generation, whichever one is known', async () => {
      for (const known of [0, 0, 2]) {
        const request = story.feeSchedule({ '166888009': 1000 + known });
        await story.ledger.submit('LoadFeeSchedule', { ...request, private: { ...request.private!, known } });
      }
      expect(story.ledger.read(PAYER, 'fee-schedule/payer/hospital/3')).to.have.deep.property('prices', {
        '166888009': 1002,
      });
      const beyond = story.feeSchedule({});
      const unknown = { ...beyond, private: { ...beyond.private!, known: 4 } };
      expect(await codeOf(story.ledger.submit('LoadFeeSchedule', unknown))).to.equal('INVALID known');
    });

    it("keeps two payers' prices and keys for one provider apart", async () => {
      const request = story.feeSchedule({ '166888009': 1000 });
      const loading = { payer: request, 'payer-two': { ...request, from: 'payer-two' } };
      for (const [payer, one] of Object.entries(loading)) {
        const { writes } = await story.ledger.submit('LoadFeeSchedule', one);
        const names = Object.keys(writes.private);
        expect(names, payer).to.have.members([
          `billing_${payer} fee-schedule/${payer}/hospital/1`,
          `billing_${payer} price-book/${payer}/hospital/1`,
          `${PROVIDER} fee-schedule/${payer}/hospital/1`,
          `${PROVIDER} price-book/${payer}/hospital/1`,
        ]);
      }
    });

    it('counts on its days, the newest first, and hides no book of them', async () => {
      const load = async (price: number, days: object): Promise<void> => {
        const request = story.feeSchedule({ 166888009: price });
        await story.ledger.submit('LoadFeeSchedule', { ...request, private: { ...request.private!, ...days } });
      };
      await load(1000, {});
      await load(900, { first: '2026-02-10', last: '2026-02-10' });
      await load(800, { first: '2026-02-11' });
      expect(story.ledger.read(PAYER, 'price-book/payer/hospital/3')).to.have.deep.property('entries', [
        { generation: 1 },
        { generation: 2, first: '2026-02-10', last: '2026-02-10' },
        { generation: 3, first: '2026-02-11' },
      ]);
      const { prices, ...others } = story.terms();
      const submit = (change: object): Promise<unknown> => {
        const request = story.submission();
        const terms = { ...others, prices: { ...prices!, ...change } };
        return story.ledger.submit('SubmitClaim', { ...request, private: { ...request.private!, ...terms } });
      };
      const shown = (change: object): Promise<string> => codeOf(submit(change));
      const earlier = story.text(PAYER, 'price-book/payer/hospital/2');
      expect(await shown({ book: 2, text: earlier })).to.equal('CONFLICT feeSchedule');
      expect(await shown({ schedules: [prices!.schedules[0]] })).to.equal('INVALID prices.schedules');
      const swapped = { ...prices!.schedules[0]!, generation: 2 };
      expect(await shown({ schedules: [swapped] })).to.equal('INVALID prices.schedules');
      await submit({ schedules: [prices!.schedules[1]] });
      await story.adjudicate();
      const { resource } = story.ledger.read(PAYER, `response/${exampleIds.claim}`) as { resource: Changeable };
      expect(resource['item'][1].adjudication[1].amount.value).to.equal(18);
      expect(await codeOf(load(700, { first: '2026-02-12', last: '2026-02-11' }))).to.equal('INVALID last');
      await load(600, {});
      expect(story.ledger.read(PAYER, 'price-book/payer/hospital/4')).to.have.deep.property('entries', [
        { generation: 4 },
      ]);
    });

    it('goes on from schedules that were loaded before there was a book of them', async () => {
      await story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '166888009': 1000 }));
      const { schedules } = story.terms().prices!;
      for (const owner of [PAYER, PROVIDER]) story.ledger.private.delete(`${owner} price-book/payer/hospital/1`);
      const { prices: _, ...others } = story.submission().private as { prices?: object };
      const request = { ...story.submission(), private: { ...others, feeSchedule: schedules[0] } as never };
      await story.ledger.submit('SubmitClaim', request);
      const next = story.feeSchedule({ '166888009': 900 });
      const private_ = { ...next.private!, first: '2026-03-01' };
      await story.ledger.submit('LoadFeeSchedule', { ...next, private: private_ });
      expect(story.ledger.read(PAYER, 'price-book/payer/hospital/1')).to.have.deep.property('entries', [
        { generation: 1 },
        { generation: 2, first: '2026-03-01' },
      ]);
    });

    it('refuses an unknown currency', async () => {
      expect(await codeOf(story.ledger.submit('LoadFeeSchedule', story.feeSchedule({}, 'XYZ')))).to.equal(
        'INVALID currency',
      );
    });
  });

  describe('SubmitClaim', () => {
    it('records a claim that stands with the payer and a copy with the provider, nothing public but the id', async () => {
      const { reply, writes } = await story.submitClaim();
      const { time } = story.ledger;
      expect(reply).to.deep.equal({ time });
      expect(writes.public).to.deep.equal({});
      expect(writes.event).to.deep.equal({ name: 'ClaimSubmitted', payload: `{"id":"${exampleIds.claim}"}` });
      expect(writes.policies).to.deep.equal({});
      expect(writes.purged).to.deep.equal([]);
      const state = {
        ...{ schema: 1, step: 1, id: exampleIds.claim, provider: 'hospital', payer: 'payer', status: 'submitted' },
        ...{ submittedAt: time, updatedAt: time, salt: sha256Hex(`claim-state/${exampleSalt('c')}`) },
      };
      const claim = {
        ...{ schema: 1, id: exampleIds.claim, salt: exampleSalt('c'), submittedAt: time },
        ...{ provider: 'hospital', payer: 'payer', coverage: { id: exampleIds.coverage, version: 1 } },
        resource: story.example.claim,
        evidence: story.evidence().map((one) => keptEvidence(one, JSON.parse(one.text))),
        edits: CLAIM_EDITS.map(({ name: edit, version }) => ({ edit, version, outcome: 'pass' })),
        held: (story.ledger.read(PAYER, `claim/${exampleIds.claim}`) as { held: string }).held,
      };
      const of = (kind: string) => Object.entries(writes.private).filter(([name]) => name.includes(` ${kind}/`));
      const withBoth = (key: string, value: object) =>
        [PAYER, PROVIDER].map((name) => [`${name} ${key}`, canonicalJson(value)]);
      expect(of('claim')).to.deep.equal(withBoth(`claim/${exampleIds.claim}`, claim));
      expect(of('claim-state')).to.deep.equal(withBoth(`claim-state/${exampleIds.claim}/1`, state));
      expect(of('fingerprint-key').map(([name]) => name)).to.deep.equal([
        ...[`${PAYER} fingerprint-key/payer/hospital`, `${PROVIDER} fingerprint-key/payer/hospital`],
      ]);
      const [[name, list], ...copies] = of('service-list') as [[string, string], ...[string, string][]];
      expect(name.startsWith(PAYER)).to.equal(true);
      expect(copies).to.deep.equal([[name.replace(PAYER, PROVIDER), list]]);
      expect(JSON.parse(list).services).to.have.length(3);
      expect(of('service-bucket').map(([bucket]) => bucket.startsWith(PAYER))).to.deep.equal(Array(5).fill(true));
      expect(of('activity')).to.have.length(1);
      expect(Object.keys(writes.private)).to.have.length(14);
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
      expect(reply).to.deep.equal({ time: story.ledger.time });
      expect(story.status()).to.include({ step: 1, status: 'denied', reason: 'arithmetic' });
      expect(Object.keys(writes.private).filter((name) => name.includes('fingerprint'))).to.deep.equal([]);
      const { edits } = story.ledger.read(PAYER, `claim/${exampleIds.claim}`) as { edits: { edit: string }[] };
      expect(edits.find(({ edit }) => edit === 'arithmetic')).to.deep.equal({
        ...{ edit: 'arithmetic', version: '3', outcome: 'deny', facts: { total: 20000, sum: 15050 } },
      });
      story.example.claim['total'].value = 150.5;
      story.example.claim['id'] = exampleIds.otherClaim;
      await story.submitClaim();
      expect(story.status(exampleIds.otherClaim).status).to.equal('submitted');
    });

    it('denies the second claim for a service', async () => {
      await story.submitClaim();
      story.example.claim['id'] = exampleIds.otherClaim;
      story.example.claim['item'].shift();
      story.example.claim['total'].value = 30.5;
      await story.submitClaim();
      expect(story.status(exampleIds.otherClaim)).to.include({ status: 'denied', reason: 'duplicate' });
      const { edits } = story.ledger.read(PAYER, `claim/${exampleIds.otherClaim}`) as { edits: object[] };
      expect(edits.at(-1)).to.deep.equal({
        ...{ edit: 'duplicate', version: '4', outcome: 'deny' },
        facts: { item: 2 },
      });
    });

    it('keeps the key of the fingerprints that the first claim made', async () => {
      await story.submitClaim();
      story.billProcedure();
      const { writes } = await story.submitClaim();
      expect(story.status(exampleIds.otherClaim).status).to.equal('submitted');
      expect(Object.keys(writes.private).filter((name) => name.includes('fingerprint-key'))).to.deep.equal([]);
    });

    it('asks for services that claims held by one fingerprint, where there were such claims', async () => {
      await story.withoutLists().submitClaim();
      const name = 'fingerprint-key/payer/hospital';
      const { factors: _, ...earlier } = story.ledger.read(PAYER, name) as { key: string; factors: number };
      for (const owner of [PAYER, PROVIDER]) story.ledger.private.set(`${owner} ${name}`, canonicalJson(earlier));
      const text = canonicalJson([`Patient/${exampleIds.patient}`, 'X1', '2026-02-10', 'hospital']);
      const hash = createHmac('sha256', Buffer.from(earlier.key, 'hex')).update(text).digest('hex');
      story.ledger.private.set(`${PAYER} fingerprint/${hash}`, '{"schema":1}');
      story.billProcedure('X1');
      await story.submitClaim();
      expect(story.status(exampleIds.otherClaim)).to.include({ status: 'denied', reason: 'duplicate' });
    });

    it('goes by the newest version of the coverage, and takes no older one', async () => {
      const earlier = story.submission();
      story.example.coverage['status'] = 'cancelled';
      await story.ledger.submit('RegisterCoverage', story.coverage(2));
      expect(await codeOf(story.ledger.submit('SubmitClaim', earlier))).to.equal('CONFLICT coverage');
      await story.submitClaim();
      expect(story.status()).to.include({ status: 'denied', reason: 'coverage-not-in-force' });
      const { coverage } = story.ledger.read(PAYER, `claim/${exampleIds.claim}`) as { coverage: object };
      expect(coverage).to.deep.equal({ id: exampleIds.coverage, version: 2 });
    });

    it('hides nothing that the payer holds: neither newer prices nor the key of the fingerprints', async () => {
      const without = story.submission();
      await story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '166888009': 1000 }));
      expect(await codeOf(story.ledger.submit('SubmitClaim', without))).to.equal('CONFLICT feeSchedule');
      await story.submitClaim();
      story.example.claim['id'] = exampleIds.otherClaim;
      const { fingerprintKey: _, ...shown } = story.submission().private as { fingerprintKey?: string };
      const request = { ...story.submission(), private: shown as never };
      expect(await codeOf(story.ledger.submit('SubmitClaim', request))).to.equal('CONFLICT fingerprintKey');
    });

    it('goes by the licence that the regulator publishes', async () => {
      const licence = { number: exampleNumber, status: 'excluded', start: '2020-01-01', end: '2027-12-31' } as const;
      const earlier = story.submission();
      await story.ledger.submit('SetLicence', licensing(story.ledger, licence));
      expect(await codeOf(story.ledger.submit('SubmitClaim', earlier))).to.equal('CONFLICT buckets[0]');
      await story.submitClaim();
      expect(story.status()).to.include({ status: 'denied', reason: 'practitioner-not-licensed' });
    });

    it('counts a licence that names nobody by its number, until a regulator has it count for nobody', async () => {
      const licence = { number: exampleNumber, status: 'active', start: '2020-01-01', end: '2027-12-31' } as const;
      const rules = (change: object) => {
        const input = {
          emergencyHours: 24,
          denialStopsBreakGlass: true,
          recordingLicence: 'named',
          ...change,
        } as const;
        const request = { from: 'regulator', role: 'system', input, private: { salt: '9b'.repeat(32) } };
        return story.ledger.submit('SetRules', request);
      };
      const submitted = async (id: string) => {
        story.example.claim['id'] = id;
        await story.submitClaim();
        return story.ledger.read(PAYER, `claim-state/${id}/1`);
      };
      await story.ledger.submit('SetLicence', licensing(story.ledger, licence));
      await rules({ licencesNameHolders: true });
      const denied = { status: 'denied', reason: 'practitioner-not-licensed' };
      expect(await submitted(exampleIds.claim)).to.include(denied);
      await rules({});
      expect(await submitted(exampleIds.otherClaim)).to.include({ status: 'submitted' });
    });

    it('takes a licence that names its holder also where others count for nobody', async () => {
      const practitioner = `Practitioner/${exampleIds.practitioner}`;
      const licence = { number: exampleNumber, status: 'active', start: '2020-01-01', end: '2027-12-31' } as const;
      const bound = { ...licence, practitioners: [{ organisation: 'hospital', practitioner }] };
      await story.ledger.submit('SetLicence', licensing(story.ledger, bound));
      await story.ledger.submit('SetRules', {
        ...{ from: 'regulator', role: 'system', private: { salt: '9b'.repeat(32) } },
        input: {
          emergencyHours: 24,
          denialStopsBreakGlass: true,
          recordingLicence: 'named',
          licencesNameHolders: true,
        },
      });
      await story.submitClaim();
      expect(story.status()).to.include({ status: 'submitted' });
    });

    it("is denied by a licence that names another organisation's practitioner of the same reference", async () => {
      const practitioner = `Practitioner/${exampleIds.practitioner}`;
      const licence = { number: exampleNumber, status: 'active', start: '2020-01-01', end: '2027-12-31' } as const;
      const set = (organisation: string) => {
        const bound = { ...licence, practitioners: [{ organisation, practitioner }] };
        return story.ledger.submit('SetLicence', licensing(story.ledger, bound));
      };
      await set('clinic');
      await story.submitClaim();
      expect(story.status()).to.include({ status: 'denied', reason: 'practitioner-not-licensed' });
      await set('hospital');
      story.example.claim['id'] = exampleIds.otherClaim;
      await story.submitClaim();
      expect(story.ledger.read(PAYER, `claim-state/${exampleIds.otherClaim}/1`)).to.include({ status: 'submitted' });
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
      [
        'a coverage with one byte changed',
        (request) => (hidden(request).coverage = hidden(request).coverage.replace('M-88', 'M-89')),
        'INVALID coverage',
      ],
      ['a coverage that is none', (request) => (hidden(request).coverage = '{}'), 'INVALID coverage.schema'],
      [
        'evidence with one byte changed',
        (request) => (hidden(request).evidence[1]!.text = hidden(request).evidence[1]!.text.replace('VR', 'VS')),
        'INVALID evidence[1]',
      ],
      [
        'evidence on a sheet that nobody wrote',
        (request) => (hidden(request).evidence[0]!.sheet = exampleIds.other),
        'NOT_FOUND evidence[0].tree',
      ],
      [
        'a sheet with another root',
        (request) => (hidden(request).evidence[0]!.tree = hidden(request).evidence[0]!.tree.replace(/[0-9]/, 'f')),
        'INVALID evidence[0].tree',
      ],
      [
        "one record's text at another's place",
        (request) => (hidden(request).evidence[0]!.index = 1),
        'INVALID evidence[0]',
      ],
      [
        "one record's text under another's id",
        (request) => (hidden(request).evidence[0]!.id = exampleIds.other),
        'INVALID evidence[0]',
      ],
      [
        'a path that is too long',
        (request) => hidden(request).evidence[0]!.path.push('a'.repeat(64)),
        'INVALID evidence[0]',
      ],
      [
        'a record that does not show where it stands',
        (request) => delete hidden(request).evidence[0]!.place,
        'INVALID evidence[0].place',
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
      await story.record([voided], 2);
      expect(await codeOf(story.submitClaim())).to.equal('CONFLICT evidence[1]');
    });

    it("does not take another provider's record for its own", async () => {
      const foreign = recordDraft({ ...story.example.encounter, id: exampleIds.other });
      await story.ledger.submit('RecordVersions', recording([sheetOf([foreign])], 'clinic'));
      const request = story.submission();
      hidden(request).evidence.push(evidenceFrom(story.ledger, 'clinic', exampleIds.other));
      expect(await codeOf(story.ledger.submit('SubmitClaim', request))).to.equal('NOT_FOUND evidence[5].tree');
    });
  });
});
