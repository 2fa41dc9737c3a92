import { all, type PolicyRule, withOneOf } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { failureOf, type Request } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import { canonicalJson } from '../model/canonical.ts';
import { findLedgerError } from '../model/errors.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import type { TransactionName } from '../model/transactions.ts';
import { CLAIM, SETTLE, Story, wideConsortium } from './example-story.fixture.ts';

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

const state = (status: string, updatedAt: string): object => ({
  ...{ id: exampleIds.claim, provider: 'hospital', payer: 'payer', bank: 'bank', status },
  ...{ submittedAt: '2026-02-11T08:00:00.000Z', updatedAt },
});

const codeOf = async (action: Promise<unknown>): Promise<string> => {
  const message = await failureOf(action);
  for (const word of ['117.45', 'TRF-2026', exampleIds.patient]) expect(message).to.not.include(word);
  const found = findLedgerError(message);
  return found === undefined ? message : `${found.code} ${found.expression}`;
};

/** Who may go on once a claim is paid. */
const WITH_PROVIDER = withOneOf('PayerMSP', ['HospitalMSP', 'PatientsMSP']);

/** Exactly these writes, one public state with its policy, its event, and no more. */
function expectWrites(
  outcome: { reply: unknown; writes: object },
  event: string,
  claim: object,
  values: Record<string, object>,
  policy: PolicyRule,
): void {
  const text = canonicalJson(claim);
  expect(outcome.reply).to.deep.equal(claim);
  expect(outcome.writes).to.deep.equal({
    public: { [`claim/${exampleIds.claim}`]: text },
    private: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, canonicalJson(value)])),
    policies: { [`claim/${exampleIds.claim}`]: Buffer.from(policyBytes(policy)).toString('hex') },
    ...{ purged: [], event: { name: event, payload: text } },
  });
  for (const word of ['117', 'TRF-2026', exampleIds.patient, '185317003']) expect(text).to.not.include(word);
}

describe('the settlements contract', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    await story.submitClaim();
    await story.adjudicate();
  });

  it('instructs the bank to pay what the response says, whatever the caller wishes', async () => {
    expectWrites(
      await story.instruct(),
      'PaymentInstructed',
      state('instructed', '2026-02-13T08:00:00.000Z'),
      {
        [`${SETTLE} payment/${exampleIds.claim}`]: {
          ...{ claimId: exampleIds.claim, salt: exampleSalt('e'), resource: queued },
        },
      },
      all('PayerMSP', 'BankMSP'),
    );
  });

  it('settles: the payment is complete and the bank gives notice', async () => {
    await story.instruct();
    expectWrites(
      await story.settle(),
      'PaymentSettled',
      state('settled', '2026-02-14T08:00:00.000Z'),
      {
        [`${SETTLE} payment/${exampleIds.claim}`]: {
          ...{ claimId: exampleIds.claim, salt: exampleSalt('e'), resource: complete },
        },
        [`${SETTLE} settlement/${exampleIds.claim}`]: {
          ...{ claimId: exampleIds.claim, salt: exampleSalt('f'), resource: notice },
        },
      },
      WITH_PROVIDER,
    );
  });

  it('remits the payment and the notice to the provider, who is no member of the settlement', async () => {
    await story.instruct();
    await story.settle();
    const remitted = { ...complete, id: exampleIds.reconciliation, created: '2026-02-15T08:00:00.000Z' };
    expectWrites(
      await story.remit(),
      'PaymentRemitted',
      state('remitted', '2026-02-15T08:00:00.000Z'),
      {
        [`${CLAIM} remittance/${exampleIds.claim}`]: {
          ...{ claimId: exampleIds.claim, salt: exampleSalt('0'), resources: [remitted, notice] },
        },
      },
      WITH_PROVIDER,
    );
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
    for (const [done, step] of steps.entries()) {
      for (const later of steps.slice(done + 1)) {
        const before = story.snapshot();
        expect(await codeOf(story[later]())).to.equal('CONFLICT id');
        expect(story.snapshot()).to.equal(before);
      }
      await story[step]();
      const before = story.snapshot();
      for (const again of steps.slice(0, done + 1)) expect(await codeOf(story[again]())).to.equal('CONFLICT id');
      expect(await codeOf(story.adjudicate())).to.equal('CONFLICT id');
      expect(story.snapshot()).to.equal(before);
    }
  });

  it('takes each step once, though its organisations set the public state back', async () => {
    const key = `claim/${exampleIds.claim}`;
    const steps = ['instruct', 'settle', 'remit'] as const;
    for (const step of steps) {
      const before = story.ledger.public.get(key) ?? '';
      await story[step]();
      const after = story.ledger.public.get(key) ?? '';
      story.ledger.public.set(key, before);
      expect(await codeOf(story[step]()), step).to.equal('CONFLICT id');
      story.ledger.public.set(key, after);
    }
  });

  it('has a second bank pay nothing that a first was instructed to pay', async () => {
    const before = story.ledger.public.get(`claim/${exampleIds.claim}`) ?? '';
    await story.instruct();
    story.ledger.public.set(`claim/${exampleIds.claim}`, before);
    const elsewhere = story.instruction();
    elsewhere.input.bank = 'bank-two';
    expect(await codeOf(story.ledger.submit('InstructPayment', elsewhere))).to.equal('CONFLICT id');
  });

  it('pays nothing for a denied claim', async () => {
    const denied = await new Story().prepare();
    denied.example.claim['total'].value = 200;
    await denied.submitClaim();
    expect(await codeOf(denied.instruct())).to.equal('CONFLICT id');
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
    ['another payer', (request) => (request.from = 'payer-two'), 'FORBIDDEN id'],
    ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
    ['a payer as the bank', (request) => (request.input.bank = 'payer-two'), 'NOT_FOUND bank'],
    ['an unknown claim', (request) => (request.input.id = exampleIds.other), 'NOT_FOUND id'],
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
    story.example.claim['id'] = exampleIds.otherClaim;
    story.example.claim['item'][0].productOrService.coding[0].code = '1';
    story.example.claim['item'][1].productOrService.coding[0].code = '2';
    expect((await story.submitClaim()).reply.status).to.equal('submitted');
    const adjudication = story.adjudication();
    adjudication.input.id = exampleIds.otherClaim;
    await story.ledger.submit('AdjudicateClaim', adjudication);
    const changed = story.instruction();
    changed.private.response = story.text(CLAIM, `response/${exampleIds.otherClaim}`);
    await refused('InstructPayment', changed, 'INVALID response');
  });

  const SETTLEMENTS: [string, (request: ReturnType<Story['settlement']>) => void, string][] = [
    ['the payer', (request) => Object.assign(request, { from: 'payer', role: 'system' }), 'FORBIDDEN undefined'],
    ['another bank', (request) => (request.from = 'bank-two'), 'FORBIDDEN id'],
    ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
    ['a bank for another payer', (request) => (request.input.payer = 'payer-two'), 'INVALID payer'],
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
    ['another payer', (request) => (request.from = 'payer-two'), 'FORBIDDEN id'],
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
    const key = `${CLAIM} response/${exampleIds.claim}`;
    const stored = JSON.parse(story.ledger.private.get(key) ?? '') as { resource: Changeable };
    stored.resource['payment'].amount.value = 17.45;
    story.ledger.private.set(key, canonicalJson(stored));
    await refused('RemitPayment', story.remittance(), 'CONFLICT payment');
  });
});
