import { expect } from 'chai';
import { failureOf, type Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { findLedgerError } from '../model/errors.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import type { TransactionName } from '../model/transactions.ts';
import { BANK, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const organisation = (name: string): object => ({
  ...{ type: 'Organization', display: name },
  identifier: { system: 'https://telemed-ledger.example/organisations', value: name },
});
const concept = (system: string, code: string): object => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
});
const usd = (value: number): object => ({ value, currency: 'USD' });
const request = { reference: `Claim/${exampleIds.claim}` };
const response = { reference: `ClaimResponse/${exampleIds.response}` };
const identifier = { system: 'https://telemed-ledger.example/payments', value: exampleIds.payment };
const transfer = { system: 'https://telemed-ledger.example/organisations/bank/transfers', value: 'TRF-2026-0042' };

const queued = {
  ...{ resourceType: 'PaymentReconciliation', id: exampleIds.payment, identifier: [identifier], status: 'active' },
  ...{ created: '2026-02-13T08:00:00.000Z', paymentIssuer: organisation('payer'), outcome: 'queued' },
  ...{ paymentDate: '2026-02-13', paymentAmount: usd(117.45) },
  detail: [
    {
      ...{ type: concept('payment-type', 'payment'), request, submitter: organisation('hospital'), response },
      ...{ date: '2026-02-13', payee: organisation('hospital'), amount: usd(117.45) },
    },
  ],
};
const complete = { ...queued, outcome: 'complete', paymentDate: '2026-02-14', paymentIdentifier: transfer };
const notice = {
  ...{ resourceType: 'PaymentNotice', id: exampleIds.notice, identifier: [transfer], status: 'active' },
  ...{ request, response, created: '2026-02-14T08:00:00.000Z' },
  payment: { type: 'PaymentReconciliation', identifier },
  ...{ paymentDate: '2026-02-14', payee: organisation('hospital'), recipient: organisation('payer') },
  ...{ amount: usd(117.45), paymentStatus: concept('paymentstatus', 'paid') },
};

const state = (status: string, step: number, updatedAt: string, salt: string): object => ({
  ...{ schema: 1, step, id: exampleIds.claim, provider: 'hospital', payer: 'payer', bank: 'bank', status },
  ...{ submittedAt: '2026-02-11T08:00:00.000Z', updatedAt, salt: sha256Hex(`claim-state/${exampleSalt(salt)}`) },
});

const codeOf = async (action: Promise<unknown>): Promise<string> => {
  const message = await failureOf(action);
  for (const word of ['117.45', 'TRF-2026', exampleIds.patient]) expect(message).to.not.include(word);
  const found = findLedgerError(message);
  return found === undefined ? message : `${found.code} ${found.expression}`;
};

/** Exactly these values with the payer, the same as copies of another organisation's, and nothing public but the id. */
function expectWrites(
  outcome: { reply: unknown; writes: object },
  event: string,
  copies: string,
  values: Record<string, object>,
): void {
  const texts = Object.entries(values).map(([key, value]) => [key, canonicalJson(value)] as const);
  const writes = [PAYER, copies].flatMap((collection) => texts.map(([key, text]) => [`${collection} ${key}`, text]));
  expect(outcome.writes).to.deep.equal({
    ...{ public: {}, purged: [], policies: {} },
    private: Object.fromEntries(writes),
    event: { name: event, payload: `{"id":"${exampleIds.claim}"}` },
  });
}

