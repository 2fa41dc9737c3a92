/** Two coverages of one patient pay one claim in their order, and together no more than each of them allows. */
import { expect } from 'chai';
import { type Changeable, exampleIds } from '../model/example-claim.fixture.ts';
import { codeOf, Story, wideConsortium } from './example-story.fixture.ts';

const { claim: CLAIM, otherClaim: OTHER, response: RESPONSE } = exampleIds;

describe('Coordination of benefits', () => {
  let primary: Story;
  beforeEach(async () => {
    primary = await new Story(wideConsortium).prepare();
  });

  /** The same claim on a second coverage, at that payer, which pays all that it allows. */
  async function secondaryAt(payer: string, change: (coverage: Changeable) => void = () => {}): Promise<Story> {
    const { ledger, provider } = primary;
    const other = new Story(wideConsortium, { ledger, provider, payer });
    const { claim, coverage } = other.example;
    Object.assign(claim, { id: OTHER });
    Object.assign(coverage, { id: exampleIds.other, order: 2, costToBeneficiary: [] });
    change(coverage);
    claim['insurance'] = [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${exampleIds.other}` } }];
    await ledger.submit('RegisterCoverage', other.coverage());
    return other;
  }

  /** What the primary decided, as the claim on the secondary shows it. */
  function building(other: Story, responseId: string = RESPONSE) {
    const reference = `ClaimResponse/${responseId}`;
    const first = {
      ...{ sequence: 1, focal: false, coverage: { reference: `Coverage/${exampleIds.coverage}` } },
      claimResponse: { reference },
    };
    const [, focal = other.example.claim['insurance'][0]] = other.example.claim['insurance'];
    other.example.claim['insurance'] = [first, { ...focal, sequence: 2 }];
    const submission = other.submission();
    const prior = [{ ...primary.standing(CLAIM), first: primary.state(1), ...primary.screening(CLAIM) }];
    return { ...submission, private: { ...submission.private, prior } } as ReturnType<Story['submission']> & {
      private: { prior: { response: string; state: string; claim: string; first: string }[] };
    };
  }

  const decided = async (of: Story, id: string): Promise<string> => {
    await of.ledger.submit('AdjudicateClaim', of.adjudication(id));
    const { status, reason } = of.status(id);
    return `${status} ${reason ?? ''}`.trim();
  };
  const categoriesOf = (adjudication: Changeable[]): Record<string, number> =>
    Object.fromEntries(adjudication.map(({ category, amount }) => [category.coding[0].code, amount.value]));

  for (const payer of ['payer-two', 'payer'])
    it(`has the second coverage, at ${payer}, pay what the first left, and say what that paid`, async () => {
      const other = await secondaryAt(payer);
      await primary.submitClaim();
      expect(await decided(primary, CLAIM)).to.equal('approved');
      await other.ledger.submit('SubmitClaim', building(other));
      expect(other.status(OTHER)).to.include({ status: 'submitted' });
      expect(await decided(other, OTHER)).to.equal('partial');
      const { resource } = other.ledger.read(other.billing, `response/${OTHER}`) as { resource: Changeable };
      expect(categoriesOf(resource['total'])).to.include({ submitted: 150.5, priorpayerpaid: 117.45, benefit: 33.05 });
      expect(resource['payment'].amount.value).to.equal(33.05);
      expect(resource['insurance'][1]).to.deep.include({ claimResponse: { reference: `ClaimResponse/${RESPONSE}` } });
      const { items } = { items: resource['item'] as Changeable[] };
      for (const { adjudication } of items) {
        const amounts = categoriesOf(adjudication);
        expect(amounts['submitted']).to.be.closeTo(amounts['benefit']! + amounts['priorpayerpaid']!, 0.001);
      }
    });

  it('denies the second coverage’s claim that says nothing of the first, whoever was first', async () => {
    const other = await secondaryAt('payer-two');
    await other.submitClaim();
    expect(other.status(OTHER)).to.include({ status: 'denied', reason: 'coordination' });
  });

  it('denies both in full: what was paid as if it were the only one is a duplicate elsewhere', async () => {
    const other = await secondaryAt('payer-two', (coverage) => delete coverage['order']);
    await primary.submitClaim();
    await other.submitClaim();
    expect(await decided(primary, CLAIM)).to.equal('approved');
    expect(await decided(other, OTHER)).to.equal('denied duplicate');
  });

  it('pays no more than what the first allows, nor more than it would alone', async () => {
    await primary.ledger.submit('LoadFeeSchedule', primary.feeSchedule({ 185317003: 8000, 166888009: 1000 }));
    const other = await secondaryAt('payer-two');
    await primary.submitClaim();
    expect(await decided(primary, CLAIM)).to.equal('partial');
    await other.ledger.submit('SubmitClaim', building(other));
    await decided(other, OTHER);
    const { resource } = other.ledger.read(other.billing, `response/${OTHER}`) as { resource: Changeable };
    const { priorpayerpaid, benefit } = categoriesOf(resource['total']);
    // 80 and 20 allowed, less 20, less a tenth of 60 and of 20.
    expect({ priorpayerpaid, benefit }).to.deep.equal({ priorpayerpaid: 72, benefit: 28 });
  });

  it('pays as if it were alone what the first denied', async () => {
    await primary.ledger.submit('LoadFeeSchedule', primary.feeSchedule({ 185317003: 12_000 }));
    const other = await secondaryAt('payer-two');
    await primary.submitClaim();
    expect(await decided(primary, CLAIM)).to.equal('partial');
    await other.ledger.submit('SubmitClaim', building(other));
    await decided(other, OTHER);
    const { resource } = other.ledger.read(other.billing, `response/${OTHER}`) as { resource: Changeable };
    expect(categoriesOf(resource['item'][1].adjudication)).to.include({ benefit: 30.5 });
    expect(categoriesOf(resource['item'][0].adjudication)).to.include({ benefit: 30 });
  });

  it('pays nothing of a line that the first was not asked for', async () => {
    const other = await secondaryAt('payer-two');
    const { claim } = primary.example;
    claim['item'].shift();
    claim['total'].value = 30.5;
    await primary.submitClaim();
    await decided(primary, CLAIM);
    await other.ledger.submit('SubmitClaim', building(other));
    const { edits } = other.ledger.read(other.billing, `claim/${OTHER}`) as { edits: Changeable[] };
    const denials = edits.filter(({ outcome }) => outcome === 'deny');
    expect(denials.map(({ edit, facts }) => [edit, facts])).to.deep.equal([['coordination', { item: 1, order: 2 }]]);
  });

  it('is refused on what was not decided so, or is not shown, or is another’s', async () => {
    const other = await secondaryAt('payer-two');
    const submit = (request: ReturnType<typeof building>) => codeOf(other.ledger.submit('SubmitClaim', request));
    await primary.submitClaim();
    expect(await submit(building(other)), 'not decided').to.match(/^INVALID prior\[0\]/);
    await decided(primary, CLAIM);
    const forged = building(other);
    forged.private.prior[0]!.response = forged.private.prior[0]!.response.replaceAll('117.45', '7.45');
    expect(await submit(forged)).to.equal('INVALID prior[0].response');
    const swapped = building(other);
    swapped.private.prior[0]!.first = swapped.private.prior[0]!.state;
    expect(await submit(swapped), 'its first state is another one').to.equal('INVALID prior[0].first');
    expect(await submit(building(other, exampleIds.payment)), 'it names another').to.match(/claimResponse$/);
    const hidden = building(other);
    hidden.private.prior = [];
    expect(await submit(hidden)).to.match(/claimResponse$/);
    const older = building(other);
    older.private.prior[0]!.state = primary.state(1);
    expect(await submit(older)).to.equal('CONFLICT prior[0]');
    const elsewhere = { ...building(other), from: 'clinic' };
    expect(await submit(elsewhere)).to.match(/^(NOT_FOUND|INVALID) (evidence|coverage|prior)/);
  });

  it('goes on while the first is being paid, of which the provider has no state, and not once it is taken back', async () => {
    const other = await secondaryAt('payer-two');
    await primary.submitClaim();
    await decided(primary, CLAIM);
    const { state, response, claim } = primary.standing(CLAIM);
    await primary.instruct();
    const request = building(other);
    Object.assign(request.private.prior[0]!, { state, response, claim });
    await other.ledger.submit('SubmitClaim', request);
    expect(other.status(OTHER)).to.include({ status: 'submitted' });
    const taken = await new Story(wideConsortium).prepare();
    primary = taken;
    const second = await secondaryAt('payer-two');
    await taken.submitClaim();
    await decided(taken, CLAIM);
    const shown = taken.standing(CLAIM);
    await taken.ledger.submit('WithdrawClaim', taken.withdrawal('void'));
    const late = building(second);
    Object.assign(late.private.prior[0]!, shown);
    expect(await codeOf(second.ledger.submit('SubmitClaim', late))).to.equal('INVALID prior[0]');
  });

  it('is no way to be paid twice by one coverage', async () => {
    await primary.submitClaim();
    await decided(primary, CLAIM);
    const again = new Story(wideConsortium, primary);
    again.example.claim['id'] = OTHER;
    await again.ledger.submit('SubmitClaim', building(again));
    expect(again.status(OTHER)).to.include({ status: 'denied', reason: 'coordination' });
  });

  for (const payer of ['payer-two', 'payer'])
    describe(`after the second, at ${payer}, has been decided`, () => {
      const DENY = { outcome: 'deny', reason: 'not shown' } as const;
      const APPROVE = { outcome: 'approve', reason: 'the report shows it' } as const;
      const REPLACEMENT = '00000000-0000-4000-8000-000000000777';
      const byPerson = (by: string, decision: Parameters<Story['decision']>[1]) =>
        primary.ledger.submit('AdjudicateClaim', primary.decision(by, decision));
      const owes = (of: Story, id: string): number => (of.status(id).paid ?? of.status(id).owed)?.units ?? 0;
      async function both(first: Parameters<Story['decision']>[1]): Promise<Story> {
        const other = await secondaryAt(payer);
        await primary.submitClaim();
        await byPerson('Practitioner/a', first);
        await other.ledger.submit('SubmitClaim', building(other));
        await decided(other, OTHER);
        return other;
      }

      it('in full, the first pays nothing by an appeal', async () => {
        const other = await both(DENY);
        expect(owes(other, OTHER)).to.equal(15_050);
        await primary.ledger.submit('ReopenClaim', primary.reopening('appeal'));
        await byPerson('Practitioner/b', APPROVE);
        expect(primary.status()).to.include({ status: 'denied', reason: 'duplicate' });
      });

      it('with what the first reduced, the first pays no more by an appeal', async () => {
        const other = await both({ ...APPROVE, reductions: [{ sequence: 2, units: 1_000 }] });
        for (const step of ['instruct', 'settle', 'remit'] as const) await primary[step]();
        await primary.ledger.submit('ReopenClaim', primary.reopening('appeal'));
        await byPerson('Practitioner/b', APPROVE);
        expect([owes(primary, CLAIM), primary.status().owed]).to.deep.equal([10_745, undefined]);
        expect(owes(primary, CLAIM) + owes(other, OTHER)).to.be.at.most(15_050);
      });

      it('with what the first reduced, the first pays nothing by a replacement', async () => {
        await both({ ...APPROVE, reductions: [{ sequence: 2, units: 1_000 }] });
        await primary.ledger.submit('SubmitClaim', primary.replacement(REPLACEMENT, CLAIM));
        if (primary.status(REPLACEMENT).status === 'submitted') await decided(primary, REPLACEMENT);
        expect(primary.status(REPLACEMENT)).to.include({ status: 'denied', reason: 'duplicate' });
      });

      it('the first pays what is left of a replacement that names what the second decided', async () => {
        const other = await both({ ...APPROVE, reductions: [{ sequence: 2, units: 1_000 }] });
        const responseId = JSON.parse(other.standing(OTHER).response).resource.id;
        const { claim } = primary.example;
        const [focal] = claim['insurance'];
        const second = {
          ...{ sequence: 2, focal: false, coverage: { reference: `Coverage/${exampleIds.other}` } },
          claimResponse: { reference: `ClaimResponse/${responseId}` },
        };
        claim['insurance'] = [{ ...focal, focal: true }, second];
        const request = primary.replacement(REPLACEMENT, CLAIM);
        const prior = [{ ...other.standing(OTHER), first: other.state(1, OTHER), ...other.screening(OTHER) }];
        await primary.ledger.submit('SubmitClaim', { ...request, private: { ...request.private, prior } as never });
        expect(await decided(primary, REPLACEMENT)).to.be.oneOf(['approved', 'partial']);
        // The second allowed 150.50 less the 10.00 that the first had reduced, and paid 33.05 of it.
        expect(owes(other, OTHER)).to.equal(3_305);
        expect(owes(primary, REPLACEMENT)).to.equal(10_745);
      });
    });
});
