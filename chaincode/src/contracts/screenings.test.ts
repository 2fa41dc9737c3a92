/** What one provider bills one payer is found in what another bills another, by nothing that shows whose it is. */
import { expect } from 'chai';
import { canonicalJson } from '../model/canonical.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import type { Screening } from '../model/screenings.ts';
import { codeOf, expectNoContent, Story, wideConsortium } from './example-story.fixture.ts';

const DAY_MS = 86_400_000;
const later = (time: string, days: number): string => new Date(Date.parse(time) + days * DAY_MS).toISOString();

for (const isListed of [true, false])
  describe(isListed ? 'Screening' : 'Screening under a key without lists', () => {
    let story: Story;
    beforeEach(async () => {
      story = await new Story(wideConsortium).prepare();
      if (!isListed) story.withoutLists();
    });

    const { claim: CLAIM, otherClaim: OTHER } = exampleIds;
    const held = (of: Story, id: string = of.example.claim.id): Screening =>
      JSON.parse(of.screening(id).screening?.text ?? 'null');

    /** Under ids of its own: no two providers have a record of one id. */
    function recordedElsewhere(of: Story): void {
      const own = of.records().map(({ id }) => id);
      const renamed = own.reduce(
        (text, id) => text.replaceAll(id, id.replace('-8000-', '-a000-')),
        JSON.stringify(of.example),
      );
      Object.assign(of.example, JSON.parse(renamed));
    }

    /** Another provider's, or another payer's, or both: the same visit of the same patient, in records and coverages of its own. */
    async function beside(
      change: { provider?: string; payer?: string },
      setting?: string,
      more: (example: Story['example']) => void = () => {},
    ): Promise<Story> {
      const { ledger, provider, payer } = story;
      const other = new Story(wideConsortium, { ledger, provider, payer, ...change });
      if (change.provider !== undefined) recordedElsewhere(other);
      const { claim, coverage, encounter } = other.example;
      if (setting !== undefined) encounter['class'] = { code: setting };
      more(other.example);
      claim['id'] = OTHER;
      if (change.payer !== undefined) {
        coverage['id'] = exampleIds.other;
        claim['insurance'][0].coverage = { reference: `Coverage/${exampleIds.other}` };
      }
      if (change.provider !== undefined) await other.record(other.records());
      if (change.payer !== undefined) await other.ledger.submit('RegisterCoverage', other.coverage());
      return other;
    }

    const adjudicated = async (of: Story): Promise<string> => {
      const { id } = of.example.claim;
      await of.ledger.submit('AdjudicateClaim', of.adjudication(id));
      const { status, reason } = of.status(id);
      return `${status} ${reason ?? ''}`.trim();
    };

    it('holds what a claim bills where providers read nothing, and shows nothing of it', async () => {
      story.screens = false;
      await story.submitClaim();
      const { writes } = await story.screenClaim();
      const names = Object.keys(writes.private);
      const holding = isListed ? /^payers service-(bucket|list)\// : /^billing_payer token\//;
      expect(names.filter((name) => !holding.test(name))).to.deep.equal([
        `billing_payer screening/${CLAIM}/1`,
        `billing_hospital screening/${CLAIM}/1`,
      ]);
      expect(names.filter((name) => holding.test(name))).to.have.length.greaterThan(3);
      expect(writes.event).to.deep.equal({ name: 'ClaimScreened', payload: `{"id":"${CLAIM}"}` });
      expectNoContent(canonicalJson([writes.public, writes.event, writes.private]));
      expect(held(story)).to.deep.include({ lines: [1, 2], elsewhere: [] });
    });

    for (const [title, change] of [
      ['by another provider', { provider: 'clinic' }],
      ['to another payer', { payer: 'payer-two' }],
      ['by another provider to another payer', { provider: 'clinic', payer: 'payer-two' }],
    ] as const)
      it(`has a visit denied that is billed ${title} as well`, async () => {
        const other = await beside(change);
        // A provider’s endorsers see nothing of others’: both are taken.
        await story.submitClaim();
        await other.submitClaim();
        expect(other.status(OTHER).status).to.equal('submitted');
        expect(held(other)).to.deep.include({ lines: [], elsewhere: [1, 2], tokens: [] });
        expect(await adjudicated(story)).to.equal('approved');
        expect(await adjudicated(other)).to.equal('denied duplicate');
        const { edits } = other.ledger.read(other.billing, `response/${OTHER}`) as { edits: Changeable[] };
        const denials = edits.filter(({ outcome }) => outcome === 'deny');
        expect(denials.map(({ facts }) => facts)).to.deep.equal([
          { item: 1, elsewhere: true },
          { item: 2, elsewhere: true },
        ]);
      });

    /** Two Patients of one human, with nothing in common but what a case gives both. */
    async function secondPatient(first: object, second: object): Promise<Story> {
      story = new Story(wideConsortium);
      const { patient } = story.example;
      const { identifier = [], ...told } = first as { identifier?: object[] };
      Object.assign(patient, { gender: 'female', ...told, identifier: [...patient['identifier'], ...identifier] });
      await story.prepare();
      if (!isListed) story.withoutLists();
      const other = await beside({ provider: 'clinic', payer: 'payer-two' }, undefined, (example) => {
        const { patient, coverage } = example;
        for (const name of ['name', 'telecom', 'address', 'identifier', 'birthDate']) delete patient[name];
        Object.assign(patient, { gender: 'female', ...second });
        coverage['subscriberId'] = 'OTHER-1';
        coverage['beneficiary'] = { reference: `Patient/${patient.id}` };
      });
      await story.submitClaim();
      await other.submitClaim();
      return other;
    }
    const HUMAN = {
      ...{ birthDate: '1970-05-01', name: [{ family: 'Roe', given: ['Jane'] }] },
      telecom: [{ system: 'phone', value: '617-555-0100' }],
      address: [{ postalCode: '02139' }],
    };
    const ssn = (system: string, value: string) => ({ identifier: [{ system, value }] });
    const BARRED: [string, object, object][] = [
      ['her name, birth date and gender', HUMAN, { name: HUMAN.name, birthDate: HUMAN.birthDate }],
      ['an identifier', ssn('https://mrn.example', '4711'), ssn('https://mrn.example', '4711')],
      [
        'her social security number, written otherwise',
        ssn('http://hl7.org/fhir/sid/us-ssn', '219-09-9999'),
        ssn('urn:oid:2.16.840.1.113883.4.1', '219099999'),
      ],
    ];
    for (const [title, first, second] of BARRED)
      it(`has a second Patient’s visit denied who is known by ${title}`, async () => {
        const other = await secondPatient(first, second);
        expect(await adjudicated(story)).to.equal('approved');
        expect(await adjudicated(other)).to.equal('denied duplicate');
      });
    const ALIKE: [string, object, string][] = [
      [
        'name in another spelling',
        { name: [{ family: 'Rowe', given: ['Jayne'] }], birthDate: '1970-05-01' },
        'name-and-birth-date',
      ],
      [
        'telephone',
        { name: [{ family: 'Doe', given: ['Liz'] }], birthDate: '1970-05-01', telecom: HUMAN.telecom },
        'birth-date-and-contact',
      ],
      ['postal code', { birthDate: '1970-05-01', address: HUMAN.address }, 'birth-date-and-postal-code'],
      ['name and telephone', { name: HUMAN.name, telecom: HUMAN.telecom }, 'name-and-contact'],
    ];
    // Keys of before there were lists are looked for by names alone.
    for (const [title, second, by] of isListed ? ALIKE : [])
      it(`has a second Patient’s visit looked at by a person who is alike by ${title}`, async () => {
        const other = await secondPatient(HUMAN, second);
        expect(held(other)).to.deep.include({
          lines: [1, 2],
          elsewhere: [],
          alike: [1, 2].map((item) => ({ item, by: [by] })),
        });
        expect(await adjudicated(story)).to.equal('approved');
        expect(await adjudicated(other)).to.equal('pended');
        const { edits } = other.ledger.read(other.billing, `response/${OTHER}`) as { edits: Changeable[] };
        expect(
          edits.filter(({ edit }) => edit === 'patient-alike').map(({ edit, facts }) => [edit, facts]),
        ).to.deep.equal([1, 2].map((item) => ['patient-alike', { item, alike: by }]));
      });
    it('has nobody look at a second Patient with nothing in common', async () => {
      const other = await secondPatient(HUMAN, { birthDate: '1981-11-23', name: [{ family: 'Doe', given: ['Liz'] }] });
      expect(held(other)).to.not.have.property('alike');
      expect(await adjudicated(story)).to.equal('approved');
      expect(await adjudicated(other)).to.equal('approved');
    });

    it('has it paid to whoever was screened first, whoever is decided first', async () => {
      const other = await beside({ provider: 'clinic' });
      await other.submitClaim();
      await story.submitClaim();
      expect(await adjudicated(story)).to.equal('denied duplicate');
      expect(await adjudicated(other)).to.equal('approved');
    });

    it('leaves to the payer the practitioner’s bill, where the house bills elsewhere', async () => {
      const other = await beside({ provider: 'clinic', payer: 'payer-two' }, 'AMB');
      other.example.claim['type'] = { coding: [{ code: 'institutional' }] };
      await story.submitClaim();
      await other.submitClaim();
      expect(await adjudicated(story)).to.equal('approved');
      expect(await adjudicated(other)).to.equal('approved');
    });

    it('frees what a denied claim held, for a claim elsewhere', async () => {
      const other = await beside({ provider: 'clinic', payer: 'payer-two' });
      await story.submitClaim();
      story.example.coverage['period'] = { end: '2026-01-31' };
      await story.ledger.submit('RegisterCoverage', story.coverage(2));
      expect(await adjudicated(story)).to.equal('denied coverage-not-in-force');
      expect(held(story)).to.deep.include({ lines: [], tokens: [] });
      await other.submitClaim();
      expect(await adjudicated(other)).to.equal('approved');
    });

    it('is asked for anew by a claim that found its service held, which is free by now', async () => {
      const other = await beside({ provider: 'clinic' });
      await story.submitClaim();
      await other.submitClaim();
      story.example.coverage['period'] = { end: '2026-01-31' };
      const { period } = other.example.coverage;
      await story.ledger.submit('RegisterCoverage', story.coverage(2));
      expect(await adjudicated(story)).to.equal('denied coverage-not-in-force');
      other.example.coverage['period'] = period;
      await story.ledger.submit('RegisterCoverage', other.coverage(3));
      await other.screenClaim(OTHER);
      expect(held(other)).to.deep.include({ lines: [1, 2], elsewhere: [] });
      expect(await adjudicated(other)).to.equal('approved');
    });

    it('is needed for a claim to be paid, of the text that is decided, and not for it to be denied', async () => {
      story.screens = false;
      await story.submitClaim();
      expect(await codeOf(story.adjudicate())).to.equal('CONFLICT screening');
      await story.screenClaim();
      const { screening: _, ...hidden } = story.adjudication().private as { screening?: object };
      const request = { ...story.adjudication(), private: hidden as never };
      expect(await codeOf(story.ledger.submit('AdjudicateClaim', request))).to.equal('CONFLICT screening');
      const forged = story.adjudication();
      const shown = (forged.private as { screening: { text: string } }).screening;
      shown.text = shown.text.replace('"elsewhere":[]', '"elsewhere":[1]');
      expect(await codeOf(story.ledger.submit('AdjudicateClaim', forged))).to.equal('INVALID screening');
      await story.adjudicate();
      expect(story.status().status).to.equal('approved');
      const denied = await new Story(wideConsortium).prepare();
      denied.screens = false;
      await denied.submitClaim();
      denied.example.coverage['period'] = { end: '2026-01-31' };
      await denied.ledger.submit('RegisterCoverage', denied.coverage(2));
      await denied.adjudicate();
      expect(denied.status().status).to.equal('denied');
    });

    const newest = (): { generation: number; text: string } => story.keys().at(-1)!;

    it('goes on under a new key, and finds what is held under those before', async () => {
      await story.submitClaim();
      const due = later(story.ledger.time, 400);
      await story.ledger.submit('ChangeScreeningKey', { ...story.keyChange(newest()), time: due });
      expect(story.keys()).to.have.length(2);
      expect(new Set(story.keys().map(({ text }) => JSON.parse(text).key)).size).to.equal(2);
      const other = await beside({ provider: 'clinic' });
      other.ledger.time = due;
      await other.submitClaim();
      expect(held(other)).to.deep.include({ elsewhere: [1, 2] });
      const request = other.screeningOf(OTHER);
      const keys = (all: { generation: number; text: string }[]) =>
        codeOf(other.ledger.submit('ScreenClaim', { ...request, private: { ...request.private, keys: all } as never }));
      expect(await keys(story.keys().slice(1)), 'the older key is left out').to.equal('INVALID keys');
      expect(await keys(story.keys().slice(0, 1)), 'the newest is left out').to.equal('CONFLICT keys');
      const [first] = story.keys();
      expect(await keys([first!, first!])).to.equal('INVALID keys');
      const other1 = { generation: 1, text: first!.text.replace(/"key":"./, '"key":"0') };
      expect(await keys([other1, newest()])).to.equal('INVALID keys');
    });

    it('changes its key by payers alone, in turn, and not too often', async () => {
      const change = (more: object) =>
        codeOf(story.ledger.submit('ChangeScreeningKey', { ...story.keyChange(newest()), ...more }));
      expect(await change({})).to.equal('CONFLICT before');
      expect(await change({ from: 'hospital' })).to.equal('FORBIDDEN undefined');
      const time = later(story.ledger.time, 31);
      expect(await change({ time, private: { secret: exampleSalt('4') } })).to.equal('CONFLICT keys');
      const before = { generation: 1, text: newest().text.replace(/"from":"2026/, '"from":"2016') };
      expect(await change({ private: { secret: exampleSalt('4'), before } })).to.equal('INVALID keys');
      await story.ledger.submit('ChangeScreeningKey', { ...story.keyChange(newest()), time, from: 'payer-two' });
    });

    it('is refused of others’ claims, of those that are over, and by others', async () => {
      await story.submitClaim();
      const screen = (more: object) =>
        codeOf(story.ledger.submit('ScreenClaim', { ...story.screeningOf(), ...more } as never));
      expect(await screen({ from: 'hospital' })).to.equal('FORBIDDEN undefined');
      expect(await screen({ from: 'payer-two' })).to.equal('NOT_FOUND state');
      expect(await screen({ input: { id: CLAIM, provider: 'clinic' } })).to.equal('INVALID provider');
      const early = story.screeningOf();
      await story.adjudicate();
      expect(await codeOf(story.ledger.submit('ScreenClaim', early))).to.equal('CONFLICT screening.state');
      const other = await beside({ provider: 'clinic' });
      await other.submitClaim();
      await adjudicated(other);
      expect(await codeOf(other.screenClaim(OTHER))).to.equal('CONFLICT id');
    });

    it('writes the same bytes when it runs twice on the same state', async () => {
      const twin = await new Story(wideConsortium).prepare();
      if (!isListed) twin.withoutLists();
      for (const one of [twin, story]) {
        one.screens = false;
        await one.submitClaim();
      }
      expect(canonicalJson(await twin.screenClaim())).to.equal(canonicalJson(await story.screenClaim()));
    });
  });