describe('the settlements contract', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    await story.submitClaim();
    await story.adjudicate();
  });

  it('instructs the bank to pay what the response says, whatever the caller wishes', async () => {
    expectWrites(await story.instruct(), 'PaymentInstructed', BANK, {
      [`claim-state/${exampleIds.claim}/3`]: state('instructed', 3, '2026-02-13T08:00:00.000Z', 'e'),
      [`payment/${exampleIds.claim}/1`]: {
        ...{ schema: 1, claimId: exampleIds.claim, salt: exampleSalt('e'), resource: queued },
      },
    });
  });

  it('settles: the payment is complete and the bank gives notice', async () => {
    await story.instruct();
    expectWrites(await story.settle(), 'PaymentSettled', BANK, {
      [`claim-state/${exampleIds.claim}/4`]: state('settled', 4, '2026-02-14T08:00:00.000Z', 'f'),
      [`payment/${exampleIds.claim}/2`]: {
        ...{ schema: 1, claimId: exampleIds.claim, salt: exampleSalt('e'), resource: complete },
      },
      [`settlement/${exampleIds.claim}`]: {
        ...{ schema: 1, claimId: exampleIds.claim, salt: exampleSalt('f'), resource: notice },
      },
    });
  });

  it('remits the payment and the notice to the provider', async () => {
    await story.instruct();
    await story.settle();
    const remitted = { ...complete, id: exampleIds.reconciliation, created: '2026-02-15T08:00:00.000Z' };
    expectWrites(await story.remit(), 'PaymentRemitted', PROVIDER, {
      [`claim-state/${exampleIds.claim}/5`]: state('remitted', 5, '2026-02-15T08:00:00.000Z', '0'),
      [`remittance/${exampleIds.claim}`]: {
        ...{ schema: 1, claimId: exampleIds.claim, salt: exampleSalt('0'), resources: [remitted, notice] },
      },
    });
  });

  it('writes the same bytes when each step runs twice on the same state', async () => {
    const twin = await new Story(wideConsortium).prepare();
    await twin.submitClaim();
    await twin.adjudicate();
    for (const step of ['instruct', 'settle', 'remit'] as const) {
      expect(canonicalJson(await twin[step]())).to.equal(canonicalJson(await story[step]()));
    }
  });

  it('does nothing twice and nothing out of order', async () => {
    const steps = ['instruct', 'settle', 'remit'] as const;
    const requests = {
      instruct: () => story.ledger.submit('InstructPayment', story.instruction()),
      settle: () => story.ledger.submit('SettlePayment', story.settlement()),
      remit: () => story.ledger.submit('RemitPayment', story.remittance()),
    };
    for (const [done, step] of steps.entries()) {
      for (const later of steps.slice(done + 1)) {
        const before = story.snapshot();
        expect(await codeOf(requests[later]())).to.match(/^(NOT_FOUND|INVALID) state/);
        expect(story.snapshot()).to.equal(before);
      }
      await requests[step]();
      const before = story.snapshot();
      for (const again of steps.slice(0, done + 1)) expect(await codeOf(requests[again]())).to.equal('CONFLICT id');
      expect(await codeOf(story.adjudicate())).to.equal('CONFLICT id');
      expect(story.snapshot()).to.equal(before);
    }
  });

  it('has a second bank pay nothing that a first was instructed to pay', async () => {
    const elsewhere = story.instruction();
    elsewhere.input.bank = 'bank-two';
    await story.instruct();
    expect(await codeOf(story.ledger.submit('InstructPayment', elsewhere))).to.equal('CONFLICT id');
  });

  it('pays nothing for a denied claim', async () => {
    const denied = await new Story().prepare();
    denied.example.claim['total'].value = 200;
    await denied.submitClaim();
    const { private: hidden, ...instruction } = denied.instruction();
    const request = { ...instruction, private: { ...hidden, state: denied.state(1) } };
    expect(await codeOf(denied.ledger.submit('InstructPayment', request))).to.equal('NOT_FOUND state');
  });

  /** Whether an edit of the text the payer or the bank presents is refused, and changes nothing. */
  async function refused<N extends TransactionName>(name: N, changed: Request<N>, code: string): Promise<void> {
    const before = story.snapshot();
    expect(await codeOf(story.ledger.submit(name, changed))).to.equal(code);
    expect(story.snapshot()).to.equal(before);
  }

  const INSTRUCTIONS: [string, (request: ReturnType<Story['instruction']>) => void, string][] = [
    [
      'a response with another amount',
      (request) => (request.private.response = request.private.response.replaceAll('117.45', '917.45')),
      'INVALID response',
    ],
    ['a response with a blank more', (request) => (request.private.response += ' '), 'INVALID response'],
    ['a bank as the caller', (request) => Object.assign(request, { from: 'bank' }), 'FORBIDDEN undefined'],
    ['another payer', (request) => (request.from = 'payer-two'), 'NOT_FOUND state'],
    ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
    ['a payer as the bank', (request) => (request.input.bank = 'payer-two'), 'NOT_FOUND bank'],
    ['an unknown claim', (request) => (request.input.id = exampleIds.other), 'NOT_FOUND state'],
    [
      'a state of its own making',
      (request) => (request.private.state = request.private.state.replace('hospital', 'clinic')),
      'INVALID state',
    ],
    ['an amount of its own', (request) => Object.assign(request.private, { amount: usd(1) }), 'INVALID private'],
  ];
  for (const [title, change, code] of INSTRUCTIONS) {
    it(`refuses to instruct by ${title}`, async () => {
      const changed = story.instruction();
      change(changed);
      await refused('InstructPayment', changed, code);
    });
  }

  it("refuses another claim's response", async () => {
    story.billProcedure();
    await story.submitClaim();
    expect(story.status(exampleIds.otherClaim).status).to.equal('submitted');
    await story.ledger.submit('AdjudicateClaim', story.adjudication(exampleIds.otherClaim));
    const changed = story.instruction();
    changed.private.response = story.text(PAYER, `response/${exampleIds.otherClaim}`);
    await refused('InstructPayment', changed, 'INVALID response');
  });

  const SETTLEMENTS: [string, (request: ReturnType<Story['settlement']>) => void, string][] = [
    ['the payer', (request) => Object.assign(request, { from: 'payer', role: 'system' }), 'FORBIDDEN undefined'],
    ['another bank', (request) => (request.from = 'bank-two'), 'FORBIDDEN id'],
    ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
    ['a bank for another payer', (request) => (request.input.payer = 'payer-two'), 'NOT_FOUND state'],
    ['a bank that paid in the future', (request) => (request.private.paidOn = '2026-02-16'), 'INVALID paidOn'],
    ['a bank that paid before it was told to', (request) => (request.private.paidOn = '2026-02-11'), 'INVALID paidOn'],
  ];
  for (const [title, change, code] of SETTLEMENTS) {
    it(`refuses a settlement by ${title}`, async () => {
      await story.instruct();
      const changed = story.settlement();
      change(changed);
      await refused('SettlePayment', changed, code);
    });
  }

  const REMITTANCES: [string, (request: ReturnType<Story['remittance']>) => void, string][] = [
    [
      'a payment with another amount',
      (request) => (request.private.payment = request.private.payment.replaceAll('117.45', '17.45')),
      'INVALID payment',
    ],
    [
      'a notice with another amount',
      (request) => (request.private.settlement = request.private.settlement.replaceAll('117.45', '17.45')),
      'INVALID settlement',
    ],
    [
      'the payment as the notice',
      (request) => (request.private.settlement = request.private.payment),
      'INVALID settlement',
    ],
    ['another payer', (request) => (request.from = 'payer-two'), 'NOT_FOUND state'],
    ['an adjudicator', (request) => (request.role = 'adjudicator'), 'FORBIDDEN undefined'],
    ['the payer to another provider', (request) => (request.input.provider = 'clinic'), 'INVALID provider'],
  ];
  for (const [title, change, code] of REMITTANCES) {
    it(`refuses to remit ${title}`, async () => {
      await story.instruct();
      await story.settle();
      const changed = story.remittance();
      change(changed);
      await refused('RemitPayment', changed, code);
    });
  }

  it('refuses to remit what is not what was adjudicated, though it is what was settled', async () => {
    await story.instruct();
    await story.settle();
    const key = `${PAYER} response/${exampleIds.claim}`;
    const stored = JSON.parse(story.ledger.private.get(key) ?? '') as { resource: Changeable };
    stored.resource['payment'].amount.value = 17.45;
    story.ledger.private.set(key, canonicalJson(stored));
    await refused('RemitPayment', story.remittance(), 'CONFLICT payment');
  });
});
