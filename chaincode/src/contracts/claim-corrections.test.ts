/** Mistakes are put right once: claims are taken back, replaced, answered for and appealed, and what was paid stays accounted for. */
import { expect } from 'chai';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import type { Debt } from '../model/claims.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { benefitOf } from './claim-humans.ts';
import { codeOf, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const { claim: FIRST, otherClaim: SECOND, other: THIRD } = exampleIds;

describe('A claim that was wrong', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
  });

  const submit = (name: 'SubmitClaim' | 'WithdrawClaim' | 'ReopenClaim' | 'AdjudicateClaim', request: object) =>
    story.ledger.submit(name, request as Request<typeof name>);
  const statuses = (...ids: string[]) => ids.map((id) => story.status(id).status);
  let payments = 0;
  const instruction = (id: string, payment = '00000000-0000-4000-8000-000000000099'): Request<'InstructPayment'> => ({
    ...{ from: 'payer', role: 'system', input: { id: payment, bank: 'bank' } },
    private: { salt: exampleSalt('e'), claims: [{ id, state: story.standing(id).state }] },
    time: '2026-02-13T08:00:00.000Z',
  });
  const pay = async (id: string): Promise<void> => {
    payments += 1;
    const payment = `00000000-0000-4000-8000-0000000001${String(payments).padStart(2, '0')}`;
    const input = { id: payment, payer: 'payer' };
    await story.ledger.submit('InstructPayment', instruction(id, payment));
    const settlement = story.settlement();
    const transfer = { ...settlement.private, ...story.payment(1, payment), reference: `TRF-${payments}` };
    await story.ledger.submit('ReportPayment', { ...settlement, input, private: transfer as never });
    const shown = { ...story.payment(2, payment), notice: story.text(PAYER, privateKeys.notice(payment)) };
    await story.ledger.submit('RemitPayment', {
      ...{ from: 'payer', role: 'system', input: { id: payment, provider: 'hospital' } },
      ...{ private: { salt: exampleSalt('0'), ...shown, states: [story.standing(id).state] } },
      time: '2026-02-15T08:00:00.000Z',
    });
  };
  const adjudicate = (id: string) => submit('AdjudicateClaim', story.adjudication(id));
  const response = (id: string): Resource => JSON.parse(story.standing(id).response).resource;
  const debts = (): Debt[] =>
    [...story.ledger.private].filter(([key]) => key.startsWith(`${PAYER} debt/`)).map(([, text]) => JSON.parse(text));
  const refused = async (code: string, action: () => Promise<unknown>): Promise<void> => {
    const before = story.snapshot();
    expect(await codeOf(action())).to.equal(code);
    expect(story.snapshot()).to.equal(before);
  };
  /** Bills the procedure alone, for less. */
  const smaller = (): void => {
    story.example.claim['item'].pop();
    delete story.example.claim['total'];
  };

  describe('is cancelled', () => {
    it('before it is decided, once, and its services may be billed again', async () => {
      await story.submitClaim();
      const twice = [story.withdrawal('cancel'), story.withdrawal('cancel')];
      const { writes } = await submit('WithdrawClaim', twice[0]!);
      expect(writes.event).to.deep.equal({ name: 'ClaimWithdrawn', payload: `{"id":"${FIRST}"}` });
      const task = story.ledger.read(PROVIDER, `claim-task/${FIRST}/2`) as { resource: Changeable };
      expect(task.resource).to.deep.include({ resourceType: 'Task', focus: { reference: `Claim/${FIRST}` } });
      expect(statuses(FIRST)).to.deep.equal(['cancelled']);
      await refused('CONFLICT id', () => submit('WithdrawClaim', twice[1]!));
      await refused('CONFLICT id', () => adjudicate(FIRST));
      story.example.claim['id'] = SECOND;
      await story.submitClaim();
      expect(statuses(SECOND)).to.deep.equal(['submitted']);
    });

    it('not after it is decided, and not by another provider or the payer', async () => {
      await story.submitClaim();
      const others = [
        { from: 'clinic' },
        { from: 'payer', role: 'adjudicator' },
        { input: { id: FIRST, payer: 'payer-two' } },
      ];
      const codes = ['FORBIDDEN id', 'FORBIDDEN undefined', 'NOT_FOUND state'];
      for (const [index, change] of others.entries())
        await refused(codes[index]!, () => submit('WithdrawClaim', { ...story.withdrawal('cancel'), ...change }));
      const early = story.withdrawal('cancel');
      await story.adjudicate();
      await refused('CONFLICT id', () => submit('WithdrawClaim', early));
      await refused('CONFLICT id', () => submit('WithdrawClaim', story.withdrawal('cancel')));
    });

    it('not between the instruction and the remittance', async () => {
      await story.submitClaim();
      await story.adjudicate();
      const before = story.withdrawal('void');
      await story.ledger.submit('InstructPayment', instruction(FIRST));
      for (const one of [before, story.withdrawal('void')])
        await refused('CONFLICT id', () => submit('WithdrawClaim', one));
    });
  });

  describe('is voided', () => {
    it('once, and what was paid is owed back', async () => {
      await story.submitClaim();
      await story.adjudicate();
      await pay(FIRST);
      const again = story.withdrawal('void');
      await submit('WithdrawClaim', story.withdrawal('void'));
      expect(story.status()).to.include({ status: 'voided' }).and.not.have.property('paid');
      expect(debts()).to.have.length(1);
      expect(debts()[0]).to.deep.include({
        claimId: FIRST,
        left: { units: 11_745, currency: 'USD' },
        provider: 'hospital',
      });
      await refused('CONFLICT id', () => submit('WithdrawClaim', again));
      await refused('CONFLICT id', () => submit('WithdrawClaim', story.withdrawal('void')));
      await refused('CONFLICT id', () => submit('ReopenClaim', story.reopening('appeal')));
      story.example.claim['id'] = SECOND;
      await story.submitClaim();
      expect(statuses(SECOND)).to.deep.equal(['submitted']);
    });

    it('without a debt where nothing was paid', async () => {
      await story.submitClaim();
      await story.adjudicate();
      await submit('WithdrawClaim', story.withdrawal('void'));
      expect([statuses(FIRST), debts()]).to.deep.equal([['voided'], []]);
      await refused('CONFLICT claims[0]', () => story.ledger.submit('InstructPayment', instruction(FIRST)));
    });

    it('also where earlier chaincode has paid it, by the decision alone', async () => {
      await story.submitClaim();
      await story.adjudicate();
      await pay(FIRST);
      const key = privateKeys.claimState(FIRST, story.status().step);
      const { paid: _, owed: __, ...older } = story.status();
      for (const collection of [PAYER, PROVIDER])
        story.ledger.private.set(`${collection} ${key}`, JSON.stringify(older));
      const request = story.withdrawal('void');
      const { response: shown, ...unshown } = request.private as Record<string, string>;
      await refused('INVALID response', () => submit('WithdrawClaim', { ...request, private: unshown }));
      const more = { ...request.private, response: shown!.replaceAll('117.45', '17.45') };
      await refused('INVALID response', () => submit('WithdrawClaim', { ...request, private: more }));
      await submit('WithdrawClaim', request);
      expect(debts()[0]!.left.units).to.equal(11_745);
    });
  });

  describe('is replaced', () => {
    it('before it is decided: services change hands in one transaction', async () => {
      await story.submitClaim();
      smaller();
      const twice = [story.replacement(SECOND, FIRST), story.replacement(SECOND, FIRST)];
      await submit('SubmitClaim', twice[0]!);
      expect(story.status(FIRST)).to.include({ status: 'replaced', replacedBy: SECOND });
      expect(story.status(SECOND)).to.include({ status: 'submitted', replaces: FIRST });
      await refused('CONFLICT id', () => adjudicate(FIRST));
      await refused('CONFLICT id', () => submit('SubmitClaim', twice[1]!));
      await refused('CONFLICT id', () => submit('SubmitClaim', story.replacement(THIRD, FIRST)));
      await adjudicate(SECOND);
      expect(statuses(SECOND)).to.deep.equal(['approved']);
      delete story.example.claim['related'];
      story.example.claim['id'] = THIRD;
      await story.submitClaim();
      expect(story.status(THIRD)).to.include({ status: 'denied', reason: 'duplicate' });
    });

    it('after it was paid for more: the difference is owed back, and nothing is paid', async () => {
      await story.submitClaim();
      await story.adjudicate();
      await pay(FIRST);
      smaller();
      await submit('SubmitClaim', story.replacement(SECOND, FIRST));
      expect(story.status(SECOND).paid).to.deep.equal({ units: 11_745, currency: 'USD' });
      await adjudicate(SECOND);
      expect(story.status(SECOND)).to.deep.include({ status: 'satisfied', paid: { units: 9_000, currency: 'USD' } });
      expect(debts().map(({ claimId, left }) => [claimId, left.units])).to.deep.equal([[SECOND, 2_745]]);
      expect(response(SECOND)).to.not.have.property('payment');
      expect(JSON.stringify(response(SECOND)['processNote'])).to.include('27.45 USD');
      await refused('CONFLICT claims[0]', () => story.ledger.submit('InstructPayment', instruction(SECOND)));
      await refused('CONFLICT claims[0]', () => story.ledger.submit('InstructPayment', instruction(FIRST)));
    });

    it('after it was paid for less: the difference alone is paid', async () => {
      const { claim } = story.example;
      const [whole, total] = [[...claim['item']], claim['total']];
      smaller();
      await story.submitClaim();
      await story.adjudicate();
      await pay(FIRST);
      Object.assign(claim, { item: whole, total });
      await submit('SubmitClaim', story.replacement(SECOND, FIRST));
      await adjudicate(SECOND);
      const { payment } = response(SECOND) as unknown as { payment: Changeable };
      expect(payment).to.deep.include({
        amount: { value: 27.45, currency: 'USD' },
        adjustment: { value: 90, currency: 'USD' },
      });
      await pay(SECOND);
      expect(story.status(SECOND)).to.deep.include({ status: 'remitted', paid: { units: 11_745, currency: 'USD' } });
      await submit('WithdrawClaim', story.withdrawal('void', SECOND));
      expect(debts().map(({ left }) => left.units)).to.deep.equal([11_745]);
    });

    it('by what its payer denies in the end: all that was paid is owed back', async () => {
      await story.submitClaim();
      await story.adjudicate();
      await pay(FIRST);
      await submit('SubmitClaim', story.replacement(SECOND, FIRST));
      const decision = { outcome: 'deny', reason: 'not agreed' } as const;
      await submit('AdjudicateClaim', story.decision('Practitioner/a', decision, SECOND));
      expect(story.status(SECOND))
        .to.include({ status: 'denied', reason: 'adjudicator' })
        .and.not.have.property('paid');
      expect(debts().map(({ left }) => left.units)).to.deep.equal([11_745]);
    });

    it('not by one that an edit denies: that replaces nothing', async () => {
      await story.submitClaim();
      story.example.claim['total'].value = 200;
      await submit('SubmitClaim', story.replacement(SECOND, FIRST));
      expect(statuses(FIRST, SECOND)).to.deep.equal(['submitted', 'denied']);
      expect(response(SECOND)).to.deep.include({
        request: { reference: `Claim/${SECOND}` },
        outcome: 'complete',
        disposition: 'denied',
      });
    });

    it('by nothing that does not name it, or is not its provider’s', async () => {
      await story.submitClaim();
      const right = story.replacement(SECOND, FIRST);
      const { replaced: _, ...unshown } = right.private as Record<string, object>;
      await refused('INVALID Claim.related', () => submit('SubmitClaim', { ...right, private: unshown }));
      delete story.example.claim['related'];
      const unnamed = {
        ...story.submission(),
        private: { ...story.submission().private, replaced: story.held(FIRST) },
      };
      await refused('INVALID Claim.related', () => submit('SubmitClaim', unnamed));
      const voiding = story.replacement(SECOND, FIRST);
      story.example.claim['extension'] = [
        { url: 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency', valueCode: '8' },
      ];
      await refused('INVALID Claim.related', () => submit('SubmitClaim', voiding));
      delete story.example.claim['extension'];
      await refused('FORBIDDEN id', () =>
        submit('SubmitClaim', { ...story.replacement(SECOND, FIRST), from: 'clinic' }),
      );
    });
  });

  describe('leaves a debt', () => {
    const offset = (id: string, texts: readonly string[]): Request<'OffsetClaim'> => ({
      ...{ from: 'payer', role: 'system', input: { id, provider: 'hospital' } },
      private: {
        reconciliationId: exampleIds.reconciliation,
        salt: exampleSalt('5'),
        state: story.standing(id).state,
        debts: [...texts],
      },
      time: '2026-02-21T08:00:00.000Z',
    });
    const debtTexts = () =>
      [...story.ledger.private].filter(([key]) => key.startsWith(`${PAYER} debt/`)).map(([, text]) => text);
    /** Voided after it was paid: 117.45 are owed back; then the procedure alone is billed, for which 90 are owed. */
    beforeEach(async () => {
      await story.submitClaim();
      await story.adjudicate();
      await pay(FIRST);
      await submit('WithdrawClaim', story.withdrawal('void'));
      smaller();
      story.example.claim['id'] = SECOND;
      await story.submitClaim();
      await adjudicate(SECOND);
    });

    it('that a later claim pays, without a transfer where that is all', async () => {
      const { writes } = await story.ledger.submit('OffsetClaim', offset(SECOND, debtTexts()));
      expect(writes.event?.name).to.equal('ClaimOffset');
      expect(story.status(SECOND)).to.deep.include({ status: 'satisfied', paid: { units: 9_000, currency: 'USD' } });
      expect(debts().map(({ number, left }) => [number, left.units])).to.deep.equal([
        [1, 11_745],
        [2, 2_745],
      ]);
      const { resource } = story.ledger.read(PROVIDER, `offset/${SECOND}/3`) as { resource: Changeable };
      const details = resource['detail'].map((one: Changeable) => [one['request'].reference, one['amount'].value]);
      expect(details).to.deep.equal([
        [`Claim/${SECOND}`, 90],
        [`Claim/${FIRST}`, -90],
      ]);
      expect(resource['paymentAmount'].value).to.equal(0);
      await refused('CONFLICT claims[0]', () => story.ledger.submit('InstructPayment', instruction(SECOND)));
    });

    it('of which nothing is taken twice, and nothing of another’s', async () => {
      const first = offset(SECOND, debtTexts());
      await story.ledger.submit('OffsetClaim', first);
      await refused('CONFLICT id', () => story.ledger.submit('OffsetClaim', first));
      story.example.claim['item'].push({ ...story.example.claim['item'][0] });
      story.billProcedure();
      story.example.claim['id'] = THIRD;
      await story.submitClaim();
      await adjudicate(THIRD);
      const [whole, left] = debtTexts();
      await refused('CONFLICT debts[0]', () => story.ledger.submit('OffsetClaim', offset(THIRD, [whole!])));
      await refused('INVALID debts[0]', () =>
        story.ledger.submit('OffsetClaim', offset(THIRD, [left!.replace('2745', '9745')])),
      );
      await refused('INVALID debts', () => story.ledger.submit('OffsetClaim', offset(THIRD, [left!, left!])));
      const { input: _, ...others } = offset(THIRD, [left!]);
      const elsewhere = { ...others, input: { id: THIRD, provider: 'clinic' } };
      await refused('INVALID provider', () => story.ledger.submit('OffsetClaim', elsewhere));
      const owed = story.status(THIRD).owed!.units;
      await story.ledger.submit('OffsetClaim', offset(THIRD, [left!]));
      expect(story.status(THIRD)).to.deep.include({ paid: { units: 2_745, currency: 'USD' } });
      expect(story.status(THIRD).owed!.units).to.equal(owed - 2_745);
      await pay(THIRD);
      expect(story.status(THIRD)).to.deep.include({ status: 'remitted', paid: { units: owed, currency: 'USD' } });
      const spent = debtTexts().at(-1)!;
      expect(JSON.parse(spent).left.units).to.equal(0);
    });
  });

  it('has exactly one successor, whatever is tried at once', async () => {
    await story.submitClaim();
    const before = new Map(story.ledger.private);
    const tried: [Parameters<typeof submit>[0], object][] = [
      ['WithdrawClaim', story.withdrawal('cancel')],
      ['AdjudicateClaim', story.adjudication(FIRST)],
      ['AdjudicateClaim', story.decision('Practitioner/a', { outcome: 'deny', reason: 'no' })],
      ['SubmitClaim', story.replacement(SECOND, FIRST)],
    ];
    for (const [name, request] of tried) {
      story.ledger.private.clear();
      for (const [key, value] of before) story.ledger.private.set(key, value);
      await submit(name, request);
      for (const [other, second] of tried) await refused('CONFLICT id', () => submit(other, second));
    }
  });

  describe('is answered for', () => {
    const ASKS = { outcome: 'pend', reason: 'Show the report of the procedure.' } as const;

    it('with what was missing, and decided anew', async () => {
      await story.submitClaim();
      await submit('AdjudicateClaim', story.decision('Practitioner/a', ASKS));
      expect(response(FIRST)).to.deep.include({ outcome: 'queued', disposition: 'pended: adjudicator' });
      expect(response(FIRST)).to.not.have.any.keys('item', 'total', 'payment', 'error');
      const { resource } = story.ledger.read(PROVIDER, `claim-task/${FIRST}/2`) as { resource: Changeable };
      expect(resource).to.deep.include({ status: 'requested', reasonCode: { text: ASKS.reason } });
      story.example.claim['supportingInfo'] = [
        {
          ...{ sequence: 1, category: { coding: [{ code: 'info' }] } },
          valueReference: { reference: `Observation/${exampleIds.observation}` },
        },
      ];
      await submit('ReopenClaim', story.reopening('supplement'));
      expect(story.status()).to.include({ status: 'submitted', step: 3, claim: 3 });
      await adjudicate(FIRST);
      expect(story.status()).to.include({ status: 'approved', step: 4, response: 4 });
      await pay(FIRST);
      expect(statuses(FIRST)).to.deep.equal(['remitted']);
    });

    it('with nothing that bills otherwise, and only where something was asked', async () => {
      await story.submitClaim();
      await refused('CONFLICT id', () => submit('ReopenClaim', story.reopening('supplement')));
      await submit('AdjudicateClaim', story.decision('Practitioner/a', ASKS));
      await refused('CONFLICT id', () => adjudicate(FIRST));
      story.example.claim['item'][0].net = { value: 500, currency: 'USD' };
      await refused('INVALID resource', () => submit('ReopenClaim', story.reopening('supplement')));
    });
  });

  describe('is appealed', () => {
    const DENY = { outcome: 'deny', reason: 'not necessary' } as const;
    const APPROVE = { outcome: 'approve', reason: 'the report shows it' } as const;

    it('and decided anew by another person than before', async () => {
      await story.submitClaim();
      await submit('AdjudicateClaim', story.decision('Practitioner/a', DENY));
      expect(JSON.stringify(response(FIRST))).to.include('not necessary');
      await submit('ReopenClaim', story.reopening('appeal'));
      expect(story.status()).to.include({ status: 'appealed', appealOf: 2 });
      await refused('CONFLICT id', () => adjudicate(FIRST));
      await refused('FORBIDDEN id', () => submit('AdjudicateClaim', story.decision('Practitioner/a', APPROVE)));
      await submit('AdjudicateClaim', story.decision('Practitioner/b', APPROVE));
      expect(story.status()).to.deep.include({ status: 'approved', deciders: ['Practitioner/a', 'Practitioner/b'] });
      expect(story.status()).to.not.have.property('appealOf');
      expect(response(FIRST)['disposition']).to.equal('overturned: approved');
      expect(story.ledger.read(PROVIDER, `response/${FIRST}`)).to.deep.nested.include({
        'resource.disposition': 'denied',
      });
      await pay(FIRST);
      expect(benefitOf(response(FIRST))).to.equal(11_745);
    });

    it('and upheld: what was paid is kept', async () => {
      await story.submitClaim();
      await submit(
        'AdjudicateClaim',
        story.decision('Practitioner/a', { ...APPROVE, reductions: [{ sequence: 2, units: 1_000 }] }),
      );
      expect(story.status().status).to.equal('partial');
      await pay(FIRST);
      await submit('ReopenClaim', story.reopening('appeal'));
      const worse = { ...DENY, reason: 'stays as it is' };
      await submit('AdjudicateClaim', story.decision('Practitioner/b', worse));
      expect(story.status()).to.deep.include({ status: 'satisfied', paid: { units: 10_745, currency: 'USD' } });
      expect([debts(), response(FIRST)['disposition']]).to.deep.equal([[], 'upheld: denied']);
      story.example.claim['id'] = SECOND;
      await story.submitClaim();
      expect(story.status(SECOND).reason).to.equal('duplicate');
    });

    it('and what it is worth more is paid', async () => {
      await story.submitClaim();
      await submit(
        'AdjudicateClaim',
        story.decision('Practitioner/a', { ...APPROVE, reductions: [{ sequence: 2, units: 1_000 }] }),
      );
      await pay(FIRST);
      await submit('ReopenClaim', story.reopening('appeal'));
      await submit('AdjudicateClaim', story.decision('Practitioner/b', APPROVE));
      expect(response(FIRST)).to.deep.nested.include({ 'payment.amount': { value: 10, currency: 'USD' } });
      await pay(FIRST);
      expect(story.status()).to.deep.include({ status: 'remitted', paid: { units: 11_745, currency: 'USD' } });
    });

    it('where an edit denied it at once', async () => {
      story.example.claim['total'].value = 200;
      await story.submitClaim();
      await submit('ReopenClaim', story.reopening('appeal'));
      await submit('AdjudicateClaim', story.decision('Practitioner/b', APPROVE));
      expect(response(FIRST)['disposition']).to.equal('upheld: denied');
    });

    it('within its period alone', async () => {
      const rules = {
        terms: [{ from: '2026-01-01', currency: 'USD', appealDays: 5 }],
        salt: exampleSalt('6'),
        known: 0,
      };
      await story.ledger.submit('SetClaimRules', { from: 'payer', role: 'adjudicator', input: {}, private: rules });
      await story.submitClaim();
      await submit('AdjudicateClaim', story.decision('Practitioner/a', DENY));
      const appeal = story.reopening('appeal');
      await refused('CONFLICT id', () => submit('ReopenClaim', appeal));
      await submit('ReopenClaim', { ...appeal, time: '2026-02-17T08:00:00.000Z' });
    });
  });

  describe('is signed', () => {
    const APPROVE = { outcome: 'approve', reason: 'checked' } as const;
    const limits = (signAbove: number, secondAbove: number): Promise<unknown> => {
      const terms = [{ from: '2026-01-01', currency: 'USD', signAbove, secondAbove }];
      return story.ledger.submit('SetClaimRules', {
        ...{ from: 'payer', role: 'adjudicator', input: {} },
        private: { terms, salt: exampleSalt('6'), known: 0 },
      });
    };

    it('by one person above the first limit, and by nobody below', async () => {
      await limits(11_745, 20_000);
      await story.submitClaim();
      await adjudicate(FIRST);
      expect(statuses(FIRST)).to.deep.equal(['approved']);
      story = await new Story(wideConsortium).prepare();
      await limits(11_744, 20_000);
      await story.submitClaim();
      await adjudicate(FIRST);
      expect(statuses(FIRST)).to.deep.equal(['queued']);
      await refused('CONFLICT id', () => adjudicate(FIRST));
      await refused('CONFLICT claims[0]', () => story.ledger.submit('InstructPayment', instruction(FIRST)));
      await submit('AdjudicateClaim', story.decision('Practitioner/a', APPROVE));
      expect(story.status()).to.deep.include({ status: 'approved', deciders: ['Practitioner/a'] });
    });

    it('by two different persons above the second, the lesser of what they decide', async () => {
      await limits(1_000, 5_000);
      await story.submitClaim();
      await submit(
        'AdjudicateClaim',
        story.decision('Practitioner/a', { ...APPROVE, reductions: [{ sequence: 2, units: 700 }] }),
      );
      expect(story.status()).to.deep.include({ status: 'countersign', signers: ['Practitioner/a'] });
      await refused('FORBIDDEN id', () => submit('AdjudicateClaim', story.decision('Practitioner/a', APPROVE)));
      const second = story.decision('Practitioner/b', APPROVE);
      const { signed: _, ...unshown } = second.private as Record<string, unknown>;
      await refused('INVALID signed', () => submit('AdjudicateClaim', { ...second, private: unshown }));
      await submit('AdjudicateClaim', second);
      expect(story.status()).to.deep.include({ status: 'partial', deciders: ['Practitioner/a', 'Practitioner/b'] });
      expect(benefitOf(response(FIRST))).to.equal(11_045);
      expect(story.ledger.private.has(`${PROVIDER} claim-decision/${FIRST}/2`)).to.equal(false);
    });

    it('by a person whom the certificate names, who raises nothing', async () => {
      await story.submitClaim();
      const { fhirUser: _, ...nobody } = story.decision('Practitioner/a', APPROVE);
      await refused('FORBIDDEN undefined', () => submit('AdjudicateClaim', nobody));
      const system = { ...story.decision('Practitioner/a', APPROVE), role: 'system' };
      await refused('FORBIDDEN undefined', () => submit('AdjudicateClaim', system));
      const raised = { ...APPROVE, reductions: [{ sequence: 1, units: -500 }] };
      await refused('INVALID private.decision.reductions[0].units', () =>
        submit('AdjudicateClaim', story.decision('Practitioner/a', raised)),
      );
    });

    it('by the rules that are in force, which cannot be hidden', async () => {
      await limits(1_000, 5_000);
      await story.submitClaim();
      const request = story.adjudication(FIRST);
      const { rules: _, ...unshown } = request.private as Record<string, unknown>;
      await refused('CONFLICT rules', () => submit('AdjudicateClaim', { ...request, private: unshown }));
    });
  });
});
